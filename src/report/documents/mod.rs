//! Documents, one file each: the text of a value of `judgement`, and its findings. Pages of the catalogue
//! have no value behind them and are text alone.

pub mod capture;
pub mod catalogue;
pub mod contexts;
mod diff;
mod edge;
mod fleet_difference;
mod probe;
mod report;
mod trace;
pub mod watch;

use super::{CheckResult, Located};
use crate::checks::{Code, Level};
use crate::judgement::{CheckReport, FindingReport};

/// The results of these checks.
fn results<'a>(checks: &'a [CheckReport], subject: Option<&'a str>) -> impl Iterator<Item = CheckResult<'a>> {
    checks.iter().map(move |check| CheckResult {
        code: check.code,
        subject,
        outcome: check.outcome,
        reason: check.reason.as_deref(),
        findings: located(std::slice::from_ref(check), subject).collect(),
    })
}

/// The findings of these checks.
fn located<'a>(checks: &'a [CheckReport], subject: Option<&'a str>) -> impl Iterator<Item = Located<'a>> {
    checks.iter().flat_map(move |check| located_of(check.code, check.level, &check.findings, subject))
}

/// The findings of one check.
fn located_of<'a>(
    code: Code,
    level: Level,
    findings: &'a [FindingReport],
    subject: Option<&'a str>,
) -> impl Iterator<Item = Located<'a>> {
    findings.iter().map(move |finding| Located {
        code,
        level,
        subject,
        objects: &finding.objects,
        location: finding.location.as_ref(),
        pods: &finding.pods,
        message: &finding.message,
        known: finding.known,
    })
}
