//! AT601: clients without SNI are refused, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT601"),
    name: "captured-client-without-sni-refused",
    level: Level::Error,
    summary: "Clients without SNI are refused, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture whose whole ClientHello has no server_name, and which the server ends \
            by an RST, a FIN or the alert unrecognized_name before it sends a ServerHello. Connections that \
            were served later by the pods are not reported.",
        matters: "The client gets no certificate and a TCP reset during the handshake. Unlike a record of the \
            access log (AT101), the capture proves that these clients speak TLS and send no server_name.",
        fix: "To accept clients without SNI, create a wildcard ApigeeRoute and list it in additionalGateways \
            of every environment group. Or make the clients send SNI.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 3; RFC 6066 §3",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let refused = captured::found(evidence, CHECK.code);
    let goes_on = refused.iter().filter(|captured| !captured::is_over(evidence, captured.tally.last_at));
    let findings: Vec<Finding> = goes_on.map(captured::Captured::finding).collect();
    if findings.is_empty() && !refused.is_empty() {
        return Ok(Outcome::Passed("clients without SNI were served after the captures".into()));
    }
    captured::concluded(evidence, findings)
}
