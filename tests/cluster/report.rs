//! The one place that knows what the program's JSON report and its evidence look like.

use serde_json::Value;

use crate::objects::text;
use crate::shell::Result;

pub struct Report(Value);

impl Report {
    pub fn parse(stdout: &[u8]) -> Result<Self> {
        serde_json::from_slice(stdout)
            .map(Self)
            .map_err(|error| format!("the report is not JSON: {error}\n{}", String::from_utf8_lossy(stdout)))
    }

    pub fn verdict(&self) -> &str {
        text(&self.0["verdict"]["kind"])
    }

    /// The codes of all checks that ended so, sorted.
    pub fn codes(&self, outcome: &str) -> Vec<String> {
        let checks = self.0["checks"].as_array().map_or(&[][..], Vec::as_slice);
        let mut codes: Vec<String> = checks
            .iter()
            .filter(|check| text(&check["outcome"]) == outcome)
            .map(|check| text(&check["code"]).to_owned())
            .collect();
        codes.sort();
        codes
    }

    /// What a check says about itself, for error messages.
    pub fn describe(&self, code: &str) -> String {
        let checks = self.0["checks"].as_array().map_or(&[][..], Vec::as_slice);
        checks.iter().find(|check| text(&check["code"]) == code).map(ToString::to_string).unwrap_or_default()
    }

    /// The ApigeeRoute that the remedy wants applied, without the shell around it.
    pub fn remedy_manifest(&self) -> Option<String> {
        let texts = strings(&self.0["remedy"]);
        let manifest = texts.into_iter().find(|text| text.lines().any(|line| line.trim() == "kind: ApigeeRoute"))?;
        let lines = manifest.lines().skip_while(|line| !line.starts_with("apiVersion:"));
        let lines: Vec<&str> = lines.take_while(|line| line.trim() != "EOF").collect();
        Some(lines.join("\n") + "\n")
    }

    /// The env groups for which the remedy wants `helm upgrade`.
    pub fn remedy_env_groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = strings(&self.0["remedy"])
            .iter()
            .flat_map(|text| text.split("helm upgrade ").skip(1))
            .filter_map(|rest| rest.split_whitespace().next().map(ToOwned::to_owned))
            .collect();
        groups.sort();
        groups.dedup();
        groups
    }
}

/// How many resets, without and with a server name, the written evidence counts over all logs.
pub fn counted_resets(evidence: &str) -> Result<(u64, u64)> {
    let evidence: Value =
        serde_json::from_str(evidence).map_err(|error| format!("the evidence is not JSON: {error}"))?;
    let mut counts = (0, 0);
    add_counts(&evidence, &mut counts);
    Ok(counts)
}

fn add_counts(value: &Value, counts: &mut (u64, u64)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_counts(item, counts)),
        Value::Object(fields) => {
            counts.0 += value["resetWithoutName"]["count"].as_u64().unwrap_or_default();
            counts.1 += value["resetWithName"]["count"].as_u64().unwrap_or_default();
            fields.values().for_each(|field| add_counts(field, counts));
        }
        _ => {}
    }
}

/// All strings in a value, in order.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
