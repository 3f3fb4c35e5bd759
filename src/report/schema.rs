//! The JSON schemas of the report and of the one over several contexts, with the codes of the catalogue.

use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use super::contexts::{self, ContextsReport};
use super::{Report, SCHEMA};
use crate::checks;

/// Exit codes with which a report can end.
const EXIT_CODES: [u8; 4] = [0, 1, 3, 130];
/// Among them that of a context that could not be asked.
const EXIT_CODES_OF_CONTEXTS: [u8; 5] = [0, 1, 2, 3, 130];

/// The schema that `docs/report.schema.json` publishes.
#[must_use]
pub fn schema() -> Value {
    with_values::<Report>(&[
        ("/properties/schema", json!({ "const": SCHEMA })),
        ("/properties/exitCode", json!({ "enum": EXIT_CODES })),
    ])
}

/// The schema that `docs/contexts.schema.json` publishes.
#[must_use]
pub fn of_contexts() -> Value {
    with_values::<ContextsReport>(&[
        ("/properties/schema", json!({ "const": contexts::SCHEMA })),
        ("/properties/exitCode", json!({ "enum": EXIT_CODES_OF_CONTEXTS })),
        ("/$defs/Failure/properties/exitCode", json!({ "enum": [2, 130] })),
        ("/$defs/Report/properties/schema", json!({ "const": SCHEMA })),
        ("/$defs/Report/properties/exitCode", json!({ "enum": EXIT_CODES })),
        ("/$defs/Summary/properties/exitCode", json!({ "enum": EXIT_CODES_OF_CONTEXTS })),
    ])
}

/// The schema of a type, with what only values know in place of what types say.
fn with_values<T: JsonSchema>(values: &[(&str, Value)]) -> Value {
    let mut schema = schema_for!(T).to_value();
    let codes: Vec<&str> = checks::all().map(|(_, check)| check.code.as_str()).collect();
    let names: Vec<&str> = checks::all().map(|(_, check)| check.name).collect();
    let families: Vec<&str> = checks::CATALOGUE.iter().map(|family| family.name).collect();
    let of_catalogue = [
        ("/$defs/CheckReport/properties/code", json!({ "enum": codes })),
        ("/$defs/CheckReport/properties/name", json!({ "enum": names })),
        ("/$defs/CheckReport/properties/family", json!({ "enum": families })),
        ("/$defs/Mark/properties/code", json!({ "enum": codes })),
    ];
    for (place, value) in values.iter().chain(&of_catalogue) {
        if let Some(slot) = schema.pointer_mut(place) {
            *slot = value.clone();
        }
    }
    schema
}
