//! AT301: an overrides file cannot be parsed as YAML.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT301"),
    name: "overrides-malformed",
    level: Level::Warning,
    summary: "An overrides file cannot be parsed as YAML",
    explanation: Explanation {
        looks_for: "Syntax errors, tabs as indentation, text that is not UTF-8, or a file that is not a \
            mapping. Also aliases that expand without end. A part of a file beyond a limit of this program, such \
            as 2,500 virtual hosts, is not judged: checks that have found nothing before it are unknown.",
        matters: "helm upgrade will refuse the file, or read something other than intended. The part of the \
            file after the error was not checked.",
        fix: "Correct the file at the given place. Find further errors with `helm template` or a YAML \
            linter.",
    },
    reference: "YAML 1.2; Apigee hybrid configuration property reference",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::Malformed, "the file is well-formed")
}
