//! AT608: clients send no client certificate and are refused, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT608"),
    name: "captured-client-certificate-missing",
    level: Level::Error,
    summary: "Clients send no client certificate and are refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture in which the server requests a client certificate, the client sends an \
            empty list, and the server refuses.",
        matters: "The virtual host requires mutual TLS. The client has no certificate that fits the request, or is \
            not configured for it.",
        fix: "Configure the client with a certificate of one of the requested CAs, or change tlsMode of the \
            virtual host.",
    },
    reference: "RFC 5246 §7.4.6, RFC 8446 §4.4.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
