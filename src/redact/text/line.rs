//! A line under redaction, and what is found in it.

use memchr::memmem;

use super::line_state::LineState;
use crate::redact::rules::Rule;

/// Replaces a redacted value. It holds no `: `, so it is a plain scalar in YAML.
pub(in crate::redact) const MARK: &[u8] = b"<redacted>";

/// Maximum number of backslashes before a quote.
pub(super) const MAX_ESCAPES: usize = 16;

/// A span of the line to redact, and what it implies for the following lines.
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: Rule,
    /// If set, the mark must be a JSON string, with this number of backslashes before its quotes.
    pub(super) quoted: Option<usize>,
    /// What it implies for the following lines.
    pub(super) line_state: LineState,
    /// Whether it ends a key whose beginning was not seen: preceding lines that look like a key are redacted
    /// too.
    pub(super) tail: bool,
}

impl Found {
    pub(super) fn new(start: usize, end: usize, rule: Rule) -> Self {
        Self { start, end, rule, quoted: None, line_state: LineState::Nothing, tail: false }
    }

    /// Returns where to continue after a search from `at`.
    pub(super) fn next_offset(&self, at: usize) -> usize {
        // An empty span only affects the next line.
        self.end.max(at + usize::from(self.is_empty()))
    }

    /// Returns whether there is nothing to redact in this line.
    pub(super) fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether names of Secrets are kept: `secret: cassandra-auth` of an overrides file.
    pub(super) references: bool,
    /// Offset up to which unescaped double quotes were counted, and whether one is open there.
    quotes: (usize, bool),
    /// No JSON Web Token begins before this offset.
    pub(super) no_token: usize,
    web_key: Option<bool>,
    secret: Option<bool>,
}

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8], references: bool) -> Self {
        Self { bytes, references, quotes: (0, false), no_token: 0, web_key: None, secret: None }
    }

    /// Returns whether a double quote is open at `at`. Calls must ascend.
    pub(super) fn is_quoted(&mut self, at: usize) -> bool {
        let (from, mut open) = self.quotes;
        for quote in memchr::memchr_iter(b'"', self.bytes.get(from..at).unwrap_or_default()) {
            let place = from + quote;
            open ^= backslashes_before(self.bytes, place).is_multiple_of(2);
        }
        self.quotes = (at.max(from), open);
        open
    }

    /// Returns whether the line holds a JSON Web Key, which must have a type (RFC 7517 §4.1).
    pub(super) fn has_web_key(&mut self) -> bool {
        *self.web_key.get_or_insert_with(|| memmem::find(self.bytes, b"kty").is_some())
    }

    /// Returns whether the line holds a Kubernetes Secret.
    pub(super) fn has_secret(&mut self) -> bool {
        *self.secret.get_or_insert_with(|| holds_secret(self.bytes))
    }
}

/// Returns whether the bytes hold `kind: Secret` or `kind: SecretList`, as JSON or YAML.
pub(super) fn holds_secret(bytes: &[u8]) -> bool {
    // A reference to a Secret.
    if memmem::find(bytes, b"involvedObject").or_else(|| memmem::find(bytes, b"objectRef")).is_some() {
        return false;
    }
    let punctuation = |byte: &&u8| matches!(**byte, b'"' | b'\'' | b'\\' | b' ' | b':');
    memmem::find_iter(bytes, b"kind").any(|at| {
        let rest = &bytes[at + "kind".len()..];
        let rest = &rest[rest.iter().take(MAX_ESCAPES).take_while(punctuation).count()..];
        let rest = rest.strip_prefix(b"Secret").map(|rest| rest.strip_prefix(b"List").unwrap_or(rest));
        rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric))
    })
}

/// Returns the number of backslashes directly before `at`.
pub(super) fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count()
}
