//! AT727: the certificates of a keystore are in the wrong order.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT727"),
    name: "chain-wrong-order",
    level: Level::Error,
    summary: "The certificates of a keystore are in the wrong order",
    explanation: Explanation {
        looks_for: "Lists that hold the right certificates, not each followed by its issuer. Java sorts \
            the list of a backend, so that this is no fault there.",
        matters: "Some clients refuse such a list.",
        fix: "Upload the chain again: the leaf first, then each issuer.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\", incomplete certificate chain",
    judge: |evidence| judge(evidence, EdgeCause::ChainWrongOrder),
};
