//! A secret name and its value, in the spellings of JSON, YAML, URLs, headers, flags, properties and XML.
//!
//! Quotes may be escaped once or more often, as in JSON inside a log line of JSON. Where it is not certain where a value ends, more
//! is taken: the rest of the line.

use super::carry::{Carry, is_margin};
use super::line::{Found, Line};
use super::name::{MAX_BLANKS, Name, Separator, is_in_query, name, separator};
use super::tokens::is_random;
use super::value::value;
use crate::bundle::redact::base64;
use crate::bundle::redact::names::{self, MAX_NAME, Named, is_secret_variable};
use crate::bundle::redact::rules::Rule;

/// A value that stands before its name is not longer.
const MAX_BEFORE: usize = 4096;

/// The value that belongs to the name of which `hit..hit_end` is a part.
pub(super) fn pair(line: &mut Line<'_>, hit: usize, hit_end: usize) -> Option<Found> {
    let name = name(line.bytes, hit, hit_end);
    let bytes = line.bytes;
    let mut written = &bytes[name.start..name.end];
    // `private key: …`, `API key = …`.
    if written.eq_ignore_ascii_case(b"key") && bytes[..name.start].ends_with(b" ") {
        let from = name.start.saturating_sub(MAX_NAME);
        let word = bytes[from..name.start - 1].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        written = &bytes[name.start - 1 - word..name.end];
    }
    let in_query = is_in_query(bytes, name.start);
    let rule = match names::of(written) {
        Named::Nothing => return named_by_value(line, &name),
        Named::InQuery if !in_query => return auth(line, &name).or_else(|| named_by_value(line, &name)),
        Named::InQuery => Rule::QueryParameter,
        Named::Header => Rule::AuthorizationHeader,
        Named::Cookie => Rule::Cookie,
        Named::EncryptionKey => Rule::EncryptionKey,
        Named::Secret if line.references && is_only_secret(written) => return None,
        Named::Secret if in_query => Rule::QueryParameter,
        Named::Secret => Rule::NamedValue,
    };
    match separator(bytes, &name) {
        Some((Separator::Comma, at)) if name.opens_list(bytes) => {
            value(line, &name, Separator::Comma, at, rule).filter(|found| closes_list(&bytes[found.end..]))
        }
        Some((separator, at)) => value(line, &name, separator, at, rule),
        None if name.is_explicit_key(bytes) => {
            Some(Found { carry: Carry::Value, ..Found::new(bytes.len(), bytes.len(), rule) })
        }
        None => named_by_value(line, &name),
    }
}

/// `"d":"…"` of a JSON Web Key. Where nothing says that it is one, as in a line of its own, the value has to be random.
pub(super) fn of_web_key(line: &mut Line<'_>, start: usize, end: usize) -> Option<Found> {
    let bytes = line.bytes;
    let name = name(bytes, start, end);
    let (separator, at) = separator(bytes, &name).filter(|_| name.quote.is_some())?;
    let found = value(line, &name, separator, at, Rule::PrivateKey)?;
    (line.has_web_key() || is_random(&bytes[found.start..found.end])).then_some(found)
}

/// A list of more than two is none of a name and its value.
fn closes_list(rest: &[u8]) -> bool {
    let signs = |byte: &&u8| matches!(**byte, b'"' | b'\'' | b'\\' | b' ');
    let length = rest.iter().take(MAX_BLANKS).take_while(signs).count();
    matches!(rest.get(length), Some(b']'))
}

/// The value of a line whose name is `value`, below the name of a secret variable.
pub(super) fn value_of_variable(line: &mut Line<'_>) -> Option<Found> {
    let bytes = line.bytes;
    let start = bytes.iter().position(|byte| !is_margin(*byte) && !matches!(byte, b'"' | b'\'' | b'\\'))?;
    let end = start + "value".len();
    // Below `? password`.
    if bytes[start..].starts_with(b": ") {
        let name = name(bytes, start, start);
        return value(line, &name, Separator::Colon, start + 2, Rule::NamedValue);
    }
    if !bytes[start..].starts_with(b"value") || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let name = name(bytes, start, end);
    let (separator, at) = separator(bytes, &name)?;
    value(line, &name, separator, at, Rule::EnvironmentValue)
}

/// `auth` of a Docker configuration: a base64 of user and password.
fn auth(line: &mut Line<'_>, name: &Name) -> Option<Found> {
    if !line.bytes[name.start..name.end].ends_with(b"auth") {
        return None;
    }
    let (separator, at) = separator(line.bytes, name)?;
    let pair = value(line, name, separator, at, Rule::NamedValue)?;
    let decoded = base64::decode(&line.bytes[pair.start..pair.end.min(pair.start + 400)]);
    let readable = decoded.iter().all(|byte| matches!(byte, b' '..=b'~'));
    (decoded.contains(&b':') && readable).then_some(pair)
}

/// `secret` alone, which in a file of settings names a Secret.
fn is_only_secret(name: &[u8]) -> bool {
    name.rsplit(|byte| *byte == b'.').next().is_some_and(|last| last == b"secret")
}

/// `"name":"DB_PASSWORD","value":"…"`: the name of a variable stands where a value does, its value after it or before it.
fn named_by_value(line: &mut Line<'_>, name: &Name) -> Option<Found> {
    let bytes = line.bytes;
    if !is_variable_name(&bytes[name.start..name.end]) {
        return None;
    }
    let (key_start, is_attribute) = names_something(bytes, name)?;
    let at = name.end + bytes[name.end..].iter().take(MAX_BLANKS).take_while(|byte| is_between(**byte)).count();
    if at == bytes.len() && !is_attribute {
        return Some(Found { carry: Carry::Value, ..Found::new(at, at, Rule::EnvironmentValue) });
    }
    // `<entry key="password">…</entry>`
    if is_attribute && bytes.get(at) == Some(&b'>') {
        return value(line, name, Separator::Tag, at + 1, Rule::NamedValue);
    }
    value_named(line, at).or_else(|| {
        let floor = key_start.saturating_sub(MAX_BEFORE);
        let at = floor + memchr::memmem::rfind(&bytes[floor..key_start], b"value")?;
        let found = value_named(line, at)?;
        bytes[found.end..key_start].iter().all(|byte| is_between(*byte)).then_some(found)
    })
}

/// The value of `value`, where that stands at `at`.
fn value_named(line: &mut Line<'_>, at: usize) -> Option<Found> {
    let bytes = line.bytes;
    let end = at + "value".len();
    if !bytes.get(at..end)?.eq_ignore_ascii_case(b"value") {
        return None;
    }
    let name = name(bytes, at, end);
    let (separator, at) = separator(bytes, &name)?;
    value(line, &name, separator, at, Rule::EnvironmentValue)
}

/// Where `name:` begins that stands before it, and whether it is an attribute (`name=`).
fn names_something(bytes: &[u8], name: &Name) -> Option<(usize, bool)> {
    const KEYS: &[&[u8]] = &[b"name", b"key", b"header"];
    let floor = name.start.saturating_sub(MAX_BLANKS);
    let trimmed =
        |end: usize| floor + bytes[floor..end].iter().rposition(|byte| !is_between(*byte)).map_or(0, |at| at + 1);
    let end = trimmed(name.start);
    let sign = *bytes[floor..end].last().filter(|sign| matches!(sign, b':' | b'='))?;
    let end = trimmed(end - 1);
    let key = KEYS.iter().find(|key| bytes[floor..end].to_ascii_lowercase().ends_with(key))?;
    Some((trimmed(end - key.len()), sign == b'='))
}

/// What may stand between a name and a value.
fn is_between(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'\\' | b',' | b' ' | b'\t')
}

/// Whether a value that belongs to this name is secret.
fn is_variable_name(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_uppercase) && is_secret_variable(name)
        || matches!(names::of(name), Named::Secret | Named::Header | Named::Cookie | Named::EncryptionKey)
}
