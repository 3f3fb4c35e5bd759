//! Converts X.509 certificates to [`Certificate`], the evidence of a served or stored certificate.
//!
//! OpenSSL parses. This module copies the fields and finds the signer of each certificate in its list. It
//! judges neither trust nor names.

use std::cmp::Ordering;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKeyRef, Public};
use openssl::x509::{X509, X509ExtendedKeyUsage, X509KeyUsage, X509NameRef, X509Ref, X509VerifyResult};

use super::{loadable, pem};
use crate::evidence::certificate::{Certificate, PublicKey};

pub use crate::evidence::certificate::MAX_CERTIFICATES;

/// Maximum number of names in the description of a certificate. A missing name would look like one that is
/// not covered, so this limit is higher than the number of names that fit in the 100 KiB that OpenSSL accepts
/// from a server. A Secret can hold hardly more. [`Certificate::names_cut`] reports names beyond the limit.
const MAX_NAMES: usize = 65_536;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// The extension TLS Feature (RFC 7633) with the value `status_request`, as it is in DER after its OID and,
/// where present, the mark of a critical extension.
const TLS_FEATURE: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x18";
const CRITICAL: &[u8] = b"\x01\x01\xff";
const STATUS_REQUEST: &[u8] = b"\x04\x05\x30\x03\x02\x01\x05";

/// Describes certificates in their order, at most [`MAX_CERTIFICATES`].
#[must_use]
pub fn describe<'a>(certificates: impl IntoIterator<Item = &'a X509Ref>) -> Vec<Certificate> {
    let list: Vec<&X509Ref> = certificates.into_iter().take(MAX_CERTIFICATES).collect();
    list.iter()
        .map(|certificate| Certificate { signer: signer(certificate, &list), ..describe_one(certificate) })
        .collect()
}

/// Re-encodes the certificates of a PEM text, so that nothing else can slip through. Also returns the number
/// of bytes that belong to no certificate, including blocks labelled `CERTIFICATE` that cannot be parsed.
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

/// Returns the certificates of a PEM text, and the first fault in it.
///
/// What only Envoy refuses is a fault too (see `loadable`). Text on lines between the blocks is ignored. A
/// block with another label is not a fault, because a file may also contain the key.
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
            Ok(certificate) => {
                if let Some(refused) = loadable::fault(text, &block, &certificate, number == 1) {
                    fault.get_or_insert_with(|| format!("certificate {number} has {refused}"));
                }
                found.push(certificate);
            }
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

/// Converts an ASN.1 time. A time out of range becomes [`Timestamp::MIN`] or [`Timestamp::MAX`]; an invalid
/// time is `None`.
#[must_use]
pub fn timestamp(time: &Asn1TimeRef) -> Option<Timestamp> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    let seconds = i64::from(since.days) * SECONDS_PER_DAY + i64::from(since.secs);
    let beyond = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Some(Timestamp::from_second(seconds).unwrap_or(beyond))
}

/// Returns the validity of a certificate. A certificate with an invalid date is never valid, because no
/// client accepts it: see [`Certificate::has_no_dates`].
fn validity(certificate: &X509Ref) -> (Timestamp, Timestamp) {
    timestamp(certificate.not_before())
        .zip(timestamp(certificate.not_after()))
        .unwrap_or((Timestamp::MIN, Timestamp::MIN))
}

/// Writes a name as `CN=…, O=…`, the most specific part first. Values that contain `,`, `=`, `+` or `"` are
/// quoted.
#[must_use]
pub fn name(name: &X509NameRef) -> String {
    let mut parts: Vec<String> = name
        .entries()
        .map(|entry| {
            // OpenSSL has one number and the short name `UNDEF` for all unregistered ones. Write their OID,
            // such as 1.3.6.1.
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

fn describe_one(certificate: &X509Ref) -> Certificate {
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
            |_| PublicKey { algorithm: "unknown".into(), bits: 0, curve: None },
            |key| PublicKey { algorithm: algorithm(&key), bits: key.bits(), curve: curve(&key) },
        ),
        signature_algorithm: signature_algorithm(certificate),
        fingerprint: certificate
            .digest(MessageDigest::sha256())
            .map_or_else(|_| String::new(), |digest| HEXLOWER.encode(&digest)),
        is_ca: may_sign(certificate),
        server_use: extended
            .map(|uses| uses.intersects(X509ExtendedKeyUsage::SSL_SERVER | X509ExtendedKeyUsage::ANYEKU)),
        client_use: extended
            .map(|uses| uses.intersects(X509ExtendedKeyUsage::SSL_CLIENT | X509ExtendedKeyUsage::ANYEKU)),
        issuer_urls: issuer_urls(certificate),
        must_staple: must_staple(certificate),
        signer: None,
    }
}

/// Returns whether the certificate may sign others: by keyUsage, or without that extension, by a path length
/// or as a self-issued root.
fn may_sign(certificate: &X509Ref) -> bool {
    match certificate.key_usage() {
        Some(uses) => uses.contains(X509KeyUsage::KEY_CERT_SIGN),
        None => certificate.pathlen().is_some() || certificate.issued(certificate) == X509VerifyResult::OK,
    }
}

/// Returns the index of the signer. Compares names first, so that few signatures are verified.
fn signer(certificate: &X509Ref, list: &[&X509Ref]) -> Option<usize> {
    list.iter().position(|candidate| {
        let named = matches!(certificate.issuer_name().try_cmp(candidate.subject_name()), Ok(Ordering::Equal));
        named && candidate.public_key().is_ok_and(|key| certificate.verify(&key).unwrap_or(false))
    })
}

fn algorithm(key: &PKeyRef<Public>) -> String {
    match key.id() {
        Id::RSA => "RSA".into(),
        // A type of its own, which not every TLS library loads.
        Id::RSA_PSS => "RSA-PSS".into(),
        Id::EC => "EC".into(),
        Id::ED25519 => "Ed25519".into(),
        Id::ED448 => "Ed448".into(),
        Id::DSA => "DSA".into(),
        other => format!("algorithm {}", other.as_raw()),
    }
}

/// Returns the name of a curve, as OpenSSL writes it: `prime256v1`, `secp384r1`.
fn curve(key: &PKeyRef<Public>) -> Option<String> {
    let curve = key.ec_key().ok()?.group().curve_name()?;
    curve.short_name().ok().map(str::to_owned)
}

/// Returns whether the certificate requires a stapled OCSP response, by the value that Envoy looks for.
fn must_staple(certificate: &X509Ref) -> bool {
    let der = certificate.to_der().unwrap_or_default();
    memchr::memmem::find_iter(&der, TLS_FEATURE).any(|at| {
        let value = &der[at + TLS_FEATURE.len()..];
        value.strip_prefix(CRITICAL).unwrap_or(value).starts_with(STATUS_REQUEST)
    })
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

/// Writes a serial number in hexadecimal, without leading zeros.
fn serial(bytes: &[u8]) -> String {
    let text = HEXLOWER.encode(bytes);
    let text = text.trim_start_matches('0');
    if text.is_empty() { "0".into() } else { text.to_owned() }
}

/// Fuzzing entry: reads any bytes as PEM, and as one DER certificate.
pub fn fuzz_certificate(bytes: &[u8]) {
    let (certificates, _) = from_pem(bytes);
    let _ = describe(certificates.iter().map(AsRef::as_ref));
    if let Ok(certificate) = X509::from_der(bytes) {
        let _ = describe([certificate.as_ref()]);
    }
}

#[cfg(test)]
mod tests;
