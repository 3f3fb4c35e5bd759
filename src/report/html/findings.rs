//! Results of checks as a table that can be filtered: outcome, level, what was found or why not, and what the
//! catalogue says about the check.

use std::cmp::Reverse;

use super::parts::{Badge, names, rest, short};
use crate::checks::{Code, Level};
use crate::judgement::edge::LegCheck;
use crate::judgement::{CheckReport, FindingReport, OutcomeWord};
use crate::report::Rule;

/// Maximum number of findings of a check, and of characters of one text of a finding.
const MAX_FINDINGS: usize = 20;
const MAX_TEXT: usize = 600;
/// Maximum number of pods that a finding lists.
const MAX_PODS: usize = 8;

/// One check.
#[derive(Clone, Debug)]
pub(super) struct CheckView<'a> {
    pub(super) code: String,
    pub(super) name: &'a str,
    pub(super) family: &'a str,
    pub(super) level: &'static str,
    pub(super) badge: Badge,
    /// The word of the filter for the outcome.
    pub(super) outcome: &'static str,
    pub(super) reason: String,
    pub(super) findings: Vec<FindingView<'a>>,
    pub(super) rest: Option<String>,
    /// What the catalogue says; absent for checks that passed.
    pub(super) rule: Option<Rule>,
}

/// One finding.
#[derive(Clone, Debug)]
pub(super) struct FindingView<'a> {
    pub(super) object: &'a str,
    pub(super) place: &'a str,
    pub(super) message: String,
    pub(super) observed: String,
    pub(super) expected: String,
    pub(super) pods: Option<String>,
    pub(super) is_known: bool,
}

/// The result of a check, of whichever playbook.
pub(super) struct Judged<'a> {
    code: Code,
    name: &'a str,
    family: &'a str,
    level: Level,
    outcome: OutcomeWord,
    reason: Option<&'a str>,
    findings: &'a [FindingReport],
    /// Number of findings that the document does not list; its last one states it.
    left_out: u64,
}

impl<'a> From<&'a CheckReport> for Judged<'a> {
    fn from(check: &'a CheckReport) -> Self {
        let CheckReport { code, name, family, level, step: _, outcome, reason, findings, left_out } = check;
        let (code, level, outcome, left_out) = (*code, *level, *outcome, *left_out);
        Self { code, name, family, level, outcome, reason: reason.as_deref(), findings, left_out }
    }
}

impl<'a> From<&'a LegCheck> for Judged<'a> {
    fn from(check: &'a LegCheck) -> Self {
        let LegCheck { code, name, family, level, leg: _, object: _, outcome, findings, reason } = check;
        let (code, level, outcome) = (*code, *level, *outcome);
        Self { code, name, family, level, outcome, reason: reason.as_deref(), findings, left_out: 0 }
    }
}

pub(super) fn checks<'a, T>(checks: &'a [T]) -> Vec<CheckView<'a>>
where
    Judged<'a>: From<&'a T>,
{
    let mut sorted: Vec<Judged<'a>> = checks.iter().map(Judged::from).collect();
    // What was found comes first, the gravest first; within, the order of the catalogue remains.
    sorted.sort_by_key(|check| match check.outcome {
        OutcomeWord::Found => (0, Reverse(Some(check.level))),
        OutcomeWord::Unknown => (1, Reverse(None)),
        OutcomeWord::Passed => (2, Reverse(None)),
        OutcomeWord::NotApplicable => (3, Reverse(None)),
    });
    sorted.iter().map(CheckView::of).collect()
}

impl<'a> CheckView<'a> {
    fn of(check: &Judged<'a>) -> Self {
        let badge = Badge::of_outcome(check.outcome, check.level);
        let listed = check.findings.len().saturating_sub(usize::from(check.left_out > 0));
        let hidden = listed.saturating_sub(MAX_FINDINGS) as u64;
        let is_open = matches!(check.outcome, OutcomeWord::Found | OutcomeWord::Unknown);
        Self {
            code: check.code.to_string(),
            name: check.name,
            family: check.family,
            level: check.level.as_str(),
            badge,
            outcome: badge.word,
            reason: short(check.reason.unwrap_or_default(), MAX_TEXT),
            findings: check.findings.iter().take(MAX_FINDINGS).map(FindingView::of).collect(),
            rest: rest(hidden + check.left_out, "finding"),
            rule: Rule::of(check.code).filter(|_| is_open),
        }
    }
}

impl<'a> FindingView<'a> {
    fn of(finding: &'a FindingReport) -> Self {
        Self {
            object: &finding.object,
            place: &finding.place,
            message: short(&finding.message, MAX_TEXT),
            observed: short(&finding.observed, MAX_TEXT),
            expected: short(&finding.expected, MAX_TEXT),
            pods: (!finding.pods.is_empty()).then(|| names(&finding.pods, MAX_PODS)),
            is_known: finding.known,
        }
    }
}
