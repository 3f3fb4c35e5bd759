//! AT710: the ClientHello is never answered.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT710"),
    name: "handshake-timeout",
    level: Level::Error,
    summary: "The ClientHello is never answered",
    explanation: Explanation {
        looks_for: "Connections that stay silent after the ClientHello, with and without server_name, in \
            handshakes of this program and in captures; handshakeTimeout in logs.",
        matters: "The Message Processor gives up after 55 seconds by default, and the client app gets 502. \
            Most often a firewall drops the packets.",
        fix: "Look at the firewalls and load balancers in front of the server; capture on both sides.",
    },
    reference: "Apigee playbook \"502 Bad Gateway Timeout Error\"",
    judge: |evidence| judge(evidence, EdgeCause::HandshakeTimeout),
};
