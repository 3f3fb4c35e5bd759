//! AT712: the connection is closed after the ClientHello.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT712"),
    name: "closed-in-hello",
    level: Level::Error,
    summary: "The connection is closed after the ClientHello",
    explanation: Explanation {
        looks_for: "The end of the connection in answer to every ClientHello, whatever its server_name, \
            versions and suites.",
        matters: "Java reports Remote host terminated the handshake. The end carries no reason.",
        fix: "Look at the log of the server, and at load balancers in front of it.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\"",
    judge: |evidence| judge(evidence, EdgeCause::ClosedInHello),
};
