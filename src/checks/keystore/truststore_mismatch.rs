//! AT729: the chain is whole, and its CA is not trusted.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT729"),
    name: "truststore-mismatch",
    level: Level::Error,
    summary: "The chain is whole, and its CA is not trusted",
    explanation: Explanation {
        looks_for: "Backends whose CA the truststore of the target does not hold; Routers whose CA the \
            client apps do not trust (--ca-file).",
        matters: "The client ends the handshake: Java with alert 46, OpenSSL with 48.",
        fix: "Add the CA to the truststore, or use a certificate of a CA that is trusted.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", unknown certificate",
    judge: |evidence| judge(evidence, EdgeCause::TruststoreMismatch),
};
