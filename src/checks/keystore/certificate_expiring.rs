//! AT721: the certificate of a server ends within 30 days.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT721"),
    name: "certificate-expiring",
    level: Level::Warning,
    summary: "The certificate of a server ends within 30 days",
    explanation: Explanation {
        looks_for: "The dates of the leaf and the intermediates that a Router serves, a keystore holds or \
            a backend presents.",
        matters: "Nobody fails yet. From that day on, every client that verifies certificates does.",
        fix: "Renew the certificate before that day.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incorrect certificate",
    judge: |evidence| judge(evidence, EdgeCause::CertificateExpiring),
};
