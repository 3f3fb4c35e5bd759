//! Entries of log stores whose record is neither an object nor text, but a list of pairs or a row of a table.
//!
//! They are converted to the object that they describe, so that one reader handles all forms.

use std::borrow::Cow;

use super::format::Format;
use super::json::{self, Value};
use super::record::Field;

/// Keys of a pair's name: `CloudWatch` Logs Insights (`field`), OpenTelemetry (`key`), others.
const NAMES: [&[u8]; 3] = [b"field", b"key", b"name"];

/// Returns the object that a list of pairs describes, if one of them is a server name:
/// `[{"field":"sni_host","value":"a"}]`.
pub(super) fn pairs(array: &[u8], format: &Format) -> Option<Vec<u8>> {
    let mut object = Object::default();
    let mut is_record = false;
    let mut are_pairs = true;
    json::array(array, 0, |element| {
        let pair = match element {
            Value::Object(pair) if are_pairs => pair_of(pair),
            _ => None,
        };
        match pair {
            Some((name, value)) => {
                is_record |= format.field(&name) == Some(Field::Name);
                object.member(&name, value);
            }
            None => are_pairs = false,
        }
    })?;
    (are_pairs && is_record).then(|| object.finish())
}

fn pair_of(pair: &[u8]) -> Option<(Cow<'_, [u8]>, Value<'_>)> {
    let (mut name, mut value) = (None, None);
    json::object(pair, 0, |member| match member.key {
        key if NAMES.contains(&&*key) => name = member.value.text(),
        key if *key == *b"value" => value = Some(member.value),
        _ => {}
    })?;
    Some((name?, plain(value?)))
}

/// OpenTelemetry names the type of a value: `{"stringValue":"a"}`; an absent value is `{}`.
fn plain(value: Value<'_>) -> Value<'_> {
    let Value::Object(typed) = value else { return value };
    let mut found = Value::Null;
    json::object(typed, 0, |member| {
        if member.key.ends_with(b"Value") {
            found = member.value;
        }
    });
    found
}

/// Returns whether an entry of Docker's `json-file` is of standard error; `None` for another entry. Source:
/// Docker, `daemon/logger/jsonfilelog/jsonlog`.
pub(super) fn docker(object: &[u8]) -> Option<bool> {
    let (mut is_stderr, mut has_time, mut is_other) = (None, false, false);
    json::object(object, 0, |member| match (&*member.key, member.value) {
        (b"log", Value::Text(_)) | (b"attrs", Value::Object(_)) => {}
        (b"stream", Value::Text(stream @ (b"stdout" | b"stderr"))) => is_stderr = Some(stream == b"stderr"),
        (b"time", Value::Text(_)) => has_time = true,
        _ => is_other = true,
    })?;
    is_stderr.filter(|_| has_time && !is_other)
}

/// Returns the text that an array of its bytes represents, as journald writes it. Source: systemd, "Journal
/// Export Formats", JSON.
pub(super) fn bytes(array: &[u8]) -> Option<Vec<u8>> {
    let mut text = Some(Vec::new());
    json::array(array, 0, |value| {
        let byte = match value {
            Value::Plain(number) => std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()),
            _ => None,
        };
        text = text.take().zip(byte).map(|(mut text, byte): (Vec<u8>, u8)| {
            text.push(byte);
            text
        });
    })?;
    text
}

/// A table of Log Analytics: `{"columns":[{"name":"sni_host"},…],"rows":[[…],…]}`.
pub(super) struct Rows<'a> {
    columns: Vec<Cow<'a, [u8]>>,
    rows: &'a [u8],
}

/// Returns the table that an object represents, if one of its columns is a server name.
pub(super) fn rows<'a>(object: &'a [u8], format: &Format) -> Option<Rows<'a>> {
    let (mut columns, mut rows) = (Vec::new(), None);
    json::object(object, 0, |member| match (&*member.key, member.value) {
        (b"columns", Value::Array(array)) => {
            json::array(array, 0, |column| {
                let mut name = Cow::Borrowed(&b""[..]);
                if let Value::Object(column) = column {
                    json::object(column, 0, |member| {
                        if *member.key == *b"name" {
                            name = member.value.text().unwrap_or_default();
                        }
                    });
                }
                columns.push(name);
            });
        }
        (b"rows", Value::Array(array)) => rows = Some(array),
        _ => {}
    })?;
    let has_name = columns.iter().any(|column| format.field(column) == Some(Field::Name));
    Some(Rows { columns, rows: rows.filter(|_| has_name)? })
}

impl Rows<'_> {
    /// Passes on each row as the object that it describes.
    pub(super) fn each(&self, mut each: impl FnMut(&[u8])) {
        json::array(self.rows, 0, |row| {
            let Value::Array(row) = row else { return };
            let mut object = Object::default();
            let mut columns = self.columns.iter();
            json::array(row, 0, |value| {
                if let Some(column) = columns.next() {
                    object.member(column, value);
                }
            });
            each(&object.finish());
        });
    }
}

/// Writes an object.
#[derive(Default)]
pub(super) struct Object(Vec<u8>);

impl Object {
    /// Adds a member whose value is JSON already.
    pub(super) fn member(&mut self, key: &[u8], value: Value<'_>) {
        self.key(key);
        match value {
            Value::Null => self.0.extend_from_slice(b"null"),
            Value::Plain(raw) | Value::Object(raw) | Value::Array(raw) => self.0.extend_from_slice(raw),
            Value::Text(raw) => {
                self.0.push(b'"');
                self.0.extend_from_slice(raw);
                self.0.push(b'"');
            }
        }
    }

    /// Adds a member whose value is text.
    pub(super) fn text(&mut self, key: &[u8], text: &[u8]) {
        self.key(key);
        self.quoted(text);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }

    fn key(&mut self, key: &[u8]) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.quoted(key);
        self.0.push(b':');
    }

    fn quoted(&mut self, text: &[u8]) {
        self.0.push(b'"');
        for &byte in text {
            if matches!(byte, b'"' | b'\\') {
                self.0.push(b'\\');
            }
            self.0.push(byte);
        }
        self.0.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Option<Vec<u8>>) -> Option<String> {
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn pairs_become_an_object() {
        for (array, expected) in [
            (
                r#"[{"field":"sni_host","value":"a\"b"},{"field":"status","value":"0"}]"#,
                Some(r#"{"sni_host":"a\"b","status":"0"}"#),
            ),
            (
                r#"[{"key":"sni_host","value":{}},{"key":"status","value":{"intValue":"0"}}]"#,
                Some(r#"{"sni_host":null,"status":"0"}"#),
            ),
            (r#"[{"field":"@message","value":"x"}]"#, None),
            (r#"[{"field":"sni_host","value":"x"},7]"#, None),
            (r#"[{"field":"sni_host"}]"#, None),
            ("[]", None),
        ] {
            assert_eq!(text(pairs(array.as_bytes(), &Format::default())).as_deref(), expected, "{array}");
        }
    }

    #[test]
    fn bytes_become_text() {
        for (array, expected) in
            [("[123, 27,125]", Some("{\u{1b}}")), ("[]", Some("")), ("[256]", None), ("[\"1\"]", None)]
        {
            assert_eq!(text(bytes(array.as_bytes())).as_deref(), expected, "{array}");
        }
    }

    #[test]
    fn rows_become_objects() {
        let table = br#"{"name":"t","columns":[{"name":"sni_host","type":"string"},{"name":"status"}],"rows":[[null,0],["a"],7,[1,2,3]]}"#;
        let mut found = Vec::new();
        rows(table, &Format::default())
            .expect("it is a table")
            .each(|row| found.push(String::from_utf8_lossy(row).into_owned()));
        assert_eq!(found, [r#"{"sni_host":null,"status":0}"#, r#"{"sni_host":"a"}"#, r#"{"sni_host":1,"status":2}"#]);
        assert!(rows(br#"{"columns":[{"name":"x"}],"rows":[]}"#, &Format::default()).is_none());
        assert!(rows(br#"{"columns":[{"name":"sni_host"}]}"#, &Format::default()).is_none());
    }

    #[test]
    fn text_is_quoted() {
        let mut object = Object::default();
        object.text(b"a", br#"x "y" \z"#);
        object.member(b"b", Value::Null);
        let written = text(Some(object.finish())).expect("it was written");
        let parsed: serde_json::Value = serde_json::from_str(&written).expect("it is JSON");
        assert_eq!(parsed["a"], r#"x "y" \z"#);
        assert_eq!(text(Some(Object::default().finish())).as_deref(), Some("{}"));
    }
}
