//! Compares a private key in PEM with a certificate.
//!
//! One function parses, compares and drops the key. The result contains nothing of the key, and OpenSSL
//! overwrites its copy when it is dropped. The caller overwrites the text.

use memchr::memmem::find;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509Ref;

use super::{loadable, pem};
use crate::evidence::stored::KeyFit;

/// Compares the first private key of a PEM text, the one that Envoy reads, with the certificate's public key.
#[must_use]
pub fn fit(text: &[u8], certificate: Option<&X509Ref>) -> KeyFit {
    // A block without an END line is passed on, so that OpenSSL reports it as damaged.
    let Some(key) = pem::private_keys(text).next() else {
        let is_pem = pem::blocks(text).next().is_some();
        return KeyFit::Unreadable(if is_pem { "no private key among its PEM blocks" } else { "no PEM" }.into());
    };
    if let Some(before) = loadable::before_begin(text, &key) {
        return KeyFit::Unreadable(format!("it has {before} before its BEGIN line, so that Envoy does not find it"));
    }
    let block = key.bytes;
    // Envoy has no passphrase. OpenSSL would ask for one on the terminal, so it must not receive an encrypted
    // key.
    if find(block, b"ENCRYPTED").is_some() {
        return KeyFit::Unreadable("encrypted".into());
    }
    let without_passphrase = |_: &mut [u8]| Ok(0);
    let Ok(key) = PKey::private_key_from_pem_callback(block, without_passphrase) else {
        return KeyFit::Unreadable("its private key block is damaged".into());
    };
    compare(&key, certificate)
}

fn compare(key: &PKey<Private>, certificate: Option<&X509Ref>) -> KeyFit {
    match certificate.map(X509Ref::public_key) {
        Some(Ok(public)) if public.public_eq(key) => KeyFit::Fits,
        Some(Ok(_)) => KeyFit::Differs,
        Some(Err(_)) | None => KeyFit::NotCompared,
    }
}

/// Fuzzing entry: reads any bytes as PEM.
pub fn fuzz_private_key(bytes: &[u8]) {
    let _ = fit(bytes, None);
}

#[cfg(test)]
mod tests {
    use super::*;

    use openssl::asn1::Asn1Time;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::Id;
    use openssl::rsa::Rsa;
    use openssl::symm::Cipher;
    use openssl::x509::X509;

    fn curve() -> PKey<Private> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    }

    fn certificate(key: &PKey<Private>) -> X509 {
        let digest = if key.id() == Id::ED25519 { MessageDigest::null() } else { MessageDigest::sha256() };
        let mut certificate = X509::builder().unwrap();
        certificate.set_pubkey(key).unwrap();
        certificate.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::from_unix(1).unwrap()).unwrap();
        certificate.sign(key, digest).unwrap();
        certificate.build()
    }

    #[test]
    fn a_key_fits_its_certificate_and_no_other() {
        let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        for key in [curve(), rsa, PKey::generate_ed25519().unwrap()] {
            let own = certificate(&key);
            let pem = key.private_key_to_pem_pkcs8().unwrap();
            assert_eq!(fit(&pem, Some(&own)), KeyFit::Fits);
            assert_eq!(fit(&pem, Some(&certificate(&curve()))), KeyFit::Differs);
            assert_eq!(fit(&pem, None), KeyFit::NotCompared);
        }
    }

    #[test]
    fn the_first_key_is_compared_whatever_surrounds_it() {
        let (key, other) = (curve(), curve());
        let own = certificate(&key);
        let parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let traditional = key.ec_key().unwrap().private_key_to_pem().unwrap();
        let text = [
            b"a comment\n",
            own.to_pem().unwrap().as_slice(),
            parameters,
            &traditional,
            &other.private_key_to_pem_pkcs8().unwrap(),
        ]
        .concat();
        assert_eq!(fit(&text, Some(&own)), KeyFit::Fits);
        let windows = String::from_utf8(traditional).unwrap().replace('\n', "\r\n");
        assert_eq!(fit(windows.as_bytes(), Some(&own)), KeyFit::Fits);
    }

    #[test]
    fn an_unreadable_key_has_a_reason_and_no_passphrase_prompt() {
        let key = curve();
        let unreadable = |pem: &[u8]| match fit(pem, Some(&certificate(&key))) {
            KeyFit::Unreadable(why) => why,
            other => panic!("{other:?}"),
        };
        let cipher = Cipher::aes_256_cbc();
        let pkcs8 = key.private_key_to_pem_pkcs8_passphrase(cipher, b"sesame").unwrap();
        let traditional = key.ec_key().unwrap().private_key_to_pem_passphrase(cipher, b"sesame").unwrap();
        assert_eq!((unreadable(&pkcs8), unreadable(&traditional)), ("encrypted".into(), "encrypted".into()));
        assert_eq!(unreadable(b""), "no PEM");
        assert_eq!(unreadable(&key.private_key_to_der().unwrap()), "no PEM");
        assert_eq!(unreadable(&certificate(&key).to_pem().unwrap()), "no private key among its PEM blocks");
        let whole = key.private_key_to_pem_pkcs8().unwrap();
        assert_eq!(unreadable(&whole[..whole.len() / 2]), "its private key block is damaged");
        fuzz_private_key(&whole);
        fuzz_private_key(b"-----BEGIN PRIVATE KEY-----");
    }
}
