//! AT221: a name in cipherSuites of an ApigeeRoute is not a cipher suite of the gateway.

use crate::checks::facts::tls_settings::{Fault, SUITES, judge_objects, why_unknown};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT221"),
    name: "route-cipher-suite-unknown",
    level: Level::Warning,
    summary: "A name in cipherSuites of an ApigeeRoute is not a cipher suite of the gateway",
    explanation: Explanation {
        looks_for: "Names in cipherSuites of an ApigeeRoute or an ApigeeRouteConfig that are not among the \
            suites of the gateway. They are OpenSSL's names of suites for TLS 1.2 and below. AT321 judges the \
            same of overrides files, and what both have is found there.",
        matters: "The gateway ignores an unknown name. If all names are unknown, it uses its default \
            suites. The suites of TLS 1.3 cannot be chosen.",
        fix: "Write OpenSSL's name of the suite, which the finding shows, or remove it: in the virtual host, then \
            run helm upgrade, or in a route that was made by hand.",
    },
    reference: "ApigeeRoute spec.ports[].tls.cipherSuites; Istio pkg/config/security: ValidCipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_objects(evidence, "every name in cipherSuites of the ApigeeRoutes is a suite of the gateway", |limits| {
        let unknown = limits.suites.iter().filter_map(|suite| Some((*suite, why_unknown(suite)?)));
        let faults = unknown.map(|(suite, why)| Fault {
            field: "tls.cipherSuites",
            message: format!("has {suite} in cipherSuites, which is not a suite of the gateway; {why}"),
            observed: suite.to_owned(),
            expected: format!("one of {}", SUITES.join(", ")),
        });
        faults.collect()
    })
}
