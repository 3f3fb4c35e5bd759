//! X.509 → [`Certificate`]: what a judgement needs of certificates as they were served or stored.
//!
//! OpenSSL parses; here only what it says is written down, and who of the list signed whom is found out. Trust and
//! names are not judged.

use std::cmp::Ordering;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKeyRef, Public};
use openssl::x509::{X509, X509ExtendedKeyUsage, X509KeyUsage, X509NameRef, X509Ref, X509VerifyResult};

use super::pem;
use crate::evidence::certificate::{Certificate, PublicKey};

pub use crate::evidence::certificate::MAX_CERTIFICATES;

/// No certificate has more names in its description. A name that is missing there would read as one that is not covered, so this
/// is more than the 100 KiB hold that OpenSSL takes of a server, and a Secret can hold hardly more; what is cut is told.
const MAX_NAMES: usize = 65_536;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Describes certificates in their order, at most [`MAX_CERTIFICATES`].
#[must_use]
pub fn describe<'a>(certificates: impl IntoIterator<Item = &'a X509Ref>) -> Vec<Certificate> {
    let list: Vec<&X509Ref> = certificates.into_iter().take(MAX_CERTIFICATES).collect();
    list.iter().map(|certificate| Certificate { signer: signer(certificate, &list), ..one(certificate) }).collect()
}

/// Re-encodes the certificates of a PEM text, so that nothing else can be among them. Also returns the number of bytes that
/// belong to no certificate; a block that says `CERTIFICATE` and cannot be read is none.
#[must_use]
pub fn public_part(text: &[u8]) -> (String, usize) {
    let (mut public, mut other, mut at) = (String::new(), 0, 0);
    for block in pem::certificates(text).filter(|block| block.is_closed) {
        let certificate =
            X509::from_pem(block.bytes).and_then(|certificate| certificate.to_pem()).map(String::from_utf8);
        other += text[at..block.range.start].trim_ascii().len();
        match certificate {
            Ok(Ok(text)) => public.push_str(&text),
            _ => other += block.bytes.len(),
        }
        at = block.range.end;
    }
    (public, other + text[at..].trim_ascii().len())
}

/// The certificates of a PEM text, and the first thing in it that is none.
///
/// Text between the blocks is passed over, as OpenSSL does. A block of another kind is no fault: a file may hold the key too.
#[must_use]
pub fn from_pem(text: &[u8]) -> (Vec<X509>, Option<String>) {
    let mut found = Vec::new();
    let mut fault = None;
    let mut number = 0;
    for block in pem::certificates(text) {
        number += 1;
        if !block.is_closed {
            fault.get_or_insert_with(|| format!("certificate {number} has no END line"));
            continue;
        }
        match X509::from_pem(block.bytes) {
            Ok(certificate) => found.push(certificate),
            Err(_) => {
                fault.get_or_insert_with(|| format!("certificate {number} cannot be read"));
            }
        }
    }
    if number == 0 {
        fault = Some("there is no BEGIN CERTIFICATE line".into());
    }
    (found, fault)
}

/// When a time of ASN.1 is; the end or the beginning of what can be expressed, where it lies beyond. Nothing where it is no time.
#[must_use]
pub fn timestamp(time: &Asn1TimeRef) -> Option<Timestamp> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    let seconds = i64::from(since.days) * SECONDS_PER_DAY + i64::from(since.secs);
    let beyond = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Some(Timestamp::from_second(seconds).unwrap_or(beyond))
}

/// From when and until when a certificate is valid. No client takes one with a date that is no time: it is never valid, see
/// [`Certificate::has_no_dates`].
fn validity(certificate: &X509Ref) -> (Timestamp, Timestamp) {
    timestamp(certificate.not_before())
        .zip(timestamp(certificate.not_after()))
        .unwrap_or((Timestamp::MIN, Timestamp::MIN))
}

/// A name as `CN=…, O=…`, the most specific part first; values in which a comma or an equals sign could be mistaken are quoted.
#[must_use]
pub fn name(name: &X509NameRef) -> String {
    let mut parts: Vec<String> = name
        .entries()
        .map(|entry| {
            // OpenSSL has a number and a short name, `UNDEF`, for all that are not registered: they are written as 1.3.6.1.
            let known = Some(entry.object().nid()).filter(|nid| *nid != Nid::UNDEF);
            let key = known.and_then(|nid| nid.short_name().ok());
            let key = key.map_or_else(|| entry.object().to_string(), str::to_owned);
            let value = entry.data().to_string().unwrap_or_default();
            if value.contains([',', '=', '"', '+']) { format!("{key}=\"{value}\"") } else { format!("{key}={value}") }
        })
        .collect();
    parts.reverse();
    parts.join(", ")
}

fn one(certificate: &X509Ref) -> Certificate {
    let mut dns_names = Vec::new();
    let mut ip_addresses = Vec::new();
    let names = certificate.subject_alt_names();
    for entry in names.iter().flatten().take(MAX_NAMES) {
        if let Some(dns) = entry.dnsname() {
            dns_names.push(dns.to_ascii_lowercase());
        } else if let Some(address) = entry.ipaddress().and_then(address) {
            ip_addresses.push(address);
        }
    }
    let extended = certificate.extended_key_usage();
    let (not_before, not_after) = validity(certificate);
    Certificate {
        subject: name(certificate.subject_name()),
        issuer: name(certificate.issuer_name()),
        serial: certificate.serial_number().to_bn().ok().map_or_else(String::new, |number| serial(&number.to_vec())),
        dns_names,
        ip_addresses,
        names_cut: names.is_some_and(|names| names.len() > MAX_NAMES),
        not_before,
        not_after,
        key: certificate.public_key().map_or_else(
            |_| PublicKey { algorithm: "unknown".into(), bits: 0 },
            |key| PublicKey { algorithm: algorithm(&key), bits: key.bits() },
        ),
        signature_algorithm: signature_algorithm(certificate),
        fingerprint: certificate
            .digest(MessageDigest::sha256())
            .map_or_else(|_| String::new(), |digest| HEXLOWER.encode(&digest)),
        authority: may_sign(certificate),
        server_use: extended
            .map(|uses| uses.intersects(X509ExtendedKeyUsage::SSL_SERVER | X509ExtendedKeyUsage::ANYEKU)),
        client_use: extended
            .map(|uses| uses.intersects(X509ExtendedKeyUsage::SSL_CLIENT | X509ExtendedKeyUsage::ANYEKU)),
        issuer_urls: issuer_urls(certificate),
        signer: None,
    }
}

/// keyUsage says so; without that extension, a path length or a root of its own name does.
fn may_sign(certificate: &X509Ref) -> bool {
    match certificate.key_usage() {
        Some(uses) => uses.contains(X509KeyUsage::KEY_CERT_SIGN),
        None => certificate.pathlen().is_some() || certificate.issued(certificate) == X509VerifyResult::OK,
    }
}

/// Who signed the certificate: first those whose subject is its issuer, so that at most a few signatures are computed.
fn signer(certificate: &X509Ref, list: &[&X509Ref]) -> Option<usize> {
    list.iter().position(|candidate| {
        let named = matches!(certificate.issuer_name().try_cmp(candidate.subject_name()), Ok(Ordering::Equal));
        named && candidate.public_key().is_ok_and(|key| certificate.verify(&key).unwrap_or(false))
    })
}

fn algorithm(key: &PKeyRef<Public>) -> String {
    match key.id() {
        Id::RSA | Id::RSA_PSS => "RSA".into(),
        Id::EC => "EC".into(),
        Id::ED25519 => "Ed25519".into(),
        Id::ED448 => "Ed448".into(),
        Id::DSA => "DSA".into(),
        other => format!("algorithm {}", other.as_raw()),
    }
}

fn signature_algorithm(certificate: &X509Ref) -> String {
    let object = certificate.signature_algorithm().object();
    object.nid().long_name().map_or_else(|_| object.to_string(), str::to_owned)
}

fn issuer_urls(certificate: &X509Ref) -> Vec<String> {
    certificate
        .authority_info()
        .iter()
        .flatten()
        .filter(|access| access.method().nid() == Nid::AD_CA_ISSUERS)
        .filter_map(|access| access.location().uri().map(str::to_owned))
        .collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Two digits a byte, without zeros in front.
fn serial(bytes: &[u8]) -> String {
    let text = HEXLOWER.encode(bytes);
    let text = text.trim_start_matches('0');
    if text.is_empty() { "0".into() } else { text.to_owned() }
}

/// What a fuzzer feeds: any bytes as PEM, and as one DER certificate.
pub fn fuzz_certificate(bytes: &[u8]) {
    let (certificates, _) = from_pem(bytes);
    let _ = describe(certificates.iter().map(AsRef::as_ref));
    if let Ok(certificate) = X509::from_der(bytes) {
        let _ = describe([certificate.as_ref()]);
    }
}

#[cfg(test)]
mod tests;
