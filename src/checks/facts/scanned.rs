//! Facts of scans (`--full`): which versions and suites are outdated.

use crate::checks::{Finding, Judgement, Location, Object, Outcome};
use crate::evidence::handshake::{Endpoint, Probes, Scan, VersionScan};

/// Beginnings of the names, by OpenSSL or the registry, of suites whose key exchange is ephemeral.
const EPHEMERAL: [&str; 14] = [
    "ECDHE-",
    "DHE-",
    "EDH-",
    "EXP-EDH-",
    "EXP-DHE-",
    "EXP1024-DHE-",
    "ADH-",
    "AECDH-",
    "SRP-",
    "TLS_ECDHE_",
    "TLS_DHE_",
    "TLS_DH_anon_",
    "TLS_ECDH_anon_",
    "TLS_SRP_",
];

/// Returns whether no server may offer the version any more (RFC 8996, RFC 7568).
pub(crate) fn is_outdated(version: &VersionScan) -> bool {
    !version.suites.is_empty() && matches!(version.version.as_str(), "SSLv3" | "TLSv1.0" | "TLSv1.1")
}

/// Returns the accepted suites whose key exchange is known not to be ephemeral, so that a stolen key decrypts
/// recorded traffic (RFC 9325 §4.1).
pub(crate) fn without_forward_secrecy(version: &VersionScan) -> Vec<&str> {
    // All suites of TLS 1.3 are ephemeral, and of a suite without a name it is not known.
    let is_static = |suite: &&str| !suite.starts_with("0x") && !EPHEMERAL.iter().any(|start| suite.starts_with(start));
    let suites = version.suites.iter().map(String::as_str);
    suites.filter(|_| version.version != "TLSv1.3").filter(is_static).collect()
}

/// Returns the accepted suites that do not encrypt: by the names of OpenSSL and of the registry, and the two
/// of TLS 1.3 that only authenticate (RFC 9150).
pub(crate) fn without_encryption(version: &VersionScan) -> Vec<&str> {
    let is_plain = |suite: &&str| suite.contains("NULL") || ["TLS_SHA256_SHA256", "TLS_SHA384_SHA384"].contains(suite);
    version.suites.iter().map(String::as_str).filter(is_plain).collect()
}

/// Returns the accepted suites whose key exchange authenticates nobody.
pub(crate) fn without_authentication(version: &VersionScan) -> Vec<&str> {
    let is_anonymous = |suite: &&str| ["ADH-", "AECDH-", "_anon_"].iter().any(|word| suite.contains(word));
    version.suites.iter().map(String::as_str).filter(is_anonymous).collect()
}

/// Judges each endpoint that was scanned by `fault`: the message, what was observed and what is expected.
pub(crate) fn judge(
    probes: &Probes,
    passed: &str,
    fault: impl Fn(&Scan) -> Option<(String, String, String)>,
) -> Judgement {
    let scans: Vec<(&Endpoint, &Scan)> =
        probes.endpoints.iter().filter_map(|endpoint| Some((endpoint, endpoint.scan.seen().ok()?))).collect();
    let findings: Vec<Finding> = scans
        .iter()
        .filter_map(|(endpoint, scan)| {
            let (message, observed, expected) = fault(scan)?;
            Some(Finding::new(Object::endpoint(endpoint), Location::Whole, message, observed, expected))
        })
        .collect();
    if findings.is_empty() {
        let mut versions = scans.iter().flat_map(|(_, scan)| &scan.versions);
        if let Some(why) = versions.find_map(|version| version.cut.clone()) {
            return Err(why);
        }
        if scans.is_empty() {
            return Ok(Outcome::NotApplicable("no versions and cipher suites were scanned (probe --full)".into()));
        }
    }
    Ok(Outcome::of(findings, passed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_without_an_ephemeral_key_exchange_are_recognised() {
        let scan = |version: &str, suites: &[&str]| VersionScan {
            version: version.into(),
            suites: suites.iter().map(|suite| (*suite).to_owned()).collect(),
            refusal: None,
            cut: None,
        };
        let tls12 = scan(
            "TLSv1.2",
            &[
                "ECDHE-RSA-AES128-GCM-SHA256",
                "AES128-SHA",
                "TLS_RSA_WITH_AES_128_CCM_8",
                "TLS_DHE_RSA_WITH_AES_128_CCM",
                "ECDH-RSA-AES128-SHA",
                "0xC0FF",
            ],
        );
        assert_eq!(
            without_forward_secrecy(&tls12),
            ["AES128-SHA", "TLS_RSA_WITH_AES_128_CCM_8", "ECDH-RSA-AES128-SHA"]
        );
        assert!(without_forward_secrecy(&scan("TLSv1.3", &["TLS_AES_128_GCM_SHA256"])).is_empty());
        assert!(is_outdated(&scan("TLSv1.1", &["AES128-SHA"])) && !is_outdated(&scan("TLSv1.1", &[])));
        assert!(!is_outdated(&tls12));
    }

    #[test]
    fn suites_without_protection_are_recognised_by_both_spellings() {
        let suites = [
            "ECDHE-ECDSA-NULL-SHA",
            "TLS_RSA_WITH_NULL_SHA256",
            "AECDH-NULL-SHA",
            "EXP-ADH-RC4-MD5",
            "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
            "ECDHE-RSA-AES128-SHA",
            "DHE-RSA-AES128-SHA",
            "SRP-AES-128-CBC-SHA",
        ];
        let suites = suites.map(str::to_owned).to_vec();
        let scan = VersionScan { version: "TLSv1.2".into(), suites, refusal: None, cut: None };
        assert_eq!(without_encryption(&scan), ["ECDHE-ECDSA-NULL-SHA", "TLS_RSA_WITH_NULL_SHA256", "AECDH-NULL-SHA"]);
        assert_eq!(
            without_authentication(&scan),
            ["AECDH-NULL-SHA", "EXP-ADH-RC4-MD5", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"]
        );
    }
}
