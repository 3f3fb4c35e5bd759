//! AT706: client and server have no cipher suite in common.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT706"),
    name: "cipher-mismatch",
    level: Level::Error,
    summary: "Client and server have no cipher suite in common",
    explanation: Explanation {
        looks_for: "The suites that the server accepts, found by a scan after a refused ClientHello, \
            compared with those that are offered; alert 40 after a ClientHello in captures, with the \
            ssl_ciphers of the Router.",
        matters: "The server sends alert 40, handshake_failure. A refused server name and a missing client \
            certificate send the same alert.",
        fix: "Let the server accept a suite that the client offers. A Java 8 before update 161 has no \
            AES-256 without the unlimited-strength policy (crypto.policy=unlimited).",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", cipher mismatch",
    judge: |evidence| judge(evidence, EdgeCause::CipherMismatch),
};
