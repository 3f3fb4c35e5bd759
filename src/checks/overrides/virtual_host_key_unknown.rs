//! AT304: a key of or near the virtual hosts is unknown.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT304"),
    name: "virtual-host-key-unknown",
    level: Level::Warning,
    step: Step::Overrides,
    summary: "A key near virtualhosts is not known",
    explanation: Explanation {
        looks_for: "Keys of virtualhosts and ingressGateways entries that the configuration property reference does not have, and top-level keys that look like a misspelt virtualhosts.",
        matters: "An unknown key is not an error for helm: it is ignored, and the setting that was meant has no effect.",
        fix: "Correct the spelling; the finding names the nearest known key.",
    },
    reference: "Apigee hybrid configuration property reference, virtualhosts and ingressGateways",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::UnknownKey, "every key near virtualhosts is known")
}
