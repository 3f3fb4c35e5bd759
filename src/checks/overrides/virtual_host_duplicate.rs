//! AT303: two virtual hosts have the same name.

use super::faults;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT303"),
    name: "virtual-host-duplicate",
    level: Level::Warning,
    summary: "Two virtual hosts name the same environment group",
    explanation: Explanation {
        looks_for: "Two entries of virtualhosts with the same name.",
        matters: "The chart renders one ApigeeRouteConfig for each environment group. Only one of the two \
            entries can reach the cluster.",
        fix: "Merge the two entries, or correct one of the names.",
    },
    reference: "Configuration property virtualhosts[].name",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    faults(evidence, FaultKind::DuplicateVirtualHost, "every virtual host has a unique name")
}
