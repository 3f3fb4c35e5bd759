//! AT724: a certificate must not be used by a server.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT724"),
    name: "certificate-not-for-servers",
    level: Level::Error,
    summary: "A certificate must not be used by a server",
    explanation: Explanation {
        looks_for: "Leaves with extendedKeyUsage that does not contain serverAuth.",
        matters: "Clients that verify certificates end the handshake.",
        fix: "Use a certificate with serverAuth.",
    },
    reference: "RFC 5280 §4.2.1.12",
    judge: |evidence| judge(evidence, EdgeCause::CertificateNotForServers),
};
