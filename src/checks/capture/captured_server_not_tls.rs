//! AT612: the server does not answer in TLS, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT612"),
    name: "captured-server-not-tls",
    level: Level::Error,
    summary: "The server does not answer in TLS, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture in which the answer to a ClientHello is not TLS, or violates the \
            protocol.",
        matters: "The port does not speak TLS, or a proxy answers in place of the server.",
        fix: "Check the port that the client connects to, and what terminates TLS there.",
    },
    reference: "RFC 8446 §5.1",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
