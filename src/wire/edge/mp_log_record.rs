//! A line of a Message Processor log that is a JSON record, as the runtime of hybrid and log stores write it:
//! organization, environment and message are fields of their own.

use jiff::Timestamp;
use serde_json::Value;

/// How deep fields of a record are looked for.
const MAX_DEPTH: usize = 4;

/// Returns whether a line can be such a record.
pub(super) fn is_record(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"{")
}

/// Returns the record in the form of a text log; absent if the line is none.
pub(super) fn line(text: &str) -> Option<String> {
    let text = text.trim();
    if !is_record(text.as_bytes()) {
        return None;
    }
    let record: Value = serde_json::from_str(text).ok()?;
    let one = |names: &[&str]| names.iter().find_map(|name| field(&record, name, MAX_DEPTH));
    let message = one(&["message", "msg", "textPayload", "log"])?;
    // A store keeps the line as it was.
    if message.contains(" org:") {
        return Some(message.trim_end().to_owned());
    }
    let moment = one(&["timestamp", "@timestamp", "time"]).and_then(|text| moment(&text)).unwrap_or_default();
    let word = |names: &[&str]| one(names).unwrap_or_default().replace(char::is_whitespace, "_");
    Some(format!(
        "{moment} org:{} env:{} api:{} rev:{} messageid:{} {}",
        word(&["org", "organization"]),
        word(&["env", "environment"]),
        word(&["api", "apiName", "apiproxy", "proxy"]),
        word(&["rev", "revision"]),
        word(&["messageid", "messageId"]),
        message.trim_end()
    ))
}

/// Returns a text or a number of this name, wherever in the record it is.
fn field(value: &Value, name: &str, depth: usize) -> Option<String> {
    let fields = value.as_object()?;
    match fields.get(name) {
        Some(Value::String(text)) => return Some(text.clone()),
        Some(Value::Number(number)) => return Some(number.to_string()),
        _ => {}
    }
    let depth = depth.checked_sub(1)?;
    fields.values().find_map(|inner| field(inner, name, depth))
}

/// Returns a time as a text log has it: from milliseconds or from ISO 8601.
fn moment(text: &str) -> Option<String> {
    let milliseconds = text.parse::<i64>().ok().and_then(|number| Timestamp::from_millisecond(number).ok());
    let time = milliseconds.or_else(|| text.parse().ok())?;
    Some(time.strftime("%Y-%m-%d %H:%M:%S,%3f").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_a_line() {
        let record = r#"{"timestamp":"1796000000123","level":"ERROR","thread":"NIOThread@1","mdc":{"org":"acme",
            "env":"prod","api":"orders","rev":3,"messageid":"m 1"},"logger":"HTTP.CLIENT","message":"failed\n"}"#;
        let record = record.replace('\n', "");
        let expected = "2026-11-30 00:53:20,123 org:acme env:prod api:orders rev:3 messageid:m_1 failed";
        assert_eq!(line(&record).as_deref(), Some(expected));
        let stored =
            r#"{"insertId":"a","jsonPayload":{"message":"2026-11-30 05:28:57,813 org:acme env:prod x \"y\""}}"#;
        assert_eq!(line(stored).as_deref(), Some("2026-11-30 05:28:57,813 org:acme env:prod x \"y\""));
        for none in ["", "{", "{}", "[]", "text", "{\"message\":1e400}", "{\"message\":{}}"] {
            assert_eq!(line(none), None, "{none}");
        }
    }
}
