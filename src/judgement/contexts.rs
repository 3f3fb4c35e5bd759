//! Several clusters in one report: a line for each of them, and the report of each, or why there is none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Report;
use super::summary::CheckCounts;
use crate::verdict::VerdictKind;

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.contexts/v1";

/// Exit codes by precedence: the first that any context has is that of the run. A finding is certain and
/// remains when the other clusters can be read again, so it comes before a cluster that could not be
/// contacted. Without a finding, such a cluster must not pass.
const WORST_FIRST: [u8; 4] = [130, 1, 2, 3];

/// One run over several contexts.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContextsReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub tool_version: String,
    /// A line for each context, in the requested order.
    pub summary: Vec<Summary>,
    /// The same contexts in the same order, with everything that is reported of them.
    pub contexts: Vec<ContextReport>,
    /// The exit code of the run, the same for every format.
    pub exit_code: u8,
}

/// One context in a line.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    pub context: String,
    /// Absent where the context has no report.
    pub verdict: Option<VerdictKind>,
    /// The headline of the verdict; absent where the context has no report, and in reports of older versions.
    #[serde(default)]
    pub headline: Option<String>,
    /// Absent where the context has no report.
    pub checks: Option<Counts>,
    /// Why the context has no report.
    pub error: Option<String>,
    /// The exit code of a run with this context alone.
    pub exit_code: u8,
}

/// Number of checks by result.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Found, and an error.
    pub errors: u64,
    /// Found, and a warning.
    pub warnings: u64,
    /// Found, and a notice.
    pub notices: u64,
    pub unknown: u64,
}

/// Everything that is reported of one context.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ContextReport {
    Judged { context: String, report: Box<Report> },
    Failed { context: String, error: Failure },
}

/// Why a context has no report.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// Begins with "could not".
    pub message: String,
    /// A hint at what to try next.
    pub hint: Option<String>,
    /// The exit code of a run with this context alone.
    pub exit_code: u8,
}

/// Combines the reports of the contexts.
#[must_use]
pub fn build(contexts: impl IntoIterator<Item = (String, Result<Report, Failure>)>) -> ContextsReport {
    let (summary, contexts): (Vec<Summary>, Vec<ContextReport>) = contexts
        .into_iter()
        .map(|(context, outcome)| {
            let summary = Summary::new(&context, outcome.as_ref());
            let told = match outcome {
                Ok(report) => ContextReport::Judged { context, report: Box::new(report) },
                Err(error) => ContextReport::Failed { context, error },
            };
            (summary, told)
        })
        .unzip();
    let codes: Vec<u8> = summary.iter().map(|line| line.exit_code).collect();
    ContextsReport {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        exit_code: worst(&codes),
        summary,
        contexts,
    }
}

/// Returns the exit code for those of several contexts: 130, else 1, else 2, else 3, else 0.
#[must_use]
pub fn worst(codes: &[u8]) -> u8 {
    WORST_FIRST.into_iter().find(|worst| codes.contains(worst)).unwrap_or(0)
}

impl Summary {
    /// Returns the line of one context.
    #[must_use]
    pub fn new(context: &str, outcome: Result<&Report, &Failure>) -> Self {
        Self {
            context: context.to_owned(),
            verdict: outcome.ok().map(|report| report.verdict.kind),
            headline: outcome.ok().map(|report| report.verdict.headline.clone()),
            checks: outcome.ok().map(Counts::of),
            error: outcome.err().map(|failure| failure.message.clone()),
            exit_code: outcome.map_or_else(|failure| failure.exit_code, |report| report.exit_code),
        }
    }
}

impl Counts {
    fn of(report: &Report) -> Self {
        let CheckCounts { errors, warnings, notices, unknown, .. } = CheckCounts::of(&report.checks);
        Self { errors, warnings, notices, unknown }
    }
}
