//! AT734: the server does not trust the client certificate.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT734"),
    name: "client-certificate-untrusted",
    level: Level::Error,
    summary: "The server does not trust the client certificate",
    explanation: Explanation {
        looks_for: "Alerts 48, 46 and 42 after a client certificate; HTTP 400 of a Router to a certificate \
            that the truststore does not trust.",
        matters: "The server refuses it.",
        fix: "Add the CA of the client certificate to the truststore of the server, with its intermediates.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", unknown certificate",
    judge: |evidence| judge(evidence, EdgeCause::ClientCertificateUntrusted),
};
