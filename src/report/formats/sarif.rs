//! SARIF 2.1.0, for code scanning: rules from the catalogue, and a result for each finding with its line and
//! column where it is in a file.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::report::document::{Code, Kind, Level, Location, Object};
use crate::report::{Document, Located, Rule, TextOptions};
use crate::text::visible;

pub(super) const ABOUT: Option<&str> = Some("SARIF 2.1.0, for code scanning");

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// A name of a file as a relative reference.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, serde_json::Error> {
    let findings = document.findings();
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Rule> = codes.into_iter().filter_map(Rule::of).collect();
    let mut log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(|finding| result(finding, &rules)).collect::<Vec<_>>(),
        }],
    });
    if let Some(conclusion) = document.conclusion() {
        log["runs"][0]["properties"] = json!({ "conclusion": visible(&conclusion) });
    }
    serde_json::to_string_pretty(&log).map(|text| text + "\n")
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": format!("{} {}", rule.looks_for, rule.matters) },
        "help": { "text": rule.fix },
        "helpUri": rule.url,
        "defaultConfiguration": { "level": level(rule.level) },
        "properties": { "tags": [rule.family] },
    })
}

fn result(finding: &Located<'_>, rules: &[Rule]) -> Value {
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.level),
        "message": { "text": visible(&finding.sentence()) },
        "partialFingerprints": { "objectAndPlace/v1": fingerprint(finding) },
    });
    if finding.known {
        result["baselineState"] = "unchanged".into();
    }
    if let Some(index) = rules.iter().position(|rule| rule.code == finding.code) {
        result["ruleIndex"] = index.into();
    }
    let mut place = serde_json::Map::new();
    if let Some(Location::File { name, line, column }) = finding.location {
        place.insert(
            "physicalLocation".into(),
            json!({
                "artifactLocation": { "uri": utf8_percent_encode(name, PATH).to_string() },
                "region": { "startLine": line, "startColumn": column },
            }),
        );
    }
    if !finding.objects.is_empty() {
        let objects: Vec<Value> = finding.objects.iter().map(logical).collect();
        place.insert("logicalLocations".into(), objects.into());
    }
    if !place.is_empty() {
        result["locations"] = json!([place]);
    }
    result
}

fn logical(object: &Object) -> Value {
    json!({ "name": visible(&object.name), "fullyQualifiedName": visible(&object.to_string()), "kind": "resource" })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "note",
    }
}

/// Identifies the finding over runs: by code, objects and the place inside them. Pods and endpoints come and
/// go, and lines of a file move, so that neither counts.
fn fingerprint(finding: &Located<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(finding.code.as_str());
    for object in finding.objects {
        hash.update(format!("\0{}", object.kind));
        if !matches!(object.kind, Kind::Endpoint | Kind::Log | Kind::Pod) {
            hash.update(format!("/{}", object.name));
        }
    }
    match finding.location {
        Some(Location::Field(field) | Location::FieldOfGroups(field) | Location::Entry(field)) => hash.update(field),
        Some(Location::File { name, .. }) => hash.update(name),
        _ => {}
    }
    let digest = hash.finalize();
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
