//! AT602: a server name is refused, according to a packet capture.

use crate::checks::facts::{self, captured};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT602"),
    name: "captured-server-name-refused",
    level: Level::Error,
    summary: "A server name is refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture that the server ends before a ServerHello, or by the alert \
            unrecognized_name, although their ClientHello has a server_name. Names that no ApigeeRoute has \
            are left to AT603, if the routes are known.",
        matters: "The client sends the right name, and what answers has no certificate for it: a gateway without \
            the filter chain, another gateway, or a load balancer.",
        fix: "Check the findings about the ApigeeRoute with that hostname and about its Secret. If there are \
            none, check where the address that the client connects to leads.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 3; RFC 6066 §3",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence).ok();
    // Without the routes it is not known which names are wrong.
    let is_declared = |name: &str| match &routes {
        Some(routes) => routes.iter().any(|route| facts::declares(route, name)),
        None => true,
    };
    let findings = captured::by_name(evidence, is_declared, |_| String::new())?;
    captured::concluded(evidence, findings)
}
