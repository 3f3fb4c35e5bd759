//! The JSON schemas of the documents and of the evidence, with the codes of the catalogue.

use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use super::Document;
use crate::checks;
use crate::evidence::{self, Evidence};
use crate::judgement::Report;
use crate::judgement::capture::CaptureReport;
use crate::judgement::contexts::ContextsReport;
use crate::judgement::diff::Difference;
use crate::judgement::diff::fleet::FleetDifference;
use crate::judgement::edge::EdgeReport;
use crate::judgement::probe::ProbeReport;
use crate::judgement::trace::Trace;
use crate::judgement::watch::{self, WatchEvent};

/// Exit codes of a report.
const EXIT_CODES: [u8; 4] = [0, 1, 3, 130];
/// Exit codes of a report over several contexts: 2 is that of a context that could not be asked.
const EXIT_CODES_OF_CONTEXTS: [u8; 5] = [0, 1, 2, 3, 130];

/// The schema that `docs/report.schema.json` publishes.
#[must_use]
pub fn schema() -> Value {
    with_values::<Report>(&[
        ("/properties/schema", json!({ "const": Report::SCHEMA })),
        ("/properties/exitCode", json!({ "enum": EXIT_CODES })),
    ])
}

/// The schema that `docs/contexts.schema.json` publishes.
#[must_use]
pub fn of_contexts() -> Value {
    with_values::<ContextsReport>(&[
        ("/properties/schema", json!({ "const": ContextsReport::SCHEMA })),
        ("/properties/exitCode", json!({ "enum": EXIT_CODES_OF_CONTEXTS })),
        ("/$defs/Failure/properties/exitCode", json!({ "enum": [2, 130] })),
        ("/$defs/Report/properties/schema", json!({ "const": Report::SCHEMA })),
        ("/$defs/Report/properties/exitCode", json!({ "enum": EXIT_CODES })),
        ("/$defs/Summary/properties/exitCode", json!({ "enum": EXIT_CODES_OF_CONTEXTS })),
    ])
}

/// The schema that `docs/probe.schema.json` publishes.
#[must_use]
pub fn of_probe() -> Value {
    of_document::<ProbeReport>()
}

/// The schema that `docs/diff.schema.json` publishes.
#[must_use]
pub fn of_diff() -> Value {
    of_document::<Difference>()
}

/// The schema that `docs/fleet-diff.schema.json` publishes.
#[must_use]
pub fn of_fleet_diff() -> Value {
    of_document::<FleetDifference>()
}

/// The schema that `docs/edge-report.schema.json` publishes.
#[must_use]
pub fn of_edge() -> Value {
    with_values::<EdgeReport>(&[
        ("/properties/schema", json!({ "const": EdgeReport::SCHEMA })),
        ("/properties/exitCode", json!({ "enum": EXIT_CODES_OF_CONTEXTS })),
    ])
}

/// The schema that `docs/pcap.schema.json` publishes.
#[must_use]
pub fn of_pcap() -> Value {
    of_document::<CaptureReport>()
}

/// The schema that `docs/trace.schema.json` publishes.
#[must_use]
pub fn of_trace() -> Value {
    of_document::<Trace>()
}

/// The schema that `docs/watch.schema.json` publishes: a line of `watch -o jsonl`.
#[must_use]
pub fn of_watch() -> Value {
    with_values::<WatchEvent>(&[("/properties/schema", json!({ "const": watch::SCHEMA }))])
}

/// The schema that `docs/evidence.schema.json` publishes: what `--write-evidence` writes.
#[must_use]
pub fn of_evidence() -> Value {
    with_values::<Evidence>(&[("/properties/schema", json!({ "const": evidence::SCHEMA }))])
}

fn of_document<D: Document + JsonSchema>() -> Value {
    with_values::<D>(&[("/properties/schema", json!({ "const": D::SCHEMA }))])
}

/// Returns the schema of a type, with values that the type does not know: codes, names and families of the
/// catalogue.
fn with_values<T: JsonSchema>(values: &[(&str, Value)]) -> Value {
    let mut schema = schema_for!(T).to_value();
    let codes: Vec<&str> = checks::all().map(|(_, check)| check.code.as_str()).collect();
    let names: Vec<&str> = checks::all().map(|(_, check)| check.name).collect();
    let families: Vec<&str> = checks::CATALOGUE.iter().map(|family| family.name).collect();
    let of_catalogue = [
        ("/$defs/CheckReport/properties/code", json!({ "enum": codes })),
        ("/$defs/CheckReport/properties/name", json!({ "enum": names })),
        ("/$defs/CheckReport/properties/family", json!({ "enum": families })),
        ("/$defs/LegCheck/properties/code", json!({ "enum": codes })),
        ("/$defs/LegCheck/properties/name", json!({ "enum": names })),
        ("/$defs/LegCheck/properties/family", json!({ "enum": families })),
        ("/$defs/Mark/properties/code", json!({ "enum": codes })),
    ];
    for (place, value) in values.iter().chain(&of_catalogue) {
        if let Some(slot) = schema.pointer_mut(place) {
            *slot = value.clone();
        }
    }
    schema
}
