//! AT732: the client certificate has expired.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT732"),
    name: "client-certificate-expired",
    level: Level::Error,
    summary: "The client certificate has expired",
    explanation: Explanation {
        looks_for: "The dates of the certificate that a target presents, or that a client app presents \
            (--client-cert); alert 45 of a server.",
        matters: "The server refuses it.",
        fix: "Renew the certificate, upload it to a new keystore, and point the reference there.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incorrect certificate",
    judge: |evidence| judge(evidence, EdgeCause::ClientCertificateExpired),
};
