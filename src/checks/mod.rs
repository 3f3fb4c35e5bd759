//! The checks: pure functions from evidence to findings, and the catalogue that lists them.
//!
//! One fault, one file, one level. A check sees [`Evidence`] and nothing else: no client, no clock, no
//! environment, no printing. [`CATALOGUE`] is the only list; help, `explain`, `docs/checks.md`, completions
//! and the JSON schema render it. What follows from several findings together is the business of `playbooks`.

mod capture;
pub mod captured;
mod certificate;
mod client;
mod code;
pub(crate) mod codes;
pub(crate) mod facts;
mod finding;
mod handshake;
mod keystore;
mod overrides;
mod platform;
mod route;

use std::panic::{AssertUnwindSafe, catch_unwind};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Reason, Unavailable};
use crate::text;

pub use self::code::Code;
pub use self::facts::edge::{EdgeCause, Owner};
pub use self::finding::{ClientHello, Finding, Kind, Location, Object};

/// All checks, grouped by family and sorted by code.
pub static CATALOGUE: &[Family] = &[
    client::FAMILY,
    route::FAMILY,
    overrides::FAMILY,
    certificate::FAMILY,
    handshake::FAMILY,
    capture::FAMILY,
    keystore::FAMILY,
    platform::FAMILY,
];

/// Codes of removed checks. They are never reused.
pub static RETIRED: &[&str] = &[];

/// A group of checks that judge the same part of the chain. Their codes share a block of one hundred.
pub struct Family {
    /// The name that `--only` and `--skip` accept.
    pub name: &'static str,
    /// The prefix of its codes: `AT1`.
    pub block: &'static str,
    /// What the family judges: a fragment without a full stop.
    pub judges: &'static str,
    pub checks: &'static [Check],
}

/// One fault that can be detected from evidence.
pub struct Check {
    /// Stable code, as `AT201`.
    pub code: Code,
    /// Name of the fault in kebab case. The file of the check has the same name.
    pub name: &'static str,
    pub level: Level,
    /// One line, without a full stop.
    pub summary: &'static str,
    pub explanation: Explanation,
    /// Source of the rule.
    pub reference: &'static str,
    pub judge: fn(&Evidence) -> Judgement,
}

/// The page that describes every check, as `make docs` writes it.
pub const DOCUMENTATION: &str = "https://github.com/apigee-tls/kubectl-apigee-tls/blob/main/docs/checks.md";

impl Check {
    /// Returns the URL of the section about this check. Its anchor is that of the heading `AT201
    /// wildcard-route-missing`.
    #[must_use]
    pub fn documentation_url(&self) -> String {
        format!("{DOCUMENTATION}#{}-{}", self.code.as_str().to_ascii_lowercase(), self.name)
    }
}

/// The explanation that `explain` prints. Each part consists of complete sentences.
pub struct Explanation {
    /// Which evidence the check reads, and when it reports the fault.
    pub looks_for: &'static str,
    /// The consequences, and who is affected.
    pub matters: &'static str,
    /// How to fix the fault.
    pub fix: &'static str,
}

/// Severity of a check: who is affected.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Worth knowing; affects no client that was seen.
    Notice,
    /// Clients will fail with the next `helm upgrade` or on a known date, or some are refused that may be
    /// foreign.
    Warning,
    /// Clients fail now, as seen in logs or as reproduced by a handshake.
    Error,
}

impl Level {
    /// The level in lower case, as in text reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a check says: an outcome, or with `?` the source that it could not see.
pub type Judgement = Result<Outcome, Unavailable>;

/// What a check concludes from the available evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Found(Vec<Finding>),
    /// There is nothing to judge; the text gives the reason.
    NotApplicable(String),
    /// No fault; the text says what was confirmed.
    Passed(String),
}

impl Outcome {
    /// Returns [`Outcome::Found`] if there are findings, otherwise [`Outcome::Passed`] with the text `seen`.
    #[must_use]
    pub fn of(findings: Vec<Finding>, seen: impl Into<String>) -> Self {
        if findings.is_empty() { Self::Passed(seen.into()) } else { Self::Found(findings) }
    }
}

/// Maximum number of findings of a check that are kept. Findings are compared with each other, and what a
/// thousandth object of the same fault adds is its name.
const MAX_FINDINGS: usize = 100;

/// A check with its judgement.
#[derive(Clone)]
pub struct CheckResult {
    pub check: &'static Check,
    pub family: &'static Family,
    /// With at most `MAX_FINDINGS` findings: the first ones.
    pub judgement: Judgement,
    /// Number of further findings.
    pub left_out: u64,
}

impl CheckResult {
    /// Returns the findings; empty unless the fault was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match &self.judgement {
            Ok(Outcome::Found(findings)) => findings,
            _ => &[],
        }
    }

    /// Returns a finding that states how many others are left out; `None` if none is.
    #[must_use]
    pub fn rest(&self) -> Option<Finding> {
        let like = self.findings().first()?.objects.first()?;
        let number = self.left_out;
        (number > 0).then(|| {
            let object = Object::new(like.kind, format!("{number} others"));
            let message = format!("{} of this check more, which are not listed", text::count(number, "finding"));
            Finding::new(object, Location::Whole, message, format!("{MAX_FINDINGS} listed"), "no finding")
        })
    }
}

/// Returns all checks with their families, in the order of [`CATALOGUE`].
pub fn all() -> impl Iterator<Item = (&'static Family, &'static Check)> {
    CATALOGUE.iter().flat_map(|family| family.checks.iter().map(move |check| (family, check)))
}

/// Finds a check by its code or name, ignoring ASCII case.
#[must_use]
pub fn find(code_or_name: &str) -> Option<(&'static Family, &'static Check)> {
    all().find(|(_, check)| {
        check.code.as_str().eq_ignore_ascii_case(code_or_name) || check.name.eq_ignore_ascii_case(code_or_name)
    })
}

/// The text is the code or name of the check, its family, or the beginning of its code (`AT2`, `AT2xx`).
#[must_use]
pub fn denotes(text: &str, family: &Family, check: &Check) -> bool {
    let lower = text.to_lowercase();
    let block = lower.trim_end_matches('x');
    let is_block = block.strip_prefix("at").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    [check.code.as_str(), check.name, family.name].iter().any(|known| known.eq_ignore_ascii_case(text))
        || is_block && check.code.as_str().to_lowercase().starts_with(block)
}

/// Finds the checks that a text denotes: one by its code or name, those of a family, those whose code begins
/// with the text (`AT2`, `AT2xx`), or those whose page has the text. Empty if there are none.
#[must_use]
pub fn search(text: &str) -> Vec<(&'static Family, &'static Check)> {
    if text.is_empty() {
        return Vec::new();
    }
    if let Some(found) = find(text) {
        return vec![found];
    }
    let by_group: Vec<_> = all().filter(|(family, check)| denotes(text, family, check)).collect();
    if !by_group.is_empty() {
        return by_group;
    }
    let lower = text.to_lowercase();
    all()
        .filter(|(_, check)| {
            let Explanation { looks_for, matters, fix } = check.explanation;
            let texts = [check.name, check.summary, looks_for, matters, fix, check.reference];
            texts.iter().any(|known| known.to_lowercase().contains(&lower))
        })
        .collect()
}

/// Runs every check. A check that panics becomes unknown and does not affect the others.
#[must_use]
pub fn judge(evidence: &Evidence) -> Vec<CheckResult> {
    judge_by(evidence, |_, _| true)
}

/// Judges the evidence by the checks that are wanted.
#[must_use]
pub fn judge_by(evidence: &Evidence, wanted: impl Fn(&Family, &Check) -> bool) -> Vec<CheckResult> {
    all()
        .filter(|(family, check)| wanted(family, check))
        .map(|(family, check)| {
            let mut judgement = catch_unwind(AssertUnwindSafe(|| (check.judge)(evidence))).unwrap_or_else(|_| {
                Err(Unavailable::new(
                    format!("check {}", check.code),
                    Reason::Broken("internal error; please report this bug".into()),
                ))
            });
            let mut left_out = 0;
            if let Ok(Outcome::Found(findings)) = &mut judgement {
                left_out = findings.len().saturating_sub(MAX_FINDINGS) as u64;
                findings.truncate(MAX_FINDINGS);
                for finding in findings {
                    finding.in_namespace_of(evidence);
                }
            }
            CheckResult { check, family, judgement, left_out }
        })
        .collect()
}

#[cfg(test)]
mod captured_tests;
