//! AT305: a value does not have the documented type.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT305"),
    name: "overrides-type-wrong",
    level: Level::Warning,
    summary: "A value in or near virtualhosts has the wrong type",
    explanation: Explanation {
        looks_for: "Values of virtualhosts and ingressGateways whose type differs from the documentation, \
            such as additionalGateways as a string or a version as a number.",
        matters: "The chart may refuse the file, or render something other than intended. For example, a \
            string in additionalGateways is not a list with one entry.",
        fix: "Write the value as the finding shows.",
    },
    reference: "Apigee hybrid configuration property reference, virtualhosts",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::WrongType, "every value in or near virtualhosts has the documented type")
}
