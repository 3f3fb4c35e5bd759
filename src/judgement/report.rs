//! The report of `diagnose` as a plain value. Documents render it and conclude nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::chain::Chain;
use super::{Rehearsal, RunSummary, Subject};
use crate::checks::{Check, Code, Finding, Level, Location, Object};
use crate::playbooks::StepKey;
use crate::verdict::{NotSeen, Remedy, Verdict};

/// Names the format of the report in JSON and YAML. The number grows when an older reader would misread a
/// newer file.
pub const SCHEMA: &str = "apigee-tls.report/v1";

/// Everything that is reported about one run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the tool that gathered the evidence.
    pub tool_version: String,
    pub subject: Subject,
    /// The facts as numbers and names.
    #[serde(default)]
    pub summary: RunSummary,
    /// The chain of the clients that the report is about, from the client to overrides.yaml; absent in
    /// reports of older versions.
    #[serde(default)]
    pub chain: Option<Chain>,
    /// The chains of single server names, at most twelve: those that were reset most often, then those that
    /// this run requested, then those of routes. Empty in reports of older versions.
    #[serde(default)]
    pub chains_by_name: Vec<Chain>,
    /// The playbook, step by step.
    pub steps: Vec<StepReport>,
    pub verdict: Verdict,
    pub remedy: Remedy,
    /// What the remedy would do, of `--what-if`; absent if no step of it changes anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
    /// What was not checked or could not be seen, with the reason.
    pub not_seen: Vec<NotSeen>,
    /// Every check that was selected, in the order of the catalogue.
    pub checks: Vec<CheckReport>,
    /// The comparison with `--baseline`; absent without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The exit code of the run, the same for every format.
    pub exit_code: u8,
}

/// One step of the playbook.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepReport {
    pub number: u8,
    pub step: StepKey,
    pub title: String,
    pub state: StepState,
    /// The observation, in one line.
    pub seen: String,
    /// Details of it, one per line.
    pub details: Vec<String>,
    /// Details that only `-o wide` shows.
    pub wide: Vec<String>,
    /// Findings of this step.
    pub marks: Vec<Mark>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    Found,
    NotApplicable,
    /// Not part of this run; the step says which command does it.
    NotDone,
    Passed,
    Unknown,
}

/// A finding, at its step.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mark {
    pub code: Code,
    pub level: Level,
    pub message: String,
}

/// The result of one check.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckReport {
    pub code: Code,
    pub name: String,
    pub family: String,
    pub level: Level,
    pub step: StepKey,
    pub outcome: OutcomeWord,
    /// The observation, why the check does not apply, or why it is unknown; absent if something was found.
    pub reason: Option<String>,
    /// If there are more than 100, the first ones, and one that states the number of the others.
    pub findings: Vec<FindingReport>,
    /// Number of findings that are not listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One fault at one object. The strings are for readers; the fields after them hold the same as data. Reports
/// of older versions lack these fields.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Finding")]
pub struct FindingReport {
    /// The object: `ApigeeRoute/non-sni`, `Pod/name`, `overrides.yaml`; of several at most three names.
    pub object: String,
    /// The place inside it: `overrides.yaml:14:5`, `spec.selector`.
    pub place: String,
    /// One sentence without a full stop.
    pub message: String,
    pub observed: String,
    pub expected: String,
    /// All objects that `object` names.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// The place as data.
    #[serde(default)]
    pub location: Option<Location>,
    /// Names of all pods that the finding concerns; empty where it concerns none, or none is known.
    #[serde(default)]
    pub pods: Vec<String>,
    /// Page about the check.
    #[serde(default)]
    pub documentation_url: String,
    /// The report of `--baseline` has it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
}

impl FindingReport {
    pub(super) fn new(check: &Check, finding: &Finding) -> Self {
        Self {
            object: finding.object(),
            place: finding.place(),
            message: finding.message.clone(),
            observed: finding.observed.clone(),
            expected: finding.expected.clone(),
            objects: finding.objects.clone(),
            location: Some(finding.location.clone()),
            pods: finding.pods.clone(),
            documentation_url: check.documentation_url(),
            known: false,
        }
    }
}

/// The four results of a check.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OutcomeWord {
    Found,
    NotApplicable,
    Passed,
    Unknown,
}
