//! Cipher suites by number, name and version.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::Version;
use super::suite_table::{Era, SUITES, Suite};

/// Names that OpenSSL accepts and no longer returns.
const FORMER_NAMES: [(&str, u16); 2] = [("EDH-DSS-DES-CBC3-SHA", 0x0013), ("EDH-RSA-DES-CBC3-SHA", 0x0016)];

/// Returns the numbers of all suites of the version, the most common first.
#[must_use]
pub fn of(version: Version) -> &'static [u16] {
    static EARLY: LazyLock<Vec<u16>> = LazyLock::new(|| numbers(|era| era == Era::Early));
    static TLS12: LazyLock<Vec<u16>> = LazyLock::new(|| numbers(|era| era != Era::Tls13));
    static TLS13: LazyLock<Vec<u16>> = LazyLock::new(|| numbers(|era| era == Era::Tls13));
    match version {
        Version::Ssl3 | Version::Tls10 | Version::Tls11 => &EARLY,
        Version::Tls12 => &TLS12,
        Version::Tls13 => &TLS13,
    }
}

/// Returns OpenSSL's name of a suite, else the registry's, else the number such as `0xC0FF`.
#[must_use]
pub fn name(suite: u16) -> String {
    label(suite).into_owned()
}

/// The same as [`name`], without a copy, for those who name thousands.
#[must_use]
pub fn label(suite: u16) -> Cow<'static, str> {
    match find(suite) {
        Some(Suite { openssl: "", iana, .. }) => Cow::Borrowed(iana),
        Some(Suite { openssl, .. }) => Cow::Borrowed(openssl),
        // Most clients send TLS_EMPTY_RENEGOTIATION_INFO_SCSV, which is no suite.
        None if suite == 0x00FF => Cow::Borrowed("0x00FF"),
        None => Cow::Owned(format!("0x{suite:04X}")),
    }
}

/// The suite that OpenSSL, of any version, or the registry calls so.
#[must_use]
pub fn number(openssl_or_iana_name: &str) -> Option<u16> {
    let wanted = openssl_or_iana_name;
    if wanted.is_empty() {
        return None;
    }
    let known = SUITES.iter().find(|suite| suite.openssl == wanted || suite.iana == wanted);
    let former = || FORMER_NAMES.iter().find(|(name, _)| *name == wanted).map(|(_, number)| *number);
    known.map(|suite| suite.number).or_else(former)
}

/// The registry's name of a suite that OpenSSL or the registry calls so: `TLS_RSA_WITH_AES_128_CBC_SHA`.
#[must_use]
pub fn registered(openssl_or_iana_name: &str) -> Option<&'static str> {
    let suite = find(number(openssl_or_iana_name)?)?;
    Some(if suite.iana.is_empty() { suite.openssl } else { suite.iana })
}

/// Whether the key is exchanged over an elliptic curve of the server's choice, with no hint of a shared
/// secret before it in the ServerKeyExchange (RFC 8422 §5.4, RFC 5489 §2).
pub(in crate::wire) fn names_its_curve(suite: u16) -> bool {
    find(suite).is_some_and(|suite| {
        let ephemeral = ["ECDHE-", "AECDH-"].iter().any(|kind| suite.openssl.starts_with(kind))
            || ["TLS_ECDHE_", "TLS_ECDH_anon_"].iter().any(|kind| suite.iana.starts_with(kind));
        ephemeral && !suite.openssl.contains("PSK") && !suite.iana.contains("_PSK_")
    })
}

/// Captures ask for millions: each number has its place in a table, of which numbers without suites cost no
/// memory.
fn find(number: u16) -> Option<&'static Suite> {
    static PLACES: LazyLock<Vec<u16>> = LazyLock::new(|| {
        let mut places = vec![0; usize::from(u16::MAX) + 1];
        for (place, suite) in (1..).zip(SUITES) {
            if let Some(entry) = places.get_mut(usize::from(suite.number)) {
                *entry = place;
            }
        }
        places
    });
    let place = usize::from(*PLACES.get(usize::from(number))?);
    SUITES.get(place.checked_sub(1)?)
}

fn numbers(belongs: impl Fn(Era) -> bool) -> Vec<u16> {
    SUITES.iter().filter(|suite| belongs(suite.era)).map(|suite| suite.number).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_numbers_match() {
        let mut names = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for suite in SUITES {
            assert!(numbers.insert(suite.number), "{:04x} is duplicate", suite.number);
            assert!(suite.openssl != suite.iana, "{:04x}: one name is enough", suite.number);
            for name in [suite.openssl, suite.iana].into_iter().filter(|name| !name.is_empty()) {
                assert!(names.insert(name), "{name} is duplicate");
                assert_eq!(number(name), Some(suite.number), "{name}");
            }
        }
        for (former, number) in FORMER_NAMES {
            assert!(numbers.contains(&number) && !names.contains(former), "{former}");
        }
    }

    #[test]
    fn agrees_with_openssl() {
        use openssl::ssl::{Ssl, SslContext, SslMethod};

        let context = SslContext::builder(SslMethod::tls()).unwrap().build();
        let every_number: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_be_bytes).collect();
        let known = Ssl::new(&context).unwrap().bytes_to_cipher_list(&every_number, false).unwrap().suites;
        assert!(known.len() > 100, "{}", known.len());
        for cipher in known {
            let number = u16::from_be_bytes(cipher.protocol_id());
            let suite = find(number).unwrap_or_else(|| panic!("{number:04x} {} is missing", cipher.name()));
            let era = match cipher.version() {
                "TLSv1.3" => Era::Tls13,
                "TLSv1.2" => Era::Tls12,
                _ => Era::Early,
            };
            assert_eq!((suite.openssl, suite.era), (cipher.name(), era), "{number:04x}");
            let iana = if suite.iana.is_empty() { suite.openssl } else { suite.iana };
            // OpenSSL does not have the registry's names of GOST suites.
            assert_eq!(iana, cipher.standard_name().unwrap_or(iana), "{number:04x}");
        }
    }

    #[test]
    fn names_of_openssl_are_preferred() {
        for (suite, expected) in [
            (0xC02F, "ECDHE-RSA-AES128-GCM-SHA256"),
            (0x1301, "TLS_AES_128_GCM_SHA256"),
            (0x0005, "RC4-SHA"),
            (0x0003, "EXP-RC4-MD5"),
            (0x0016, "DHE-RSA-DES-CBC3-SHA"),
            (0xC08A, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256"),
            (0xC0FF, "0xC0FF"),
            (0x00FF, "0x00FF"),
        ] {
            assert_eq!((name(suite).as_str(), &*label(suite)), (expected, expected));
        }
        assert_eq!(number("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), Some(0xC02F));
        assert_eq!(number("EDH-RSA-DES-CBC3-SHA"), Some(0x0016));
        assert_eq!(number("ECDHE-RSA-CHACHA20-POLY1305-OLD"), Some(0xCC13));
        assert_eq!((number(""), number("no such suite")), (None, None));
    }

    #[test]
    fn each_version_has_its_suites() {
        assert_eq!(of(Version::Tls13)[..5], [0x1301, 0x1302, 0x1303, 0x1304, 0x1305]);
        for version in [Version::Ssl3, Version::Tls10, Version::Tls11] {
            assert!(of(version).contains(&0x0005) && of(version).contains(&0xC013), "{version:?}");
            assert!(!of(version).contains(&0xC02F) && !of(version).contains(&0x1301), "{version:?}");
        }
        assert_eq!(of(Version::Tls12)[0], 0xC02B);
        // All suites of a version fit in one ClientHello.
        assert!(Version::ALL.iter().all(|&version| of(version).len() < super::super::client_hello::MAX_SUITES));
        assert_eq!(of(Version::Tls12).iter().collect::<BTreeSet<_>>().len(), of(Version::Tls12).len());
        assert!(of(Version::Tls12).contains(&0x0003) && !of(Version::Tls12).contains(&0x1301));
    }

    #[test]
    fn ephemeral_suites_name_the_curve() {
        assert!([0xC02F, 0xC02B, 0xC018, 0xC08A, 0xCC13].into_iter().all(names_its_curve));
        assert!(![0x002F, 0x0033, 0xC004, 0xC035, 0x1301, 0xFFFF].into_iter().any(names_its_curve));
    }
}
