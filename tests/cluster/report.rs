//! Reads the program's JSON report and evidence; no other file of the testbed knows their form.

use serde_json::Value;

use crate::objects::text;
use crate::recorded::Logged;
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

    /// Returns the codes of all checks with this outcome, sorted.
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

    /// Returns the reasons why checks are unknown or not applicable.
    pub fn reasons(&self) -> Vec<&str> {
        let checks = self.0["checks"].as_array().map_or(&[][..], Vec::as_slice);
        checks.iter().filter_map(|check| check["reason"].as_str()).collect()
    }

    /// Returns a check's result, for error messages.
    pub fn describe(&self, code: &str) -> String {
        let checks = self.0["checks"].as_array().map_or(&[][..], Vec::as_slice);
        checks.iter().find(|check| text(&check["code"]) == code).map(ToString::to_string).unwrap_or_default()
    }

    /// Returns the commands of the remedy that change routes, each with the one that undoes it.
    pub fn remedy_of_routes(&self) -> Vec<(&str, &str)> {
        let steps = self.0["remedy"]["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let changes = ["kind: ApigeeRoute\n", " patch apigeeroute ", " delete apigeeroute "];
        let pastes = steps.iter().map(|step| (text(&step["paste"]), text(&step["undo"])));
        pastes.filter(|(paste, _)| changes.iter().any(|change| paste.contains(change))).collect()
    }

    /// Returns the env groups for which the remedy lists `helm upgrade`.
    pub fn remedy_env_groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = strings(&self.0["remedy"])
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.strip_prefix("helm upgrade ")?.split_whitespace().next().map(ToOwned::to_owned))
            .collect();
        groups.sort();
        groups.dedup();
        groups
    }
}

/// The counts of one log in the written evidence.
#[derive(Debug)]
#[expect(dead_code, reason = "what is not compared is printed, to tell a lost line from one that was not understood")]
pub struct CountedLog {
    pub resets_without_name: u64,
    pub resets_with_name: u64,
    pub bytes: u64,
    pub lines: u64,
    pub records: u64,
    pub broken_lines: u64,
}

/// Returns the number of log lines caused by the program's own handshakes, apart from those with made-up SNI
/// values: one for each handshake that the gateway refused for its SNI, or for lack of one.
pub fn own_resets(evidence: &str) -> Result<Logged> {
    let evidence: Value =
        serde_json::from_str(evidence).map_err(|error| format!("the evidence is not JSON: {error}"))?;
    let endpoints = evidence["probes"]["seen"]["endpoints"].as_array().cloned().unwrap_or_default();
    let mut left = Logged::default();
    for handshake in endpoints.iter().filter_map(|endpoint| endpoint["handshakes"].as_array()).flatten() {
        let failure = &handshake["failure"];
        let is_reset = failure["stage"] == "clientHello" && (failure["how"] == "reset" || failure["how"] == "closed");
        match text(&handshake["kind"]) {
            "nameless" if is_reset => left.without_name += 1,
            "named" if is_reset => left.with_name += 1,
            _ => {}
        }
    }
    Ok(left)
}

/// Returns the counts of each log with records in the written evidence.
pub fn counted_logs(evidence: &str) -> Result<Vec<CountedLog>> {
    let evidence: Value =
        serde_json::from_str(evidence).map_err(|error| format!("the evidence is not JSON: {error}"))?;
    let mut logs = Vec::new();
    add_logs(&evidence, &mut logs);
    logs.retain(|log| log.records > 0);
    Ok(logs)
}

fn add_logs(value: &Value, logs: &mut Vec<CountedLog>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_logs(item, logs)),
        Value::Object(fields) if fields.contains_key("resetWithoutName") => {
            let number = |field: &Value| field.as_u64().unwrap_or_default();
            logs.push(CountedLog {
                resets_without_name: number(&value["resetWithoutName"]["count"]),
                resets_with_name: number(&value["resetWithName"]["count"]),
                bytes: number(&value["bytes"]),
                lines: number(&value["lines"]),
                records: number(&value["records"]),
                broken_lines: number(&value["brokenLines"]),
            });
        }
        Value::Object(fields) => fields.values().for_each(|field| add_logs(field, logs)),
        _ => {}
    }
}

/// Returns all strings in a value, in order.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
