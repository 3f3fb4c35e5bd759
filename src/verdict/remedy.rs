//! The part of a remedy that every playbook has: a step for each finding, from the catalogue's own
//! explanation.

use std::collections::BTreeSet;

use super::{Relations, RemedyStep};
use crate::checks::{CheckResult, Finding};
use crate::text::some_of;

/// Returns the fix of a finding, as the check explains it.
pub(crate) fn by_explanation(result: &CheckResult) -> RemedyStep {
    // A place in a file says where; elsewhere the object does.
    let place = |finding: &Finding| if finding.is_in_own_file() { finding.place() } else { finding.object() };
    let places: Vec<String> = result.findings().iter().map(place).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    RemedyStep {
        title: format!("{} ({}): {}", result.check.summary, result.check.code, some_of(&places)),
        paste: None,
        note: Some(result.check.explanation.fix.to_owned()),
        ..RemedyStep::default()
    }
}

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
