//! AT718: routers serve different certificates for one name.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT718"),
    name: "routers-differ",
    level: Level::Error,
    summary: "Routers serve different certificates for one name",
    explanation: Explanation {
        looks_for: "Handshakes of this program with several Routers for the same host alias.",
        matters: "Client apps succeed or fail by chance.",
        fix: "Restart the Routers that serve the older certificate.",
    },
    reference: "Apigee: Update a TLS certificate for the Private Cloud",
    judge: |evidence| judge(evidence, EdgeCause::RoutersDiffer),
};
