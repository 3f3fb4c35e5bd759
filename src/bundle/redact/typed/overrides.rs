//! An overrides.yaml: secret values are replaced in place, so that every line keeps its number.
//!
//! The file is walked as events with places. What is secret follows from the path of keys (the configuration reference of Apigee
//! hybrid lists them) and from names; an alias carries the judgement to its anchor. The result is walked again, and where a secret
//! is left after all, the file is withheld. What is no YAML goes the way of `skeleton`. Last, every line passes the patterns.

use std::collections::BTreeSet;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, options};

use super::skeleton;
use crate::bundle::redact::names::{self, Named};
use crate::bundle::redact::rules::{Rule, Rules};
use crate::bundle::redact::text::{Engine, MARK, harmless};
use crate::bundle::redact::{Redactions, Withheld, string};
use crate::wire::overrides::MAX_BYTES;

const MAX_NESTING: usize = 200;
/// Anchors within anchors within anchors.
const MAX_ROUNDS: usize = 32;

/// Names below `auth` that are no password: roles, references, images.
const HARMLESS_BELOW_AUTH: &[&str] =
    &["create", "enabled", "name", "pullPolicy", "secret", "secretName", "tag", "type", "url", "username"];

/// Words that make a comment more than a note.
const WORDS_OF_COMMENTS: &[&str] =
    &["apikey", "credential", "encryptionkey", "passphrase", "passw", "private", "pwd", "salt", "secret", "token"];

pub(in crate::bundle::redact) fn redact(
    engine: &Engine,
    text: &str,
    redactions: &mut Redactions,
) -> Result<String, Withheld> {
    if text.len() > MAX_BYTES {
        return Err(Withheld::because(format!("it has more than {MAX_BYTES} bytes")));
    }
    let mut own = Redactions::default();
    let typed = match scalars(text, engine.rules)? {
        Some(found) => {
            let typed = replaced(engine, text, &found, &mut own);
            match scalars(&typed, engine.rules)? {
                Some(left) if left.iter().any(|scalar| scalar.is_left(&typed)) => {
                    return Err(Withheld::because("a secret value could not be replaced in its place"));
                }
                Some(found) => without_comments(engine.rules, &typed, &found, &mut own),
                None => return Err(Withheld::because("it could not be read again after its secrets were replaced")),
            }
        }
        None => skeleton::of(text, &mut own),
    };
    let clean = string(engine.text(typed.as_bytes(), true, &mut own));
    let lines = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count();
    if lines(&clean) != lines(text) {
        return Err(Withheld::because("its lines could not be kept"));
    }
    redactions.merge(&own);
    Ok(clean)
}

/// A value, or a key, and where it stands.
struct Scalar {
    place: Range<usize>,
    style: ScalarStyle,
    rule: Option<Rule>,
    /// Its text, where it is not as it is written.
    decoded: Option<String>,
    parent: usize,
    anchor: usize,
}

impl Scalar {
    /// Whether it should have been replaced and was not.
    fn is_left(&self, text: &str) -> bool {
        let inner = inner(text, self);
        let kept = text.get(inner).unwrap_or_default();
        let block = matches!(self.style, ScalarStyle::Literal | ScalarStyle::Folded);
        let kept = if block && kept.starts_with(['|', '>']) {
            kept.split_once('\n').map_or("", |(_, rest)| rest)
        } else {
            kept
        };
        let mark = String::from_utf8_lossy(MARK);
        self.rule.is_some() && !kept.split_whitespace().all(|word| word == mark) && !harmless(kept.as_bytes())
    }
}

/// A collection that was begun.
struct Node {
    parent: usize,
    anchor: usize,
    tainted: bool,
}

/// What holds for what is inside a collection.
#[derive(Clone, Default)]
struct Below {
    rule: Option<Rule>,
    auth: bool,
    environment: bool,
    users: bool,
}

struct Frame {
    node: usize,
    below: Below,
    turn: Turn,
    /// The key that came last; nothing is a key that cannot be read.
    key: Option<String>,
    /// The collection is itself a key.
    is_key: bool,
    /// Names of variables stand in this list: `envVars: [{name: …, value: …}]`.
    variables: bool,
}

impl Frame {
    fn is_map(&self) -> bool {
        self.turn != Turn::Item
    }
}

/// What comes next in a collection.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Turn {
    Item,
    Key,
    Value,
}

/// What came.
enum Came {
    /// With its text, if it is one.
    Key(Option<String>),
    Value,
}

struct Alias {
    node: usize,
    anchor: usize,
    secret: bool,
}

/// Every scalar with its judgement, in the order of the text; nothing where the text is no YAML.
fn scalars(text: &str, rules: Rules) -> Result<Option<Vec<Scalar>>, Withheld> {
    // The parser takes NUL for the end of its input.
    if text.contains('\0') {
        return Ok(None);
    }
    let options = options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_NESTING,
        block_nesting_limit: MAX_NESTING,
    };
    let mut walk = Walk { nodes: vec![Node { parent: 0, anchor: 0, tainted: false }], ..Walk::default() };
    for event in Parser::new_from_str_with_options(text, options) {
        let Ok((event, span)) = event else { return Ok(None) };
        walk.event(event, &span, text);
    }
    walk.follow_aliases()?;
    let nodes = walk.nodes;
    for scalar in &mut walk.scalars {
        if nodes.get(scalar.parent).is_some_and(|node| node.tainted) || walk.tainted.contains(&scalar.anchor) {
            scalar.rule = scalar.rule.or(Some(Rule::NamedValue));
        }
        scalar.rule = scalar.rule.filter(|rule| rules.on(*rule));
    }
    Ok(Some(walk.scalars))
}

#[derive(Default)]
struct Walk {
    frames: Vec<Frame>,
    nodes: Vec<Node>,
    scalars: Vec<Scalar>,
    aliases: Vec<Alias>,
    /// Anchors that a secret value is an alias of.
    tainted: BTreeSet<usize>,
}

impl Walk {
    fn event(&mut self, event: Event<'_>, span: &Span, text: &str) {
        match event {
            Event::DocumentStart(..) => self.frames.clear(),
            Event::Scalar(value, style, anchor, _) => self.scalar(&value, style, anchor, span, text),
            Event::MappingStart(_, anchor, _) => self.open(true, anchor),
            Event::SequenceStart(_, anchor, _) => self.open(false, anchor),
            Event::MappingEnd | Event::SequenceEnd => {
                let closed = self.frames.pop();
                self.follow(if closed.is_some_and(|frame| frame.is_key) { Came::Key(None) } else { Came::Value });
            }
            Event::Alias(anchor) => {
                // What a collection would be judged by from here on is not known where it stands: all of it goes.
                let below = self.below();
                let inside = below.rule.is_some() || below.auth || below.environment || below.users;
                let (node, secret) = (self.node(), inside || self.judged().is_some());
                if self.expects_key() {
                    self.follow(Came::Key(None));
                } else {
                    self.aliases.push(Alias { node, anchor, secret });
                    self.follow(Came::Value);
                }
            }
            Event::UnresolvedAlias(_) => self.follow(if self.expects_key() { Came::Key(None) } else { Came::Value }),
            _ => {}
        }
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, anchor: usize, span: &Span, text: &str) {
        let place = span.byte_range().unwrap_or(0..0);
        let key = self.expects_key();
        let rule = if key { None } else { self.judged() };
        let escaped =
            style == ScalarStyle::DoubleQuoted && text.get(place.clone()).is_some_and(|raw| raw.contains('\\'));
        let decoded = escaped.then(|| value.to_owned());
        self.scalars.push(Scalar {
            place,
            style,
            rule,
            decoded,
            parent: self.node(),
            anchor: if key { 0 } else { anchor },
        });
        self.follow(if key { Came::Key(Some(value.to_owned())) } else { Came::Value });
    }

    fn open(&mut self, map: bool, anchor: usize) {
        let is_key = self.expects_key();
        let below = if is_key { Below::default() } else { self.below() };
        let variables = !map
            && self
                .frames
                .last()
                .is_some_and(|frame| frame.is_map() && frame.key.as_deref().is_some_and(is_environment))
            || map && self.frames.last().is_some_and(|frame| !frame.is_map() && frame.variables);
        self.nodes.push(Node { parent: self.node(), anchor, tainted: false });
        let node = self.nodes.len() - 1;
        let turn = if map { Turn::Key } else { Turn::Item };
        self.frames.push(Frame { node, below, turn, key: None, is_key, variables });
    }

    fn follow(&mut self, came: Came) {
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.is_map()) else { return };
        match came {
            Came::Key(key) => {
                frame.key = key;
                frame.turn = Turn::Value;
            }
            Came::Value => frame.turn = Turn::Key,
        }
    }

    fn expects_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.turn == Turn::Key)
    }

    fn node(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.node)
    }

    /// Why a scalar that stands here is secret.
    fn judged(&self) -> Option<Rule> {
        let Some(frame) = self.frames.last() else {
            // A file that is a single text is no settings.
            return Some(Rule::NotUnderstood);
        };
        let below = &frame.below;
        if below.rule.is_some() || !frame.is_map() {
            return below
                .rule
                .or(below.environment.then_some(Rule::EnvironmentValue))
                .or(below.auth.then_some(Rule::NamedValue));
        }
        let Some(key) = frame.key.as_deref() else { return Some(Rule::NotUnderstood) };
        if below.environment {
            return (!(frame.variables && key == "name")).then_some(Rule::EnvironmentValue);
        }
        let user = key.eq_ignore_ascii_case("username") || key.eq_ignore_ascii_case("user");
        named(key)
            .or((below.users && user).then_some(Rule::UserName))
            .or((below.auth && !HARMLESS_BELOW_AUTH.contains(&key)).then_some(Rule::NamedValue))
            .or((key == "auth").then_some(Rule::NamedValue))
    }

    /// What holds inside a collection that stands here.
    fn below(&self) -> Below {
        let Some(frame) = self.frames.last() else { return Below::default() };
        let mut below = frame.below.clone();
        if !frame.is_map() {
            return below;
        }
        let Some(key) = frame.key.as_deref() else {
            return Below { rule: Some(Rule::NotUnderstood), ..below };
        };
        below.rule = below.rule.or_else(|| named(key));
        below.auth |= key == "auth";
        below.environment |= is_environment(key);
        below.users |= key.to_ascii_lowercase().contains("proxy") || matches!(key, "jmx" | "jolokia");
        below
    }

    /// Spreads the judgement from aliases to anchors, and from those to the aliases inside them.
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
        Err(Withheld::because("its anchors refer to each other more often than can be followed"))
    }
}

fn named(key: &str) -> Option<Rule> {
    match names::of(key.as_bytes()) {
        Named::EncryptionKey => Some(Rule::EncryptionKey),
        Named::Header => Some(Rule::AuthorizationHeader),
        Named::Cookie => Some(Rule::Cookie),
        Named::Secret if key != "secret" => Some(Rule::NamedValue),
        Named::Secret | Named::InQuery | Named::Directory | Named::Nothing => None,
    }
}

fn is_environment(key: &str) -> bool {
    matches!(key, "env" | "envVars" | "extraEnv")
}

/// The place of a scalar without its quotes.
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
            // Escapes could hide a pattern from the look at the lines.
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
        // The header of a block stays: its indentation belongs to the lines below.
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

/// Replaces the comments that speak of secrets, each with the lines of comment that follow it.
fn without_comments(rules: Rules, text: &str, scalars: &[Scalar], redactions: &mut Redactions) -> String {
    if !rules.on(Rule::Comment) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut next = scalars.iter().map(|scalar| body(text, scalar)).filter(|place| !place.is_empty()).peekable();
    let (mut at, mut goes_on) = (0, false);
    for line in text.split_inclusive('\n') {
        let end = at + line.trim_end_matches(['\n', '\r']).len();
        let mut comment = None;
        for mark in memchr::memchr_iter(b'#', &text.as_bytes()[at..end]).map(|mark| at + mark) {
            while next.peek().is_some_and(|place| place.end <= mark) {
                next.next();
            }
            let inside = next.peek().is_some_and(|place| place.contains(&mark));
            let begins = matches!(&text.as_bytes()[at..mark], [] | b"\xEF\xBB\xBF" | [.., b' ' | b'\t']);
            if begins && !inside {
                comment = Some(mark);
                break;
            }
        }
        let alone = comment.is_some_and(|mark| text[at..mark].trim_start_matches('\u{feff}').trim().is_empty());
        match comment {
            Some(mark) if is_telling(&text[mark..end]) || goes_on && alone => {
                out.push_str(&text[at..mark]);
                out.push_str("# ");
                out.push_str(&String::from_utf8_lossy(MARK));
                out.push_str(&text[end..at + line.len()]);
                redactions.count(Rule::Comment);
                goes_on = true;
            }
            _ => {
                out.push_str(line);
                goes_on = false;
            }
        }
        at += line.len();
    }
    out
}

/// The place of a scalar; of a block without its header, behind which a comment may stand.
fn body(text: &str, scalar: &Scalar) -> Range<usize> {
    let place = scalar.place.clone();
    let raw = text.get(place.clone()).unwrap_or_default();
    let block = matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded) && raw.starts_with(['|', '>']);
    let header = if block { raw.find('\n').map_or(raw.len(), |end| end + 1) } else { 0 };
    place.start + header..place.end
}

fn is_telling(comment: &str) -> bool {
    let lower = comment.to_ascii_lowercase();
    lower != format!("# {}", String::from_utf8_lossy(MARK)) && WORDS_OF_COMMENTS.iter().any(|word| lower.contains(word))
}
