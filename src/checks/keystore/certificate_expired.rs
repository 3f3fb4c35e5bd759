//! AT719: the certificate of a server has expired.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT719"),
    name: "certificate-expired",
    level: Level::Error,
    summary: "The certificate of a server has expired",
    explanation: Explanation {
        looks_for: "The dates of the leaf and the intermediates that a Router serves, a keystore holds or \
            a backend presents. The dates count, not isValid.",
        matters: "Clients that verify certificates end the handshake. Java sends alert 45, or 46 in TLS \
            1.3.",
        fix: "Get a new certificate. Upload it with its chain to a new keystore, and point the reference \
            there.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incorrect certificate",
    judge: |evidence| judge(evidence, EdgeCause::CertificateExpired),
};
