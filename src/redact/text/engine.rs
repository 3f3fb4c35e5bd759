//! One line at a time: what goes because of the lines before it, by its patterns, by its base64, and last the pseudonyms.
//!
//! Text and streams take the same way, so a log reads the same whether it came whole or in pieces; only of a Secret in YAML, which often
//! says last what it is, a whole text knows more than a stream.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use super::joiner::Joiner;
use super::line::{Found, Line, MARK, holds_secret};
use super::line_state::{Carry, Effect, indentation, is_margin, last_word};
use super::pairs;
use super::patterns::Patterns;
use super::pem::{self, KeyLine, Opened};
use super::places::Places;
use super::prefix::{begins_with_time, is_record, prefix};
use crate::redact::Redactions;
use crate::redact::base64::{self, Content};
use crate::redact::pseudonyms::Table;
use crate::redact::rules::{Rule, Rules};
use crate::redact::unescape::Plain;

/// Base64 inside base64 is looked into this often.
const MAX_DEPTH: u8 = 6;
/// So many times its length may be looked into for what a line holds in base64, beside an allowance; then it goes.
const BUDGET: usize = 16;
const ALLOWANCE: usize = 64 * 1024;
/// What stands for each byte of a secret in a packet.
const MASK: u8 = b'*';
const ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The longest line that says of what kind a document of YAML is.
const MAX_KIND: usize = 128;
/// The longest line of base64 that is one of several.
const MAX_WRAPPED: usize = 128;
/// Bytes of lines of base64 that wait for what follows: the end of a key whose beginning was not seen.
const MAX_HELD: usize = 32 * 1024;
/// Bytes of a certificate, or another public block, that has no end.
const MAX_PUBLIC: usize = 32 * 1024;

pub(in crate::redact) struct Engine {
    pub(in crate::redact) patterns: Arc<Patterns>,
    pub(in crate::redact) rules: Rules,
    pub(in crate::redact) table: Table,
}

/// What is known between two lines.
#[derive(Default)]
pub(super) struct State {
    pub(super) carry: Carry,
    /// Lines that are base64 and nothing else, as they would be written.
    held: Vec<u8>,
    /// The name above a value that stands in lines of its own, until the first of them is counted.
    announced: Option<Rule>,
    /// Names of Secrets stay.
    pub(super) references: bool,
    depth: u8,
    /// Bytes that may still be looked into for this line: each encoding may hold several of others.
    budget: usize,
    /// These lines are of a Secret: what is below `data` goes.
    secret: bool,
    /// Bytes that are left of a block of base64 that everybody may see.
    public: usize,
}

impl Engine {
    /// Redacts a whole text.
    pub(in crate::redact) fn text(&self, text: &[u8], references: bool, redactions: &mut Redactions) -> Vec<u8> {
        // Keys are often sorted, so that `data` comes before `kind`.
        let secret = holds_secret(text);
        self.nested(text, &mut State { references, secret, ..State::default() }, redactions)
    }

    pub(super) fn nested(&self, text: &[u8], state: &mut State, redactions: &mut Redactions) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut joiner = Joiner::default();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            joiner.line(self, line, state, &mut out, redactions);
        }
        joiner.finish(self, state, &mut out, redactions);
        state.release(&mut out);
        out
    }

    /// Redacts one line, with its end if it has one.
    pub(super) fn line(&self, whole: &[u8], state: &mut State, out: &mut Vec<u8>, redactions: &mut Redactions) {
        // A byte order mark would hide that a name opens its line.
        let (mark, rest) = whole.split_at(if whole.starts_with(ORDER_MARK) { ORDER_MARK.len() } else { 0 });
        let line = rest.strip_suffix(b"\n").unwrap_or(rest);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let clean = self.content(line, state, redactions);
        state.write(&[mark, clean.as_deref().unwrap_or(line)], &rest[line.len()..], out);
    }

    /// Redacts the content of one line, without its end: what it is now, where anything changed.
    pub(super) fn content(&self, line: &[u8], state: &mut State, redactions: &mut Redactions) -> Option<Vec<u8>> {
        // Text in two bytes a letter would pass every pattern.
        if memchr::memchr(0, line).is_some() && self.rules.on(Rule::NotUnderstood) {
            redactions.count(Rule::NotUnderstood);
            return Some(MARK.to_vec());
        }
        if state.depth == 0 {
            state.budget = line.len() * BUDGET + ALLOWANCE;
        }
        state.notice_kind(line);
        let before = state.carry;
        let mut places = Places::new(redactions);
        let (from, value) = match state.carry.apply(line) {
            Effect::Whole => {
                if let Some(rule) = state.announced.take() {
                    redactions.count(rule);
                }
                let margin = line.iter().take_while(|byte| is_margin(**byte) && **byte != b'-').count();
                return Some([&line[..margin], MARK].concat());
            }
            Effect::Look { from } => {
                places.add_rest(0..from);
                (from, false)
            }
            Effect::Word(word) => {
                if !word.is_empty() {
                    places.add(word, None, before.rule());
                }
                (0, false)
            }
            Effect::Value => (0, true),
        };
        if from == 0 && matches!(before, Carry::Below { .. }) && line.trim_ascii().is_empty() {
            state.carry = before;
        } else {
            state.announced = None;
        }
        let tail = self.secrets(line, from, value, state, &mut places);
        self.key_line(line, state, &mut places);
        if self.rules.on(Rule::SecretData)
            && let Some(inline) = state.notice_data(line)
        {
            places.add(inline, None, Rule::SecretData);
        }
        let marked = places.marked(line);
        if tail {
            state.withhold_held();
        }
        let renamed = self.table.replace(marked.as_deref().unwrap_or(line), self.rules, redactions);
        renamed.or(marked)
    }

    /// Replaces secrets by as many stars, so that lengths and places stay.
    pub(in crate::redact) fn mask(&self, bytes: &mut [u8], redactions: &mut Redactions) {
        let mut state = State::default();
        for line in bytes.split_inclusive_mut(|byte| *byte == b'\n') {
            let length = line.trim_ascii_end().len();
            let line = &mut line[..length];
            let mut places = Places::new(redactions);
            let from = match state.carry.apply(line) {
                Effect::Whole => {
                    redactions.count(Rule::PrivateKey);
                    line.fill(MASK);
                    continue;
                }
                Effect::Look { from } => from,
                Effect::Word(word) => {
                    places.add(word, None, Rule::PrivateKey);
                    0
                }
                Effect::Value => 0,
            };
            if from > 0 {
                places.add(0..from, None, Rule::PrivateKey);
            }
            self.secrets(line, from, false, &mut state, &mut places);
            self.key_line(line, &mut state, &mut places);
            // What is no text has no indentation: of what a line says about the next only a key goes on.
            if !state.carry.is_key() {
                state.carry = Carry::Nothing;
            }
            places.ranges().for_each(|range| line[range].fill(MASK));
        }
    }

    /// Adds the parts that are secret, and tells whether the line ends a key that began before it.
    fn secrets(&self, line: &[u8], from: usize, value: bool, state: &mut State, places: &mut Places<'_>) -> bool {
        let tail = self.as_written(line, from, value, state, places);
        self.base64_of(line, None, state, places);
        for undone in Plain::levels(line) {
            let mut inner = Line::new(&undone.bytes, state.references);
            let mut at = 0;
            while let Some(found) = self.patterns.next(&mut inner, at) {
                at = found.next_place(at);
                if !found.is_empty() && self.rules.on(found.rule) {
                    places.add(undone.written(&(found.start..found.end)), None, found.rule);
                }
            }
            self.base64_of(&undone.bytes, Some(&undone), state, places);
        }
        tail
    }

    /// The patterns of a line as it is written, which say what the next lines are, too.
    fn as_written(&self, bytes: &[u8], from: usize, value: bool, state: &mut State, places: &mut Places<'_>) -> bool {
        let mut line = Line::new(bytes, state.references);
        let (mut at, mut tail) = (from, false);
        if value
            && let Some(Found { start, end, rule, carry, quoted, .. }) = pairs::value_of_variable(&mut line)
            && self.rules.on(rule)
        {
            places.add(start..end, quoted, rule);
            at = end;
            state.carry = state.carry.max(carry);
        }
        while let Some(found) = self.patterns.next(&mut line, at) {
            at = found.next_place(at);
            if !self.rules.on(found.rule) {
                continue;
            }
            if found.is_empty() {
                state.announced = Some(found.rule);
            } else {
                places.add(found.start..found.end, found.quoted, found.rule);
            }
            state.carry = match (found.carry, state.carry) {
                // Of two names the last one is the one that goes on.
                (Carry::Below { .. }, Carry::Below { .. }) => found.carry,
                (new, old) => new.max(old),
            };
            tail |= found.tail;
        }
        // What a client sent, and what a record says, ends with it.
        if ends_with_its_line(bytes, state.carry) {
            state.carry = Carry::Nothing;
        }
        match pem::opened(bytes, self.patterns.certificates) {
            // A key may begin inside a value that was taken as a whole.
            Some(Opened::Secret(key)) if self.rules.on(Rule::PrivateKey) => {
                state.carry = state.carry.max(key);
                state.public = 0;
            }
            Some(Opened::Public) => state.public = MAX_PUBLIC,
            _ => {}
        }
        tail
    }

    /// A line that has the form of one of a key, whose label nobody saw: the log was cut inside it, or others wrote between its lines.
    fn key_line(&self, line: &[u8], state: &mut State, places: &mut Places<'_>) {
        let found = pem::key_line(line).filter(|_| self.rules.on(Rule::PrivateKey));
        if state.public > 0 {
            let is_over = pem::end_label(line).is_some();
            state.public = if is_over { 0 } else { state.public.saturating_sub(line.len() + 1) };
            return;
        }
        match found {
            Some(KeyLine { is_public: true, .. }) => state.public = MAX_PUBLIC,
            Some(KeyLine { start, end, .. }) => {
                places.add(start..end, None, Rule::PrivateKey);
                state.carry = state.carry.max(Carry::body(start));
            }
            None => {}
        }
    }

    /// Base64 between the parts that are known to go; in a line with its escapes undone, if it is one.
    fn base64_of(&self, line: &[u8], undone: Option<&Plain>, state: &mut State, places: &mut Places<'_>) {
        if !self.rules.on(Rule::Base64) || state.depth >= MAX_DEPTH {
            return;
        }
        let gaps = if undone.is_some() { iter::once(0..line.len()).collect() } else { places.gaps(line.len()) };
        for gap in gaps {
            let mut at = gap.start;
            while let Some(run) = base64::run(&line[..gap.end], at) {
                at = run.end;
                // What is glued to its front shifts the letters by one to three.
                let shifts = if state.depth == 0 { 0..4 } else { 0..1 };
                // The letter of an escape is no part of it.
                let run = run.start + usize::from(line[..run.start].ends_with(b"\\"))..run.end;
                // What stood here before anything was undone was looked at then.
                if undone.is_some_and(|undone| !undone.is_new(&run)) {
                    continue;
                }
                let letters = &line[run.clone()];
                let mut secret = |skip| self.is_secret(base64::content(letters, skip), state);
                if !base64::names_key(letters) && !shifts.clone().any(&mut secret) {
                    continue;
                }
                let written = undone.map_or(run.clone(), |undone| undone.written(&run));
                places.add(written, None, Rule::Base64);
                let ends = line[run.end..].iter().all(u8::is_ascii_whitespace);
                let wrapped = run.len() <= MAX_WRAPPED && run.end == last_word(line).end;
                if undone.is_none() && (ends || wrapped) {
                    state.carry = state.carry.max(Carry::base64(run.len()));
                }
            }
        }
    }

    /// Whether what a run holds goes, for a line of this state.
    fn is_secret(&self, content: Content, state: &mut State) -> bool {
        match content {
            Content::Key | Content::Archive => true,
            Content::Certificate => self.patterns.certificates,
            Content::Other => false,
            Content::Text(text) => {
                let Some(budget) = state.budget.checked_sub(text.len()) else { return true };
                let mut found = Redactions::default();
                let mut inner = State { depth: state.depth + 1, budget, ..State::default() };
                self.nested(&text, &mut inner, &mut found);
                state.budget = inner.budget;
                !found.is_empty()
            }
        }
    }
}

/// Whether what a line would say of the next one is part of a record or of a message, and says nothing beyond it.
fn ends_with_its_line(line: &[u8], carry: Carry) -> bool {
    match carry {
        Carry::Nothing | Carry::Base64 { .. } | Carry::Body { .. } | Carry::Pem { .. } => false,
        Carry::Argument | Carry::Below { .. } | Carry::Value => is_record(line) || begins_with_time(line),
    }
}

impl State {
    /// A Secret begins and ends with its document.
    fn notice_kind(&mut self, line: &[u8]) {
        let inner = line.trim_ascii();
        if inner.starts_with(b"---") {
            self.secret = false;
        } else if inner.len() < MAX_KIND && !is_record(inner) && opens_with_kind(inner) && holds_secret(inner) {
            self.secret = true;
        }
    }

    /// What is below `data` of a Secret goes, whatever it is called; what stands behind it in its line is returned.
    fn notice_data(&mut self, line: &[u8]) -> Option<Range<usize>> {
        const NAMES: [&[u8]; 4] = [b"data:", b"stringData:", b"\"data\":", b"\"stringData\":"];
        let margin = indentation(line);
        let inner = line.get(margin..).filter(|_| self.secret)?;
        let name = NAMES.iter().find(|name| inner.starts_with(name))?;
        let rest = inner[name.len()..].trim_ascii();
        self.carry = self.carry.max(Carry::below(line, true));
        self.announced = Some(Rule::SecretData);
        let is_open = rest.is_empty() || rest == b"{" || rest.starts_with(b"#");
        (!is_open).then(|| margin + name.len()..line.len())
    }

    /// Follows a key through a part of a line that is withheld.
    pub(super) fn notice_key(&mut self, part: &[u8]) {
        match pem::opened(part, false) {
            Some(Opened::Secret(_)) => self.carry = Carry::body(0),
            _ if self.carry.is_key() && pem::end_label(part).is_some() => self.carry = Carry::Nothing,
            _ => {}
        }
    }

    /// Writes a line that is clean.
    pub(super) fn write_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let inner = line.strip_suffix(b"\n").unwrap_or(line);
        self.write(&[inner], &line[inner.len()..], out);
    }

    /// Writes what was held back.
    pub(super) fn release(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }

    fn write(&mut self, parts: &[&[u8]], end: &[u8], out: &mut Vec<u8>) {
        let line = parts.concat();
        let waits = is_base64_line(&line, !self.held.is_empty());
        if !waits || self.held.len() + line.len() > MAX_HELD {
            self.release(out);
        }
        let out = if waits && line.len() < MAX_HELD { &mut self.held } else { out };
        out.extend_from_slice(&line);
        out.extend_from_slice(end);
    }

    /// The lines that wait are of a private key.
    fn withhold_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        for line in held.split_inclusive(|byte| *byte == b'\n') {
            let word = last_word(line);
            self.held.extend_from_slice(&line[..word.start]);
            self.held.extend_from_slice(MARK);
            self.held.extend_from_slice(&line[word.end..]);
        }
    }
}

/// Whether `kind` is the name that opens a line, behind the prefix of a log at most: elsewhere it is what somebody sent.
fn opens_with_kind(line: &[u8]) -> bool {
    let inner = &line[prefix(line).min(line.len())..];
    let inner = inner[indentation(inner)..].trim_ascii_start();
    let inner = inner.strip_prefix(b"{").unwrap_or(inner).trim_ascii_start();
    let inner = inner.strip_prefix(b"\"").or(inner.strip_prefix(b"'")).unwrap_or(inner);
    inner.starts_with(b"kind")
}

/// A line that ends as one of a PEM or of wrapped base64 does; the last one is shorter.
fn is_base64_line(line: &[u8], follows: bool) -> bool {
    let word = &line[last_word(line)];
    let shortest = if follows { 1 } else { base64::MIN_RUN };
    word.len() >= shortest && word.iter().all(|byte| base64::is_letter(*byte) || *byte == b'=')
}
