//! A small PKI: a root, an intermediate, and leaves with one fault each, as PEM files in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509NameBuilder};

use crate::shell::Result;

/// The host that all servers are probed as.
pub const HOST: &str = "api-test.mydomain.com";

const DAY: i64 = 24 * 60 * 60;

/// The folder with `root.pem`, `<name>.pem` (the served chain) and `<name>.key`.
pub struct Certificates {
    pub folder: PathBuf,
}

struct Signer {
    certificate: X509,
    key: PKey<Private>,
}

struct Leaf<'a> {
    name: &'a str,
    dns: &'a str,
    key: PKey<Private>,
    from_days: i64,
    to_days: i64,
    digest: MessageDigest,
    for_servers: bool,
}

impl Certificates {
    pub fn make(folder: &Path) -> Result<Self> {
        make(folder).map_err(|error| format!("certificates: {error}"))?;
        Ok(Self { folder: folder.to_owned() })
    }

    pub fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }
}

fn make(folder: &Path) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let root = authority("Test Root CA", None)?;
    let intermediate = authority("Test Intermediate CA", Some(&root))?;
    let other = authority("Other Root CA", None)?;
    let (root_pem, inter_pem) = (pem(&root.certificate)?, pem(&intermediate.certificate)?);
    fs::write(folder.join("root.pem"), &root_pem)?;
    fs::write(folder.join("intermediate.pem"), &inter_pem)?;
    fs::write(folder.join("other-root.pem"), pem(&other.certificate)?)?;
    let good = || -> std::result::Result<Leaf<'static>, ErrorStack> {
        let (digest, for_servers) = (MessageDigest::sha256(), true);
        Ok(Leaf { name: "api", dns: HOST, key: ec()?, from_days: -1, to_days: 365, digest, for_servers })
    };
    let api = leaf(&good()?, &intermediate)?;
    let write =
        |name: &str, parts: &[&str], key: &PKey<Private>| -> std::result::Result<(), Box<dyn std::error::Error>> {
            fs::write(folder.join(format!("{name}.pem")), parts.concat())?;
            fs::write(folder.join(format!("{name}.key")), key.private_key_to_pem_pkcs8()?)?;
            Ok(())
        };
    write("api", &[&api.0, &inter_pem], &api.1)?;
    write("no-intermediate", &[&api.0], &api.1)?;
    write("misordered", &[&api.0, &root_pem, &inter_pem], &api.1)?;
    write("with-root", &[&api.0, &inter_pem, &root_pem], &api.1)?;
    let wildcard = leaf(&Leaf { name: "wildcard", dns: "*.mydomain.com", ..good()? }, &intermediate)?;
    write("wildcard", &[&wildcard.0, &inter_pem], &wildcard.1)?;
    for (name, from_days, to_days) in [("expired", -400, -35), ("expiring", -30, 5), ("not-yet", 10, 365)] {
        let made = leaf(&Leaf { name, from_days, to_days, ..good()? }, &intermediate)?;
        write(name, &[&made.0, &inter_pem], &made.1)?;
    }
    let rsa = leaf(&Leaf { name: "rsa", key: PKey::from_rsa(Rsa::generate(2048)?)?, ..good()? }, &intermediate)?;
    write("rsa", &[&rsa.0, &inter_pem], &rsa.1)?;
    let weak = PKey::from_rsa(Rsa::generate(1024)?)?;
    let weak = leaf(&Leaf { name: "weak", key: weak, digest: MessageDigest::sha1(), ..good()? }, &intermediate)?;
    write("weak", &[&weak.0, &inter_pem], &weak.1)?;
    let misused = leaf(&Leaf { name: "clients-only", for_servers: false, ..good()? }, &intermediate)?;
    write("clients-only", &[&misused.0, &inter_pem], &misused.1)?;
    let client = leaf(&Leaf { name: "client", dns: "client.mydomain.com", ..good()? }, &intermediate)?;
    write("client", &[&client.0, &inter_pem], &client.1)?;
    let stranger = leaf(&Leaf { name: "stranger", dns: "client.mydomain.com", ..good()? }, &other)?;
    write("stranger", &[&stranger.0], &stranger.1)?;
    let own = own_signature(&good()?)?;
    write("self-signed", &[&own.0], &own.1)?;
    fs::write(
        folder.join("encrypted.key"),
        client.1.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"sesame")?,
    )?;
    Ok(())
}

fn ec() -> std::result::Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

fn pem(certificate: &X509) -> std::result::Result<String, Box<dyn std::error::Error>> {
    Ok(String::from_utf8(certificate.to_pem()?)?)
}

fn builder(
    common_name: &str,
    key: &PKey<Private>,
    from_days: i64,
    to_days: i64,
) -> std::result::Result<openssl::x509::X509Builder, Box<dyn std::error::Error>> {
    #[expect(clippy::disallowed_methods, reason = "dates are relative to the moment of the test")]
    let now = jiff::Timestamp::now().as_second();
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::ONE, false)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_not_before(&*Asn1Time::from_unix(now + from_days * DAY)?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now + to_days * DAY)?)?;
    builder.set_subject_name(&name.build())?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

fn authority(common_name: &str, issuer: Option<&Signer>) -> std::result::Result<Signer, Box<dyn std::error::Error>> {
    let key = ec()?;
    let mut builder = builder(common_name, &key, -1, 3650)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    let own = name.build();
    builder.set_issuer_name(issuer.map_or(&*own, |issuer| issuer.certificate.subject_name()))?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(id)?;
    builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256())?;
    Ok(Signer { certificate: builder.build(), key })
}

type Made = (String, PKey<Private>);

fn leaf(leaf: &Leaf<'_>, issuer: &Signer) -> std::result::Result<Made, Box<dyn std::error::Error>> {
    let mut builder = builder(leaf.name, &leaf.key, leaf.from_days, leaf.to_days)?;
    builder.set_issuer_name(issuer.certificate.subject_name())?;
    builder.append_extension(BasicConstraints::new().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().key_encipherment().build()?)?;
    let mut uses = ExtendedKeyUsage::new();
    uses.client_auth();
    if leaf.for_servers {
        uses.server_auth();
    }
    builder.append_extension(uses.build()?)?;
    let context = builder.x509v3_context(Some(&issuer.certificate), None);
    let names = SubjectAlternativeName::new().dns(leaf.dns).build(&context)?;
    let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
    builder.append_extension(names)?;
    builder.append_extension(authority)?;
    builder.sign(&issuer.key, leaf.digest)?;
    Ok((pem(&builder.build())?, leaf.key.clone()))
}

fn own_signature(leaf: &Leaf<'_>) -> std::result::Result<Made, Box<dyn std::error::Error>> {
    let mut builder = builder(leaf.name, &leaf.key, leaf.from_days, leaf.to_days)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, leaf.name)?;
    builder.set_issuer_name(&name.build())?;
    let names = SubjectAlternativeName::new().dns(leaf.dns).build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    builder.sign(&leaf.key, leaf.digest)?;
    Ok((pem(&builder.build())?, leaf.key.clone()))
}
