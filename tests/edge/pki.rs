//! Certificates of the tests, made when they run: a root, an intermediate, leaves for Router and backend.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};

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

/// What a leaf is for.
#[derive(Clone, Copy)]
enum Use {
    Server,
    Client,
}

/// Who signs: a certificate with its key.
struct Signer<'a> {
    certificate: &'a X509,
    key: &'a PKey<Private>,
}

impl Pki {
    /// The certificates of all tests, made once.
    pub(crate) fn shared() -> &'static Self {
        static PKI: OnceLock<Pki> = OnceLock::new();
        PKI.get_or_init(Self::new)
    }

    fn new() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
        let of_root = ec_key();
        let root = certificate("Test Root", None, None, &of_root, 3650);
        let of_issuing = ec_key();
        let signer = Signer { certificate: &root, key: &of_root };
        let issuing = certificate("Test Issuing", None, Some(&signer), &of_issuing, 1825);
        let signer = Signer { certificate: &issuing, key: &of_issuing };
        let leaf = |name: &str, of: Use, days: i64| certificate(name, Some(of), Some(&signer), &key, days);
        let of_other = ec_key();
        let other = certificate("Elsewhere Root", None, None, &of_other, 3650);
        let stranger = Signer { certificate: &other, key: &of_other };
        let foreign = |name: &str, of: Use| certificate(name, Some(of), Some(&stranger), &key, 300);
        let all = [
            ("root", root.clone()),
            ("issuing", issuing.clone()),
            ("api", leaf(ALIAS, Use::Server, 300)),
            ("api-new", leaf(ALIAS, Use::Server, 310)),
            ("expired", leaf(ALIAS, Use::Server, -5)),
            ("backend", leaf(BACKEND, Use::Server, 300)),
            ("expired-backend", leaf(BACKEND, Use::Server, -9)),
            ("alone", certificate(BACKEND, Some(Use::Server), None, &key, 300)),
            ("renamed", leaf("legacy.test", Use::Server, 300)),
            ("elsewhere", foreign(BACKEND, Use::Server)),
            ("app", leaf("app.test", Use::Client, 300)),
            ("expired-app", leaf("app.test", Use::Client, -7)),
            // Begins when any other would have been valid for a long time.
            ("early-app", leaf("app.test", Use::Client, EARLY + 300)),
            ("ending-app", leaf("app.test", Use::Client, 6)),
            ("other-app", foreign("app.test", Use::Client)),
            ("other-root", other.clone()),
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

/// From so many days on, a certificate of a server or client is not valid yet.
const EARLY: i64 = 10_000;

/// Makes a certificate that ends in so many days; a CA if it has no use.
fn certificate(name: &str, of: Option<Use>, signer: Option<&Signer<'_>>, key: &PKey<Private>, days: i64) -> X509 {
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
    let begins = if days > EARLY && of.is_some() { 12 } else { -400 };
    builder.set_not_before(&time(now + begins * DAY)).expect("a date");
    builder.set_not_after(&time(now + days * DAY)).expect("a date");
    let Some(of) = of else {
        builder
            .append_extension(BasicConstraints::new().critical().ca().build().expect("an extension"))
            .expect("added");
        builder
            .append_extension(KeyUsage::new().critical().key_cert_sign().build().expect("an extension"))
            .expect("added");
        return signed(builder, signer, key);
    };
    let mut names = SubjectAlternativeName::new();
    let names = names.dns(name).build(&builder.x509v3_context(None, None)).expect("an extension");
    builder.append_extension(names).expect("added");
    let mut extended = ExtendedKeyUsage::new();
    let extended = match of {
        Use::Server => extended.server_auth(),
        Use::Client => extended.client_auth(),
    };
    builder.append_extension(extended.build().expect("an extension")).expect("added");
    signed(builder, signer, key)
}

fn signed(mut builder: X509Builder, signer: Option<&Signer<'_>>, key: &PKey<Private>) -> X509 {
    builder.sign(signer.map_or(key, |signer| signer.key), MessageDigest::sha256()).expect("a signature");
    builder.build()
}
