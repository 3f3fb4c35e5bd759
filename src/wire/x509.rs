//! The little of X.509 that reading a kubeconfig needs: which certificates a PEM text holds, and until when the first is valid.
//!
//! It stops at that: what an ingress serves is judged from its own evidence.

use jiff::Timestamp;
use openssl::x509::X509;

use super::certificate::timestamp;
use super::pem;

/// The certificates of a PEM text, each as DER.
///
/// What stands between the certificates is passed over, and so is a certificate that OpenSSL cannot parse: one odd
/// certificate in the bundle of a system must not cost all others.
#[must_use]
pub fn certificates(text: &[u8]) -> Vec<Vec<u8>> {
    pem::certificates(text).filter_map(|block| X509::from_pem(block.bytes).ok()?.to_der().ok()).collect()
}

/// The certificates of a PEM text as DER, decoded and not parsed.
#[must_use]
pub fn blocks(text: &[u8]) -> Vec<Vec<u8>> {
    pem::certificates(text).filter_map(|block| block.der()).collect()
}

/// When the first certificate of a PEM text ends to be valid.
#[must_use]
pub fn not_after(pem: &[u8]) -> Option<Timestamp> {
    let certificate = X509::from_pem(pem).ok()?;
    timestamp(certificate.not_after())
}

#[cfg(test)]
mod tests {
    use super::*;

    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::X509Name;

    fn pem(not_after: i64) -> Vec<u8> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "test").unwrap();
        let name = name.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        certificate.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
        certificate.set_subject_name(&name).unwrap();
        certificate.set_issuer_name(&name).unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::from_unix(not_after).unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        certificate.build().to_pem().unwrap()
    }

    #[test]
    fn reads_the_end_of_validity() {
        assert_eq!(not_after(&pem(1_747_630_000)), Some(Timestamp::from_second(1_747_630_000).unwrap()));
        assert_eq!(not_after(&pem(4_102_444_799)), Some(Timestamp::from_second(4_102_444_799).unwrap()));
        assert_eq!(not_after(b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"), None);
        assert_eq!(not_after(b""), None);
    }

    #[test]
    fn one_bad_certificate_costs_only_itself() {
        let mut bundle = b"# a comment\n".to_vec();
        bundle.extend(pem(1));
        bundle.extend(b"\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        bundle.extend(pem(2));
        assert_eq!(certificates(&bundle).len(), 2);
        assert!(certificates(b"no PEM at all").is_empty());
    }
}
