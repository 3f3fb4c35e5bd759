//! AT728: a certificate is followed by one that did not issue it.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT728"),
    name: "chain-wrong-issuer",
    level: Level::Error,
    summary: "A certificate is followed by one that did not issue it",
    explanation: Explanation {
        looks_for: "Lists in which the issuer of a certificate is missing and another certificate is in \
            its place.",
        matters: "Clients find no path to a CA that they trust.",
        fix: "Replace it by the certificate of the issuer.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incomplete certificate chain",
    judge: |evidence| judge(evidence, EdgeCause::ChainWrongIssuer),
};
