//! AT717: a Router serves or trusts other certificates than the keystores hold.

use crate::checks::facts::edge::{EdgeCause, judge};
use crate::checks::{Check, Code, Explanation, Level};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT717"),
    name: "router-not-reloaded",
    level: Level::Error,
    summary: "A Router serves or trusts other certificates than the keystores hold",
    explanation: Explanation {
        looks_for: "The certificate that a Router serves, compared with that of the keystore; client \
            certificates that a Router refuses although the truststore trusts them; whether a Router requests \
            client certificates as the virtual host says.",
        matters: "Routers load keystores that are named directly only when they start.",
        fix: "Restart the Routers, and name the keystore by a reference from then on.",
    },
    reference: "Apigee: Update a TLS certificate for the Private Cloud",
    judge: |evidence| judge(evidence, EdgeCause::RouterNotReloaded),
};
