//! `accessLogFormat` of the mesh settings → the meaning of each value of a record.
//!
//! Envoy's formats are text with command operators (`%REQUESTED_SERVER_NAME%`), alone or as the values of a
//! JSON object. Only the operators that are judged are known here. Source: Envoy documentation, "Access
//! logging", format rules and command operators; the default formats are those of Istio's
//! `pilot/pkg/model/telemetry_logging.go`.

use std::collections::BTreeMap;

use super::operators::{Preferred, Token, field_of, tokens};
use super::record::Field;
use super::text_format::TextFormat;
use crate::evidence::hybrid::MeshLogging;

/// Maximum depth of nested objects in a JSON format. Istio's settings have none.
const MAX_NESTED: usize = 4;

/// The default text formats, each with the versions that write it. Envoy's own lacks the server name.
const DEFAULT_TEXT_FORMATS: [&str; 4] = [
    // Istio since 1.9.
    concat!(
        r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% "#,
        r#"%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "#,
        r#""%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "#,
        r#"%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "#,
        r#""%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% "#,
        r#"%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#
    ),
    // Istio 1.8.
    concat!(
        r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% "#,
        r#"%RESPONSE_FLAGS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "#,
        r#"%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "#,
        r#""%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% "#,
        r#"%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#
    ),
    // Istio before.
    concat!(
        r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% "#,
        r#"%RESPONSE_FLAGS% "%DYNAMIC_METADATA(istio.mixer:status)%" "%UPSTREAM_TRANSPORT_FAILURE_REASON%" "#,
        r#"%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "#,
        r#""%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% "#,
        r#"%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% "#,
        r#"%ROUTE_NAME%"#
    ),
    // Envoy.
    concat!(
        r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% "#,
        r#"%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "#,
        r#""%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#
    ),
];

/// The formats of a log's records: the configured format first, then the defaults, which are recognised by
/// their form.
#[derive(Clone, Debug)]
pub struct Format {
    keys: BTreeMap<Vec<u8>, Target>,
    texts: Vec<TextFormat>,
    /// `%START_TIME(…)%`, if the format has one: a pattern of strftime with Envoy's `%3f`.
    start: Option<String>,
}

/// The content of a value of a JSON format.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Field(Field),
    /// Text with several operators, or with other text around one.
    Text(TextFormat),
    Nested(BTreeMap<Vec<u8>, Target>),
    /// Nothing that is judged, whatever the key's name.
    Other,
}

impl Default for Format {
    /// The default formats alone, for logs without mesh settings.
    fn default() -> Self {
        let texts =
            DEFAULT_TEXT_FORMATS.iter().map(|format| TextFormat::compile(format, Preferred::default())).collect();
        Self { keys: BTreeMap::new(), texts, start: None }
    }
}

impl Format {
    /// Compiles the format of the settings.
    #[must_use]
    pub fn of(mesh: &MeshLogging) -> Self {
        let mut format = Self::default();
        if let Some(fields) = &mesh.fields {
            let values: Vec<&str> = fields.values().map(String::as_str).collect();
            let preferred = Preferred::of(&values.concat());
            format.start = values.iter().find_map(|value| start_pattern(value, preferred));
            format.keys = targets(fields.iter().map(|(key, value)| (key.as_str(), value.as_str())), preferred, 0);
        } else if let Some(text) = mesh.format.as_deref() {
            // Also where the encoding is JSON, as an overrides file states it: the log may be older.
            let preferred = Preferred::of(text);
            format.start = start_pattern(text, preferred);
            format.texts.insert(0, TextFormat::compile(text.trim_end(), preferred));
        }
        format
    }

    /// Returns the content of a top-level key in the configured JSON format, or `None` if it lacks the key.
    pub(super) fn target(&self, key: &[u8]) -> Option<&Target> {
        // Nearly all logs have no configured format, or Apigee's.
        if self.keys.is_empty() { None } else { self.keys.get(key) }
    }

    /// Returns the field of a key, if the value is the field alone.
    pub(in crate::wire) fn field(&self, key: &[u8]) -> Option<Field> {
        match self.target(key) {
            Some(Target::Field(field)) => Some(*field),
            Some(_) => None,
            None => Field::of(key),
        }
    }

    /// Returns whether the value of a key has to be split.
    pub(super) fn takes_long_way(&self, key: &[u8]) -> bool {
        matches!(self.target(key), Some(Target::Text(_) | Target::Nested(_)))
    }

    /// The top-level key of a field in the configured JSON format.
    pub(in crate::wire) fn key_of(&self, field: Field) -> Option<&[u8]> {
        self.keys.iter().find_map(|(key, target)| match target {
            Target::Field(known) if *known == field => Some(key.as_slice()),
            _ => None,
        })
    }

    /// Returns whether the settings state a text format.
    pub(super) fn states_text(&self) -> bool {
        self.texts.len() > DEFAULT_TEXT_FORMATS.len()
    }

    /// The text formats, in the order in which they are tried.
    pub(super) fn texts(&self) -> &[TextFormat] {
        &self.texts
    }

    /// The pattern of start times that are not RFC 3339.
    pub(super) fn start_pattern(&self) -> Option<&str> {
        self.start.as_deref()
    }
}

fn start_pattern(format: &str, preferred: Preferred) -> Option<String> {
    tokens(format).into_iter().find_map(|token| match token {
        Token::Operator(name, pattern) if preferred.is_time(name) && !pattern.is_empty() => Some(pattern.to_owned()),
        _ => None,
    })
}

fn targets<'a>(
    fields: impl Iterator<Item = (&'a str, &'a str)>,
    preferred: Preferred,
    depth: usize,
) -> BTreeMap<Vec<u8>, Target> {
    fields.map(|(key, value)| (key.as_bytes().to_vec(), target(value, preferred, depth))).collect()
}

fn target(value: &str, preferred: Preferred, depth: usize) -> Target {
    // Values that are objects or lists are part of the evidence as JSON. A list of one value is that value.
    if let Some(only) = only_item(value) {
        return target(&only, preferred, depth);
    }
    if depth < MAX_NESTED
        && value.starts_with('{')
        && let Ok(serde_json::Value::Object(nested)) = serde_json::from_str(value)
    {
        let nested: Vec<(String, String)> = nested
            .into_iter()
            .map(|(key, value)| match value {
                serde_json::Value::String(text) => (key, text),
                other => (key, other.to_string()),
            })
            .collect();
        let nested = nested.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        return Target::Nested(targets(nested, preferred, depth + 1));
    }
    if let [Token::Operator(name, arguments)] = tokens(value)[..] {
        return field_of(name, arguments, preferred).map_or(Target::Other, Target::Field);
    }
    let text = TextFormat::compile(value, preferred);
    if text.has_fields() { Target::Text(text) } else { Target::Other }
}

/// Returns the text of a list that has nothing else.
fn only_item(value: &str) -> Option<String> {
    let list: Vec<String> = value.starts_with('[').then(|| serde_json::from_str(value).ok())??;
    <[String; 1]>::try_from(list).ok().map(|[only]| only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_keys_stand_for_their_operators() {
        let fields = [
            ("status", "%GRPC_STATUS%"),
            ("code", "%RESPONSE_CODE%"),
            ("peer", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"),
            ("client", "%DOWNSTREAM_REMOTE_ADDRESS%"),
            ("tls", r#"{"name":"%REQUESTED_SERVER_NAME%","deep":{"version":"%DOWNSTREAM_TLS_VERSION%"}}"#),
            ("why", "%RESPONSE_FLAGS%: %RESPONSE_CODE_DETAILS%"),
            ("at", "%START_TIME(%s)%"),
            ("written", "%EMIT_TIME%"),
            ("flags", r#"["%RESPONSE_FLAGS%"]"#),
        ];
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let format = Format::of(&MeshLogging { fields: Some(fields), ..MeshLogging::default() });
        let field = |key: &str| match format.target(key.as_bytes()) {
            Some(Target::Field(field)) => Some(*field),
            _ => None,
        };
        assert_eq!(
            (field("code"), field("peer"), field("at")),
            (Some(Field::Status), Some(Field::Remote), Some(Field::Start))
        );
        assert!(matches!(format.target(b"status"), Some(Target::Other)));
        assert!(matches!(format.target(b"client"), Some(Target::Other)));
        assert!(matches!(format.target(b"written"), Some(Target::Other)));
        assert_eq!(field("flags"), Some(Field::Flags));
        assert!(matches!(format.target(b"why"), Some(Target::Text(_))));
        assert!(format.target(b"sni_host").is_none());
        let Some(Target::Nested(tls)) = format.target(b"tls") else { panic!("it is nested") };
        assert!(matches!(tls.get(&b"name"[..]), Some(Target::Field(Field::Name))));
        assert!(matches!(tls.get(&b"deep"[..]), Some(Target::Nested(_))));
        assert_eq!(format.start_pattern(), Some("%s"));
    }
}
