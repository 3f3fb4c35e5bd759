//! Objects below a secret name: `"credentials":{"id":"app","phrase":"…"}`.

use serde_json::Value;

use super::line::Found;
use super::name::Name;
use super::value::{bracket, is_not_secret};
use crate::redact::rules::Rule;
use crate::secrets::is_setting_below_secret;

/// Returns the object at `at` behind a secret name, unless it only refers to a secret.
pub(super) fn object(bytes: &[u8], at: usize, name: &Name, rule: Rule) -> Option<Found> {
    let escapes = name.json_escapes().unwrap_or_default();
    let end = bracket(bytes, at, escapes).map_or(bytes.len(), |close| close + 1);
    let text = &bytes[at..end];
    let plain = if escapes > 0 { without_escapes(text) } else { text.to_vec() };
    let has_secret = match serde_json::from_slice::<Value>(&plain) {
        Ok(value) => holds_value(&value),
        // A flow mapping of YAML, or an object that is cut.
        Err(_) => plain.len() > 2 && !plain.ends_with(b"}") || has_pair(&plain),
    };
    has_secret.then(|| Found { quoted: name.json_escapes(), ..Found::new(at, end, rule) })
}

/// Returns whether the list at `at` only refers to secrets: `"secrets":[{"name":"…"}]`.
pub(super) fn is_list_of_references(bytes: &[u8], at: usize, name: &Name) -> bool {
    let escapes = name.json_escapes().unwrap_or_default();
    let Some(end) = bracket(bytes, at, escapes) else { return false };
    let text = &bytes[at..=end];
    let plain = if escapes > 0 { without_escapes(text) } else { text.to_vec() };
    let value: Option<Vec<Value>> = serde_json::from_slice(&plain).ok();
    value.is_some_and(|items| !items.is_empty() && items.iter().all(|item| item.is_object() && !holds_value(item)))
}

/// Returns whether an object holds a text that is neither a reference nor a setting.
fn holds_value(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| match value {
            Value::String(text) => !is_setting_below_secret(key) && !is_not_secret(text.as_bytes(), key.as_bytes()),
            other => holds_value(other),
        }),
        Value::Array(items) => items.iter().any(|item| item.is_string() || holds_value(item)),
        _ => false,
    }
}

/// Returns whether a text that is no JSON holds a pair that is neither a reference nor a setting.
fn has_pair(text: &[u8]) -> bool {
    let inner = text.strip_prefix(b"{").unwrap_or(text);
    let inner = inner.strip_suffix(b"}").unwrap_or(inner);
    if memchr::memchr2(b':', b'=', inner).is_none() {
        return !is_not_secret(inner, b"");
    }
    inner.split(|byte| matches!(byte, b',' | b'{')).any(|pair| {
        let Some(colon) = memchr::memchr2(b':', b'=', pair) else { return false };
        let quotes = |text: &[u8]| String::from_utf8_lossy(text).trim_matches([' ', '"', '\'', '}']).to_owned();
        let (key, value) = (quotes(&pair[..colon]), quotes(&pair[colon + 1..]));
        !value.is_empty() && !is_setting_below_secret(&key) && !is_not_secret(value.as_bytes(), key.as_bytes())
    })
}

/// Removes the backslashes before quotes.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    for byte in text {
        if *byte == b'"' {
            let end = plain.iter().rposition(|byte| *byte != b'\\').map_or(0, |at| at + 1);
            plain.truncate(end);
        }
        plain.push(*byte);
    }
    plain
}
