//! The exit code of judged evidence.

use super::{CheckReport, FailOn};
use crate::checks::CheckResult;
use crate::evidence::{Evidence, Reason};
use crate::verdict;

/// Exit code of an interrupted run.
const INTERRUPTED: u8 = 130;

/// Returns the exit code where no finding fails: 130 for an interrupted run, else 3 where something is
/// unknown or a symptom was seen whose check was left out, else 0.
pub(super) fn without_findings(evidence: &Evidence, selected: &[CheckResult], left_out: bool) -> u8 {
    if evidence.interrupted.as_ref().is_some_and(|why| why.reason == Reason::Interrupted) {
        INTERRUPTED
    } else if left_out || selected.iter().any(verdict::is_unknown) || verdict::judged_nothing(selected) {
        3
    } else {
        0
    }
}

/// Returns 1 where a finding that no earlier report has is at or above the level, unless the run was
/// interrupted; else `otherwise`.
pub(super) fn with_findings(checks: &[CheckReport], fail_on: FailOn, otherwise: u8) -> u8 {
    let is_new = |check: &CheckReport| check.findings.iter().any(|finding| !finding.known);
    let fails = otherwise != INTERRUPTED && checks.iter().any(|check| fail_on.reaches(check.level) && is_new(check));
    if fails { 1 } else { otherwise }
}
