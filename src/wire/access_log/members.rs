//! Assigns the members of a JSON object to the values of a [`Record`], by the configured format or by the
//! keys of common ones.

use super::format::{Format, Target};
use super::json::{self, Member, Value};
use super::record::{ACCESS_LOG_KEYS, Field, Record};

/// Prefixes that log stores add to a record's keys when they flatten an entry into columns.
const FLATTENED: [&[u8]; 7] =
    [b"jsonPayload.", b"jsonPayload_", b"_source.", b"message.", b"log.", b"LogMessage.", b"fields."];

/// Members whose value is, or holds, the record of an entry: of Cloud Logging (`jsonPayload`, `textPayload`),
/// container runtimes and fluent-bit (`log`), stern, vector, filebeat and `CloudWatch` (`message`,
/// `@message`), journald (`MESSAGE`), Loki (`line`), Splunk (`_raw`, `result`), Elastic (`_source`),
/// OpenTelemetry (`body`), Log Analytics (`LogMessage`, `LogEntry`), Datadog (`content`, `attributes`).
const PAYLOAD_KEYS: [&[u8]; 15] = [
    b"jsonPayload",
    b"textPayload",
    b"log",
    b"message",
    b"@message",
    b"MESSAGE",
    b"line",
    b"_raw",
    b"result",
    b"_source",
    b"body",
    b"LogMessage",
    b"LogEntry",
    b"content",
    b"attributes",
];

impl<'a> Record<'a> {
    /// Records a member.
    pub(super) fn member(&mut self, member: &Member<'a>, format: &Format) {
        let key = &*member.key;
        match format.target(key) {
            Some(target) => {
                self.known_keys += 1;
                return self.stated(target, member.value);
            }
            None => self.known_keys += usize::from(ACCESS_LOG_KEYS.contains(&key)),
        }
        let flattened = FLATTENED.iter().find_map(|prefix| key.strip_prefix(*prefix));
        if let Some(field) = Field::of(flattened.unwrap_or(key)) {
            *self.field(field) = Some(member.value.single());
        } else if PAYLOAD_KEYS.contains(&key) {
            let is_better = matches!(member.value, Value::Text(_)) || !matches!(self.payload, Some(Value::Text(_)));
            if is_better && matches!(member.value, Value::Text(_) | Value::Object(_)) {
                self.payload = Some(member.value);
            }
        }
    }

    /// Records a value of the configured format.
    fn stated(&mut self, target: &Target, value: Value<'a>) {
        match (target, value) {
            (Target::Field(field), value) => *self.field(*field) = Some(value),
            (Target::Text(format), Value::Text(raw)) => {
                format.read(raw, self);
            }
            (Target::Nested(targets), Value::Object(object)) => {
                json::object(object, 0, |member| {
                    if let Some(target) = targets.get(&*member.key) {
                        self.stated(target, member.value);
                    }
                });
            }
            _ => {}
        }
    }
}
