//! AT618: the protocols of clients in ALPN are refused, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT618"),
    name: "captured-alpn-refused",
    level: Level::Error,
    summary: "The protocols of clients in ALPN are refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "The alert no_application_protocol of the server in a capture.",
        matters: "Server and client share no protocol, so these clients cannot connect.",
        fix: "Make the client offer h2 or http/1.1.",
    },
    reference: "RFC 7301 §3.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
