//! AT725: a certificate does not cover the host that is called.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT725"),
    name: "hostname-mismatch",
    level: Level::Error,
    summary: "A certificate does not cover the host that is called",
    explanation: Explanation {
        looks_for: "Host aliases and target hosts, compared with subjectAltName, and with the common name \
            only if there is no subjectAltName.",
        matters: "Clients that verify names end the handshake; Java sends alert 46.",
        fix: "Use a certificate whose subjectAltName contains the host, or a wildcard of its domain.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", hostname mismatch",
    judge: |evidence| judge(evidence, EdgeCause::HostnameMismatch),
};
