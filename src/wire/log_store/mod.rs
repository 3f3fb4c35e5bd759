//! What log stores are asked, and what they answer.
//!
//! ```text
//! window, names ─ query ─ (gather/stores sends it) ─ answer ─┬ lines for the scanner of access logs
//!                                                           └ counts by client, server name and minute
//! ```
//!
//! Pure functions: queries are built and answers are parsed here, so that both can be tested and fuzzed
//! without a store. What a class of records is, is defined at [`AccessLog`](crate::evidence::AccessLog).

pub mod cloud_logging;
pub mod open_search;

use serde_json::Value;

/// Maximum number of characters that are kept of a store's message.
const MAX_MESSAGE: usize = 300;

/// Parses an answer.
///
/// # Errors
/// What it is instead of JSON.
pub fn json(bytes: &[u8]) -> Result<Value, String> {
    let start = bytes.trim_ascii_start();
    if start.is_empty() {
        return Err("an empty answer, not JSON".into());
    }
    if start.starts_with(b"<") {
        return Err("an HTML page, not JSON: another server answers there".into());
    }
    serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() { "JSON that ends too early".to_owned() } else { format!("not JSON (line {})", error.line()) }
    })
}

/// Returns what an error answer says: `error.message` of Google, `error.reason` of OpenSearch with its first
/// cause, `error_description` of an OAuth server.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<String> {
    let answer = json(bytes).ok()?;
    let error = &answer["error"];
    let cause = error["root_cause"].get(0).unwrap_or(&Value::Null);
    let script = error.pointer("/failed_shards/0/reason/caused_by/reason").and_then(Value::as_str);
    let words = [
        error["message"].as_str(),
        error["type"].as_str(),
        error["reason"].as_str(),
        cause["reason"].as_str(),
        script,
        error.as_str(),
        answer["error_description"].as_str(),
        answer["message"].as_str(),
    ];
    let mut text = String::new();
    for word in words.into_iter().flatten().filter(|word| !word.is_empty()) {
        if !text.contains(word) {
            text += if text.is_empty() { "" } else { ": " };
            text += word;
        }
    }
    (!text.is_empty()).then(|| text.chars().take(MAX_MESSAGE).collect())
}

/// Fuzz entry point: reads any bytes as the answer of every request.
pub fn fuzz_log_store(data: &[u8]) {
    drop(message(data));
    drop(cloud_logging::page(data));
    open_search::fuzz(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_all_servers_are_read() {
        for (answer, expected) in [
            (
                r#"{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}"#,
                "Permission denied",
            ),
            (
                r#"{"error":{"root_cause":[{"reason":"no such index [x]"}],"type":"index_not_found_exception","reason":"no such index [x]"},"status":404}"#,
                "index_not_found_exception: no such index [x]",
            ),
            (r#"{"error":"invalid_grant","error_description":"Bad Request"}"#, "invalid_grant: Bad Request"),
            (r#"{"error":"alias [x] missing","status":404}"#, "alias [x] missing"),
        ] {
            assert_eq!(message(answer.as_bytes()).as_deref(), Some(expected), "{answer}");
        }
        assert_eq!(message(b"<html>"), None);
        assert!(json(b" <!doctype html>").is_err_and(|why| why.contains("HTML")));
    }
}
