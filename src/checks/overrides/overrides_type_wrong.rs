//! AT305: a value does not have the documented type.

use super::faults;
use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Judgement, Level, Outcome};
use crate::evidence::Evidence;
use crate::evidence::overrides::{FaultKind, OverridesFault};

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
    let outcome =
        faults(evidence, FaultKind::WrongType, "every value in or near virtualhosts has the documented type")?;
    if let Outcome::Passed(_) = outcome {
        for (file, content) in facts::overrides(evidence)? {
            if let Some(fault) = content.faults.iter().find(|fault| is_open(fault)) {
                return Err(facts::unfilled(file, fault.place, fault.observed.trim_matches('"')));
            }
        }
    }
    Ok(outcome)
}

/// Returns whether a placeholder is in the place of a value that must have a type other than a name or a
/// path: a list, a mapping, a number, or one of a few words.
fn is_open(fault: &OverridesFault) -> bool {
    const KEYS: [&str; 9] = [
        "additionalGateways",
        "cipherSuites",
        "connectTimeout",
        "ingressGateways",
        "maxTLSProtocolVersion",
        "minTLSProtocolVersion",
        "requestTimeout",
        "selector",
        "tlsMode",
    ];
    let key = fault.path.rsplit('.').next().unwrap_or_default();
    fault.kind == FaultKind::Placeholder && KEYS.contains(&key)
}
