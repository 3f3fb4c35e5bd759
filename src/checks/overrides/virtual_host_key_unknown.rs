//! AT304: a key of or near the virtual hosts is unknown.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT304"),
    name: "virtual-host-key-unknown",
    level: Level::Warning,
    summary: "A key in or near virtualhosts is unknown",
    explanation: Explanation {
        looks_for: "Keys of virtualhosts and ingressGateways entries that are not in the configuration \
            property reference, and top-level keys that look like a misspelt virtualhosts.",
        matters: "helm ignores an unknown key without an error. The intended setting has no effect.",
        fix: "Correct the spelling. The finding names the nearest known key.",
    },
    reference: "Apigee hybrid configuration property reference, virtualhosts and ingressGateways",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::UnknownKey, "every key in or near virtualhosts is known")
}
