//! AT711: the connection is reset after the ClientHello.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT711"),
    name: "reset-in-hello",
    level: Level::Error,
    summary: "The connection is reset after the ClientHello",
    explanation: Explanation {
        looks_for: "A TCP reset in answer to every ClientHello, whatever its server_name, versions and \
            suites.",
        matters: "A reset carries no reason. Firewalls and load balancers send it, and servers that do not \
            serve the port any more.",
        fix: "Find out who sends the reset: capture on both sides, and compare the TTL.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\"",
    judge: |evidence| judge(evidence, EdgeCause::ResetInHello),
};
