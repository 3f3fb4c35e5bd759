//! AT703: TLS is spoken to a port without TLS.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT703"),
    name: "plain-text-port",
    level: Level::Error,
    summary: "TLS is spoken to a port without TLS",
    explanation: Explanation {
        looks_for: "An answer to a ClientHello that is not TLS, in handshakes of this program and in \
            captures; Unsupported or unrecognized SSL message in logs.",
        matters: "Every handshake fails. Java reports Unsupported or unrecognized SSL message, and OpenSSL \
            wrong version number.",
        fix: "Correct the port, or turn off TLS in the target server or the scheme of the URL if the \
            backend is meant to be called without TLS.",
    },
    reference: "measured with Java 17 and OpenSSL 3",
    judge: |evidence| judge(evidence, EdgeCause::PlainTextPort),
};
