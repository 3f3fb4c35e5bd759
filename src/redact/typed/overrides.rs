//! Redaction of overrides files: secret values are replaced in place, so that every line keeps its number.
//!
//! `wire::yaml` walks the file, as for reading. Secrets follow from the path of keys (see the configuration
//! reference of Apigee hybrid) and from names; an alias passes its judgement to the anchor. The result is
//! walked again, and withheld if a secret is left. A file that is not YAML is redacted by `allowlist`.
//! Finally, every line passes the patterns.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use super::allowlist;
use crate::evidence::overrides::Position;
use crate::redact::rules::{Rule, Rules};
use crate::redact::text::{Engine, MARK, harmless};
use crate::redact::{Redactions, Withheld, string};
use crate::secrets::{self, Section, ValueKind};
use crate::wire::BYTE_ORDER_MARK;
use crate::wire::overrides::MAX_BYTES;
use crate::wire::yaml::{
    self, CONTINUE, CollectionStart, End, Extent, Flow, Key, Notation, OpenCollection, ScalarStyle, Slot, Stack,
    Visitor,
};

/// Maximum nesting of anchors.
const MAX_ROUNDS: usize = 32;

/// Names below `auth` that are not secret: roles, references, images.
const HARMLESS_BELOW_AUTH: &[&str] =
    &["create", "enabled", "name", "pullPolicy", "secret", "secretName", "tag", "type", "url", "username"];

pub(in crate::redact) fn redact(engine: &Engine, text: &str, redactions: &mut Redactions) -> Result<String, Withheld> {
    if text.len() > MAX_BYTES {
        return Err(Withheld::because(format!("it has more than {MAX_BYTES} bytes")));
    }
    let mut own = Redactions::default();
    let typed = match scalars(text, engine.rules)? {
        Some(found) => {
            let typed = replaced(engine, text, &found, &mut own);
            match scalars(&typed, engine.rules)? {
                Some(left) if left.iter().any(|scalar| scalar.is_left(&typed)) => {
                    return Err(Withheld::because("a secret value could not be replaced in place"));
                }
                Some(found) => without_comments(engine.rules, &typed, &found, &mut own),
                None => return Err(Withheld::because("it could not be read again after its secrets were replaced")),
            }
        }
        None => allowlist::redact(text, &mut own),
    };
    let clean = string(engine.text(typed.as_bytes(), true, &mut own));
    let lines = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count();
    if lines(&clean) != lines(text) {
        return Err(Withheld::because("its line numbers could not be kept"));
    }
    redactions.merge(&own);
    Ok(clean)
}

/// A value or a key, with its range.
struct Scalar {
    place: Range<usize>,
    style: ScalarStyle,
    rule: Option<Rule>,
    /// The decoded text, if it differs from the text as written.
    decoded: Option<String>,
    parent: usize,
    anchor: usize,
}

impl Scalar {
    /// Returns whether it should have been replaced and was not.
    fn is_left(&self, text: &str) -> bool {
        let inner = inner(text, self);
        let raw = text.get(inner).unwrap_or_default();
        let block = matches!(self.style, ScalarStyle::Literal | ScalarStyle::Folded);
        let raw =
            if block && raw.starts_with(['|', '>']) { raw.split_once('\n').map_or("", |(_, rest)| rest) } else { raw };
        let mark = String::from_utf8_lossy(MARK);
        self.rule.is_some() && !raw.split_whitespace().all(|word| word == mark) && !harmless(raw.as_bytes())
    }
}

/// A mapping or a list.
struct Node {
    parent: usize,
    anchor: usize,
    tainted: bool,
}

/// The context inside a collection.
#[derive(Clone, Default)]
struct Below {
    rule: Option<Rule>,
    auth: bool,
    environment: bool,
    users: bool,
}

/// The state of an open collection.
struct CollectionState {
    node: usize,
    below: Below,
    /// Whether its items name environment variables: `envVars: [{name: …, value: …}]`.
    variables: bool,
}

type Open<'a> = Stack<'a, CollectionState>;

struct Alias {
    node: usize,
    anchor: usize,
    secret: bool,
}

/// Returns every scalar with its judgement, in the order of the text; `None` if the text is not YAML.
fn scalars(text: &str, rules: Rules) -> Result<Option<Vec<Scalar>>, Withheld> {
    // The parser takes NUL for the end of its input.
    if text.contains('\0') {
        return Ok(None);
    }
    let top = Node { parent: 0, anchor: 0, tainted: false };
    let mut found =
        FoundScalars { text, nodes: vec![top], scalars: Vec::new(), aliases: Vec::new(), tainted: BTreeSet::new() };
    let (End::Complete, _) = yaml::walk(text, false, &mut found) else { return Ok(None) };
    found.follow_aliases()?;
    let nodes = found.nodes;
    for scalar in &mut found.scalars {
        if nodes.get(scalar.parent).is_some_and(|node| node.tainted) || found.tainted.contains(&scalar.anchor) {
            scalar.rule = scalar.rule.or(Some(Rule::NamedValue));
        }
        scalar.rule = scalar.rule.filter(|rule| rules.on(*rule));
    }
    Ok(Some(found.scalars))
}

/// Collects the scalars of a text and what each is judged by.
struct FoundScalars<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    scalars: Vec<Scalar>,
    aliases: Vec<Alias>,
    /// Anchors referenced by a secret value.
    tainted: BTreeSet<usize>,
}

impl<'a> Visitor<'a> for FoundScalars<'a> {
    type State = CollectionState;

    fn document(&mut self, _place: Position) {}

    fn scalar(&mut self, open: &mut Open<'a>, text: Cow<'a, str>, notation: &Notation<'a>, extent: Extent) -> Flow {
        self.add(open, &text, notation, extent, rule_of_value(open), notation.anchor);
        CONTINUE
    }

    fn key(&mut self, open: &mut Open<'a>, key: &Key<'a>, notation: Option<&Notation<'a>>) -> Flow {
        if let (Some(text), Some(notation)) = (&key.text, notation) {
            self.add(open, text, notation, key.extent, None, 0);
        }
        CONTINUE
    }

    fn begin(&mut self, open: &mut Open<'a>, beginning: &CollectionStart) -> (CollectionState, Flow) {
        let below = if open.expects_key() { Below::default() } else { below(open) };
        let variables = match open.slot() {
            Some(Slot::Value(key)) => !beginning.is_map && key.text.as_deref().is_some_and(is_environment),
            Some(Slot::Item(_)) => beginning.is_map && open.last().is_some_and(|list| list.state.variables),
            Some(Slot::Key) | None => false,
        };
        self.nodes.push(Node { parent: node(open), anchor: beginning.anchor, tainted: false });
        (CollectionState { node: self.nodes.len() - 1, below, variables }, CONTINUE)
    }

    fn end(&mut self, _open: &mut Open<'a>, _closed: OpenCollection<'a, CollectionState>, _extent: Extent) {}

    fn alias(
        &mut self,
        open: &mut Open<'a>,
        anchor: Option<usize>,
        _extent: Extent,
    ) -> ControlFlow<(), Option<Cow<'a, str>>> {
        if let Some(anchor) = anchor.filter(|_| !open.expects_key()) {
            // The context of a collection differs at its anchor, so all of it is taken for secret.
            let below = below(open);
            let inside = below.rule.is_some() || below.auth || below.environment || below.users;
            let secret = inside || rule_of_value(open).is_some();
            self.aliases.push(Alias { node: node(open), anchor, secret });
        }
        ControlFlow::Continue(None)
    }
}

impl<'a> FoundScalars<'a> {
    fn add(
        &mut self,
        open: &Open<'a>,
        text: &str,
        notation: &Notation<'a>,
        extent: Extent,
        rule: Option<Rule>,
        anchor: usize,
    ) {
        let place = extent.start..extent.end;
        let escaped = notation.style == ScalarStyle::DoubleQuoted
            && self.text.get(place.clone()).is_some_and(|raw| raw.contains('\\'));
        self.scalars.push(Scalar {
            place,
            style: notation.style,
            rule,
            decoded: escaped.then(|| text.to_owned()),
            parent: node(open),
            anchor,
        });
    }

    /// Passes the judgement from aliases to anchors, and from anchors to the aliases inside them.
    fn follow_aliases(&mut self) -> Result<(), Withheld> {
        self.tainted = self.aliases.iter().filter(|alias| alias.secret).map(|alias| alias.anchor).collect();
        for _ in 0..MAX_ROUNDS {
            for at in 1..self.nodes.len() {
                let above = self.nodes.get(self.nodes[at].parent).is_some_and(|node| node.tainted);
                let node = &mut self.nodes[at];
                node.tainted = above || (node.anchor > 0 && self.tainted.contains(&node.anchor));
            }
            let known = self.tainted.len();
            let inside =
                self.aliases.iter().filter(|alias| self.nodes.get(alias.node).is_some_and(|node| node.tainted));
            let inside: Vec<usize> = inside.map(|alias| alias.anchor).collect();
            self.tainted.extend(inside);
            if self.tainted.len() == known {
                self.tainted.remove(&0);
                return Ok(());
            }
        }
        Err(Withheld::because("its anchors are nested too deeply"))
    }
}

/// Returns the index of the innermost collection; 0 is the top.
fn node(open: &Open<'_>) -> usize {
    open.last().map_or(0, |collection| collection.state.node)
}

/// Returns why a value at this position is secret.
fn rule_of_value(open: &Open<'_>) -> Option<Rule> {
    let Some(collection) = open.last() else {
        // A file with a single scalar is not an overrides file.
        return Some(Rule::NotUnderstood);
    };
    let below = &collection.state.below;
    let is_item = matches!(collection.slot, Slot::Item(_));
    if below.rule.is_some() || is_item {
        return below
            .rule
            .or(below.environment.then_some(Rule::EnvironmentValue))
            .or(below.auth.then_some(Rule::NamedValue));
    }
    let Some(key) = open.key().and_then(|key| key.text.as_deref()) else { return Some(Rule::NotUnderstood) };
    if below.environment {
        return (!(collection.state.variables && key == "name")).then_some(Rule::EnvironmentValue);
    }
    rule_of_name(key)
        .or((below.users && secrets::is_user_name(key)).then_some(Rule::UserName))
        .or((below.auth && !HARMLESS_BELOW_AUTH.contains(&key)).then_some(Rule::NamedValue))
        .or((secrets::section(key) == Some(Section::Credentials)).then_some(Rule::NamedValue))
}

/// Returns the context inside a collection at this position.
fn below(open: &Open<'_>) -> Below {
    let Some(collection) = open.last() else { return Below::default() };
    let mut below = collection.state.below.clone();
    if matches!(collection.slot, Slot::Item(_)) {
        return below;
    }
    let Some(key) = open.key().and_then(|key| key.text.as_deref()) else {
        return Below { rule: Some(Rule::NotUnderstood), ..below };
    };
    below.rule = below.rule.or_else(|| rule_of_name(key));
    match secrets::section(key) {
        Some(Section::Credentials) => below.auth = true,
        Some(Section::Environment) => below.environment = true,
        Some(Section::Users) => below.users = true,
        Some(Section::FreeText) | None => {}
    }
    below
}

fn rule_of_name(key: &str) -> Option<Rule> {
    match secrets::in_overrides(key) {
        ValueKind::EncryptionKey => Some(Rule::EncryptionKey),
        ValueKind::Header => Some(Rule::AuthorizationHeader),
        ValueKind::Cookie => Some(Rule::Cookie),
        ValueKind::Secret => Some(Rule::NamedValue),
        ValueKind::InQuery | ValueKind::Directory | ValueKind::NotSecret => None,
    }
}

fn is_environment(key: &str) -> bool {
    secrets::section(key) == Some(Section::Environment)
}

/// Returns the range of a scalar without its quotes.
fn inner(text: &str, scalar: &Scalar) -> Range<usize> {
    let place = scalar.place.clone();
    let quoted = matches!(scalar.style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    let raw = text.get(place.clone()).unwrap_or_default();
    if quoted && raw.len() >= 2 && raw.starts_with(['"', '\'']) && raw.ends_with(['"', '\'']) {
        return place.start + 1..place.end - 1;
    }
    place
}

fn replaced(engine: &Engine, text: &str, scalars: &[Scalar], redactions: &mut Redactions) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for scalar in scalars {
        let place = inner(text, scalar);
        let rule = scalar.rule.or_else(|| {
            // Escapes could hide a pattern when the line is scanned.
            let mut inside = Redactions::default();
            engine.text(scalar.decoded.as_ref()?.as_bytes(), true, &mut inside);
            (!inside.is_empty()).then_some(Rule::NamedValue)
        });
        let (Some(rule), Some(raw)) = (rule, text.get(place.clone())) else { continue };
        if place.start < copied || harmless(raw.as_bytes()) {
            continue;
        }
        out.push_str(&text[copied..place.start]);
        let mut lines = raw.split_inclusive('\n').peekable();
        // Keep the header of a block: its indentation indicator applies to the lines below.
        if matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded) && raw.starts_with(['|', '>']) {
            out.push_str(lines.next().unwrap_or_default());
        }
        for line in lines {
            let body = line.trim();
            let start = line.len() - line.trim_start().len();
            if body.is_empty() {
                out.push_str(line);
            } else {
                out.push_str(&line[..start]);
                out.push_str(&String::from_utf8_lossy(MARK));
                out.push_str(&line[line.trim_end().len()..]);
            }
        }
        redactions.count(rule);
        copied = place.end;
    }
    out.push_str(&text[copied..]);
    out
}

/// The comment in place of a line that is withheld.
const WITHHELD: &str = "# <redacted>";

/// Drops the comments, which may hold former values; their lines are kept.
fn without_comments(rules: Rules, text: &str, scalars: &[Scalar], redactions: &mut Redactions) -> String {
    if !rules.on(Rule::Comment) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut next = scalars.iter().map(|scalar| body(text, scalar)).filter(|place| !place.is_empty()).peekable();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.trim_end_matches(['\n', '\r']).len();
        let mut comment = None;
        for mark in memchr::memchr_iter(b'#', &text.as_bytes()[at..end]).map(|mark| at + mark) {
            while next.peek().is_some_and(|place| place.end <= mark) {
                next.next();
            }
            let inside = next.peek().is_some_and(|place| place.contains(&mark));
            let begins = matches!(&text.as_bytes()[at..mark], [] | BYTE_ORDER_MARK | [.., b' ' | b'\t']);
            if begins && !inside {
                comment = Some(mark);
                break;
            }
        }
        match comment {
            // What takes the place of a value that cannot be read is kept.
            Some(mark) if &text[mark..end] == WITHHELD => out.push_str(line),
            Some(mark) => {
                out.push_str(text[at..mark].trim_end_matches([' ', '\t']));
                out.push_str(&text[end..at + line.len()]);
                redactions.count(Rule::Comment);
            }
            None => out.push_str(line),
        }
        at += line.len();
    }
    out
}

/// Returns the range of a scalar; for a block without its header, behind which a comment may follow.
fn body(text: &str, scalar: &Scalar) -> Range<usize> {
    let place = scalar.place.clone();
    let raw = text.get(place.clone()).unwrap_or_default();
    let block = matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded) && raw.starts_with(['|', '>']);
    let header = if block { raw.find('\n').map_or(raw.len(), |end| end + 1) } else { 0 };
    place.start + header..place.end
}
