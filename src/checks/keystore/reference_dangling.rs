//! AT713: a virtual host or target names a reference that leads nowhere.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT713"),
    name: "reference-dangling",
    level: Level::Error,
    summary: "A virtual host or target names a reference that leads nowhere",
    explanation: Explanation {
        looks_for: "References that do not exist, or that name another reference.",
        matters: "The Router or Message Processor has no keystore to use.",
        fix: "Create the reference, or let it name a keystore.",
    },
    reference: "Apigee API: references",
    judge: |evidence| judge(evidence, EdgeCause::ReferenceDangling),
};
