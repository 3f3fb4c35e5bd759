//! AT219: the TLS versions of an ApigeeRoute leave none to serve.

use crate::checks::facts::tls_settings::{Fault, is_old, is_reversed, judge_objects};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT219"),
    name: "route-tls-versions-unservable",
    level: Level::Warning,
    summary: "The TLS versions of an ApigeeRoute leave none to serve",
    explanation: Explanation {
        looks_for: "A minProtocolVersion above maxProtocolVersion in an ApigeeRoute or an ApigeeRouteConfig; or \
            a maxProtocolVersion of TLSV1_0 or TLSV1_1 without a suite in cipherSuites that these versions can \
            use. AT322 judges the same of overrides files, and what both have is found there.",
        matters: "The gateway refuses every handshake with the hostnames of the route.",
        fix: "Set the minimum to the oldest version that clients need, and remove the maximum: in the virtual \
            host, then run helm upgrade, or in a route that was made by hand.",
    },
    reference: "ApigeeRoute spec.ports[].tls and ApigeeRouteConfig spec.tls; configuration property \
        virtualhosts[].cipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_objects(evidence, "every ApigeeRoute has a TLS version to serve", |limits| {
        let Some(max) = limits.max else { return Vec::new() };
        let reversed = limits.min.filter(|min| is_reversed(min, max)).map(|min| Fault {
            field: "tls.minProtocolVersion",
            message: format!("requires at least TLS {min} and allows at most TLS {max}"),
            observed: format!("{min} to {max}"),
            expected: "a minimum that is not above the maximum".into(),
        });
        let old = || Fault {
            field: "tls.maxProtocolVersion",
            message: format!("allows nothing above TLS {max}, and has no cipher suite for that version"),
            observed: format!("at most {max}"),
            expected: "a maximum of TLSV1_2 or TLSV1_3, or none".into(),
        };
        let is_old = is_old(max) && limits.lacks_old_suites();
        reversed.or_else(|| is_old.then(old)).into_iter().collect()
    })
}
