//! The part of a remedy that every playbook has: which findings share a step.

use std::collections::BTreeSet;

use super::Relations;
use crate::checks::CheckResult;

/// Removes the findings whose step another finding has.
pub(crate) fn without_repeated_steps(relations: &Relations, left: &mut Vec<&CheckResult>) {
    for (told, by) in relations.with_one_step() {
        if left.iter().any(|result| result.check.code == by) {
            left.retain(|result| result.check.code != told);
        }
    }
    let not_served = left.iter().find(|result| Some(result.check.code) == relations.not_served).copied();
    if let Some(not_served) = not_served {
        left.retain(|told| !relations.diverging_pods.contains(&told.check.code) || !are_pods_of(told, not_served));
    }
}

/// `other` concerns all pods that `told` concerns, so that its step is for them.
fn are_pods_of(told: &CheckResult, other: &CheckResult) -> bool {
    let of_told: BTreeSet<&String> = told.findings().iter().flat_map(|finding| &finding.pods).collect();
    let of_other: BTreeSet<&String> = other.findings().iter().flat_map(|finding| &finding.pods).collect();
    !of_told.is_empty() && of_told.is_subset(&of_other)
}
