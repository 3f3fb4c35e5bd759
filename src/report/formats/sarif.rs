//! SARIF 2.1.0, for code scanning: rules from the catalogue, and a result for each finding with its line and
//! column where it is in a file.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::json;
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
            "results": results(&findings, &rules),
        }],
    });
    if let Some(conclusion) = document.conclusion() {
        log["runs"][0]["properties"] = json!({ "conclusion": visible(&conclusion) });
    }
    json::of(&log)
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

/// Results with a fingerprint each: findings that differ by pods or addresses alone are numbered.
fn results(findings: &[Located<'_>], rules: &[Rule]) -> Vec<Value> {
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let numbered = findings.iter().map(|finding| {
        let fingerprint = fingerprint(finding);
        let number = known.entry(fingerprint.clone()).and_modify(|number| *number += 1).or_insert(1);
        result(finding, &format!("{fingerprint}:{number}"), rules)
    });
    numbered.collect()
}

fn result(finding: &Located<'_>, fingerprint: &str, rules: &[Rule]) -> Value {
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.level),
        "message": { "text": visible(&finding.sentence()) },
        "partialFingerprints": { "objectAndPlace/v2": fingerprint },
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

/// Identifies the finding over runs: by context or target, code, objects and the place inside them. Names of
/// pods and addresses come and go, and lines of a file move, so that none of them counts.
fn fingerprint(finding: &Located<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(finding.code.as_str());
    hash.update(format!("\0{}", finding.subject.unwrap_or_default()));
    for object in finding.objects {
        hash.update(format!("\0{}", object.kind));
        if !matches!(object.kind, Kind::Endpoint | Kind::Log | Kind::Pod) {
            hash.update(format!("/{}/{}", object.namespace.as_deref().unwrap_or_default(), object.name));
        }
    }
    match finding.location {
        Some(Location::Field(field) | Location::FieldOfGroups(field) | Location::Entry(field)) => {
            hash.update(format!("\0{field}"));
        }
        Some(Location::File { name, .. }) => hash.update(format!("\0{name}")),
        Some(Location::ClientHellos(hellos)) => {
            for hello in hellos.iter().filter(|hello| !hello.unknown) {
                hash.update(format!("\0{}", hello.server_name.as_deref().unwrap_or_default()));
            }
        }
        _ => {}
    }
    let digest = hash.finalize();
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
