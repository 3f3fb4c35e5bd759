//! Compares a report with an earlier one, so that only what is new fails.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Report;
use super::diff::{self, Key};

/// How the findings of a report relate to those of the baseline.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Baseline {
    /// Number of findings that the baseline has too.
    pub known: u64,
    /// Number of findings that the baseline lacks.
    pub new: u64,
    /// Number of findings of the baseline that are gone.
    pub gone: u64,
}

/// Marks the findings that `earlier` has too, and counts them.
pub(super) fn mark(report: &mut Report, earlier: &Report) {
    let before: BTreeSet<Key> = diff::keys(earlier).collect();
    let after: BTreeSet<Key> = diff::keys(report).collect();
    let mut counts = Baseline { known: 0, new: 0, gone: before.difference(&after).count() as u64 };
    for check in &mut report.checks {
        for finding in &mut check.findings {
            finding.known = before.contains(&diff::key(check.code, finding));
            if finding.known {
                counts.known += 1;
            } else {
                counts.new += 1;
            }
        }
    }
    if counts.new == 0 && counts.known > 0 {
        report.verdict.headline += "; no finding is new";
    }
    report.baseline = Some(counts);
}
