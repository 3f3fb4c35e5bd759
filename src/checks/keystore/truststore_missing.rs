//! AT730: two-way TLS is on, and there is no truststore.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT730"),
    name: "truststore-missing",
    level: Level::Warning,
    summary: "Two-way TLS is on, and there is no truststore",
    explanation: Explanation {
        looks_for: "Virtual hosts with clientAuthEnabled and without truststore; targets whose backend \
            only a truststore could trust.",
        matters: "A Router cannot verify client certificates. Whether a Message Processor without \
            truststore checks the backend is not documented.",
        fix: "Create a truststore with the CAs, and name it in the virtual host or target server.",
    },
    reference: "Apigee API: virtual hosts, trustStore is required if clientAuthEnabled",
    judge: |evidence| judge(evidence, EdgeCause::TruststoreMissing),
};
