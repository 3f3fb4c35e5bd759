//! AT321: a name in cipherSuites is not a cipher suite of the gateway.

use super::judge_all_hosts;
use crate::checks::facts::tls_settings::{SUITES, why_unknown};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::overrides::Positioned;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT321"),
    name: "cipher-suite-unknown",
    level: Level::Warning,
    summary: "A name in cipherSuites is not a cipher suite of the gateway",
    explanation: Explanation {
        looks_for: "Names in cipherSuites of a virtual host that are not among the suites of the gateway. \
            They are OpenSSL's names of suites for TLS 1.2 and below.",
        matters: "The gateway ignores an unknown name. If all names are unknown, it uses its default \
            suites. The suites of TLS 1.3 cannot be chosen.",
        fix: "Write OpenSSL's name of the suite, which the finding shows, or remove it. -o json lists the suites \
            of the gateway. Remove suites of TLS 1.3: they are always enabled.",
    },
    reference: "Configuration property virtualhosts[].cipherSuites; Istio pkg/config/security: \
        ValidCipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_all_hosts(evidence, "every name in cipherSuites is a suite of the gateway", |host| {
        let judge = |suite: &Positioned<String>| {
            let Some(why) = why_unknown(&host.filled(suite)?.value) else { return Ok(None) };
            let message = format!("virtual host {}: {} is not a suite of the gateway; {why}", host.name(), suite.value);
            Ok(Some(host.finding(suite.place, message, suite.value.clone(), format!("one of {}", SUITES.join(", ")))))
        };
        host.settings.cipher_suites.iter().filter_map(|suite| judge(suite).transpose()).collect()
    })
}
