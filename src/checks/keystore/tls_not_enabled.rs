//! AT704: a target server has no TLS enabled, and its port speaks TLS.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT704"),
    name: "tls-not-enabled",
    level: Level::Error,
    summary: "A target server has no TLS enabled, and its port speaks TLS",
    explanation: Explanation {
        looks_for: "Target servers without sSLInfo.enabled whose port completes a handshake with this \
            program.",
        matters: "The Message Processor sends plain HTTP to a TLS port. SSLInfo of a TargetEndpoint with a \
            LoadBalancer does not apply to its target servers.",
        fix: "Set sSLInfo with enabled true in the target server.",
    },
    reference: "apigeelint TD006: TLS settings of a LoadBalancer belong to the target server",
    judge: |evidence| judge(evidence, EdgeCause::TlsNotEnabled),
};
