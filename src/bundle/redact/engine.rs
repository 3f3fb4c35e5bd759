//! One line at a time: what goes because of the lines before it, by its patterns, by its base64, and last the pseudonyms.
//!
//! Text and streams take the same way, so a log reads the same whether it came whole or in pieces.

use std::ops::Range;

use memchr::memmem;

use super::Redactions;
use super::base64::{self, Content};
use super::carry::{Carry, Effect, is_margin};
use super::patterns::{Line, MARK, Patterns};
use super::pseudonyms::Table;
use super::rules::{Rule, Rules};
use super::values::{self, Pair};

/// Base64 inside base64 is looked into this often.
const MAX_DEPTH: u8 = 3;
/// What stands for each byte of a secret in a packet.
const MASK: u8 = b'*';
const ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Bytes of lines of base64 that wait for what follows: the end of a key whose beginning was not seen.
const MAX_HELD: usize = 32 * 1024;

pub(super) struct Engine {
    pub(super) patterns: Patterns,
    pub(super) rules: Rules,
    pub(super) table: Table,
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
}

impl Engine {
    /// Redacts a whole text.
    pub(super) fn text(&self, text: &[u8], references: bool, redactions: &mut Redactions) -> Vec<u8> {
        self.nested(text, State { references, ..State::default() }, redactions)
    }

    fn nested(&self, text: &[u8], mut state: State, redactions: &mut Redactions) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            self.line(line, &mut state, &mut out, redactions);
        }
        state.release(&mut out);
        out
    }

    /// Redacts one line, with its end if it has one.
    pub(super) fn line(&self, whole: &[u8], state: &mut State, out: &mut Vec<u8>, redactions: &mut Redactions) {
        // A byte order mark would hide that a name opens its line.
        let (mark, rest) = whole.split_at(if whole.starts_with(ORDER_MARK) { ORDER_MARK.len() } else { 0 });
        let line = rest.strip_suffix(b"\n").unwrap_or(rest);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = &rest[line.len()..];
        // Text in two bytes a letter would pass every pattern.
        if memchr::memchr(0, line).is_some() && self.rules.on(Rule::NotUnderstood) {
            redactions.count(Rule::NotUnderstood);
            state.write(&[mark, MARK], end, out);
            return;
        }
        let before = state.carry;
        let (from, value) = match state.carry.apply(line) {
            Effect::Whole => {
                if let Some(rule) = state.announced.take() {
                    redactions.count(rule);
                }
                let margin = line.iter().take_while(|byte| is_margin(**byte) && **byte != b'-').count();
                state.write(&[mark, &line[..margin], MARK], end, out);
                return;
            }
            Effect::Look { from } => (from, false),
            Effect::Value => (0, true),
        };
        if from == 0 && matches!(before, Carry::Below { .. }) && line.trim_ascii().is_empty() {
            state.carry = before;
        } else {
            state.announced = None;
        }
        let mut first = Vec::new();
        let (changed, tail) = self.patterns_of(line, from, value, state, &mut first, redactions);
        let line = if changed { &first } else { line };
        let mut second = Vec::new();
        let line = if self.base64_of(line, state, &mut second, redactions) { &second } else { line };
        let mut third = Vec::new();
        let line = if self.table.replace(line, self.rules, &mut third, redactions) { &third } else { line };
        if tail {
            state.withhold_held();
        }
        state.write(&[mark, line], end, out);
    }

    /// Whether anything was replaced, then `out` is the line; and whether the line ends a key that began before it.
    fn patterns_of(
        &self,
        bytes: &[u8],
        from: usize,
        value: bool,
        state: &mut State,
        out: &mut Vec<u8>,
        redactions: &mut Redactions,
    ) -> (bool, bool) {
        let mut line = Line::new(bytes, state.references);
        let (mut copied, mut tail) = (from, false);
        if from > 0 {
            out.extend_from_slice(MARK);
        }
        if value
            && let Some(Pair { start, end, rule, carry, quoted }) = values::value_of_variable(&mut line)
            && self.rules.on(rule)
        {
            out.extend_from_slice(&bytes[copied..start]);
            put_mark(out, quoted);
            redactions.count(rule);
            copied = end;
            state.carry = state.carry.max(carry);
        }
        let mut at = copied;
        while let Some(found) = self.patterns.next(&mut line, at) {
            // What only speaks of the next line has no extent here.
            at = found.end.max(at + usize::from(found.end == found.start));
            if !self.rules.on(found.rule) {
                continue;
            }
            if found.end > found.start {
                redactions.count(found.rule);
            } else {
                state.announced = Some(found.rule);
            }
            state.carry = match (found.carry, state.carry) {
                // Of two names the last one is the one that goes on.
                (Carry::Below { .. }, Carry::Below { .. }) => found.carry,
                (new, old) => new.max(old),
            };
            tail |= found.tail;
            if found.end > found.start {
                out.extend_from_slice(&bytes[copied..found.start]);
                put_mark(out, found.quoted);
                copied = found.end;
            }
        }
        // A key may begin inside a value that was taken as a whole.
        if self.rules.on(Rule::PrivateKey) && key_left_open(bytes) == Some(true) {
            state.carry = state.carry.max(Carry::pem());
        }
        let changed = copied > 0;
        if changed {
            out.extend_from_slice(&bytes[copied..]);
        }
        (changed, tail)
    }

    /// Replaces secrets by as many stars, so that lengths and places stay.
    pub(super) fn mask(&self, bytes: &mut [u8], redactions: &mut Redactions) {
        let mut carry = Carry::Nothing;
        for line in bytes.split_inclusive_mut(|byte| *byte == b'\n') {
            let length = line.trim_ascii_end().len();
            for (place, rule) in self.secrets_of(&line[..length], &mut carry) {
                line[place].fill(MASK);
                redactions.count(rule);
            }
        }
    }

    /// Where secrets stand in a line of a packet. Of what a line says about the next only a key goes on: what is no
    /// text has no indentation.
    fn secrets_of(&self, bytes: &[u8], carry: &mut Carry) -> Vec<(Range<usize>, Rule)> {
        let mut places = Vec::new();
        let from = match carry.apply(bytes) {
            Effect::Whole => return vec![(0..bytes.len(), Rule::PrivateKey)],
            Effect::Look { from } => from,
            Effect::Value => 0,
        };
        if from > 0 {
            places.push((0..from, Rule::PrivateKey));
        }
        let mut line = Line::new(bytes, false);
        let mut at = from;
        while let Some(found) = self.patterns.next(&mut line, at) {
            at = found.end.max(at + usize::from(found.end == found.start));
            if found.end > found.start {
                places.push((found.start..found.end, found.rule));
            }
            if matches!(found.carry, Carry::Pem { .. }) {
                *carry = found.carry;
            }
        }
        let mut at = from;
        while let Some(run) = base64::run(bytes, at) {
            at = run.end;
            let letters = &bytes[run.clone()];
            let known = places.iter().any(|(place, _)| place.start < run.end && run.start < place.end);
            if !known
                && (base64::names_key(letters) || (0..4).any(|skip| self.is_secret(base64::content(letters, skip), 0)))
            {
                places.push((run, Rule::Base64));
            }
        }
        places
    }

    fn base64_of(&self, line: &[u8], state: &mut State, out: &mut Vec<u8>, redactions: &mut Redactions) -> bool {
        if !self.rules.on(Rule::Base64) || state.depth >= MAX_DEPTH {
            return false;
        }
        let (mut copied, mut at) = (0, 0);
        while let Some(run) = base64::run(line, at) {
            at = run.end;
            // What is glued to its front shifts the letters by one to three.
            let shifts = if state.depth == 0 { 0..4 } else { 0..1 };
            let letters = &line[run.clone()];
            let secret = |skip| self.is_secret(base64::content(letters, skip), state.depth);
            if base64::names_key(letters) || shifts.into_iter().any(secret) {
                out.extend_from_slice(&line[copied..run.start]);
                out.extend_from_slice(MARK);
                redactions.count(Rule::Base64);
                copied = run.end;
                if line[run.end..].iter().all(u8::is_ascii_whitespace) {
                    state.carry = state.carry.max(Carry::base64());
                }
            }
        }
        if copied > 0 {
            out.extend_from_slice(&line[copied..]);
        }
        copied > 0
    }

    fn is_secret(&self, content: Content, depth: u8) -> bool {
        match content {
            Content::Key | Content::Archive => true,
            Content::Certificate => self.patterns.certificates,
            Content::Other => false,
            Content::Text(text) => {
                let mut inside = Redactions::default();
                self.nested(&text, State { depth: depth + 1, ..State::default() }, &mut inside);
                !inside.is_empty()
            }
        }
    }
}

impl State {
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
            let margin = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'#')).count();
            let end = line.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            self.held.extend_from_slice(&line[..margin]);
            self.held.extend_from_slice(MARK);
            self.held.extend_from_slice(&line[line.len() - end..]);
        }
    }
}

/// Whether a private key begins in these bytes and does not end there; nothing when none begins and none ends.
pub(super) fn key_left_open(bytes: &[u8]) -> Option<bool> {
    const NAME: &[u8] = b"PRIVATE KEY";
    let mut rest = bytes;
    let mut begin = None;
    while let Some(at) = memmem::rfind(rest, NAME) {
        if memmem::find(&bytes[at.saturating_sub(48)..at], b"BEGIN").is_some() {
            begin = Some(at);
            break;
        }
        rest = &rest[..at];
    }
    let end = memmem::rfind(bytes, b"---END ").or_else(|| memmem::rfind(bytes, b"--- END "));
    match (begin, end) {
        (None, None) => None,
        (None, Some(_)) => Some(false),
        (Some(begin), end) => Some(end.is_none_or(|end| end < begin)),
    }
}

fn put_mark(out: &mut Vec<u8>, quoted: bool) {
    let quote: &[u8] = if quoted { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    out.extend_from_slice(MARK);
    out.extend_from_slice(quote);
}

/// A line of a PEM or of wrapped base64; the last one is shorter.
fn is_base64_line(line: &[u8], follows: bool) -> bool {
    let inner = line.trim_ascii();
    let shortest = if follows { 1 } else { base64::MIN_RUN };
    inner.len() >= shortest && inner.iter().all(|byte| base64::is_letter(*byte) || *byte == b'=')
}
