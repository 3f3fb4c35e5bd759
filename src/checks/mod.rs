//! The checks: pure functions from evidence to what is wrong, and the catalogue that lists them.
//!
//! One fault, one file, one level. A check sees [`Evidence`] and nothing else: no client, no clock, no environment, no
//! printing. [`CATALOGUE`] is the only list; help, `explain`, `docs/checks.md`, completions and the JSON schema render
//! it. What follows from several findings together is the business of `verdict`.

mod certificate;
mod client;
mod code;
pub(crate) mod codes;
pub(crate) mod facts;
mod finding;
mod handshake;
mod overrides;
mod platform;
mod route;

use std::panic::{AssertUnwindSafe, catch_unwind};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Reason, Unavailable};

pub use self::code::Code;
pub use self::finding::{ClientHello, Finding, Kind, Location, Object};

/// Every check, by family, sorted by code.
pub static CATALOGUE: &[Family] =
    &[client::FAMILY, route::FAMILY, overrides::FAMILY, certificate::FAMILY, handshake::FAMILY, platform::FAMILY];

/// Codes that were given once and are not given again.
pub static RETIRED: &[&str] = &[];

/// A block of a hundred codes that judge the same part of the chain.
pub struct Family {
    /// As `--only` and `--skip` take it.
    pub name: &'static str,
    /// The first digits of its codes: `AT1`.
    pub block: &'static str,
    /// What the family judges, as a fragment.
    pub judges: &'static str,
    pub checks: &'static [Check],
}

/// One fault that can be told from evidence.
pub struct Check {
    /// Stable: `AT201`.
    pub code: Code,
    /// The fault, in kebab case; also the name of the file that holds the check.
    pub name: &'static str,
    pub level: Level,
    /// The step of the playbook that this check answers.
    pub step: Step,
    /// One line, without a full stop.
    pub summary: &'static str,
    pub explanation: Explanation,
    /// Where the rule comes from.
    pub reference: &'static str,
    pub judge: fn(&Evidence) -> Judgement,
}

/// What `explain` prints of a check.
pub struct Explanation {
    /// What is looked at, and when the fault is found.
    pub looks_for: &'static str,
    /// Why it matters, and to whom.
    pub matters: &'static str,
    /// How it is fixed.
    pub fix: &'static str,
}

/// Who is hurt.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Worth knowing, hurts no one seen.
    Notice,
    /// Clients will fail, with the next `helm upgrade` or on a date, or some are refused who may not be ours.
    Warning,
    /// Clients fail now, as seen or as reproduced.
    Error,
}

impl Level {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The steps of the non-SNI playbook, in its order; what stands beside it comes last.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    Pods,
    AccessLogs,
    Capture,
    Probe,
    Routes,
    Wildcard,
    NonSniFlag,
    Overrides,
    AdditionalGateways,
    Platform,
}

/// What a check says: an outcome, or with `?` the source that it could not see.
pub type Judgement = Result<Outcome, Unavailable>;

/// What a check concludes from evidence that it could see.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Found(Vec<Finding>),
    /// Why there is nothing to judge.
    NotApplicable(String),
    /// What was seen to be right.
    Passed(String),
}

impl Outcome {
    /// Found where there are findings, else passed with what was seen.
    #[must_use]
    pub fn of(findings: Vec<Finding>, seen: impl Into<String>) -> Self {
        if findings.is_empty() { Self::Passed(seen.into()) } else { Self::Found(findings) }
    }
}

/// A check and what it said.
#[derive(Clone)]
pub struct CheckResult {
    pub check: &'static Check,
    pub family: &'static Family,
    pub judgement: Judgement,
}

impl CheckResult {
    /// The findings; empty unless the fault was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match &self.judgement {
            Ok(Outcome::Found(findings)) => findings,
            _ => &[],
        }
    }
}

/// All checks with their families, in the order of the catalogue.
pub fn all() -> impl Iterator<Item = (&'static Family, &'static Check)> {
    CATALOGUE.iter().flat_map(|family| family.checks.iter().map(move |check| (family, check)))
}

/// The check of this code or name, in any case of letters.
#[must_use]
pub fn find(code_or_name: &str) -> Option<(&'static Family, &'static Check)> {
    all().find(|(_, check)| {
        check.code.as_str().eq_ignore_ascii_case(code_or_name) || check.name.eq_ignore_ascii_case(code_or_name)
    })
}

/// Judges the evidence by every check. One that panics becomes unknown: a failure costs only itself.
#[must_use]
pub fn judge(evidence: &Evidence) -> Vec<CheckResult> {
    judge_by(evidence, |_| true)
}

/// The same by the checks of one family.
#[must_use]
pub fn judge_family(evidence: &Evidence, name: &str) -> Vec<CheckResult> {
    judge_by(evidence, |family| family.name == name)
}

fn judge_by(evidence: &Evidence, wanted: impl Fn(&Family) -> bool) -> Vec<CheckResult> {
    all()
        .filter(|(family, _)| wanted(family))
        .map(|(family, check)| {
            let mut judgement = catch_unwind(AssertUnwindSafe(|| (check.judge)(evidence))).unwrap_or_else(|_| {
                Err(Unavailable::new(
                    format!("check {}", check.code),
                    Reason::Broken("it failed by a fault of its own; please report it".into()),
                ))
            });
            if let Ok(Outcome::Found(findings)) = &mut judgement {
                findings.iter_mut().for_each(|finding| finding.in_namespace_of(evidence));
            }
            CheckResult { check, family, judgement }
        })
        .collect()
}
