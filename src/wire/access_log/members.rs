//! Assigns the members of a JSON object to the values of a [`Record`], by the configured format or by the
//! keys of common ones.

use super::format::{Format, Target};
use super::json::{self, Member, Value};
use super::record::{ACCESS_LOG_KEYS, Field, Record, is_access_log_key, is_same_name};

/// Maximum length of the path of a nested object.
const MAX_PATH: usize = 64;

/// Objects whose content is not the gateway's own.
const OF_OTHERS: [&[u8]; 4] = [b"apigee_dynamic_data", b"dynamic_metadata", b"labels", b"metadata"];

/// Ends of other paths of the Elastic Common Schema that records of requests have.
const OTHER_PATHS: [&[u8]; 5] =
    [b"client.address", b"request.method", b"server.domain", b"source.address", b"url.path"];

/// Keys that are words of many other things where they are not at the top.
const WORDS: [&[u8]; 7] = [b"duration", b"host", b"method", b"path", b"protocol", b"request", b"status"];

/// Ends of the paths of a response's status.
const STATUS_PATHS: [&[u8]; 3] = [b"response.status", b"response.status_code", b"response_code"];

/// Prefixes that log stores add to a record's keys when they flatten an entry into columns.
const FLATTENED: [&[u8]; 10] = [
    b"jsonPayload.",
    b"jsonPayload_",
    b"_source.",
    b"message.",
    b"log.",
    b"LogMessage.",
    b"fields.",
    b"json.",
    b"log_processed.",
    b"structured.",
];

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
        if let Some(target) = format.target(key) {
            self.known_keys = self.known_keys.saturating_add(1);
            return self.stated(target, member.value);
        }
        self.known_keys = self.known_keys.saturating_add(ACCESS_LOG_KEYS.contains(&key).into());
        self.similar_keys = self.similar_keys.saturating_add(is_access_log_key(key).into());
        let flattened = FLATTENED.iter().find_map(|prefix| key.strip_prefix(*prefix));
        if let Some(target) = flattened.and_then(|key| format.target(key)) {
            self.known_keys = self.known_keys.saturating_add(1);
            return self.stated(target, member.value);
        }
        if let Some(field) = Field::of(flattened.unwrap_or(key)) {
            self.set(field, member.value.single());
        } else if PAYLOAD_KEYS.contains(&key) {
            let is_better = matches!(member.value, Value::Text(_)) || !matches!(self.payload, Some(Value::Text(_)));
            // Journald writes a text that has unprintable bytes as the list of all its bytes.
            let is_bytes = key == b"MESSAGE" && matches!(member.value, Value::Array(_));
            if is_better && (is_bytes || matches!(member.value, Value::Text(_) | Value::Object(_))) {
                self.payload = Some(member.value);
            }
        }
    }

    /// Records a value. Of two different server names, neither is believed.
    fn set(&mut self, field: Field, value: Value<'a>) {
        let earlier = self.field(field).replace(value);
        self.is_ambiguous |= field == Field::Name && earlier.is_some_and(|earlier| !is_same_name(earlier, value));
    }

    /// Returns the record that the members of nested objects are together, such as `tls.client.server_name`
    /// and `envoy.response_code_details`. What API proxies and labels say is none of it.
    /// Nor are the keys whose content the configured format states.
    pub(super) fn nested(object: &'a [u8], format: &Format) -> Self {
        let mut record = Self::default();
        record.leaves(object, format, &mut Vec::new());
        record
    }

    fn leaves(&mut self, object: &'a [u8], format: &Format, path: &mut Vec<u8>) {
        json::object(object, 0, |member| {
            let length = path.len();
            path.extend_from_slice(&member.key);
            match member.value {
                Value::Object(_) if OF_OTHERS.contains(&&*member.key) => {}
                _ if length == 0 && format.target(&member.key).is_some() => {}
                Value::Object(inner) if path.len() < MAX_PATH => {
                    path.push(b'.');
                    self.leaves(inner, format, path);
                }
                value => {
                    let ends = |ends: &[&[u8]]| ends.iter().any(|end| path.ends_with(end));
                    let is_status = ends(&STATUS_PATHS);
                    let is_word = length > 0 && WORDS.contains(&&*member.key);
                    let is_similar = is_status || ends(&OTHER_PATHS) || !is_word && is_access_log_key(&member.key);
                    self.similar_keys = self.similar_keys.saturating_add(is_similar.into());
                    let leaf = Field::of(&member.key).filter(|_| !is_word);
                    let field = if is_status { Some(Field::Status) } else { leaf.or_else(|| Field::of(path)) };
                    if let Some(field) = field {
                        self.set(field, value.single());
                    }
                }
            }
            path.truncate(length);
        });
    }

    /// Records a value of the configured format.
    fn stated(&mut self, target: &Target, value: Value<'a>) {
        match (target, value) {
            (Target::Field(field), value) => self.set(*field, value.single()),
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
