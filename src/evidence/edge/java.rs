//! What the TLS library of Java (JSSE) offers as a client, by release.
//!
//! Sources: the JDK's `CipherSuite.java` (8u), and ClientHellos of each release. Suites have OpenSSL's
//! names, in the order in which they are sent. The exact update of a Message Processor's Java cannot be
//! seen from outside; `8-classic` and `8-modern` are before and after TLS 1.3 came to Java 8.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A release of Java whose clients send the same ClientHello.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum JavaProfile {
    #[serde(rename = "7")]
    Java7,
    /// Java 8 up to 8u151 without the unlimited-strength policy: no AES-256.
    #[serde(rename = "8-limited")]
    Java8Limited,
    /// Java 8 from 8u161, before TLS 1.3.
    #[serde(rename = "8-classic")]
    Java8Classic,
    /// Java 8 with TLS 1.3; TLS 1.0 and 1.1 are disabled.
    #[serde(rename = "8-modern")]
    Java8Modern,
    #[serde(rename = "11")]
    Java11,
    #[serde(rename = "17")]
    Java17,
    #[serde(rename = "21")]
    Java21,
}

const UP_TO_10: &[&str] = &["TLSv1.0"];
const UP_TO_12: &[&str] = &["TLSv1.0", "TLSv1.1", "TLSv1.2"];
const UP_TO_13: &[&str] = &["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const OLD_VERSIONS: &[&str] = &["TLSv1.0", "TLSv1.1"];

const JAVA7: &str = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:ECDH-ECDSA-AES128-SHA:\
    ECDH-RSA-AES128-SHA:DHE-RSA-AES128-SHA:DHE-DSS-AES128-SHA:ECDHE-ECDSA-RC4-SHA:ECDHE-RSA-RC4-SHA:RC4-SHA:\
    ECDH-ECDSA-RC4-SHA:ECDH-RSA-RC4-SHA:ECDHE-ECDSA-DES-CBC3-SHA:ECDHE-RSA-DES-CBC3-SHA:DES-CBC3-SHA:\
    ECDH-ECDSA-DES-CBC3-SHA:ECDH-RSA-DES-CBC3-SHA:DHE-RSA-DES-CBC3-SHA:DHE-DSS-DES-CBC3-SHA:RC4-MD5";

const JAVA8_LIMITED: &str = "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:AES128-SHA256:\
    ECDH-ECDSA-AES128-SHA256:ECDH-RSA-AES128-SHA256:DHE-RSA-AES128-SHA256:DHE-DSS-AES128-SHA256:\
    ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:ECDH-ECDSA-AES128-SHA:ECDH-RSA-AES128-SHA:\
    DHE-RSA-AES128-SHA:DHE-DSS-AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
    AES128-GCM-SHA256:ECDH-ECDSA-AES128-GCM-SHA256:ECDH-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:\
    DHE-DSS-AES128-GCM-SHA256:ECDHE-ECDSA-DES-CBC3-SHA:ECDHE-RSA-DES-CBC3-SHA:DES-CBC3-SHA:\
    ECDH-ECDSA-DES-CBC3-SHA:ECDH-RSA-DES-CBC3-SHA:DHE-RSA-DES-CBC3-SHA:DHE-DSS-DES-CBC3-SHA";

const JAVA8_CLASSIC: &str = "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:AES256-SHA256:\
    ECDH-ECDSA-AES256-SHA384:ECDH-RSA-AES256-SHA384:DHE-RSA-AES256-SHA256:DHE-DSS-AES256-SHA256:\
    ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:AES256-SHA:ECDH-ECDSA-AES256-SHA:ECDH-RSA-AES256-SHA:\
    DHE-RSA-AES256-SHA:DHE-DSS-AES256-SHA:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:AES128-SHA256:\
    ECDH-ECDSA-AES128-SHA256:ECDH-RSA-AES128-SHA256:DHE-RSA-AES128-SHA256:DHE-DSS-AES128-SHA256:\
    ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:ECDH-ECDSA-AES128-SHA:ECDH-RSA-AES128-SHA:\
    DHE-RSA-AES128-SHA:DHE-DSS-AES128-SHA:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:\
    ECDHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384:ECDH-ECDSA-AES256-GCM-SHA384:ECDH-RSA-AES256-GCM-SHA384:\
    DHE-RSA-AES256-GCM-SHA384:DHE-DSS-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:\
    ECDH-ECDSA-AES128-GCM-SHA256:ECDH-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:\
    DHE-DSS-AES128-GCM-SHA256:ECDHE-ECDSA-DES-CBC3-SHA:ECDHE-RSA-DES-CBC3-SHA:DES-CBC3-SHA:\
    ECDH-ECDSA-DES-CBC3-SHA:ECDH-RSA-DES-CBC3-SHA:DHE-RSA-DES-CBC3-SHA:DHE-DSS-DES-CBC3-SHA";

const MODERN: &str = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:\
    ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:\
    DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-SHA384:\
    ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:\
    DHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:\
    ECDHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:AES256-GCM-SHA384:AES128-GCM-SHA256:\
    AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA";

impl JavaProfile {
    /// Every profile, the oldest first.
    pub const ALL: [Self; 7] = [
        Self::Java7,
        Self::Java8Limited,
        Self::Java8Classic,
        Self::Java8Modern,
        Self::Java11,
        Self::Java17,
        Self::Java21,
    ];

    /// Every version of TLS, the oldest first.
    pub const VERSIONS: [&'static str; 4] = ["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

    /// Returns the name of `--java`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Java7 => "7",
            Self::Java8Limited => "8-limited",
            Self::Java8Classic => "8-classic",
            Self::Java8Modern => "8-modern",
            Self::Java11 => "11",
            Self::Java17 => "17",
            Self::Java21 => "21",
        }
    }

    /// Returns the versions that a client offers unless they are disabled.
    #[must_use]
    pub const fn client_versions(self) -> &'static [&'static str] {
        match self {
            Self::Java7 => UP_TO_10,
            Self::Java8Limited | Self::Java8Classic => UP_TO_12,
            Self::Java8Modern | Self::Java11 | Self::Java17 | Self::Java21 => UP_TO_13,
        }
    }

    /// Returns the versions that it supports, so that `Protocols` of a target can name them.
    #[must_use]
    pub const fn supported_versions(self) -> &'static [&'static str] {
        match self {
            Self::Java7 => UP_TO_12,
            _ => self.client_versions(),
        }
    }

    /// Returns the versions that `jdk.tls.disabledAlgorithms` has by default.
    pub(super) const fn disabled(self) -> &'static [&'static str] {
        match self {
            Self::Java7 | Self::Java8Limited | Self::Java8Classic => &[],
            Self::Java8Modern | Self::Java11 | Self::Java17 | Self::Java21 => OLD_VERSIONS,
        }
    }

    /// Returns OpenSSL's names of the suites, in the order in which they are sent.
    #[must_use]
    pub fn suites(self) -> Vec<&'static str> {
        let list = match self {
            Self::Java7 => JAVA7,
            Self::Java8Limited => JAVA8_LIMITED,
            Self::Java8Classic => JAVA8_CLASSIC,
            Self::Java8Modern | Self::Java11 | Self::Java17 | Self::Java21 => MODERN,
        };
        list.split(':').collect()
    }

    /// Returns the profile of a name, with or without `java`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("java").unwrap_or(name);
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

/// Java's name of a version: `TLSv1` for 1.0, otherwise as OpenSSL writes it.
pub(super) fn java_name(version: &str) -> &str {
    if version == "TLSv1.0" { "TLSv1" } else { version }
}

impl fmt::Display for JavaProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Java {}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_java_8_has_no_aes_256_and_java_7_only_tls_1_0() {
        assert!(JavaProfile::Java8Limited.suites().iter().all(|suite| !suite.contains("AES256")));
        assert_eq!(JavaProfile::Java8Limited.suites().len(), 28);
        assert_eq!(JavaProfile::Java8Classic.suites().len(), 49);
        assert_eq!(JavaProfile::Java17.suites().len(), 30);
        assert_eq!(JavaProfile::Java7.suites().len(), 20);
        assert_eq!(JavaProfile::Java7.client_versions(), ["TLSv1.0"]);
    }

    #[test]
    fn names_are_read_with_and_without_java() {
        for profile in JavaProfile::ALL {
            assert_eq!(JavaProfile::from_name(profile.name()), Some(profile));
            assert_eq!(JavaProfile::from_name(&format!("java{}", profile.name())), Some(profile));
        }
        assert_eq!(JavaProfile::from_name("6"), None);
    }
}
