//! TLS versions and cipher suites of the gateway, as overrides files name them.

use super::overrides::is_filled;
use crate::evidence::overrides::Positioned;

/// The cipher suites that can be chosen, by OpenSSL's names. Source: Istio `pkg/config/security`,
/// `ValidCipherSuites`, made from the list of `BoringSSL`.
pub(crate) const SUITES: [&str; 15] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

/// Returns whether the version is older than all default suites.
pub(crate) fn is_old(version: &str) -> bool {
    matches!(version, "1.0" | "1.1")
}

/// Returns the minor version; `None` for `AUTO` and for values that the chart refuses (AT305).
pub(crate) fn number(version: &str) -> Option<u8> {
    version.strip_prefix("1.")?.parse().ok()
}

/// Returns whether a suite works below TLS 1.2, or may do so. A placeholder is no suite.
pub(crate) fn serves_old_versions(suites: &[Positioned<String>]) -> bool {
    let is_unclear = |suite: &Positioned<String>| {
        suite.value == "ALL" || !suite.value.starts_with(|first: char| first.is_alphanumeric())
    };
    let mut filled = suites.iter().filter(|suite| is_filled(suite));
    filled.any(|suite| (SUITES.contains(&suite.value.as_str()) && suite.value.ends_with("-SHA")) || is_unclear(suite))
}
