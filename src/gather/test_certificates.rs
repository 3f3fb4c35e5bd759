//! Creates certificates and keys for tests in every run: none is in the repository.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

const DAY: i64 = 24 * 60 * 60;

/// A CA that signs other certificates.
pub(crate) struct Issuer {
    pub certificate: X509,
    key: PKey<Private>,
}

impl Issuer {
    pub(crate) fn root(name: &str) -> Self {
        let key = key();
        let name = named(name);
        let certificate = sign(authority(&name, &key), &name, &key);
        Self { certificate, key }
    }

    pub(crate) fn issuer(&self, name: &str) -> Self {
        let key = key();
        let certificate = sign(authority(&named(name), &key), self.certificate.subject_name(), &self.key);
        Self { certificate, key }
    }

    /// Creates a certificate for a host, valid between two days since 1970, and its key.
    pub(crate) fn leaf(&self, host: &str, from: i64, to: i64) -> (X509, PKey<Private>) {
        let key = key();
        let mut builder = builder(&named(host), &key, from, to);
        let mut names = SubjectAlternativeName::new();
        let names = names.dns(host).build(&builder.x509v3_context(Some(&self.certificate), None)).unwrap();
        builder.append_extension(names).unwrap();
        (sign(builder, self.certificate.subject_name(), &self.key), key)
    }
}

fn key() -> PKey<Private> {
    PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap()).unwrap()
}

fn named(name: &str) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    builder.build()
}

fn builder(subject: &X509NameRef, key: &PKey<Private>, from: i64, to: i64) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(from * DAY).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(to * DAY).unwrap()).unwrap();
    builder
}

fn authority(subject: &X509NameRef, key: &PKey<Private>) -> X509Builder {
    let mut builder = builder(subject, key, 0, 30_000);
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap()).unwrap();
    builder
}

fn sign(mut builder: X509Builder, issuer: &X509NameRef, key: &PKey<Private>) -> X509 {
    builder.set_issuer_name(issuer).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}
