//! The exit code of judged evidence.

use super::FailOn;
use crate::checks::CheckResult;
use crate::evidence::{Evidence, Reason};
use crate::verdict;

/// Returns 130 for an interrupted run, else 1 where something was found at or above the level, else 3 where
/// something is unknown or a symptom was seen whose check was left out, else 0.
pub(super) fn of(evidence: &Evidence, selected: &[CheckResult], left_out: bool, fail_on: FailOn) -> u8 {
    if evidence.interrupted.as_ref().is_some_and(|why| why.reason == Reason::Interrupted) {
        return 130;
    }
    let found = selected.iter().any(|result| verdict::is_found(result) && fail_on.reaches(result.check.level));
    if found {
        1
    } else if left_out || selected.iter().any(verdict::is_unknown) || verdict::judged_nothing(selected) {
        3
    } else {
        0
    }
}
