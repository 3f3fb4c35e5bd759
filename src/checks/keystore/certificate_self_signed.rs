//! AT722: a server presents a self-signed certificate that nobody trusts.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT722"),
    name: "certificate-self-signed",
    level: Level::Error,
    summary: "A server presents a self-signed certificate that nobody trusts",
    explanation: Explanation {
        looks_for: "Leaves that are signed with their own key, and that neither the CAs of client apps nor \
            the truststore contain.",
        matters: "Clients that verify certificates end the handshake.",
        fix: "Use a certificate of a CA that the clients trust, or add this one to the truststore.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incorrect certificate",
    judge: |evidence| judge(evidence, EdgeCause::CertificateSelfSigned),
};
