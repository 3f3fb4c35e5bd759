//! AT320: a virtual host allows TLS 1.0 or 1.1 without a cipher suite for it.

use super::judge_hosts;
use crate::checks::facts::tls_settings::{is_old, serves_old_versions};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT320"),
    name: "old-tls-version-unserved",
    level: Level::Notice,
    summary: "A virtual host allows TLS 1.0 or 1.1, but has no cipher suite for it",
    explanation: Explanation {
        looks_for: "minTLSProtocolVersion 1.0 or 1.1 of a virtual host, without a suite in cipherSuites \
            that these versions can use (a name that ends in -SHA, such as ECDHE-RSA-AES128-SHA).",
        matters: "The default suites of the gateway need TLS 1.2. Clients that offer nothing above TLS 1.1 \
            are still refused.",
        fix: "If such clients exist, add cipherSuites with the default suites and those that end in -SHA. \
            The list replaces the default. Otherwise set minTLSProtocolVersion to 1.2.",
    },
    reference: "Configuration property virtualhosts[].cipherSuites: TLS 1.1 needs explicit cipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    judge_hosts(evidence, "no virtual host allows a TLS version that it has no suite for", |host| {
        let Some(version) = &host.settings.min_version else { return Ok(None) };
        if !is_old(&host.filled(version)?.value) || serves_old_versions(&host.settings.cipher_suites) {
            return Ok(None);
        }
        host.all_filled(&host.settings.cipher_suites)?;
        let suites = match host.settings.cipher_suites.as_slice() {
            [] => "cipherSuites is not set, and the default suites need TLS 1.2",
            _ => "no suite in cipherSuites works below TLS 1.2",
        };
        Ok(Some(host.finding(
            version.place,
            format!("virtual host {} allows TLS {}, but does not serve it: {suites}", host.name(), version.value),
            format!("minTLSProtocolVersion \"{}\"", version.value),
            "cipherSuites with suites that end in -SHA, or minTLSProtocolVersion \"1.2\"",
        )))
    })
}
