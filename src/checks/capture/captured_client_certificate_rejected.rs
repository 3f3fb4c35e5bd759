//! AT609: client certificates are rejected, according to a packet capture.

use crate::checks::facts::captured;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT609"),
    name: "captured-client-certificate-rejected",
    level: Level::Error,
    summary: "Client certificates are rejected, according to a packet capture",
    explanation: Explanation {
        looks_for: "Connections of a capture that the server ends after the client has sent its certificate.",
        matters: "The CA certificates of the virtual host lack the issuer of the client certificate, or the client \
            certificate has expired.",
        fix: "Add the issuer of the client certificate to caCertPath of the virtual host, or renew the client \
            certificate.",
    },
    reference: "RFC 5246 §7.2.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    captured::judge(evidence, CHECK.code)
}
