//! What `watch` reports: one value for each change, and the summary at the end.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::{Code, Level};
use crate::evidence::access_log::{ClientFailure, Coverage};
use crate::judgement::Report;
use crate::verdict::VerdictKind;

/// Names the format of a line of `watch -o jsonl`. The number grows when an older reader would misread a
/// newer line.
pub const SCHEMA: &str = "apigee-tls.watch/v1";

/// One change, as a line of JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchEvent {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When it was noticed, by the clock of the machine that watches.
    pub at: Timestamp,
    #[serde(flatten)]
    pub change: Change,
}

impl WatchEvent {
    #[must_use]
    pub fn new(at: Timestamp, change: Change) -> Self {
        Self { schema: SCHEMA.to_owned(), at, change }
    }
}

/// What changed.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Change {
    /// A client fails that did not fail before, or that was quiet.
    Client(FailingRow),
    /// Log lines between these times may be missing.
    Gap { pod: String, container: String, from: Option<Timestamp>, until: Option<Timestamp>, why: String },
    /// A minute in which another number of connections failed than in the one before.
    Minute(Minute),
    /// A client that failed has no new record for five minutes.
    Quiet(FailingRow),
    /// The pods, the routes or the judgement are not available at the moment, or are again.
    Source { what: String, failed: Option<String> },
    /// The log of a container is followed, ended, or cannot be read at the moment.
    Stream { pod: String, container: String, state: StreamWord, why: Option<String> },
    /// What the whole watch showed; the last line.
    Summary(Summary),
    /// The judgement differs from the one before.
    Verdict(VerdictNow),
}

/// Whether the log of a container is read.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StreamWord {
    Ended,
    Followed,
    Lost,
}

/// A client that fails in one way.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingRow {
    /// Address without port; absent if the log does not have it.
    pub client: Option<String>,
    /// Absent for a connection without SNI.
    pub server_name: Option<String>,
    pub failure: ClientFailure,
    /// Why it fails: the cause of the latest judgement, or what the log shows.
    pub reason: String,
    /// The checks that say so.
    pub codes: Vec<Code>,
    /// Records of the last minute.
    pub per_minute: u64,
    /// Records since the watch began to read.
    pub total: u64,
    /// Time of the first and the latest record, by the gateway's clock.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// The failures of one minute.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Minute {
    /// Its beginning.
    pub minute: Timestamp,
    /// Records of failing clients that were read in it.
    pub failures: u64,
    pub clients: u64,
    /// The same of the minute before.
    pub before: u64,
}

/// The verdict of a judgement.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictNow {
    pub kind: VerdictKind,
    /// One sentence.
    pub headline: String,
    /// The checks that found something, in the order of the catalogue.
    pub findings: Vec<Finding>,
    /// The number of sources and checks that could not be judged.
    pub not_seen: u64,
    pub judged_at: Timestamp,
    /// The exit code that `diagnose` would have.
    pub exit_code: u8,
}

/// A check that found something.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WatchFinding")]
pub struct Finding {
    pub code: Code,
    pub level: Level,
    pub count: u64,
}

impl VerdictNow {
    pub(super) fn of(report: &Report, judged_at: Timestamp) -> Self {
        let findings = report.checks.iter().filter(|check| !check.findings.is_empty()).map(|check| Finding {
            code: check.code,
            level: check.level,
            count: check.findings.len() as u64,
        });
        Self {
            kind: report.verdict.kind,
            headline: report.verdict.headline.clone(),
            findings: findings.collect(),
            not_seen: report.not_seen.len() as u64,
            judged_at,
            exit_code: report.exit_code,
        }
    }

    /// Returns whether the other verdict says the same. The headline may count resets, which is no change.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let codes = |verdict: &Self| verdict.findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
        (self.kind, self.exit_code, codes(self)) == (other.kind, other.exit_code, codes(other))
    }
}

/// How much was read, and what was missed.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchCoverage {
    #[serde(flatten)]
    pub read: Coverage,
    /// Judgements that failed.
    pub failed_judgements: u64,
}

/// What the whole watch showed.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub seconds: u64,
    /// Absent if no judgement was completed.
    pub verdict: Option<VerdictNow>,
    /// Records of failing clients.
    pub failures: u64,
    /// The most frequent clients.
    pub clients: Vec<FailingRow>,
    pub clients_not_listed: u64,
    /// Records of clients that had no room.
    pub failures_of_other_clients: u64,
    pub coverage: WatchCoverage,
    pub exit_code: u8,
}
