//! The report of `edge`: on which leg handshakes fail, why, who has to act, and how.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FailOn, FindingReport, OutcomeWord, StepReport, exit_code, steps};
use crate::checks::facts::edge as facts;
use crate::checks::{self, CheckResult, Code, Level};
use crate::evidence::edge::{Dialect, Edge};
use crate::evidence::{Evidence, Reason};
use crate::playbooks;
use crate::verdict::{FailingLeg, LegRemedy, LegVerdict, LegVerdictKind, NotSeen};

/// Names the format in JSON and YAML. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.edge-report/v1";

/// Everything that one run of `edge` reports.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EdgeReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    pub tool_version: String,
    pub subject: EdgeSubject,
    pub verdict: LegVerdict,
    /// The playbook, step by step.
    pub steps: Vec<StepReport>,
    /// Every check, in the order of the catalogue.
    pub checks: Vec<LegCheck>,
    pub remedy: LegRemedy,
    /// What was not checked or could not be seen, with the reason.
    pub not_seen: Vec<NotSeen>,
    pub exit_code: u8,
}

/// What the report is about.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EdgeSubject {
    pub api: Dialect,
    pub organization: String,
    pub environment: String,
    /// Absent if nothing was requested.
    pub management_url: Option<String>,
    pub offline: bool,
    pub collected_at: Timestamp,
}

/// The result of one check.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegCheck {
    pub code: Code,
    pub name: String,
    pub family: String,
    pub level: Level,
    /// The legs of the findings; `none` where nothing was found.
    pub leg: FailingLeg,
    /// The first object of the findings.
    pub object: Option<String>,
    pub outcome: OutcomeWord,
    pub findings: Vec<FindingReport>,
    /// The observation, why the check does not apply, or why it is unknown; absent if something was found.
    pub reason: Option<String>,
}

/// Judges the evidence of an environment. `refused` is true where the Management API could not be used and
/// nothing else was given.
#[must_use]
pub fn build(evidence: &Evidence, fail_on: FailOn, refused: bool) -> EdgeReport {
    let nothing = Edge::default();
    let edge = evidence.edge.seen().ok().unwrap_or(&nothing);
    let (playbook, conclude) = playbooks::of_legs();
    let results = checks::judge_by(evidence, |family, check| playbook.step_of(family, check).is_some());
    let answer = conclude(evidence, &results);
    let observations = facts::observations(evidence).unwrap_or_default();
    let checks: Vec<LegCheck> = results.iter().map(|result| check(result, &observations)).collect();
    let otherwise = exit_code::without_findings(evidence, &results, false);
    let interrupted = evidence.interrupted.as_ref().is_some_and(|why| why.reason == Reason::Interrupted);
    let is_found = |check: &LegCheck| check.outcome == OutcomeWord::Found && fail_on.reaches(check.level);
    let exit_code = match () {
        () if interrupted => otherwise,
        () if refused => 2,
        () if checks.iter().any(is_found) => 1,
        () if answer.verdict.kind == LegVerdictKind::Unknown => otherwise.max(3),
        () => otherwise,
    };
    let question = &edge.question;
    EdgeReport {
        schema: SCHEMA.to_owned(),
        tool_version: evidence.tool_version.clone(),
        subject: EdgeSubject {
            api: question.api,
            organization: question.organization.clone(),
            environment: question.environment.clone(),
            management_url: question.management_url.clone(),
            offline: question.offline,
            collected_at: evidence.collected_at,
        },
        verdict: answer.verdict,
        steps: steps::of(playbook, evidence, &results),
        checks,
        remedy: answer.remedy,
        not_seen: answer.not_seen,
        exit_code,
    }
}

fn check(result: &CheckResult, observations: &[facts::Observation]) -> LegCheck {
    let (outcome, reason) = super::build::outcome(result);
    let own = observations.iter().filter(|observation| observation.cause.name() == result.check.name);
    let legs: BTreeSet<_> = own.map(|observation| observation.leg).collect();
    LegCheck {
        code: result.check.code,
        name: result.check.name.to_owned(),
        family: result.family.name.to_owned(),
        level: result.check.level,
        leg: FailingLeg::of(legs),
        object: result.findings().first().and_then(|finding| finding.objects.first()).map(|object| object.name.clone()),
        outcome,
        findings: result.findings().iter().map(|finding| FindingReport::new(result.check, finding)).collect(),
        reason,
    }
}
