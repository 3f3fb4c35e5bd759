//! AT616: handshakes end with an alert that is encrypted or missing, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT616"),
    name: "captured-alert-hidden",
    level: Level::Error,
    summary: "Handshakes end with an alert that is encrypted or missing, according to a packet capture",
    explanation: Explanation {
        looks_for: "TLS 1.3 connections of a capture whose last record may be an alert, by its length and place, and \
            connections that the client ends after the certificate without an alert. That this is a refusal is a guess.",
        matters: "Most often the client rejects the server certificate, or the server requires a client \
            certificate and got none.",
        fix: "Read the message in the log of the side that ends the connection. If the client or the server \
            can log its secrets (SSLKEYLOGFILE), record again and give both with `--keylog`. Otherwise \
            repeat the handshake with at most TLS 1.2, where alerts are in clear.",
    },
    reference: "RFC 8446 §6",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
