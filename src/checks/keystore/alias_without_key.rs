//! AT716: the alias of a keystore has no private key.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT716"),
    name: "alias-without-key",
    level: Level::Error,
    summary: "The alias of a keystore has no private key",
    explanation: Explanation {
        looks_for: "Aliases that virtual hosts and targets present, in keystores that list no key for \
            them.",
        matters: "A certificate without its key cannot be presented.",
        fix: "Upload certificate and key together: format=keycertfile.",
    },
    reference: "Apigee API: keystores",
    judge: |evidence| judge(evidence, EdgeCause::AliasWithoutKey),
};
