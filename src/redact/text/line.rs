//! A line while it is looked at, and what is found in it.

use memchr::memmem;

use super::line_state::Carry;
use crate::redact::rules::Rule;

/// What stands for a value that was replaced. No `: ` in it, so that it is a plain value of YAML too.
pub(in crate::redact) const MARK: &[u8] = b"<redacted>";

/// Backslashes before one quote.
pub(super) const MAX_ESCAPES: usize = 16;

/// A part of a line that goes.
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: Rule,
    /// The value has to be a string of JSON, with so many backslashes before its quotes.
    pub(super) quoted: Option<usize>,
    /// What this says about the lines that follow.
    pub(super) carry: Carry,
    /// The end of a key whose beginning was not seen: lines before this one, if they look like a key, go with it.
    pub(super) tail: bool,
}

impl Found {
    pub(super) fn new(start: usize, end: usize, rule: Rule) -> Self {
        Self { start, end, rule, quoted: None, carry: Carry::Nothing, tail: false }
    }

    /// Where to look on behind it, when `at` was looked from.
    pub(super) fn next_place(&self, at: usize) -> usize {
        // What only speaks of the next line has no extent.
        self.end.max(at + usize::from(self.is_empty()))
    }

    /// It says nothing but what the next lines are.
    pub(super) fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Names of Secrets stay: `secret: cassandra-auth` of an overrides file.
    pub(super) references: bool,
    /// Unescaped double quotes before a place, counted once for the whole line.
    quotes: (usize, bool),
    /// No web token begins before this place.
    pub(super) no_token: usize,
    web_key: Option<bool>,
    secret: Option<bool>,
}

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8], references: bool) -> Self {
        Self { bytes, references, quotes: (0, false), no_token: 0, web_key: None, secret: None }
    }

    /// Whether a double quote is open at `at`. Places are asked for in ascending order.
    pub(super) fn is_quoted(&mut self, at: usize) -> bool {
        let (from, mut open) = self.quotes;
        for quote in memchr::memchr_iter(b'"', self.bytes.get(from..at).unwrap_or_default()) {
            let place = from + quote;
            open ^= backslashes_before(self.bytes, place).is_multiple_of(2);
        }
        self.quotes = (at.max(from), open);
        open
    }

    /// Whether it holds a JSON Web Key, which has to say its type (RFC 7517 §4.1).
    pub(super) fn has_web_key(&mut self) -> bool {
        *self.web_key.get_or_insert_with(|| memmem::find(self.bytes, b"kty").is_some())
    }

    /// Whether it holds a Secret of Kubernetes.
    pub(super) fn has_secret(&mut self) -> bool {
        *self.secret.get_or_insert_with(|| holds_secret(self.bytes))
    }
}

/// Whether `kind: Secret` is in these bytes, as JSON or YAML has it, or that of a list of them.
pub(super) fn holds_secret(bytes: &[u8]) -> bool {
    // A reference to one.
    if memmem::find(bytes, b"involvedObject").or_else(|| memmem::find(bytes, b"objectRef")).is_some() {
        return false;
    }
    let sign = |byte: &&u8| matches!(**byte, b'"' | b'\'' | b'\\' | b' ' | b':');
    memmem::find_iter(bytes, b"kind").any(|at| {
        let rest = &bytes[at + "kind".len()..];
        let rest = &rest[rest.iter().take(MAX_ESCAPES).take_while(sign).count()..];
        let rest = rest.strip_prefix(b"Secret").map(|rest| rest.strip_prefix(b"List").unwrap_or(rest));
        rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric))
    })
}

/// Backslashes directly before `at`.
pub(super) fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count()
}
