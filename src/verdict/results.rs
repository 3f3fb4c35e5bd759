//! Questions about the results of checks that every playbook asks.

use crate::checks::{CheckResult, Code, Finding, Kind, Outcome};
use crate::evidence::{Evidence, Reason};

/// The results from which a playbook concludes.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    pub evidence: &'a Evidence,
    /// Results of the checks that the user selected: only their findings are symptoms.
    pub selected: &'a [CheckResult],
    /// Results of all checks, which also explain symptoms.
    pub all: &'a [CheckResult],
}

impl<'a> Judged<'a> {
    /// The result of a selected check that found its fault.
    pub(crate) fn found(&self, code: Code) -> Option<&'a CheckResult> {
        self.selected.iter().find(|result| result.check.code == code && is_found(result))
    }
}

/// The check found its fault.
#[must_use]
pub(crate) fn is_found(result: &CheckResult) -> bool {
    matches!(result.judgement, Ok(Outcome::Found(_)))
}

/// The check could not see what it needs. What the user did not ask for is not unknown.
#[must_use]
pub(crate) fn is_unknown(result: &CheckResult) -> bool {
    matches!(&result.judgement, Err(why) if !matches!(why.reason, Reason::NotRequested(_)))
}

/// Returns whether no check could see what it needs, requested or not. This differs from "nothing found".
#[must_use]
pub(crate) fn judged_nothing(selected: &[CheckResult]) -> bool {
    selected.iter().all(|result| matches!(result.judgement, Err(_) | Ok(Outcome::NotApplicable(_))))
}

/// The sentences of the first five findings.
pub(crate) fn messages(result: &CheckResult) -> Vec<String> {
    result.findings().iter().take(5).map(|finding| finding.message.clone()).collect()
}

/// The findings of a check at exactly this object.
pub(crate) fn findings_on<'a>(
    all: &'a [CheckResult],
    code: Code,
    kind: Kind,
    name: &'a str,
) -> impl Iterator<Item = &'a Finding> {
    all.iter()
        .filter(move |result| result.check.code == code)
        .flat_map(CheckResult::findings)
        .filter(move |finding| finding.is_at(kind, name))
}
