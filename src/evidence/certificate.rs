//! A served or stored certificate: the fields that checks need, none of them secret.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::{Kind, Visit, Visitor};

/// Maximum length of a certificate list. Certificates that a server sends beyond it are not described.
pub const MAX_CERTIFICATES: usize = 32;

/// One certificate of a list. The list keeps the order in which it was served or is stored.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// Distinguished name such as `CN=api.example.com, O=Example`, the most specific part first.
    pub subject: String,
    pub issuer: String,
    /// Hexadecimal, in lower case, without leading zeros.
    pub serial: String,
    /// The dNSName entries of subjectAltName, in lower case.
    pub dns_names: Vec<String>,
    /// The iPAddress entries of subjectAltName.
    pub ip_addresses: Vec<IpAddr>,
    /// The certificate has more names than `dns_names` and `ip_addresses` hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_cut: bool,
    /// [`Timestamp::MAX`] if the date is later than that.
    pub not_before: Timestamp,
    /// [`Timestamp::MIN`] if a date of the certificate cannot be parsed: such a certificate is never valid.
    pub not_after: Timestamp,
    pub key: PublicKey,
    /// OpenSSL's name of the signature algorithm, such as `sha256WithRSAEncryption`.
    pub signature_algorithm: String,
    /// SHA-256 of the DER encoding, hexadecimal, in lower case.
    pub fingerprint: String,
    /// The certificate may sign others: by its keyUsage, or without that extension, by a path length or as a
    /// self-issued root.
    #[serde(rename = "authority")]
    pub is_ca: bool,
    /// extendedKeyUsage allows use by a server; absent without the extension, which allows every use.
    pub server_use: Option<bool>,
    /// extendedKeyUsage allows use by a client; absent without the extension, which allows every use.
    pub client_use: Option<bool>,
    /// URLs of the issuer's certificate, from authorityInfoAccess.
    pub issuer_urls: Vec<String>,
    /// The certificate requires a stapled OCSP response (RFC 7633).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_staple: bool,
    /// Index in the list of the certificate whose key made the signature; its own index if it is self-signed.
    pub signer: Option<usize>,
}

/// A public key.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicKey {
    /// `RSA`, `RSA-PSS`, `EC`, `Ed25519`, …
    pub algorithm: String,
    pub bits: u32,
    /// OpenSSL's name of the curve of an EC key, such as `prime256v1`. Older versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curve: Option<String>,
}

impl Certificate {
    /// Returns whether the certificate at this index of the list is signed with its own key.
    #[must_use]
    pub fn is_self_signed(&self, position: usize) -> bool {
        self.signer == Some(position)
    }

    /// Returns whether a date of the certificate cannot be parsed.
    #[must_use]
    pub fn has_no_dates(&self) -> bool {
        self.not_after == Timestamp::MIN
    }

    /// Returns whether the names of the certificate cover `host`, a DNS name or an IP address.
    ///
    /// RFC 9525: only subjectAltName counts, never the common name (§2). An IP address is compared with
    /// iPAddress entries only (§6.4). A wildcard is the whole leftmost label and matches exactly one label
    /// (§6.3).
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return self.ip_addresses.contains(&address);
        }
        let host = host.to_ascii_lowercase();
        self.dns_names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
            None => *name == host,
        })
    }
}

/// Returns the indices of the path from the leaf at index 0 to the last known issuer. Each certificate signed
/// the one before it.
#[must_use]
pub fn path(list: &[Certificate]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut next = (!list.is_empty()).then_some(0);
    while let Some(position) = next {
        if path.contains(&position) {
            break;
        }
        path.push(position);
        next = list.get(position).and_then(|certificate| certificate.signer).filter(|signer| *signer < list.len());
    }
    path
}

impl Visit for Certificate {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            subject,
            issuer,
            serial,
            dns_names,
            ip_addresses,
            names_cut: _,
            not_before: _,
            not_after: _,
            key: PublicKey { algorithm, bits: _, curve },
            signature_algorithm,
            fingerprint,
            is_ca: _,
            server_use: _,
            client_use: _,
            issuer_urls,
            must_staple: _,
            signer: _,
        } = self;
        visitor.distinguished_name(subject, dns_names);
        // A self-signed certificate is its own issuer, so its names apply to the issuer too.
        visitor.distinguished_name(issuer, dns_names);
        visitor.strings(Kind::Hostname, dns_names);
        for address in ip_addresses {
            visitor.address(address);
        }
        visitor.strings(Kind::Number, [serial, fingerprint]);
        visitor.strings(Kind::Word, [algorithm, signature_algorithm]);
        visitor.strings(Kind::Word, curve);
        visitor.strings(Kind::Text, issuer_urls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::test_leaf::leaf;

    #[test]
    fn covers_names_by_rfc_9525() {
        let certificate = leaf(&["api.example.com", "*.wild.example.com", "*"]);
        for (host, covered) in [
            ("api.example.com", true),
            ("API.Example.Com.", true),
            ("a.wild.example.com", true),
            ("a.b.wild.example.com", false),
            ("wild.example.com", false),
            (".wild.example.com", false),
            ("example.com", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(certificate.covers(host), covered, "{host}");
        }
        let addressed = Certificate { ip_addresses: vec!["10.0.0.1".parse().unwrap()], ..leaf(&["10.0.0.2"]) };
        assert!(addressed.covers("10.0.0.1"));
        assert!(!addressed.covers("10.0.0.2"));
    }

    #[test]
    fn path_follows_signatures_and_stops_at_a_loop() {
        let signed_by = |signer| Certificate { signer, ..leaf(&[]) };
        assert_eq!(path(&[signed_by(Some(2)), signed_by(Some(1)), signed_by(Some(1))]), [0, 2, 1]);
        assert_eq!(path(&[signed_by(Some(0))]), [0]);
        assert_eq!(path(&[signed_by(Some(7))]), [0]);
        assert!(path(&[]).is_empty());
    }
}
