//! AT302: a key occurs twice in the same mapping.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT302"),
    name: "overrides-key-duplicate",
    level: Level::Warning,
    summary: "A key occurs twice in the same mapping of an overrides file",
    explanation: Explanation {
        looks_for: "The same key twice in one mapping, anywhere in the file. Two blocks named virtualhosts \
            are the usual case.",
        matters: "Some parsers refuse the file. Others silently keep the last one, so that half of the \
            virtual hosts may be missing in the cluster.",
        fix: "Merge the two blocks into one.",
    },
    reference: "YAML 1.2 §3.2.1.1: keys are unique",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::DuplicateKey, "no key occurs twice")
}
