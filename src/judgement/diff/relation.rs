//! Whether two runs are of the same gateway. Between others, a finding that is absent from one of them is not
//! resolved.

use std::collections::BTreeSet;

use super::{context, has_pseudonyms, hostnames};
use crate::evidence::Evidence;

/// Returns why the findings of two runs cannot be compared, as a sentence; `None` if nothing shows that they
/// cannot.
pub(super) fn unrelated(before: &Evidence, after: &Evidence) -> Option<String> {
    let (old, new) = (before.question.namespace(), after.question.namespace());
    if old != new {
        return Some(format!("The runs are of two namespaces, {old} and {new}."));
    }
    // The pseudonyms of two runs may differ where the names do not.
    if has_pseudonyms(before) || has_pseudonyms(after) {
        return None;
    }
    if let (Some(old), Some(new)) = (context(before), context(after))
        && old != new
    {
        return Some(format!("The runs are of two contexts, {old} and {new}."));
    }
    let is_strange =
        are_disjoint(&routes(before), &routes(after)) && are_disjoint(&hostnames(before), &hostnames(after));
    is_strange.then(|| "The runs have no route and no hostname in common.".to_owned())
}

/// Returns whether both runs have names, and none in common.
fn are_disjoint(old: &BTreeSet<&str>, new: &BTreeSet<&str>) -> bool {
    !old.is_empty() && !new.is_empty() && old.is_disjoint(new)
}

fn routes(evidence: &Evidence) -> BTreeSet<&str> {
    let routes = evidence.routes.seen().map(|routes| routes.items.as_slice()).unwrap_or_default();
    routes.iter().map(|route| route.name.as_str()).collect()
}
