//! AT707: the server needs server_name, and none is sent.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT707"),
    name: "sni-missing",
    level: Level::Error,
    summary: "The server needs server_name, and none is sent",
    explanation: Explanation {
        looks_for: "A handshake that is refused without server_name and accepted with it, or that gets the \
            certificate of another name without it; alert 40 to a ClientHello without server_name.",
        matters: "A private cloud's Message Processors send no server_name by default. A Router needs it to \
            find the virtual host.",
        fix: "Set conf_system_jsse.enableSNIExtension=true on every Message Processor, or let the client \
            app send server_name.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", SNI-enabled server",
    judge: |evidence| judge(evidence, EdgeCause::SniMissing),
};
