//! AT613: the server does not answer ClientHellos, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT613"),
    name: "captured-server-silent",
    level: Level::Error,
    summary: "The server does not answer ClientHellos, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture in which no byte comes back after the ClientHello. If the server ends \
            the connection, only those of which its acknowledgements prove that it never had the whole ClientHello.",
        matters: "The client waits until its time limit. A firewall drops the packets, a device cannot handle a \
            large ClientHello, or the server is overloaded.",
        fix: "Capture packets at both ends and compare. To test the size, probe with a smaller ClientHello \
            (--tls-max TLSv1.2).",
    },
    reference: "RFC 8446 §4.1.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
