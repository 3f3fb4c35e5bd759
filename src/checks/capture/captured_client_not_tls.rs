//! AT611: clients do not speak TLS, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT611"),
    name: "captured-client-not-tls",
    level: Level::Notice,
    summary: "Clients do not speak TLS, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture whose first bytes are not TLS, such as plain HTTP.",
        matters: "On a port that expects TLS these clients are refused. The access log has them as connections \
            without SNI.",
        fix: "Correct the URL or the port of the client, or the protocol of the load balancer. On another port \
            it may be as intended.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 3",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
