//! The access-log settings of the mesh, from the ConfigMap in the cluster or from an overrides file.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::evidence::hybrid::MeshLogging;

/// Returns the settings with this `accessLogFile`, `accessLogEncoding` and `accessLogFormat`.
#[must_use]
pub fn mesh_logging(file: Option<String>, encoding: Option<String>, format: Option<&Value>) -> MeshLogging {
    let fields = format.and_then(fields);
    let is_set = format.is_some_and(|format| match format {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    });
    MeshLogging {
        file,
        encoding,
        text_format: is_set && fields.is_none(),
        format: format.filter(|_| is_set && fields.is_none()).map(as_text),
        fields,
    }
}

/// Returns the keys of a format that is a JSON object, given as text (as Istio requires) or as YAML.
fn fields(format: &Value) -> Option<BTreeMap<String, String>> {
    let parsed = match format {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    match parsed {
        Value::Object(fields) => Some(fields.into_iter().map(|(key, value)| (key, as_text(&value))).collect()),
        _ => None,
    }
}

/// Returns text unchanged, and everything else as JSON.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
