//! AT301: an overrides file cannot be parsed as YAML.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT301"),
    name: "overrides-malformed",
    level: Level::Warning,
    step: Step::Overrides,
    summary: "An overrides file cannot be read as YAML",
    explanation: Explanation {
        looks_for: "Syntax errors, tabs as indentation, text that is not UTF-8, a file that is no mapping, aliases that multiply without end, nesting or size beyond the limits.",
        matters: "helm upgrade will refuse the file, or read something else than was meant. What stands after the fault could not be judged.",
        fix: "Correct the place named; `helm template` or a YAML linter shows the rest.",
    },
    reference: "YAML 1.2; Apigee hybrid configuration property reference",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::Malformed, "the file is well-formed")
}
