//! AT723: a certificate of a server is signed or keyed too weakly.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT723"),
    name: "certificate-weak",
    level: Level::Warning,
    summary: "A certificate of a server is signed or keyed too weakly",
    explanation: Explanation {
        looks_for: "Signatures with SHA-1 or MD5, and RSA keys below 2048 bits, without roots.",
        matters: "Some clients refuse such certificates; Java reports that they do not conform to algorithm \
            constraints.",
        fix: "Replace the certificate by one with SHA-256 and an RSA key of 2048 bits.",
    },
    reference: "NIST SP 800-131A",
    judge: |evidence| judge(evidence, EdgeCause::CertificateWeak),
};
