//! Certificates for the cluster's components, and for the ingress: sound ones, and faulty ones as operators
//! issue them.
//!
//! All keys are elliptic-curve keys: an RSA key takes longer than the rest of a certificate.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use crate::shell::Result;

pub struct TestCa {
    certificate: X509,
    key: PKey<Private>,
}

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// The subject of a certificate.
#[derive(Default)]
pub struct Subject<'a> {
    pub common_name: &'a str,
    pub organization: Option<&'a str>,
    pub names: &'a [&'a str],
    pub addresses: &'a [&'a str],
    /// Start and end of validity, in days from now; one year from now if not given.
    pub days: Option<(i64, i64)>,
}

/// The CAs of the scenarios.
pub struct TestCas {
    /// Issues the ingress certificates.
    pub ingress: TestCa,
    /// An intermediate CA below `ingress`.
    pub intermediate: TestCa,
    /// Issues the client certificates.
    pub client: TestCa,
}

impl TestCas {
    pub fn new() -> Result<Self> {
        let ingress = TestCa::new("Ingress test CA")?;
        let intermediate = ingress.intermediate("Ingress test intermediate CA")?;
        Ok(Self { ingress, intermediate, client: TestCa::new("Client test CA")? })
    }
}

impl TestCa {
    pub fn new(common_name: &str) -> Result<Self> {
        let subject = Subject { common_name, ..Subject::default() };
        new_ca(&subject, None).map_err(|error| format!("certificate authority {common_name}: {error}"))
    }

    /// Creates an intermediate CA below this one.
    pub fn intermediate(&self, common_name: &str) -> Result<Self> {
        let subject = Subject { common_name, ..Subject::default() };
        new_ca(&subject, Some(self)).map_err(|error| format!("intermediate authority {common_name}: {error}"))
    }

    pub fn certificate(&self) -> Result<String> {
        pem(self.certificate.to_pem())
    }

    pub fn issue(&self, subject: &Subject<'_>) -> Result<Pair> {
        let failed = |error: ErrorStack| format!("certificate {}: {error}", subject.common_name);
        let key = new_key().map_err(failed)?;
        let certificate = self.sign(subject, &key).map_err(failed)?;
        Ok(Pair { certificate: pem(certificate.to_pem())?, key: pem(key.private_key_to_pem_pkcs8())? })
    }

    fn sign(&self, subject: &Subject<'_>, key: &PKey<Private>) -> std::result::Result<X509, ErrorStack> {
        let mut builder = builder_for(subject, key)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.append_extension(BasicConstraints::new().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().client_auth().build()?)?;
        if !subject.names.is_empty() || !subject.addresses.is_empty() {
            let mut alternatives = SubjectAlternativeName::new();
            for name in subject.names {
                alternatives.dns(name);
            }
            for address in subject.addresses {
                alternatives.ip(address);
            }
            let extension = alternatives.build(&builder.x509v3_context(Some(&self.certificate), None))?;
            builder.append_extension(extension)?;
        }
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

/// Returns whether the key belongs to the first certificate of the list.
pub fn is_pair(certificates: &[u8], key: &[u8]) -> bool {
    let leaf = X509::from_pem(certificates).and_then(|leaf| leaf.public_key());
    let key = PKey::private_key_from_pem(key);
    matches!((leaf, key), (Ok(leaf), Ok(key)) if leaf.public_eq(&key))
}

/// Creates the key pair that signs service-account tokens: private key and public key, both PEM.
pub fn signing_key() -> Result<(String, String)> {
    let key = new_key().map_err(|error| format!("service-account key: {error}"))?;
    Ok((pem(key.private_key_to_pem_pkcs8())?, pem(key.public_key_to_pem())?))
}

fn new_ca(subject: &Subject<'_>, above: Option<&TestCa>) -> std::result::Result<TestCa, ErrorStack> {
    let key = new_key()?;
    let mut builder = builder_for(subject, &key)?;
    match above {
        Some(above) => builder.set_issuer_name(above.certificate.subject_name())?,
        None => builder.set_issuer_name(&name_of(subject)?.build())?,
    }
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    builder.sign(above.map_or(&key, |above| &above.key), MessageDigest::sha256())?;
    Ok(TestCa { certificate: builder.build(), key })
}

fn builder_for(subject: &Subject<'_>, key: &PKey<Private>) -> std::result::Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::ONE, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    let (from, until) = subject.days.unwrap_or((0, 365));
    builder.set_not_before(&*in_days(from)?)?;
    builder.set_not_after(&*in_days(until)?)?;
    builder.set_subject_name(&name_of(subject)?.build())?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

fn in_days(days: i64) -> std::result::Result<Asn1Time, ErrorStack> {
    #[expect(clippy::disallowed_methods, reason = "certificates are valid from and until moments of this clock")]
    let now = jiff::Timestamp::now().as_second();
    Asn1Time::from_unix(now + days * 24 * 60 * 60)
}

fn name_of(subject: &Subject<'_>) -> std::result::Result<X509NameBuilder, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    if let Some(organization) = subject.organization {
        name.append_entry_by_nid(Nid::ORGANIZATIONNAME, organization)?;
    }
    name.append_entry_by_nid(Nid::COMMONNAME, subject.common_name)?;
    Ok(name)
}

fn new_key() -> std::result::Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

fn pem(bytes: std::result::Result<Vec<u8>, ErrorStack>) -> Result<String> {
    let bytes = bytes.map_err(|error| format!("PEM: {error}"))?;
    String::from_utf8(bytes).map_err(|error| format!("PEM: {error}"))
}
