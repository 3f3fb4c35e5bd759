//! AT220: an ApigeeRoute allows TLS 1.0 or 1.1 without a cipher suite for it.

use crate::checks::facts::tls_settings::{Fault, is_old, judge_objects};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT220"),
    name: "route-old-tls-version-unserved",
    level: Level::Notice,
    summary: "An ApigeeRoute allows TLS 1.0 or 1.1, but has no cipher suite for it",
    explanation: Explanation {
        looks_for: "minProtocolVersion TLSV1_0 or TLSV1_1 of an ApigeeRoute or an ApigeeRouteConfig, without a \
            suite in cipherSuites that these versions can use (a name that ends in -SHA, such as \
            ECDHE-RSA-AES128-SHA). AT320 judges the same of overrides files, and what both have is found there.",
        matters: "The default suites of the gateway need TLS 1.2. Clients that offer nothing above TLS 1.1 \
            are still refused.",
        fix: "If such clients exist, add cipherSuites with the default suites and those that end in -SHA. \
            The list replaces the default. Otherwise raise the minimum to TLS 1.2.",
    },
    reference: "Configuration property virtualhosts[].cipherSuites: TLS 1.1 needs explicit cipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_objects(evidence, "no ApigeeRoute allows a TLS version that it has no suite for", |limits| {
        let Some(min) = limits.min.filter(|min| is_old(min) && limits.lacks_old_suites()) else { return Vec::new() };
        let suites = match limits.suites.as_slice() {
            [] => "cipherSuites is not set, and the default suites need TLS 1.2",
            _ => "no suite in cipherSuites works below TLS 1.2",
        };
        vec![Fault {
            field: "tls.minProtocolVersion",
            message: format!("allows TLS {min}, but does not serve it: {suites}"),
            observed: format!("at least {min}"),
            expected: "cipherSuites with suites that end in -SHA, or a minimum of TLSV1_2".into(),
        }]
    })
}
