//! A line under redaction, and what is found in it.

use std::ops::Range;

use aho_corasick::Match;
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
    /// The next word that is not ASCII: where it was searched from, and its range.
    beyond_ascii: Option<(usize, Option<Range<usize>>)>,
}

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8], references: bool) -> Self {
        Self { bytes, references, quotes: (0, false), no_token: 0, web_key: None, secret: None, beyond_ascii: None }
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

    /// Returns the next word at or behind `at` that is not ASCII, and calls `find` only where it is not known
    /// yet. Calls must ascend.
    pub(super) fn next_beyond_ascii(
        &mut self,
        at: usize,
        find: impl FnOnce() -> Option<Match>,
    ) -> Option<Range<usize>> {
        match &self.beyond_ascii {
            Some((from, None)) if *from <= at => return None,
            Some((from, Some(range))) if *from <= at && at <= range.start => return Some(range.clone()),
            None if self.bytes.is_ascii() => {
                self.beyond_ascii = Some((0, None));
                return None;
            }
            _ => {}
        }
        let found = find().map(|found| found.range());
        self.beyond_ascii = Some((at, found.clone()));
        found
    }

    /// Returns whether the line holds a Kubernetes Secret.
    pub(super) fn has_secret(&mut self) -> bool {
        *self.secret.get_or_insert_with(|| holds_secret(self.bytes))
    }
}

/// Fields of an object that refers to another one, by its kind and name.
const REFERENCES: &[&str] =
    &["involvedObject", "objectRef", "reference", "regarding", "related", "resourceRef", "sourceRef", "targetRef"];
/// Maximum number of bytes between a `kind` and the brace of its object.
const MAX_BEFORE_KIND: usize = 4096;

/// Returns whether the bytes hold `kind: Secret` or `kind: SecretList` as JSON or YAML, and not as the kind
/// of a reference; or an audit event about Secrets, whose patches name no kind.
pub(super) fn holds_secret(bytes: &[u8]) -> bool {
    let punctuation = |byte: &&u8| matches!(**byte, b'"' | b'\'' | b'\\' | b' ' | b':');
    let behind = |at: usize| {
        let rest = &bytes[at..];
        &rest[rest.iter().take(MAX_ESCAPES).take_while(punctuation).count()..]
    };
    let is_secret = |at: usize| {
        let rest = behind(at + "kind".len()).strip_prefix(b"Secret");
        let rest = rest.map(|rest| rest.strip_prefix(b"List").unwrap_or(rest));
        rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric)) && !is_of_reference(bytes, at)
    };
    let is_audited = |at: usize| behind(at + "resource".len()).starts_with(b"secrets");
    [&b"patch secret "[..], b"patch secrets "].iter().any(|patch| memmem::find(bytes, patch).is_some())
        || memmem::find_iter(bytes, b"kind").any(is_secret)
        || memmem::find(bytes, b"objectRef").is_some() && memmem::find_iter(bytes, b"resource").any(is_audited)
}

/// Returns whether the `kind` at `at` belongs to a reference to an object.
fn is_of_reference(bytes: &[u8], at: usize) -> bool {
    let floor = at.saturating_sub(MAX_BEFORE_KIND);
    let mut depth = 0_usize;
    let brace = bytes[floor..at].iter().rposition(|byte| match byte {
        b'}' => {
            depth += 1;
            false
        }
        b'{' if depth > 0 => {
            depth -= 1;
            false
        }
        byte => *byte == b'{',
    });
    let Some(brace) = brace else {
        // YAML, whose lines are judged one by one.
        return REFERENCES.iter().take(2).any(|name| memmem::find(&bytes[floor..at], name.as_bytes()).is_some());
    };
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let before = &bytes[floor..floor + brace];
    let before = &before[..before.iter().rposition(part).map_or(0, |end| end + 1)];
    REFERENCES.iter().any(|name| before.ends_with(name.as_bytes()))
}

/// Returns the number of backslashes directly before `at`.
pub(super) fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count()
}
