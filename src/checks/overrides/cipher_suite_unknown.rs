//! AT321: a name in cipherSuites is not a cipher suite of the gateway.

use super::judge_all_hosts;
use crate::checks::facts::tls_settings::SUITES;
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

/// Returns what is wrong with an unknown name; `None` for a known one.
fn why_unknown(name: &str) -> Option<String> {
    // Istio passes on operators and groups of OpenSSL's notation.
    let is_notation = name == "ALL" || !name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if is_notation || SUITES.contains(&name) {
        return None;
    }
    if ["TLS_AES_", "TLS_CHACHA20_"].iter().any(|start| name.starts_with(start)) {
        return Some("a suite of TLS 1.3 is always enabled and cannot be chosen".into());
    }
    if let Some(openssl) = openssl_name(name).filter(|openssl| SUITES.contains(&openssl.as_str())) {
        return Some(format!("OpenSSL's name is {openssl}"));
    }
    if name.contains([':', ',', ' ']) {
        return Some("each suite is an item of its own".into());
    }
    Some("Istio drops it".into())
}

/// Returns OpenSSL's name of a suite with an IANA name. The suites of the gateway follow one pattern.
fn openssl_name(name: &str) -> Option<String> {
    let (exchange, cipher) = name.strip_prefix("TLS_")?.split_once("_WITH_")?;
    let exchange = match exchange {
        "RSA" => String::new(),
        other => format!("{}-", other.replace('_', "-")),
    };
    let cipher = cipher.replace("AES_", "AES").replace("_CBC", "").replace('_', "-");
    let cipher = cipher.replace("3DES-EDE-SHA", "DES-CBC3-SHA").replace("POLY1305-SHA256", "POLY1305");
    Some(exchange + &cipher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_found_by_its_iana_name() {
        for (iana, openssl) in [
            ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
            ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"),
            ("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
        ] {
            assert_eq!(openssl_name(iana).as_deref(), Some(openssl));
            assert!(SUITES.contains(&openssl), "{openssl}");
        }
        assert_eq!(why_unknown("ECDHE-RSA-AES128-GCM-SHA256"), None);
        assert_eq!(why_unknown("ECDHE-ECDSA-AES256-SHA384").as_deref(), Some("Istio drops it"));
    }
}
