//! Tokens recognised by their prefix, by the word before them, or by their form.

use super::line::{Found, Line};
use crate::redact::base64;
use crate::redact::rules::Rule;

/// A token recognised by its prefix.
pub(super) struct Prefix {
    pub(super) text: &'static str,
    rule: Rule,
    /// Minimum number of characters that follow.
    shortest: usize,
    charset: fn(u8) -> bool,
}

const fn prefix(text: &'static str, shortest: usize, charset: fn(u8) -> bool) -> Prefix {
    Prefix { text, rule: Rule::Token, shortest, charset }
}

const fn cloud_key(text: &'static str, shortest: usize, charset: fn(u8) -> bool) -> Prefix {
    Prefix { text, rule: Rule::CloudKey, shortest, charset }
}

pub(super) const PREFIXES: &[Prefix] = &[
    cloud_key("AIza", 30, url_safe),
    cloud_key("AKIA", 16, capital),
    cloud_key("ASIA", 16, capital),
    prefix("1//", 24, url_safe),
    prefix("AGE-SECRET-KEY-", 30, capital),
    prefix("ATATT", 30, url_safe_or_equals),
    prefix("ATCTT", 30, url_safe_or_equals),
    prefix("GOCSPX-", 16, url_safe),
    prefix("SG.", 40, url_safe_or_dot),
    prefix("dckr_pat_", 16, url_safe),
    prefix("dop_v1_", 30, word),
    prefix("figd_", 30, url_safe),
    prefix("gho_", 20, word),
    prefix("ghp_", 20, word),
    prefix("ghr_", 20, word),
    prefix("ghs_", 20, word),
    prefix("ghu_", 20, word),
    prefix("github_pat_", 20, word),
    prefix("glpat-", 16, url_safe),
    prefix("glrt-", 16, url_safe),
    prefix("hf_", 30, word),
    prefix("hooks.slack.com/services/", 16, path),
    prefix("hvb.", 20, url_safe),
    prefix("hvs.", 20, url_safe),
    prefix("lin_api_", 30, word),
    prefix("npm_", 30, word),
    prefix("pypi-", 30, url_safe),
    prefix("rk_live_", 16, word),
    prefix("shpat_", 20, word),
    prefix("sk-ant-", 16, url_safe),
    prefix("sk-proj-", 16, url_safe),
    prefix("sk_live_", 16, word),
    prefix("sk_test_", 16, word),
    prefix("whsec_", 20, base64::is_base64_char),
    prefix("xapp-", 16, url_safe),
    prefix("xoxa-", 10, url_safe),
    prefix("xoxb-", 10, url_safe),
    prefix("xoxe.", 10, url_safe_or_dot),
    prefix("xoxp-", 10, url_safe),
    prefix("xoxr-", 10, url_safe),
    prefix("xoxs-", 10, url_safe),
    prefix("ya29.", 12, url_safe_or_dot),
];

/// Returns the token at `start`, if it begins with `prefix`.
pub(super) fn prefixed(prefix: &Prefix, line: &[u8], start: usize) -> Option<Found> {
    let begin = start + prefix.text.len();
    if !line[start..].starts_with(prefix.text.as_bytes()) || !begins_a_word(line, start) {
        return None;
    }
    let end = begin + line[begin..].iter().take_while(|byte| (prefix.charset)(**byte)).count();
    (end - begin >= prefix.shortest).then(|| Found::new(start, end, prefix.rule))
}

/// Returns the token behind `Bearer `.
pub(super) fn bearer(line: &[u8], start: usize) -> Option<Found> {
    let start = start + line[start..].iter().take(8).take_while(|byte| **byte == b' ').count();
    let end = start + line[start..].iter().take_while(|byte| token(**byte)).count();
    let value = &line[start..end];
    // `Bearer authentication` is prose.
    let prose =
        value.len() < 24 && value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'-' | b'='));
    (value.len() >= 6 && !prose).then(|| Found::new(start, end, Rule::AuthorizationHeader))
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

fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn url_safe_or_dot(byte: u8) -> bool {
    url_safe(byte) || byte == b'.'
}

fn url_safe_or_equals(byte: u8) -> bool {
    url_safe(byte) || byte == b'='
}

fn path(byte: u8) -> bool {
    url_safe(byte) || byte == b'/'
}

fn capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn token(byte: u8) -> bool {
    url_safe_or_dot(byte) || matches!(byte, b'~' | b'+' | b'/' | b'=' | b':' | b'|')
}
