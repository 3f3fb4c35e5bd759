//! What changed between two runs over several clusters: which are new or gone, got worse or better, or fail
//! for another cause.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DifferenceOutcome, Key, Told, findings, unknown};
use crate::checks::{Code, Level};
use crate::judgement::contexts::{ContextReport, ContextsReport, PackedReport, Summary, is_failing};
use crate::judgement::{FailOn, Report};
use crate::text::{at_most, count};

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.fleet-diff/v1";

/// Maximum number of clusters that the headline names of each change.
const MAX_NAMED: usize = 3;

/// Two runs over several clusters compared.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetDifference {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub before: FleetRun,
    pub after: FleetRun,
    /// The result in one word.
    pub outcome: DifferenceOutcome,
    /// The clusters by change, as one sentence without a full stop.
    pub headline: String,
    /// Every cluster of both runs, the gravest changes first; then in the order of the second run, and last
    /// those that only the first one has.
    pub clusters: Vec<ClusterDifference>,
    pub exit_code: u8,
}

/// One of the two runs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetRun {
    /// When gathering from the first cluster began; absent if none has a report.
    pub collected_at: Option<Timestamp>,
    pub clusters: u64,
    /// The headline of its report.
    pub headline: String,
}

/// One cluster in both runs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterDifference {
    pub context: String,
    pub change: ClusterChange,
    /// The answer of its report, `CAUSE Clients without SNI are reset`, or why there is none. Absent where
    /// the run does not have the cluster.
    pub before: Option<String>,
    pub after: Option<String>,
    /// Resets in the access logs; absent where no log was read.
    pub resets_before: Option<u64>,
    pub resets_after: Option<u64>,
    pub new: Vec<Told>,
    pub gone: Vec<Told>,
    pub still: Vec<Told>,
    /// Codes of the checks that could judge before and cannot now.
    pub no_longer_told: Vec<String>,
}

/// What became of a cluster, the gravest first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterChange {
    /// Clients fail that did not, or an error or a warning is new.
    Worse,
    /// Clients fail in both runs, for different causes.
    OtherCause,
    /// The second run could not reach it, or can judge less.
    NotSeen,
    /// The first run does not have it.
    New,
    /// The second run does not have it.
    Gone,
    /// The first run could not reach it.
    SeenNow,
    /// Clients that failed are served, or errors or warnings are gone.
    Better,
    Same,
}

impl ClusterChange {
    /// Every change, the gravest first.
    pub const ALL: [Self; 8] =
        [Self::Worse, Self::OtherCause, Self::NotSeen, Self::New, Self::Gone, Self::SeenNow, Self::Better, Self::Same];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Worse => "WORSE",
            Self::OtherCause => "OTHER CAUSE",
            Self::NotSeen => "NOT SEEN",
            Self::New => "NEW",
            Self::Gone => "GONE",
            Self::SeenNow => "SEEN NOW",
            Self::Better => "BETTER",
            Self::Same => "SAME",
        }
    }

    /// Returns what follows the number of clusters.
    fn phrase(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::OtherCause => "with another cause",
            Self::NotSeen => "not seen",
            Self::New => "new",
            Self::Gone => "gone",
            Self::SeenNow => "seen now",
            Self::Better => "better",
            Self::Same => "unchanged",
        }
    }
}

/// Compares two runs over several clusters. The exit code is 1 where a finding at or above the level is new
/// in a cluster, else 3 where a cluster or a check can no longer be judged, else 0.
///
/// # Errors
/// A report could not be unpacked.
pub fn compare(
    before: &ContextsReport,
    after: &ContextsReport,
    fail_on: FailOn,
) -> Result<FleetDifference, serde_json::Error> {
    let (old, new) = (by_context(before), by_context(after));
    let lost = before.summary.iter().filter(|line| !new.contains_key(line.context.as_str()));
    let names: Vec<&str> = after.summary.iter().chain(lost).map(|line| line.context.as_str()).collect();
    let mut clusters = Vec::with_capacity(names.len());
    let mut codes = BTreeSet::new();
    for name in names {
        let cluster = cluster(name, old.get(name), new.get(name))?;
        codes.insert(exit_code(&cluster, fail_on));
        clusters.push(cluster);
    }
    // The sort is stable.
    clusters.sort_by_key(|cluster| cluster.change);
    Ok(FleetDifference {
        schema: SCHEMA.to_owned(),
        before: run(before)?,
        after: run(after)?,
        outcome: outcome(&clusters),
        headline: headline(&clusters),
        exit_code: [1, 3].into_iter().find(|code| codes.contains(code)).unwrap_or(0),
        clusters,
    })
}

/// A context in one run: its line, and its report if it has one.
type Known<'a> = (&'a Summary, Option<&'a PackedReport>);

fn by_context(report: &ContextsReport) -> BTreeMap<&str, Known<'_>> {
    let reports: BTreeMap<&str, &PackedReport> = report
        .contexts
        .iter()
        .filter_map(|told| match told {
            ContextReport::Judged { context, report } => Some((context.as_str(), report)),
            ContextReport::Failed { .. } => None,
        })
        .collect();
    report
        .summary
        .iter()
        .map(|line| (line.context.as_str(), (line, reports.get(line.context.as_str()).copied())))
        .collect()
}

fn run(report: &ContextsReport) -> Result<FleetRun, serde_json::Error> {
    let mut collected_at: Option<Timestamp> = None;
    for told in &report.contexts {
        if let ContextReport::Judged { report, .. } = told {
            let at = report.unpack()?.subject.collected_at();
            collected_at = Some(collected_at.map_or(at, |first| first.min(at)));
        }
    }
    Ok(FleetRun { collected_at, clusters: report.summary.len() as u64, headline: report.headline.clone() })
}

fn cluster(
    name: &str,
    before: Option<&Known<'_>>,
    after: Option<&Known<'_>>,
) -> Result<ClusterDifference, serde_json::Error> {
    let report =
        |known: Option<&Known<'_>>| known.and_then(|(_, report)| *report).map(PackedReport::unpack).transpose();
    let (old, new) = (report(before)?, report(after)?);
    let [found_before, found_after] = [&old, &new].map(|report| report.as_ref().map(findings).unwrap_or_default());
    let no_longer_told = match (&old, &new) {
        (Some(old), Some(new)) => unknown(new).difference(&unknown(old)).cloned().collect(),
        _ => Vec::new(),
    };
    let answer = |known: Option<&Known<'_>>| known.map(|(line, _)| answer(line));
    let resets = |known: Option<&Known<'_>>| known.and_then(|(line, _)| line.resets);
    let mut difference = ClusterDifference {
        context: name.to_owned(),
        change: ClusterChange::Same,
        before: answer(before),
        after: answer(after),
        resets_before: resets(before),
        resets_after: resets(after),
        new: split(&found_after, &found_before, false),
        gone: split(&found_before, &found_after, false),
        still: split(&found_after, &found_before, true),
        no_longer_told,
    };
    // What was not seen is not resolved.
    if new.is_none() {
        difference.gone.clear();
    }
    let lost = &difference.no_longer_told;
    difference.gone.retain(|told| !lost.iter().any(|code| code == told.code.as_str()));
    difference.change = match (before, after) {
        (None, _) => ClusterChange::New,
        (_, None) => ClusterChange::Gone,
        _ => change(&difference, old.as_ref(), new.as_ref()),
    };
    Ok(difference)
}

/// Returns the findings that the others have too, or those that they lack.
fn split(these: &BTreeMap<Key, Told>, others: &BTreeMap<Key, Told>, are_in_both: bool) -> Vec<Told> {
    let chosen = these.iter().filter(|(key, _)| others.contains_key(*key) == are_in_both);
    chosen.map(|(_, told)| told.clone()).collect()
}

/// Returns what became of a cluster that both runs have.
fn change(difference: &ClusterDifference, old: Option<&Report>, new: Option<&Report>) -> ClusterChange {
    let (old, new) = match (old, new) {
        (_, None) => return ClusterChange::NotSeen,
        (None, Some(_)) => return ClusterChange::SeenNow,
        (Some(old), Some(new)) => (old, new),
    };
    if old.subject.namespace() != new.subject.namespace() {
        return ClusterChange::NotSeen;
    }
    let [failed, fails] = [old, new].map(|report| is_failing(report.verdict.kind));
    let is_harmful = |told: &Told| told.level > Level::Notice;
    match () {
        () if fails && failed && causes(old) != causes(new) => ClusterChange::OtherCause,
        () if fails && !failed || difference.new.iter().any(is_harmful) => ClusterChange::Worse,
        () if failed && new.verdict.kind.is_good() => ClusterChange::Better,
        () if !difference.no_longer_told.is_empty() => ClusterChange::NotSeen,
        () if difference.gone.iter().any(is_harmful) => ClusterChange::Better,
        () => ClusterChange::Same,
    }
}

/// Returns the codes of the first cause.
fn causes(report: &Report) -> Option<&[Code]> {
    report.verdict.causes.first().map(|cause| cause.codes.as_slice())
}

fn answer(line: &Summary) -> String {
    match (&line.verdict, &line.error) {
        (Some(kind), _) => format!("{} {}", kind.word(), line.headline.as_deref().unwrap_or_default()),
        (None, error) => format!("FAILED {}", error.as_deref().unwrap_or_default()),
    }
}

fn exit_code(cluster: &ClusterDifference, fail_on: FailOn) -> u8 {
    match cluster.change {
        _ if cluster.new.iter().any(|told| fail_on.reaches(told.level)) => 1,
        ClusterChange::NotSeen | ClusterChange::Gone => 3,
        _ if !cluster.no_longer_told.is_empty() => 3,
        _ => 0,
    }
}

fn outcome(clusters: &[ClusterDifference]) -> DifferenceOutcome {
    let has = |change| clusters.iter().any(|cluster| cluster.change == change);
    let is_harmful = |cluster: &ClusterDifference| cluster.new.iter().any(|told| told.level > Level::Notice);
    match () {
        () if clusters.iter().any(is_harmful) || has(ClusterChange::Worse) || has(ClusterChange::OtherCause) => {
            DifferenceOutcome::Worse
        }
        () if has(ClusterChange::NotSeen) || has(ClusterChange::Gone) => DifferenceOutcome::Unknown,
        () if has(ClusterChange::Better) => DifferenceOutcome::Better,
        () => DifferenceOutcome::Same,
    }
}

fn headline(clusters: &[ClusterDifference]) -> String {
    let parts = ClusterChange::ALL.into_iter().filter_map(|change| {
        let names: Vec<&str> = clusters
            .iter()
            .filter(|cluster| cluster.change == change)
            .map(|cluster| cluster.context.as_str())
            .collect();
        let number = count(names.len() as u64, "cluster");
        match names.len() {
            0 => None,
            _ if change == ClusterChange::Same => Some(format!("{number} {}", change.phrase())),
            _ => Some(format!("{number} {} ({})", change.phrase(), at_most(&names, MAX_NAMED))),
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}
