//! AT735: the issuer of the client certificate is not among those that the server lists.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT735"),
    name: "client-certificate-authority-not-listed",
    level: Level::Error,
    summary: "The issuer of the client certificate is not among those that the server lists",
    explanation: Explanation {
        looks_for: "The CAs in the CertificateRequest of a backend, compared with the issuers of the key \
            alias.",
        matters: "JSSE then sends an empty list, which the server refuses as if there were no certificate.",
        fix: "Use a certificate of a listed CA, or let the backend list its issuer. Upload the whole chain \
            to the alias.",
    },
    reference: "Apigee playbook for bad client certificates",
    judge: |evidence| judge(evidence, EdgeCause::ClientCertificateAuthorityNotListed),
};
