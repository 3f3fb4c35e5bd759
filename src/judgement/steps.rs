//! Reports the steps of a playbook in its order, each with what was seen and what was found there.

use super::{Mark, StepReport, StepState};
use crate::checks::{CheckResult, Outcome};
use crate::evidence::{Evidence, Reason};
use crate::playbooks::{Playbook, Step, StepLines};
use crate::verdict::is_unknown;

/// Every step, numbered from 1.
pub(super) fn of(playbook: &Playbook, evidence: &Evidence, selected: &[CheckResult]) -> Vec<StepReport> {
    playbook.steps.iter().zip(1..).map(|(step, number)| report(step, number, evidence, selected)).collect()
}

fn report(step: &Step, number: u8, evidence: &Evidence, selected: &[CheckResult]) -> StepReport {
    let checks: Vec<&CheckResult> = selected.iter().filter(|result| step.has(result.family, result.check)).collect();
    let marks: Vec<Mark> = checks.iter().flat_map(|result| marks(result)).collect();
    let (state, lines) = match (step.see)(evidence) {
        Ok(lines) if lines.not_done => (StepState::NotDone, lines),
        Ok(lines) if !marks.is_empty() => (StepState::Found, lines),
        Ok(lines) if checks.iter().any(|result| is_unknown(result)) => (StepState::Unknown, lines),
        Ok(lines) if checks.iter().all(|result| !matches!(result.judgement, Ok(Outcome::Passed(_)))) => {
            (StepState::NotApplicable, lines)
        }
        Ok(lines) if lines.is_unused => (StepState::NotApplicable, lines),
        Ok(lines) => (StepState::Passed, lines),
        Err(why) => {
            let state = match why.reason {
                _ if !marks.is_empty() => StepState::Found,
                Reason::NotRequested(_) => StepState::NotApplicable,
                _ => StepState::Unknown,
            };
            let seen = if step.names_source { why.reason.to_string() } else { why.to_string() };
            (state, StepLines { seen, ..StepLines::default() })
        }
    };
    let mut details = lines.details;
    details.extend(unknowns(&checks, &lines.seen));
    StepReport {
        number,
        step: step.key,
        title: step.title.to_owned(),
        state,
        seen: lines.seen,
        details,
        wide: lines.wide,
        marks,
    }
}

fn marks(result: &CheckResult) -> Vec<Mark> {
    let rest = result.rest();
    let all = result.findings().iter().chain(&rest);
    all.map(|finding| Mark { code: result.check.code, level: result.check.level, message: finding.message.clone() })
        .collect()
}

/// Returns why checks of this step could not judge, each reason once. A reason that the step's own line gives
/// is left out.
fn unknowns(checks: &[&CheckResult], seen: &str) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for result in checks.iter().filter(|result| is_unknown(result)) {
        let Err(why) = &result.judgement else { continue };
        let why = why.to_string();
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, codes)) => codes.push(result.check.code.as_str()),
            None => reasons.push((why, vec![result.check.code.as_str()])),
        }
    }
    reasons
        .into_iter()
        .map(|(why, codes)| match codes.join(", ") {
            codes if why == seen => format!("unknown: {codes}"),
            codes => format!("unknown: {codes}: {why}"),
        })
        .collect()
}
