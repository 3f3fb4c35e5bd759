//! AT708: Java never sends this target host as server_name.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT708"),
    name: "sni-not-sent-for-name",
    level: Level::Error,
    summary: "Java never sends this target host as server_name",
    explanation: Explanation {
        looks_for: "Targets whose host is an address, has one label or contains an underscore, and whose \
            server accepts the handshake only with server_name.",
        matters: "JSSE leaves out server_name for such hosts, whatever its settings. The server refuses, or \
            presents another certificate.",
        fix: "Use a fully qualified DNS name without underscore as the target host.",
    },
    reference: "measured with Java 17",
    judge: |evidence| judge(evidence, EdgeCause::SniNotSentForName),
};
