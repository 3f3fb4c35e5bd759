//! The fields of an answer. A field that is absent or null has no value. One of another type is a fault: what
//! it means cannot be known, and its text may be a secret, so that it is not repeated.

use serde_json::{Map, Value};

/// Maximum number of entries of a list.
pub(super) const MAX_NAMES: usize = 10_000;

/// The fields of one object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Returns the fields of an answer that is an object.
    pub(super) fn of(answer: &'a Value) -> Result<Self, String> {
        match answer {
            Value::Object(fields) => Ok(Self(fields)),
            other => Err(format!("{}, not an object", kind(other))),
        }
    }

    /// Returns a field that is there and not null.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn object(self, name: &str) -> Result<Option<Self>, String> {
        self.get(name).map(|value| Self::of(value).map_err(|why| format!("{name} is {why}"))).transpose()
    }

    /// Returns a text; an empty one is none.
    pub(super) fn text(self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = text(value).ok_or_else(|| format!("{name} is {}, not a text", kind(value)))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    pub(super) fn texts(self, name: &str) -> Result<Vec<String>, String> {
        self.get(name).map_or(Ok(Vec::new()), |value| texts(value).map_err(|why| format!("{name} is {why}")))
    }

    /// Returns a boolean, which may be written as a string.
    pub(super) fn flag(self, name: &str) -> Result<Option<bool>, String> {
        let wrong = || format!("{name} is neither true nor false");
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(wrong()),
            },
            Some(_) => Err(wrong()),
        }
    }

    /// Returns a port, which may be written as a string.
    pub(super) fn port(self, name: &str) -> Result<Option<u16>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        let port = number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
        port.map(Some).ok_or_else(|| format!("{name} is no port"))
    }
}

/// Returns a text, which may be written as a number.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the texts of a list.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    entries(value)?.iter().map(|entry| text(entry).ok_or_else(|| "a list whose entries are no texts".into())).collect()
}

/// Returns the entries of a list.
pub(super) fn entries(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Array(list) if list.len() > MAX_NAMES => Err(format!("a list of more than {MAX_NAMES} entries")),
        Value::Array(list) => Ok(list),
        other => Err(format!("{}, not a list", kind(other))),
    }
}

/// What a value is, for people.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
