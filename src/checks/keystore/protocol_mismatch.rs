//! AT705: client and server have no TLS version in common.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT705"),
    name: "protocol-mismatch",
    level: Level::Error,
    summary: "Client and server have no TLS version in common",
    explanation: Explanation {
        looks_for: "The versions that the server accepts, found by a scan after a refused ClientHello, \
            compared with those that are offered; alert 70, or a fatal close_notify, after a ClientHello \
            in captures; versions that a target pins and its Java disables; messages of logs.",
        matters: "Every handshake of these clients fails before a certificate is sent.",
        fix: "Find out which side is behind. Upgrade a server that accepts older versions alone to TLS 1.2 or \
            later; as a stop-gap southbound, pin its version in the target server, for which Java must not \
            disable it. Let a client that offers older versions alone, or TLS 1.3 alone, offer TLS 1.2 as \
            well. Let a server that accepts TLS 1.3 alone accept TLS 1.2 for clients that cannot offer more.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", protocol mismatch",
    judge: |evidence| judge(evidence, EdgeCause::ProtocolMismatch),
};
