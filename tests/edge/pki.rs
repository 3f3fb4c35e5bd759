//! Certificates of the tests, made when they run: a root, an intermediate, leaves for Router and backend.

use std::collections::BTreeMap;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

/// Host alias of the virtual host, and host of the target server.
pub(crate) const ALIAS: &str = "api.test";
pub(crate) const BACKEND: &str = "backend.test";

const DAY: i64 = 24 * 60 * 60;

/// Certificates by name.
pub(crate) struct Pki {
    certificates: BTreeMap<&'static str, X509>,
    /// Key of all leaves.
    pub(crate) key: PKey<Private>,
}

/// Who signs: a certificate with its key.
struct Signer<'a> {
    certificate: &'a X509,
    key: &'a PKey<Private>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
        let of_root = ec_key();
        let root = certificate("Test Root", &[], None, &of_root, 3650);
        let of_issuing = ec_key();
        let signer = Signer { certificate: &root, key: &of_root };
        let issuing = certificate("Test Issuing", &[], Some(&signer), &of_issuing, 1825);
        let signer = Signer { certificate: &issuing, key: &of_issuing };
        let api = certificate(ALIAS, &[ALIAS], Some(&signer), &key, 300);
        let expired = certificate(ALIAS, &[ALIAS], Some(&signer), &key, -5);
        let backend = certificate(BACKEND, &[BACKEND], Some(&signer), &key, 300);
        let of_other = ec_key();
        let other = certificate("Elsewhere Root", &[], None, &of_other, 3650);
        let all = [
            ("root", root.clone()),
            ("issuing", issuing.clone()),
            ("api", api),
            ("expired", expired),
            ("backend", backend),
            ("other-root", other),
        ];
        Self { certificates: all.into_iter().collect(), key }
    }

    pub(crate) fn get(&self, name: &str) -> &X509 {
        self.certificates.get(name).expect("a name of the list")
    }

    /// Certificates as PEM, in this order.
    pub(crate) fn pem(&self, names: &[&str]) -> String {
        let texts = names.iter().map(|name| self.get(name).to_pem().expect("PEM"));
        texts.map(|text| String::from_utf8(text).expect("text")).collect()
    }
}

fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
}

/// Makes a certificate that ends in so many days; a CA if it has no names.
fn certificate(name: &str, dns: &[&str], signer: Option<&Signer<'_>>, key: &PKey<Private>, days: i64) -> X509 {
    let mut subject = X509Name::builder().expect("a name");
    subject
        .append_entry_by_text("O", if name.starts_with("Elsewhere") { "Elsewhere" } else { "Test" })
        .expect("a name");
    subject.append_entry_by_text("CN", name).expect("a name");
    let subject = subject.build();
    let mut builder = X509::builder().expect("a certificate");
    builder.set_version(2).expect("version");
    let mut serial = BigNum::new().expect("a number");
    serial.rand(127, openssl::bn::MsbOption::MAYBE_ZERO, false).expect("a number");
    builder.set_serial_number(&serial.to_asn1_integer().expect("a number")).expect("a number");
    builder.set_subject_name(&subject).expect("a subject");
    builder.set_issuer_name(signer.map_or(&*subject, |signer| signer.certificate.subject_name())).expect("an issuer");
    builder.set_pubkey(key).expect("a key");
    let now = jiff::Timestamp::now().as_second();
    let time = |at: i64| Asn1Time::from_unix(at).expect("a time");
    builder.set_not_before(&time(now - 400 * DAY)).expect("a date");
    builder.set_not_after(&time(now + days * DAY)).expect("a date");
    if dns.is_empty() {
        builder
            .append_extension(BasicConstraints::new().critical().ca().build().expect("an extension"))
            .expect("added");
        builder
            .append_extension(KeyUsage::new().critical().key_cert_sign().build().expect("an extension"))
            .expect("added");
    } else {
        let mut names = SubjectAlternativeName::new();
        for name in dns {
            names.dns(name);
        }
        let names = names.build(&builder.x509v3_context(None, None)).expect("an extension");
        builder.append_extension(names).expect("added");
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build().expect("an extension")).expect("added");
    }
    builder.sign(signer.map_or(key, |signer| signer.key), MessageDigest::sha256()).expect("a signature");
    builder.build()
}
