//! AT610: connections with a PROXY protocol header are refused, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT610"),
    name: "captured-proxy-header-refused",
    level: Level::Error,
    summary: "Connections with a PROXY protocol header are refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture that begin with a PROXY protocol header before the ClientHello, and \
            that the server ends.",
        matters: "A load balancer announces the address of its client in a form that the server does not expect. \
            The access log has them as connections without SNI.",
        fix: "Switch off the PROXY protocol at the load balancer, or enable it at the server.",
    },
    reference: "HAProxy, The PROXY protocol, versions 1 and 2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
