//! AT615: clients end handshakes before the server answers, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT615"),
    name: "captured-client-gives-up",
    level: Level::Warning,
    summary: "Clients end handshakes before the server answers, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture that the client ends first, before the handshake is complete and \
            without an alert about the certificate.",
        matters: "The server answers too late for the client, or the client ends for a reason of its own. Scanners \
            and health checks do the same.",
        fix: "Compare the time between ClientHello and end with the time limit of the client.",
    },
    reference: "RFC 9293 §3.6",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
