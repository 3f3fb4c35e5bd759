//! AT314: an overrides file contains several YAML documents.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT314"),
    name: "overrides-documents-several",
    level: Level::Warning,
    summary: "An overrides file contains several YAML documents",
    explanation: Explanation {
        looks_for: "A second YAML document in the file, after a line with ---.",
        matters: "It is not documented which document helm uses. The settings in the others have no effect.",
        fix: "Split the file, or remove the separator.",
    },
    reference: "YAML 1.2 §9.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::SeveralDocuments, "the file is one document")
}
