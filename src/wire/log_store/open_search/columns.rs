//! The fields of an index and what can be done with each, from `_field_caps`.

use std::collections::BTreeMap;

use serde_json::Value;

/// Maximum number of fields that are looked at. An index has at most 1,000 by default.
const MAX_COLUMNS: usize = 100_000;

/// Names of sub-fields that hold a text unchanged: of dynamic mappings, and of Logstash before.
const EXACT: [&str; 2] = [".keyword", ".raw"];

/// What a field can be used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Address,
    Date,
    /// Text that is compared and grouped as it is.
    Exact,
    Number,
    /// Text that is searched by words.
    Words,
    /// Different kinds in different indices, or none of the above.
    Other,
}

/// A field that can be compared and grouped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// The path of the field in the record.
    pub path: String,
    /// The field to compare and group by: the field itself, or a sub-field.
    pub exact: String,
    pub kind: Kind,
}

/// The fields of an index by path.
pub type Columns = BTreeMap<String, Kind>;

/// Reads an answer of `_field_caps`.
///
/// # Errors
/// What it is instead.
pub fn columns(bytes: &[u8]) -> Result<Columns, String> {
    let answer = super::super::json(bytes)?;
    // A pattern that no index matches has no fields.
    let fields = match &answer["fields"] {
        Value::Object(fields) => fields.clone(),
        Value::Null if answer.get("indices").is_some() => serde_json::Map::new(),
        _ => return Err("JSON that is no answer of _field_caps".into()),
    };
    let mut columns = Columns::new();
    for (path, types) in fields.iter().take(MAX_COLUMNS) {
        // Fields of the store itself.
        if path.starts_with('_') {
            continue;
        }
        let Some(types) = types.as_object() else { continue };
        let mut kinds = types.iter().filter(|(name, _)| *name != "unmapped").map(|(name, can)| kind(name, can));
        let Some(first) = kinds.next() else { continue };
        let Some(first) = first else { continue };
        columns.insert(path.clone(), if kinds.all(|kind| kind == Some(first)) { first } else { Kind::Other });
    }
    // Documents within a document are found by another kind of query.
    let nested: Vec<String> =
        fields.iter().filter(|(_, types)| types.get("nested").is_some()).map(|(path, _)| format!("{path}.")).collect();
    columns.retain(|path, _| !nested.iter().any(|parent| path.starts_with(parent)));
    Ok(columns)
}

/// Returns the kind of a type; `None` for objects, which are no fields.
fn kind(name: &str, can: &Value) -> Option<Kind> {
    let grouped = can["aggregatable"] != Value::Bool(false) && can["searchable"] != Value::Bool(false);
    Some(match name {
        "object" | "nested" => return None,
        "text" | "match_only_text" => Kind::Words,
        _ if !grouped => Kind::Other,
        "keyword" | "constant_keyword" | "wildcard" => Kind::Exact,
        "long" | "integer" | "short" | "byte" | "double" | "float" | "half_float" | "scaled_float"
        | "unsigned_long" => Kind::Number,
        "date" | "date_nanos" => Kind::Date,
        "ip" => Kind::Address,
        _ => Kind::Other,
    })
}

/// Returns the field at a path, if it can be compared and grouped.
#[must_use]
pub fn column(columns: &Columns, path: &str) -> Option<Column> {
    let column = |exact: String, kind| Some(Column { path: path.to_owned(), exact, kind });
    match *columns.get(path)? {
        Kind::Words => {
            let exact = EXACT.iter().map(|ending| format!("{path}{ending}"));
            let exact = exact.into_iter().find(|exact| columns.get(exact) == Some(&Kind::Exact))?;
            column(exact, Kind::Exact)
        }
        Kind::Other => None,
        kind => column(path.to_owned(), kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: &str = r#"{"indices":["a","b"],"fields":{
        "_id":{"_id":{"searchable":true,"aggregatable":false}},
        "sni_host":{"text":{"searchable":true,"aggregatable":false}},
        "sni_host.keyword":{"keyword":{"searchable":true,"aggregatable":true}},
        "path":{"text":{"searchable":true,"aggregatable":false}},
        "status":{"long":{"searchable":true,"aggregatable":true},"keyword":{"searchable":true,"aggregatable":true}},
        "at":{"date":{"searchable":true,"aggregatable":true},"unmapped":{"searchable":false,"aggregatable":false}},
        "client":{"ip":{"searchable":true,"aggregatable":true}},
        "hidden":{"keyword":{"searchable":true,"aggregatable":false}},
        "log":{"object":{"searchable":false,"aggregatable":false}},
        "n":{"nested":{"searchable":false,"aggregatable":false}},
        "n.x":{"long":{"searchable":true,"aggregatable":true}}}}"#;

    #[test]
    fn kinds_are_told_apart() {
        let known = columns(CAPS.as_bytes()).unwrap();
        assert_eq!(column(&known, "sni_host").unwrap().exact, "sni_host.keyword");
        assert_eq!(column(&known, "at").unwrap().kind, Kind::Date);
        assert_eq!(column(&known, "client").unwrap().kind, Kind::Address);
        for path in ["path", "status", "hidden", "log", "n.x", "_id", "nothing"] {
            assert_eq!(column(&known, path), None, "{path}");
        }
        assert!(columns(b"[]").is_err());
    }
}
