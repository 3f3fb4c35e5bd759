//! AT607: clients reject the server certificate, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT607"),
    name: "captured-server-certificate-rejected",
    level: Level::Error,
    summary: "Clients reject the server certificate, according to a packet capture",
    explanation: Explanation {
        looks_for: "An alert of the client about the certificate of the server, in a capture. Up to TLS 1.2 it is in \
            clear; TLS 1.3 hides it (AT616).",
        matters: "The server serves these clients and they refuse: an issuer that they do not trust, a missing \
            intermediate certificate, another name, or an expired certificate.",
        fix: "Check the served chain with `kubectl apigee-tls probe HOST`. If it is complete and valid, the \
            truststore of the client lacks the root CA.",
    },
    reference: "RFC 5246 §7.2.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
