//! AT606: the cipher suites of clients are refused, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT606"),
    name: "captured-cipher-suite-refused",
    level: Level::Error,
    summary: "The cipher suites of clients are refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "The alerts handshake_failure and insufficient_security of the server in answer to a ClientHello \
            of a capture.",
        matters: "Server and client share no cipher suite, group or signature algorithm, so these clients cannot \
            connect. The access log has no record of them.",
        fix: "Compare the suites of the clients (`pcap FILE -o jsonl` lists them) with cipherSuites of the \
            virtual host.",
    },
    reference: "RFC 8446 §6.2, RFC 5246 §7.2.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
