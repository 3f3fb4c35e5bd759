//! AT701: the name of a backend or Router cannot be resolved.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT701"),
    name: "name-not-resolved",
    level: Level::Error,
    summary: "The name of a backend or Router cannot be resolved",
    explanation: Explanation {
        looks_for: "Handshakes of this program that end at the DNS lookup of a target host or host alias, \
            and UnknownHostException in logs.",
        matters: "No connection is made. This program looks the name up from where it runs; a Message \
            Processor may use another DNS server.",
        fix: "Correct the host in the target server or the URL, or the DNS entry. Repeat the lookup on a \
            Message Processor: nslookup HOST.",
    },
    reference: "Apigee Edge playbook \"TLS/SSL handshake failures\"",
    judge: |evidence| judge(evidence, EdgeCause::NameNotResolved),
};
