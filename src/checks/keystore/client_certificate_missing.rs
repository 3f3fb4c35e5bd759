//! AT731: a client certificate is demanded, and none is sent.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT731"),
    name: "client-certificate-missing",
    level: Level::Error,
    summary: "A client certificate is demanded, and none is sent",
    explanation: Explanation {
        looks_for: "Handshakes that a server refuses after it requested a client certificate and got none; \
            HTTP 400 of a Router to a client without certificate.",
        matters: "OpenSSL answers with alert 40, Java with 42, and TLS 1.3 with 116. nginx answers with \
            HTTP 400.",
        fix: "Set clientAuthEnabled, keyStore and keyAlias of the target, or let the client app present a \
            certificate.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\"; Apigee playbook for bad client certificates",
    judge: |evidence| judge(evidence, EdgeCause::ClientCertificateMissing),
};
