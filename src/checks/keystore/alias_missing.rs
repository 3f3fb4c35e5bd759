//! AT715: a virtual host or target names an alias that its keystore lacks.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT715"),
    name: "alias-missing",
    level: Level::Error,
    summary: "A virtual host or target names an alias that its keystore lacks",
    explanation: Explanation {
        looks_for: "The alias names of the keystore that settings name. A new keystore behind a reference \
            needs the same alias.",
        matters: "The Router or Message Processor finds no certificate.",
        fix: "Upload the certificate under this alias, or correct keyAlias.",
    },
    reference: "Apigee API: keystores",
    judge: |evidence| judge(evidence, EdgeCause::AliasMissing),
};
