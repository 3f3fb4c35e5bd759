//! Values that a shell joins of several parts (`a"b"'c'`), and texts over several lines: here documents, and
//! strings in triple quotes.

use super::line::{Found, Line};
use super::line_state::LineState;
use super::name::Name;
use super::prose::{MAX_COMMAND, READERS};
use super::value::{closing, harmless};
use crate::redact::rules::Rule;
use crate::secrets::{self, is_secret_variable};

/// Quotes of a string over several lines.
const FENCES: [&[u8]; 2] = [b"\"\"\"", b"'''"];
/// Maximum number of bytes of the word that ends a here document.
pub(super) const MAX_END: usize = 16;

/// Returns the quotes that a text over several lines begins with, as in Python, TOML and Groovy.
pub(super) fn fence(rest: &[u8]) -> Option<&'static [u8]> {
    FENCES.into_iter().find(|fence| rest.starts_with(fence))
}

/// Returns the text behind such quotes, up to those that close it in this line or in a later one.
pub(super) fn fenced(bytes: &[u8], start: usize, fence: &[u8], rule: Rule) -> Option<Found> {
    match memchr::memmem::find(&bytes[start..], fence) {
        Some(length) if harmless(&bytes[start..start + length]) => None,
        Some(length) => Some(Found::new(start, start + length, rule)),
        None => Some(Found { line_state: LineState::until(fence), ..Found::new(start, bytes.len(), rule) }),
    }
}

/// Returns the end of a value with the parts that a shell joins to its first one. That ends at `end`: at its
/// closing quote if it is `quoted`.
pub(super) fn joined(line: &mut Line<'_>, name: &Name, end: usize, quoted: bool) -> usize {
    let bytes = line.bytes;
    let mut at = end + usize::from(quoted);
    let first = at;
    // A command that a space cuts: `abc$(echo x)`.
    let value = bytes.get(name.end..end).unwrap_or_default();
    if !quoted && memchr::memmem::rfind(value, b"$(").is_some_and(|begin| !value[begin..].contains(&b')')) {
        at = behind(bytes, end, b')');
    }
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' | b'\'' => match closing(bytes, at + 1, *byte, 0) {
                Some(close) => close + 1,
                None => break,
            },
            b'$' if bytes.get(at + 1) == Some(&b'(') => behind(bytes, at, b')'),
            b' ' if bytes[..at].ends_with(b"\\") => at + 1,
            b'$' | b'_' | b'-' | b'.' | b'!' | b'%' | b'+' | b'\\' => at + 1,
            _ if byte.is_ascii_alphanumeric() => at + 1,
            _ => break,
        };
    }
    if at == first || is_in_text(line, name) { end } else { at }
}

/// Returns whether a pair is part of a text in quotes, which ends at the next quote.
fn is_in_text(line: &mut Line<'_>, name: &Name) -> bool {
    let before = &line.bytes[name.start.saturating_sub(MAX_COMMAND)..name.start];
    let apostrophes = memchr::memchr_iter(b'\'', before).count();
    name.enclosing.is_some() || !apostrophes.is_multiple_of(2) || line.is_quoted(name.start)
}

/// Returns the offset behind the next `byte`, or the end of the line.
fn behind(bytes: &[u8], at: usize, byte: u8) -> usize {
    memchr::memchr(byte, &bytes[at..]).map_or(bytes.len(), |length| at + length + 1)
}

/// Returns the state behind the beginning of a here document, if a secret name precedes it:
/// `password = <<EOF`, `cat > password.txt <<EOF`. `at` is behind `<<`.
pub(super) fn here_document(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = &bytes[at..];
    let rest = rest.strip_prefix(b"-").or(rest.strip_prefix(b"~")).unwrap_or(rest);
    let rest = rest.strip_prefix(b"'").or(rest.strip_prefix(b"\"")).unwrap_or(rest);
    let length = rest.iter().take(MAX_END).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let word = rest.get(..length).filter(|word| word.first().is_some_and(u8::is_ascii_alphabetic))?;
    let is_word_over = rest.get(length).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let before = &bytes[at.saturating_sub(MAX_COMMAND)..at - 2];
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let names_secret = |name: &[u8]| {
        let is_variable = !name.iter().any(u8::is_ascii_lowercase) && is_secret_variable(name);
        !name.is_empty() && (is_variable || secrets::of(name).is_secret())
    };
    let is_secret = READERS.iter().any(|reader| memchr::memmem::find(before, reader.as_bytes()).is_some())
        || before.split(|byte| !part(byte)).any(names_secret);
    let end = bytes.len();
    let line_state = LineState::until(word);
    (is_word_over && is_secret).then(|| Found { line_state, ..Found::new(end, end, Rule::NamedValue) })
}
