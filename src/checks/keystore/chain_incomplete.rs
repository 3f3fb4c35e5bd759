//! AT726: an intermediate certificate is missing in the chain of a server.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT726"),
    name: "chain-incomplete",
    level: Level::Error,
    summary: "An intermediate certificate is missing in the chain of a server",
    explanation: Explanation {
        looks_for: "Lists that end with a certificate whose issuer is neither in the list nor trusted. \
            Southbound only where the truststore does not bridge the gap.",
        matters: "Clients find no path to a CA that they trust. curl reports 60, and Java PKIX path \
            building failed.",
        fix: "Upload the whole chain: the leaf first, then each issuer.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incomplete certificate chain",
    judge: |evidence| judge(evidence, EdgeCause::ChainIncomplete),
};
