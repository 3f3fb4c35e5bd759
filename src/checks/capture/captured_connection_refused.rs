//! AT614: TCP connections are refused or not answered, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT614"),
    name: "captured-connection-refused",
    level: Level::Error,
    summary: "TCP connections are refused or not answered, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture in which a SYN gets an RST or no answer.",
        matters: "Nothing listens on the port, or a firewall drops the packets. TLS does not begin.",
        fix: "Check that the Service has endpoints and that firewalls allow the port. If the answer takes \
            another way than the capture point, capture at the client.",
    },
    reference: "RFC 9293 §3.5",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
