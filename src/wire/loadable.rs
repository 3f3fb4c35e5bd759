//! Faults of a PEM certificate that OpenSSL reads and `BoringSSL`, which Envoy uses, does not.
//!
//! Sources: `BoringSSL` `PEM_read_bio` (a block begins its line), `d2i_X509_AUX` (nothing follows the first
//! certificate), and its X.509 parser (versions).

use openssl::x509::X509Ref;

use super::pem::Block;

/// Number of the version field of X.509 v3.
const VERSION_3: i32 = 2;
/// Number of fields of a certificate that every version has: serial number, signature, issuer, validity,
/// subject, key.
const MANDATORY_FIELDS: usize = 6;
const SEQUENCE: u8 = 0x30;
/// Context tags of the version and of the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// Returns the fault of a block in its text. `certificate` is what OpenSSL read from it, and `is_first`
/// whether it is the first of the text.
pub(super) fn fault(text: &[u8], block: &Block<'_>, certificate: &X509Ref, is_first: bool) -> Option<String> {
    if let Some(before) = before_begin(text, block) {
        return Some(format!("{before} before its BEGIN line, so that Envoy does not find it"));
    }
    let der = block.der()?;
    let length = element(&der).map_or(der.len(), |(_, _, rest)| der.len() - rest.len());
    let trailing = der.len() - length;
    if is_first && trailing > 0 {
        return Some(format!("{trailing} bytes after its end, which Envoy does not accept"));
    }
    let version = certificate.version();
    if !(0..=VERSION_3).contains(&version) {
        return Some(format!("version {} of X.509, which Envoy does not accept", i64::from(version) + 1));
    }
    (version < VERSION_3 && has_extensions(&der))
        .then(|| format!("extensions although its version of X.509 is {}, which Envoy does not accept", version + 1))
}

/// Returns what precedes the block on its line, which hides the block from Envoy.
pub(super) fn before_begin(text: &[u8], block: &Block<'_>) -> Option<&'static str> {
    let before = text.get(..block.range.start)?.rsplit(|byte| *byte == b'\n').next()?;
    match before {
        [] => None,
        b"\xEF\xBB\xBF" => Some("a byte order mark"),
        _ if before.iter().all(u8::is_ascii_whitespace) => Some("spaces"),
        _ => Some("other characters"),
    }
}

fn has_extensions(der: &[u8]) -> bool {
    let certificate = element(der).filter(|(tag, ..)| *tag == SEQUENCE);
    let Some((SEQUENCE, fields, _)) = certificate.and_then(|(_, content, _)| element(content)) else { return false };
    let mut rest = fields;
    let mut number = 0;
    while let Some((tag, _, after)) = element(rest) {
        if number >= MANDATORY_FIELDS && tag == EXTENSIONS {
            return true;
        }
        number += usize::from(tag != VERSION || number > 0);
        rest = after;
    }
    false
}

/// Splits off the first element of DER: its tag, its content, and the bytes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    use data_encoding::BASE64;
    use openssl::asn1::Asn1Time;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::X509;
    use openssl::x509::extension::BasicConstraints;

    use crate::wire::pem;

    fn fault_of(text: &[u8]) -> Option<String> {
        let block = pem::certificates(text).next().unwrap();
        let certificate = X509::from_pem(block.bytes).unwrap();
        fault(text, &block, &certificate, true)
    }

    fn as_pem(der: &[u8]) -> Vec<u8> {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(der)).into_bytes()
    }

    fn der() -> Vec<u8> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(VERSION_3).unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::from_unix(1).unwrap()).unwrap();
        certificate.append_extension(BasicConstraints::new().ca().build().unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        certificate.build().to_der().unwrap()
    }

    #[test]
    fn a_certificate_without_oddities_has_no_fault() {
        assert_eq!(fault_of(&as_pem(&der())), None);
        let after_text = [b"a comment\n".as_slice(), &as_pem(&der())].concat();
        assert_eq!(fault_of(&after_text), None);
    }

    #[test]
    fn characters_before_begin_hide_the_block() {
        for (before, what) in
            [("\u{feff}", "a byte order mark"), ("  ", "spaces"), ("\n\t", "spaces"), ("x: ", "other characters")]
        {
            let text = [before.as_bytes(), &as_pem(&der())].concat();
            assert!(fault_of(&text).unwrap().starts_with(what), "{before:?}");
        }
    }

    #[test]
    fn bytes_after_the_first_certificate_are_a_fault() {
        let mut der = der();
        der.extend([0; 3]);
        assert_eq!(fault_of(&as_pem(&der)).unwrap(), "3 bytes after its end, which Envoy does not accept");
    }

    #[test]
    fn versions_that_boringssl_refuses_are_a_fault() {
        let version = [0xa0, 3, 2, 1, 2];
        let with = |number: u8| {
            let mut der = der();
            let at = der.windows(version.len()).position(|window| window == version).unwrap();
            der[at + 4] = number;
            as_pem(&der)
        };
        assert_eq!(fault_of(&with(3)).unwrap(), "version 4 of X.509, which Envoy does not accept");
        assert!(fault_of(&with(0)).unwrap().starts_with("extensions although its version of X.509 is 1"));
    }
}
