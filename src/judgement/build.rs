//! Builds the report from the evidence.

use super::report::{CheckReport, FindingReport, OutcomeWord, Report, SCHEMA};
use super::{FailOn, Selection, Subject, baseline, chain, exit_code, not_seen, steps, summary};
use crate::checks::{self, CheckResult, Outcome};
use crate::evidence::Evidence;
use crate::playbooks::{self, Playbook, StepKey};
use crate::verdict::{self, Judged};

/// Judges the evidence by the playbook of its question.
#[must_use]
pub fn build(evidence: &Evidence, selection: &Selection, fail_on: FailOn) -> Report {
    let (report, code) = without_findings(evidence, selection);
    let exit_code = exit_code::with_findings(&report.checks, fail_on, code);
    Report { exit_code, ..report }
}

/// Judges the evidence beside an earlier report: findings that `earlier` has too are marked, and fail
/// nothing.
#[must_use]
pub fn build_beside(evidence: &Evidence, selection: &Selection, fail_on: FailOn, earlier: &Report) -> Report {
    let (mut report, code) = without_findings(evidence, selection);
    baseline::mark(&mut report, earlier);
    let exit_code = exit_code::with_findings(&report.checks, fail_on, code);
    Report { exit_code, ..report }
}

/// Returns the report, and its exit code where no finding fails.
fn without_findings(evidence: &Evidence, selection: &Selection) -> (Report, u8) {
    let (playbook, run) = playbooks::of_run(&evidence.question);
    let (all, selected) = results(playbook, evidence, selection);
    let judged = Judged { evidence, selected: &selected, all: &all };
    let (verdict, remedy) = run.conclude(judged);
    let left_out = run.left_out(judged);
    let checks = check_reports(playbook, &selected);
    let code = exit_code::without_findings(evidence, &selected, left_out);
    let report = Report {
        schema: SCHEMA.to_owned(),
        tool_version: evidence.tool_version.clone(),
        subject: Subject::of(evidence),
        summary: summary::of(evidence, &checks),
        chain: Some(chain::of_report(evidence)),
        chains_by_name: chain::by_name(evidence),
        steps: steps::of(playbook, evidence, &selected),
        verdict,
        remedy,
        rehearsal: None,
        not_seen: not_seen::of(run, evidence),
        baseline: None,
        exit_code: code,
        checks,
    };
    (report, code)
}

/// Runs the checks of the playbook. Returns all results, and those that were selected.
pub(super) fn results(
    playbook: &Playbook,
    evidence: &Evidence,
    selection: &Selection,
) -> (Vec<CheckResult>, Vec<CheckResult>) {
    let all = checks::judge_by(evidence, |family, check| playbook.step_of(family, check).is_some());
    let selected = all.iter().filter(|result| selection.lets_through(result.family, result.check)).cloned().collect();
    (all, selected)
}

/// Returns the results of the checks that the playbook has.
pub(super) fn check_reports(playbook: &Playbook, results: &[CheckResult]) -> Vec<CheckReport> {
    let with_step = results.iter().filter_map(|result| Some((result, playbook.step_of(result.family, result.check)?)));
    with_step.map(|(result, step)| check_report(result, step.key)).collect()
}

/// Returns how a check ended, and why or what was seen; findings have their own messages.
pub(super) fn outcome(result: &CheckResult) -> (OutcomeWord, Option<String>) {
    match &result.judgement {
        Ok(Outcome::Found(_)) => (OutcomeWord::Found, None),
        Ok(Outcome::NotApplicable(reason)) => (OutcomeWord::NotApplicable, Some(reason.clone())),
        Ok(Outcome::Passed(seen)) => (OutcomeWord::Passed, Some(seen.clone())),
        Err(why) if verdict::is_unknown(result) => (OutcomeWord::Unknown, Some(why.to_string())),
        Err(why) => (OutcomeWord::NotApplicable, Some(why.to_string())),
    }
}

fn check_report(result: &CheckResult, step: StepKey) -> CheckReport {
    let (outcome, reason) = outcome(result);
    let rest = result.rest();
    let all = result.findings().iter().chain(&rest);
    CheckReport {
        code: result.check.code,
        name: result.check.name.to_owned(),
        family: result.family.name.to_owned(),
        level: result.check.level,
        step,
        outcome,
        reason,
        findings: all.map(|finding| FindingReport::new(result.check, finding)).collect(),
        left_out: result.left_out,
    }
}
