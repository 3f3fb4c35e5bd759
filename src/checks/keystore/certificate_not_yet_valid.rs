//! AT720: the certificate of a server is not valid yet.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT720"),
    name: "certificate-not-yet-valid",
    level: Level::Error,
    summary: "The certificate of a server is not valid yet",
    explanation: Explanation {
        looks_for: "The dates of the leaf and the intermediates that a Router serves, a keystore holds or \
            a backend presents.",
        matters: "Clients that verify certificates end the handshake until that date.",
        fix: "Use the previous certificate until then, or get one that is valid now. Check the clocks.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incorrect certificate",
    judge: |evidence| judge(evidence, EdgeCause::CertificateNotYetValid),
};
