//! A certificate as it was served or stored: what a judgement needs of it, and nothing secret.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::{Kind, Visit, Visitor};

/// No list is longer; what a server sends beyond it is not described.
pub const MAX_CERTIFICATES: usize = 32;

/// One certificate of a list. The list has the order in which it was served or stands in a file.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// As `CN=api.example.com, O=Example`, the most specific part first.
    pub subject: String,
    pub issuer: String,
    /// Hexadecimal, in lower case, without leading zeros.
    pub serial: String,
    /// The dNSName entries of subjectAltName, in lower case.
    pub dns_names: Vec<String>,
    /// The iPAddress entries of subjectAltName.
    pub ip_addresses: Vec<IpAddr>,
    /// It has more names than these, which no list of names here is long enough for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_cut: bool,
    /// The end of all times that can be told, where it lies beyond.
    pub not_before: Timestamp,
    /// The beginning of all times, where a date of the certificate is no time: it is never valid.
    pub not_after: Timestamp,
    pub key: PublicKey,
    /// The name of the signature algorithm, as `sha256WithRSAEncryption`.
    pub signature_algorithm: String,
    /// SHA-256 of the DER form, hexadecimal, in lower case.
    pub fingerprint: String,
    /// basicConstraints says that it may sign others.
    pub authority: bool,
    /// extendedKeyUsage allows a server to use it; absent where it has no such extension, which allows everything.
    pub server_use: Option<bool>,
    /// extendedKeyUsage allows a client to use it.
    pub client_use: Option<bool>,
    /// Where authorityInfoAccess says that the issuer's certificate can be had.
    pub issuer_urls: Vec<String>,
    /// Position in the list of the certificate whose key made the signature; its own where it signed itself.
    pub signer: Option<usize>,
}

/// A public key.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicKey {
    /// `RSA`, `EC`, `Ed25519`, …
    pub algorithm: String,
    pub bits: u32,
}

impl Certificate {
    /// Signed with its own key.
    #[must_use]
    pub fn is_self_signed(&self, position: usize) -> bool {
        self.signer == Some(position)
    }

    /// A date of it cannot be read.
    #[must_use]
    pub fn has_no_dates(&self) -> bool {
        self.not_after == Timestamp::MIN
    }

    /// Whether the names of the certificate cover `host`, a DNS name without a trailing dot or an IP address.
    ///
    /// RFC 9525: only subjectAltName counts, never the common name (§2); an IP address is compared with iPAddress
    /// entries alone (§6.4); a wildcard stands for exactly one label, the leftmost, and is the whole of it (§6.3).
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

/// The positions of the certificates that lead from the leaf, which stands first, to the last one known: each signed
/// the one before.
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
            key: PublicKey { algorithm, bits: _ },
            signature_algorithm,
            fingerprint,
            authority: _,
            server_use: _,
            client_use: _,
            issuer_urls,
            signer: _,
        } = self;
        visitor.distinguished_name(subject, dns_names);
        // It may have signed itself.
        visitor.distinguished_name(issuer, dns_names);
        visitor.strings(Kind::Hostname, dns_names);
        ip_addresses.iter_mut().for_each(|address| visitor.address(address));
        visitor.strings(Kind::Number, [serial, fingerprint]);
        visitor.strings(Kind::Word, [algorithm, signature_algorithm]);
        visitor.strings(Kind::Text, issuer_urls);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A leaf for these names, valid for all times that tests speak of.
    pub(crate) fn leaf(names: &[&str]) -> Certificate {
        Certificate {
            subject: "CN=leaf".into(),
            issuer: "CN=Intermediate".into(),
            serial: "1".into(),
            dns_names: names.iter().map(ToString::to_string).collect(),
            ip_addresses: Vec::new(),
            names_cut: false,
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::MAX,
            key: PublicKey { algorithm: "RSA".into(), bits: 2048 },
            signature_algorithm: "sha256WithRSAEncryption".into(),
            fingerprint: "00".into(),
            authority: false,
            server_use: None,
            client_use: None,
            issuer_urls: Vec::new(),
            signer: None,
        }
    }

    #[test]
    fn covers_names_as_rfc_9525_says() {
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
    fn a_path_follows_signatures_and_ends() {
        let signed_by = |signer| Certificate { signer, ..leaf(&[]) };
        assert_eq!(path(&[signed_by(Some(2)), signed_by(Some(1)), signed_by(Some(1))]), [0, 2, 1]);
        assert_eq!(path(&[signed_by(Some(0))]), [0]);
        assert_eq!(path(&[signed_by(Some(7))]), [0]);
        assert!(path(&[]).is_empty());
    }
}
