//! Tokens recognised by their prefix, by the word before them, or by their form.

use super::line::{Found, Line};
use super::prefixes::Prefix;
use crate::redact::base64;
use crate::redact::rules::Rule;

/// Returns the token at `start`, if it begins with `prefix`.
pub(super) fn prefixed(prefix: &Prefix, line: &[u8], start: usize) -> Option<Found> {
    let begin = start + prefix.text.len();
    // A path begins behind the name of its host.
    let is_path = prefix.text.starts_with('/');
    if !line[start..].starts_with(prefix.text.as_bytes()) || !is_path && !begins_a_word(line, start) {
        return None;
    }
    let end = begin + line[begin..].iter().take_while(|byte| (prefix.charset)(**byte)).count();
    (end - begin >= prefix.shortest).then(|| Found::new(start, end, prefix.rule))
}

/// Returns the token around characters that only such a token has.
pub(super) fn around(infix: &Prefix, line: &[u8], at: usize, from: usize) -> Option<Found> {
    if !line[at..].starts_with(infix.text.as_bytes()) {
        return None;
    }
    let before = line[from.min(at)..at].iter().rev().take_while(|byte| (infix.charset)(**byte)).count();
    let behind = at + infix.text.len();
    let after = line[behind..].iter().take_while(|byte| (infix.charset)(**byte)).count();
    (after >= infix.shortest).then(|| Found::new(at - before, behind + after, infix.rule))
}

/// Returns the token behind `Bearer `.
pub(super) fn bearer(line: &[u8], start: usize) -> Option<Found> {
    let start = start + line[start..].iter().take(8).take_while(|byte| **byte == b' ').count();
    let end = start + line[start..].iter().take_while(|byte| token(**byte)).count();
    let value = &line[start..end];
    // `Bearer authentication` is prose.
    let prose =
        value.len() < 24 && value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'-' | b'='));
    // `token_type=Bearer expires_in=3600`
    let padding = value.iter().rev().take_while(|byte| **byte == b'=').count();
    let is_pair = value[..value.len() - padding].contains(&b'=');
    (value.len() >= 6 && !prose && !is_pair).then(|| Found::new(start, end, Rule::AuthorizationHeader))
}

/// Returns the base64 of `user:password` behind `Basic `.
pub(super) fn basic(line: &[u8], start: usize) -> Option<Found> {
    let end = start + line[start..].iter().take_while(|byte| base64::is_base64_char(**byte) || **byte == b'=').count();
    let decoded = base64::decode(&line[start..end.min(start + 400)]);
    let readable = decoded.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let is_pair = decoded.len() >= 3 && readable && decoded.contains(&b':');
    is_pair.then(|| Found::new(start, end, Rule::AuthorizationHeader))
}

/// Returns a JSON Web Token, signed, unsigned or encrypted, or a piece of one.
pub(super) fn web_token(line: &mut Line<'_>, start: usize) -> Option<Found> {
    let bytes = line.bytes;
    if !bytes[start..].starts_with(b"eyJ") || start < line.no_token || !begins_a_word(bytes, start) {
        return None;
    }
    let dot = start + bytes[start..].iter().take_while(|byte| url_safe(**byte)).count();
    if bytes.get(dot) != Some(&b'.') || dot - start < 10 {
        line.no_token = dot;
        return None;
    }
    let end = dot + bytes[dot..].iter().take_while(|byte| url_safe_or_dot(**byte)).count();
    let end = end - bytes[start..end].iter().rev().take_while(|byte| **byte == b'.').count();
    (end - start >= 24).then(|| Found::new(start, end, Rule::WebToken))
}

/// Returns whether a value looks random, as secret members of a JSON Web Key do.
pub(super) fn is_random(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    value.len() >= 32
        && value.iter().all(|byte| url_safe_or_equals(*byte))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

/// Returns whether a token can begin here: behind punctuation, or behind an escape that ends in a letter
/// (`\n`, `%3D`, `\u003d`).
fn begins_a_word(line: &[u8], at: usize) -> bool {
    let before = &line[..at];
    match before {
        [.., byte] if !url_safe(*byte) => true,
        // `--data-AIza…` begins a token, `x-AIza` may: rather redact too often.
        [] | [.., b'-' | b'_'] | [.., b'\\', b'n' | b'r' | b't'] | [.., b'%', _, _] | [.., b'u', b'0', b'0', _, _] => {
            true
        }
        _ => false,
    }
}

pub(super) fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

pub(super) fn url_safe_or_dot(byte: u8) -> bool {
    url_safe(byte) || byte == b'.'
}

pub(super) fn url_safe_or_equals(byte: u8) -> bool {
    url_safe(byte) || byte == b'='
}

fn token(byte: u8) -> bool {
    url_safe_or_dot(byte) || matches!(byte, b'~' | b'+' | b'/' | b'=' | b':' | b'|')
}
