//! AT702: a backend or Router does not accept the TCP connection.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT702"),
    name: "unreachable",
    level: Level::Error,
    summary: "A backend or Router does not accept the TCP connection",
    explanation: Explanation {
        looks_for: "Handshakes of this program that end before the first byte, SYN packets without an \
            answer in captures, and refused connections in logs.",
        matters: "TLS does not begin. Client apps get 503 for a backend. This program connects from where \
            it runs, which may be another network.",
        fix: "Open the firewall between the Message Processors and the backend, and check host and port of \
            the target server.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\"",
    judge: |evidence| judge(evidence, EdgeCause::Unreachable),
};
