//! Versions and cipher suites that current clients refuse. This program offers them nevertheless, to see
//! servers that have nothing else.

use super::Session;

/// Minimum size of a Diffie-Hellman group, in bits. Source: OpenSSL 3.2 and later, default security level 2.
const MIN_DH_BITS: u32 = 2048;

/// Parts of OpenSSL's names of suites that no default list of OpenSSL 3 has: without encryption or
/// authentication, for export, or with a broken cipher or hash.
const LEGACY_PARTS: [&str; 10] = ["NULL", "EXP-", "RC4", "RC2", "DES-", "MD5", "IDEA", "SEED", "ADH-", "AECDH-"];

/// Returns whether no current client accepts this version. Source: OpenSSL 3 serves it only at security level
/// 0; Java disables it since 8u291 and 11.0.11, browsers since 2020 (RFC 8996).
#[must_use]
pub fn is_legacy_version(version: &str) -> bool {
    matches!(version, "SSLv3" | "TLSv1.0" | "TLSv1.1")
}

/// Returns whether no current client offers this suite, by OpenSSL's name.
#[must_use]
pub fn is_legacy_suite(suite: &str) -> bool {
    LEGACY_PARTS.iter().any(|part| suite.contains(part))
}

impl Session {
    /// Returns what in this session only a lowered security level accepts: `TLSv1.0`, `RC4-SHA`, `DH 1024
    /// bits`.
    #[must_use]
    pub fn legacy(&self) -> Option<String> {
        let dh_bits = |group: &str| group.strip_prefix("DH ")?.strip_suffix(" bits")?.parse().ok();
        let small = |group: &&String| dh_bits(group).is_some_and(|bits: u32| bits < MIN_DH_BITS);
        if is_legacy_version(&self.protocol) {
            Some(self.protocol.clone())
        } else if is_legacy_suite(&self.cipher) {
            Some(self.cipher.clone())
        } else {
            self.group.as_ref().filter(small).cloned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_suites_of_no_default_list_are_legacy() {
        for suite in [
            "TLS_AES_128_GCM_SHA256",
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "DHE-RSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-SHA",
            "AES256-SHA",
            "ECDHE-PSK-AES128-CBC-SHA",
        ] {
            assert!(!is_legacy_suite(suite), "{suite}");
        }
        for suite in
            ["RC4-SHA", "DES-CBC3-SHA", "ECDHE-RSA-DES-CBC3-SHA", "NULL-SHA256", "EXP-RC4-MD5", "ADH-AES256-SHA"]
        {
            assert!(is_legacy_suite(suite), "{suite}");
        }
    }

    #[test]
    fn a_session_names_what_only_a_lowered_level_accepts() {
        let session = |protocol: &str, cipher: &str, group: Option<&str>| {
            let group = group.map(str::to_owned);
            Session { protocol: protocol.into(), cipher: cipher.into(), group, ..Session::default() }.legacy()
        };
        assert_eq!(session("TLSv1.1", "ECDHE-RSA-AES256-SHA", None).as_deref(), Some("TLSv1.1"));
        assert_eq!(session("TLSv1.2", "RC4-SHA", None).as_deref(), Some("RC4-SHA"));
        let suite = "DHE-RSA-AES256-GCM-SHA384";
        assert_eq!(session("TLSv1.2", suite, Some("DH 1024 bits")).as_deref(), Some("DH 1024 bits"));
        assert_eq!(session("TLSv1.2", suite, Some("DH 2048 bits")), None);
        assert_eq!(session("TLSv1.3", "TLS_AES_128_GCM_SHA256", Some("X25519")), None);
    }
}
