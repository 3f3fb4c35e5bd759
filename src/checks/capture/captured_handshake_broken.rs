//! AT617: handshakes end in the middle, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT617"),
    name: "captured-handshake-broken",
    level: Level::Error,
    summary: "Handshakes end in the middle, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture that the server ends in a way that no other check of this family \
            describes. Without the routes, also those that a server ends whether their ClientHello has SNI or not.",
        matters: "These clients cannot connect. A device between the two ends, or a fault of the server, ends the \
            handshake.",
        fix: "Capture packets at both ends and compare who sends the RST or the alert.",
    },
    reference: "RFC 8446 §6.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
