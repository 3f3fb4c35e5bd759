//! The report for programs: JSON and YAML of one and the same value, as `docs/report.schema.json` describes it.
//! The report of `probe` has a schema of its own beside it.

use serde::Serialize;

/// Pretty-printed JSON, ending with a line end.
///
/// # Errors
/// Never for a report; the type of the serialiser says so.
pub fn json(report: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// YAML, ending with a line end.
///
/// # Errors
/// Never for a report; the type of the serialiser says so.
pub fn yaml(report: &impl Serialize) -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(report)
}
