//! Several clusters in one report: a line for each of them, and the report of each, or why there is none;
//! those with most harm come first.
//!
//! ```text
//! Report, Failure ─ Entry (packed, at once) ─ combine (order, headline, exit code) ─ ContextsReport
//! ```
//!
//! Reports are packed as soon as they are made, so that memory does not grow with what is reported of a
//! fleet.

mod harm;
mod packed;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

pub use self::harm::{FailedGroup, failed_groups, harm, is_failing};
pub use self::packed::PackedReport;
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
    /// The answer for all contexts in one sentence without a full stop; empty in reports of older versions.
    #[serde(default)]
    pub headline: String,
    /// A line for each context, those with most harm first, and in the requested order where harm is equal.
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
    /// Connections of clients that the access logs show as reset; absent where no log was read, and in
    /// reports of older versions.
    #[serde(default)]
    pub resets: Option<u64>,
    /// Absent where the context has no report.
    pub checks: Option<Counts>,
    /// Why the context has no report.
    pub error: Option<String>,
    /// The reason alone, the same for all contexts that fail alike: `connection refused`.
    #[serde(default)]
    pub reason: Option<String>,
    /// A hint at what to try next.
    #[serde(default)]
    pub hint: Option<String>,
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
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ContextReport {
    Judged { context: String, report: PackedReport },
    Failed { context: String, error: Failure },
}

/// As serde would read it without a tag, but without keeping each report twice meanwhile.
impl<'de> Deserialize<'de> for ContextReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Told {
            context: String,
            report: Option<PackedReport>,
            error: Option<Failure>,
        }
        match Told::deserialize(deserializer)? {
            Told { context, report: Some(report), error: None } => Ok(Self::Judged { context, report }),
            Told { context, report: None, error: Some(error) } => Ok(Self::Failed { context, error }),
            Told { context, .. } => Err(de::Error::custom(format!("{context:?} needs either a report or an error"))),
        }
    }
}

/// Why a context has no report.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// Begins with "could not".
    pub message: String,
    /// The reason alone, without address and name, the same for all contexts that fail alike:
    /// `connection refused`. Empty in reports of older versions.
    #[serde(default)]
    pub reason: String,
    /// A hint at what to try next.
    pub hint: Option<String>,
    /// The exit code of a run with this context alone.
    pub exit_code: u8,
}

/// What is kept of one context.
#[derive(Clone, Debug)]
pub struct Entry {
    summary: Summary,
    context: ContextReport,
}

impl Entry {
    /// Keeps what is reported of a context in little memory.
    #[must_use]
    pub fn new(context: &str, outcome: Result<Report, Failure>) -> Self {
        let summary = Summary::new(context, outcome.as_ref());
        let name = context.to_owned();
        match outcome.map(PackedReport::new) {
            Ok(Ok(report)) => Self { summary, context: ContextReport::Judged { context: name, report } },
            Ok(Err(error)) => {
                let message = format!("could not make the report: {error}");
                Self::new(context, Err(Failure { reason: message.clone(), message, hint: None, exit_code: 2 }))
            }
            Err(error) => Self { summary, context: ContextReport::Failed { context: name, error } },
        }
    }
}

/// Combines the reports of the contexts, which are in the requested order.
#[must_use]
pub fn build(contexts: impl IntoIterator<Item = (String, Result<Report, Failure>)>) -> ContextsReport {
    combine(contexts.into_iter().map(|(context, outcome)| Entry::new(&context, outcome)).collect())
}

/// Combines what was kept of the contexts, which are in the requested order.
#[must_use]
pub fn combine(mut entries: Vec<Entry>) -> ContextsReport {
    // The sort is stable: contexts with the same harm remain in the requested order.
    entries.sort_by_key(|entry| harm(&entry.summary));
    let (summary, contexts): (Vec<Summary>, Vec<ContextReport>) =
        entries.into_iter().map(|entry| (entry.summary, entry.context)).unzip();
    let codes: Vec<u8> = summary.iter().map(|line| line.exit_code).collect();
    ContextsReport {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        headline: harm::headline(&summary),
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
            resets: outcome.ok().and_then(|report| Some(report.summary.resets.as_ref()?.total)),
            checks: outcome.ok().map(Counts::of),
            error: outcome.err().map(|failure| failure.message.clone()),
            reason: outcome.err().map(|failure| failure.reason.clone()),
            hint: outcome.err().and_then(|failure| failure.hint.clone()),
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

impl ContextReport {
    /// Name of the context.
    #[must_use]
    pub fn context(&self) -> &str {
        match self {
            Self::Judged { context, .. } | Self::Failed { context, .. } => context,
        }
    }
}
