//! AT714: a virtual host or target names a keystore that does not exist.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT714"),
    name: "keystore-missing",
    level: Level::Error,
    summary: "A virtual host or target names a keystore that does not exist",
    explanation: Explanation {
        looks_for: "Keystores and truststores that settings or references name, and virtual hosts with TLS \
            that name none.",
        matters: "The Router or Message Processor has no keystore to use.",
        fix: "Create the keystore and upload certificate and key, or correct the name.",
    },
    reference: "Apigee API: keystores",
    judge: |evidence| judge(evidence, EdgeCause::KeystoreMissing),
};
