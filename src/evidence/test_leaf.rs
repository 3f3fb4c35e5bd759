//! A certificate for tests of several rooms.

use jiff::Timestamp;

use crate::evidence::certificate::{Certificate, PublicKey};

/// Returns a leaf for these names, valid at every time.
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
        key: PublicKey { algorithm: "RSA".into(), bits: 2048, curve: None },
        signature_algorithm: "sha256WithRSAEncryption".into(),
        fingerprint: "00".into(),
        is_ca: false,
        server_use: None,
        client_use: None,
        issuer_urls: Vec::new(),
        must_staple: false,
        signer: None,
    }
}
