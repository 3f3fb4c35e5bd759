//! AT709: the server does not know the server_name that is sent.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT709"),
    name: "sni-unknown",
    level: Level::Error,
    summary: "The server does not know the server_name that is sent",
    explanation: Explanation {
        looks_for: "Alert 112, a refused name where a ClientHello without server_name is accepted, or a \
            default certificate such as *.apigee.net in place of that of the virtual host.",
        matters: "The server cannot select a certificate. Java also gives up where it is only a warning.",
        fix: "Add the name to the backend, or as a host alias of the virtual host; or correct the target \
            host.",
    },
    reference: "Apigee: Using SNI with Edge",
    judge: |evidence| judge(evidence, EdgeCause::SniUnknown),
};
