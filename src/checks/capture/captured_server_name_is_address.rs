//! AT604: clients that send an IP address as server name are refused, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT604"),
    name: "captured-server-name-is-address",
    level: Level::Error,
    summary: "Clients that send an IP address as server name are refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture whose server_name is an IP address, and which the server ends before a \
            ServerHello.",
        matters: "RFC 6066 allows hostnames only. No route has an address as its hostname, so that only a wildcard \
            route serves such clients.",
        fix: "Make the clients connect to a hostname. If they cannot, create a wildcard ApigeeRoute.",
    },
    reference: "RFC 6066 §3; Envoy filter chain match on server_names",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
