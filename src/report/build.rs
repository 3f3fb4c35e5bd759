//! From evidence to the report, and from the report to the exit code.

use super::{CheckReport, FindingReport, OutcomeWord, Report, SCHEMA, Subject, not_seen, steps};
use crate::checks::{self, Check, CheckResult, Family, Level, Outcome};
use crate::evidence::Evidence;
use crate::verdict;

/// Which checks count: all, or those of `--only`, less those of `--skip`. Entries are codes, names or families.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub only: Vec<String>,
    pub skip: Vec<String>,
}

impl Selection {
    /// The check takes part.
    #[must_use]
    pub fn lets_through(&self, family: &Family, check: &Check) -> bool {
        let named = |list: &[String]| {
            list.iter().any(|entry| {
                [check.code.as_str(), check.name, family.name].iter().any(|known| known.eq_ignore_ascii_case(entry))
            })
        };
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// From which level on a finding makes the exit code 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FailOn {
    Error,
    #[default]
    Warning,
    Never,
}

impl FailOn {
    /// A finding of this level makes the exit code 1.
    #[must_use]
    pub fn reaches(self, level: Level) -> bool {
        match self {
            Self::Error => level >= Level::Error,
            Self::Warning => level >= Level::Warning,
            Self::Never => false,
        }
    }
}

/// Judges the evidence and tells it all.
#[must_use]
pub fn build(evidence: &Evidence, selection: &Selection, fail_on: FailOn) -> Report {
    let all = checks::judge(evidence);
    let selected: Vec<CheckResult> =
        all.iter().filter(|result| selection.lets_through(result.family, result.check)).cloned().collect();
    let (verdict, remedy) = verdict::conclude(evidence, &selected, &all);
    Report {
        schema: SCHEMA.to_owned(),
        tool_version: evidence.tool_version.clone(),
        subject: Subject::of(evidence),
        steps: steps::of(evidence, &selected),
        verdict,
        remedy,
        not_seen: not_seen::of(evidence),
        exit_code: exit_code(evidence, &selected, fail_on),
        checks: selected.iter().map(check_report).collect(),
    }
}

/// 1 found at or above the level; else 3 where something is unknown; else 0. An interrupted run ends with 130.
pub(super) fn exit_code(evidence: &Evidence, selected: &[CheckResult], fail_on: FailOn) -> u8 {
    if evidence.interrupted.as_ref().is_some_and(|why| why.reason == crate::evidence::Reason::Interrupted) {
        return 130;
    }
    let found = selected.iter().any(|result| verdict::is_found(result) && fail_on.reaches(result.check.level));
    if found {
        1
    } else if selected.iter().any(verdict::is_unknown) || verdict::judged_nothing(selected) {
        3
    } else {
        0
    }
}

pub(super) fn check_report(result: &CheckResult) -> CheckReport {
    let (outcome, reason) = match &result.judgement {
        Ok(Outcome::Found(_)) => (OutcomeWord::Found, None),
        Ok(Outcome::NotApplicable(reason)) => (OutcomeWord::NotApplicable, Some(reason.clone())),
        Ok(Outcome::Passed(seen)) => (OutcomeWord::Passed, Some(seen.clone())),
        Err(why) if verdict::is_unknown(result) => (OutcomeWord::Unknown, Some(why.to_string())),
        Err(why) => (OutcomeWord::NotApplicable, Some(why.to_string())),
    };
    CheckReport {
        code: result.check.code,
        name: result.check.name.to_owned(),
        family: result.family.name.to_owned(),
        level: result.check.level,
        step: result.check.step,
        outcome,
        reason,
        findings: result.findings().iter().map(FindingReport::from).collect(),
    }
}
