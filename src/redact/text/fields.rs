//! A secret name and its value as neighbours in a line of fields: `2026-11-29|password|x1|ok`, `secret;x`.
//!
//! Names and values of a table below a header are the business of [`super::columns`].

use std::ops::Range;

use super::name::{MAX_SPACES, Name};
use super::pairs::is_variable_name;
use super::prose::looks_like_a_secret;
use super::value::is_not_secret;

/// What may be between two fields.
const DELIMITERS: &[u8] = b",;\t|~^\x1f";
/// Names of columns beside that of a secret: a line that begins with these two is a header.
const COLUMNS: &[&str] = &[
    "account",
    "age",
    "comment",
    "count",
    "created",
    "data",
    "database",
    "date",
    "db",
    "description",
    "email",
    "expires",
    "group",
    "host",
    "hostname",
    "id",
    "kind",
    "login",
    "mail",
    "mode",
    "namespace",
    "note",
    "notes",
    "owner",
    "port",
    "reason",
    "role",
    "roles",
    "server",
    "source",
    "state",
    "status",
    "time",
    "type",
    "uid",
    "updated",
    "url",
    "user",
    "userid",
    "username",
    "value",
    "values",
    "version",
];
const ESCAPED_TAB: &[u8] = b"\\t";
/// Maximum length of a field.
const MAX_FIELD: usize = 4096;

/// Returns the field behind a name, if both are fields of the line, or of a text in quotes.
///
/// Of a line of several fields, which may be a header, only a field that is no word; in other text, which may
/// be code, only one that looks like a secret.
pub(super) fn behind(bytes: &[u8], name: &Name) -> Option<Range<usize>> {
    let quote = name.quote.map_or(0, |(_, escapes)| escapes + 1);
    let spaces = |text: &mut dyn Iterator<Item = &u8>| text.take(MAX_SPACES).take_while(|byte| **byte == b' ').count();
    let name_end = name.end + quote;
    let before_sign = spaces(&mut bytes.get(name_end..)?.iter());
    let sign = name_end + before_sign;
    // A tab may be escaped.
    let width = if bytes.get(sign..)?.starts_with(ESCAPED_TAB) { ESCAPED_TAB.len() } else { 1 };
    let delimiter = if width > 1 { b'\\' } else { *bytes.get(sign).filter(|byte| DELIMITERS.contains(byte))? };
    let behind_sign = spaces(&mut bytes[sign + width..].iter());
    let is_tight = before_sign + behind_sign == 0;
    // A comma of a sentence has a space behind it, and none before it.
    if matches!(delimiter, b',' | b';') && !is_tight && (before_sign == 0 || delimiter == b',') {
        return None;
    }
    let field = field(bytes, sign + width + behind_sign, delimiter);
    let text = &bytes[field.clone()];
    let before = &bytes[..name.start - quote];
    let before = &before[..before.len() - spaces(&mut before.iter().rev())];
    let begins = before.is_empty() || name.enclosing.is_some();
    let written = &bytes[name.start..name.end];
    if !text.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) || is_not_secret(text, written) {
        return None;
    }
    let is_delimited = if width > 1 { before.ends_with(ESCAPED_TAB) } else { before.ends_with(&[delimiter]) };
    let is_value = if !begins && !is_delimited {
        // `password;a=1` is a list of settings.
        is_tight && width == 1 && looks_like_a_secret(text) && memchr::memchr2(b'=', b':', text).is_none()
    } else if delimiter == b',' {
        // `secrets,configmaps` and `secret,apigee-tls` are kinds and names of objects.
        let is_kind = ["secret", "secrets"].iter().any(|kind| written.eq_ignore_ascii_case(kind.as_bytes()));
        let is_pair = begins && bytes.len() == field.end && !is_words(text);
        !is_kind && (is_pair || looks_like_a_secret(text)) && (name.quote.is_none() || !is_in_list(before))
    } else if begins && (is_tight || bytes.len() == field.end) {
        // `token;q=1` has a parameter.
        (memchr::memchr(b'=', text).is_none() || looks_like_a_secret(text))
            && !COLUMNS.iter().any(|column| text.eq_ignore_ascii_case(column.as_bytes()))
            && !is_variable_name(text)
    } else {
        // `1|bearer|2` has a count.
        !is_words(text) && (text.len() > 3 || text.iter().any(u8::is_ascii_alphabetic))
    };
    is_value.then_some(field)
}

/// Returns the field that begins at `at`, without quotes and spaces around it.
fn field(bytes: &[u8], at: usize, delimiter: u8) -> Range<usize> {
    let limit = bytes.len().min(at + MAX_FIELD);
    let escapes = bytes[at..limit].iter().take_while(|byte| **byte == b'\\').count();
    let opening = bytes.get(at + escapes).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let start = if opening.is_some() { at + escapes + 1 } else { at };
    let ends = |byte: &u8| match opening {
        Some(quote) => *byte == quote || *byte == b'\\',
        None => *byte == delimiter || matches!(byte, b'"' | b'\\'),
    };
    let length = bytes[start..limit].iter().position(ends).unwrap_or(limit - start);
    let text = &bytes[start..start + length];
    start..start + text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1)
}

/// Returns whether a list or an object of JSON is open, whose strings have commas between them as well.
fn is_in_list(before: &[u8]) -> bool {
    memchr::memchr2(b'[', b'{', &before[before.len().saturating_sub(MAX_FIELD)..]).is_some()
}

/// Returns whether a text may be words of a header or of a sentence.
fn is_words(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphabetic() || b" _-".contains(byte))
}
