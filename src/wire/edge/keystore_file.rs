//! The certificates of a keystore file: PEM, DER, PKCS #12. A Java keystore is recognised and not read.

use openssl::pkcs12::Pkcs12;
use openssl::x509::X509;

use super::key_derivation;
use crate::wire::certificate;
use crate::wire::pem;

/// Maximum number of bytes of a keystore file.
pub const MAX_KEYSTORE: usize = 4 << 20;
/// Maximum number of iterations with which the keys of a PKCS #12 file are derived. Java refuses more than so
/// many in one derivation.
const MAX_ITERATIONS: u64 = 5_000_000;
/// First bytes of Java's own formats, JKS and JCEKS.
const JAVA: [[u8; 4]; 2] = [[0xFE, 0xED, 0xFE, 0xED], [0xCE, 0xCE, 0xCE, 0xCE]];

/// What a file holds. The private key is dropped where it is read.
pub struct Content {
    pub certificates: Vec<X509>,
    pub has_key: bool,
    /// The friendlyName of the entry with a key, which only PKCS #12 has.
    pub alias: Option<String>,
}

/// Reads a file.
///
/// # Errors
/// Why it cannot be read: with the command that converts it, for a Java keystore.
pub fn read(name: &str, bytes: &[u8], password: Option<&str>) -> Result<Content, String> {
    if JAVA.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(format!(
            "a Java keystore (JKS), which is not read; convert it with `keytool -importkeystore -srckeystore {name} \
             -destkeystore {name}.p12 -deststoretype PKCS12`"
        ));
    }
    if pem::certificates(bytes).next().is_some() {
        let (certificates, fault) = certificate::from_pem(bytes);
        let has_key = memchr::memmem::find(bytes, b"PRIVATE KEY-----").is_some();
        return match (certificates.is_empty(), fault) {
            (true, Some(why)) => Err(why),
            _ => Ok(Content { certificates, has_key, alias: None }),
        };
    }
    if let Ok(certificate) = X509::from_der(bytes) {
        return Ok(Content { certificates: vec![certificate], has_key: false, alias: None });
    }
    let Ok(archive) = Pkcs12::from_der(bytes) else {
        return Err("neither PEM, DER nor PKCS #12".into());
    };
    match key_derivation::iterations(bytes) {
        None => return Err("a PKCS #12 file whose key derivations cannot be read".into()),
        Some(iterations) if iterations > MAX_ITERATIONS => {
            return Err(format!(
                "a PKCS #12 file whose keys are derived with {iterations} iterations; at most {MAX_ITERATIONS} are \
                 made. Export it again with fewer"
            ));
        }
        Some(_) => {}
    }
    let parsed = archive.parse2(password.unwrap_or_default()).map_err(|_| match password {
        Some(_) => "a PKCS #12 file that the password does not open".to_owned(),
        None => "a PKCS #12 file with a password; give --keystore-password-file".to_owned(),
    })?;
    let has_key = parsed.pkey.is_some();
    let alias = parsed.cert.as_ref().filter(|_| has_key).and_then(|leaf| leaf.alias());
    let alias = alias.filter(|alias| !alias.is_empty()).map(|alias| String::from_utf8_lossy(alias).into_owned());
    let certificates = parsed.cert.into_iter().chain(parsed.ca.into_iter().flatten()).collect();
    Ok(Content { certificates, has_key, alias })
}

/// Fuzzing entry: reads any bytes as a keystore file.
pub fn fuzz_keystore_file(bytes: &[u8]) {
    let _ = read("fuzz", bytes, None);
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;

    use super::*;

    #[test]
    fn opens_pkcs_12_unless_its_keys_cost_too_much() {
        let key =
            PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap());
        let key = key.unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(1).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        let file = |iterations: u32, mac: u32| {
            let mut builder = Pkcs12::builder();
            builder.name("api").pkey(&key).cert(&certificate).key_iter(iterations).mac_iter(mac);
            builder.build2("changeit").unwrap().to_der().unwrap()
        };
        let content = read("ks.p12", &file(2048, 1000), Some("changeit")).unwrap();
        assert!(content.has_key && content.certificates.len() == 1);
        assert_eq!(content.alias.as_deref(), Some("api"));
        assert!(read("ks.p12", &file(2048, 1000), Some("wrong")).is_err());
        // The third byte of the count, so that making the file costs little.
        for (cheap, costly) in [(file(65_537, 1000), 65_537_u32), (file(2048, 65_537), 65_537)] {
            let [_, counted @ ..] = costly.to_be_bytes();
            let mut changed = cheap.clone();
            let at = memchr::memmem::find(&changed, &[&[2, 3][..], &counted].concat()).unwrap();
            changed[at + 2] = 0x7F;
            assert!(read("ks.p12", &cheap, Some("changeit")).is_ok());
            let why = read("ks.p12", &changed, Some("changeit")).err().unwrap();
            assert!(why.contains("iterations; at most 5000000"), "{why}");
        }
    }

    #[test]
    fn names_the_command_that_converts_a_java_keystore() {
        let why = read("ks.jks", &[0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2], None).err().unwrap();
        assert!(why.contains("keytool -importkeystore -srckeystore ks.jks"), "{why}");
        assert!(read("x", b"nonsense", None).is_err());
        assert!(read("x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None).is_err());
        fuzz_keystore_file(b"0\x82");
    }
}
