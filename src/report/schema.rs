//! The JSON schema of the report, with the codes of the catalogue.

use serde_json::{Value, json};

use super::{Report, SCHEMA};
use crate::checks;

/// The schema that `docs/report.schema.json` publishes.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Report).to_value();
    let codes: Vec<&str> = checks::all().map(|(_, check)| check.code).collect();
    let names: Vec<&str> = checks::all().map(|(_, check)| check.name).collect();
    let families: Vec<&str> = checks::CATALOGUE.iter().map(|family| family.name).collect();
    for (place, value) in [
        ("/properties/schema", json!({ "const": SCHEMA })),
        ("/properties/exitCode", json!({ "enum": [0, 1, 3, 130] })),
        ("/$defs/CheckReport/properties/code", json!({ "enum": codes })),
        ("/$defs/CheckReport/properties/name", json!({ "enum": names })),
        ("/$defs/CheckReport/properties/family", json!({ "enum": families })),
        ("/$defs/Mark/properties/code", json!({ "enum": codes })),
    ] {
        if let Some(slot) = schema.pointer_mut(place) {
            *slot = value;
        }
    }
    schema
}
