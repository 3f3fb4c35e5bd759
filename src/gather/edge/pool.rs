//! The certificates of a run whose encoding is known, so that it is known who signed whom, and whether the
//! CAs of client apps trust a list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use openssl::stack::Stack;
use openssl::x509::X509;

use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::Verification;
use crate::gather::probe::{ProbeOptions, Prober, ProberError};
use crate::wire::certificate;

/// Maximum number of different certificates that are compared.
const MAX_CERTIFICATES: usize = 4096;

/// Certificates by their fingerprints.
pub(super) struct Pool {
    known: BTreeMap<String, X509>,
    /// Verifies with the CAs of client apps.
    prober: Prober,
}

impl Pool {
    pub(super) fn new(client_authorities: &[PathBuf]) -> Result<Self, ProberError> {
        // It makes no handshake.
        let prober = Prober::new(ProbeOptions::default())?.trusting(client_authorities)?;
        Ok(Self { known: BTreeMap::new(), prober })
    }

    /// Adds a list, and returns its description.
    pub(super) fn add(&mut self, list: &[X509]) -> Vec<Certificate> {
        let described = certificate::describe(list.iter().map(AsRef::as_ref));
        for (certificate, encoded) in described.iter().zip(list) {
            if self.known.len() < MAX_CERTIFICATES && !certificate.fingerprint.is_empty() {
                self.known.entry(certificate.fingerprint.clone()).or_insert_with(|| encoded.clone());
            }
        }
        described
    }

    /// Verifies a list with the CAs that client apps trust.
    pub(super) fn verify(&self, list: &[X509]) -> Option<Verification> {
        let mut stack = Stack::new().ok()?;
        for certificate in list {
            stack.push(certificate.clone()).ok()?;
        }
        self.prober.verify(&stack)
    }

    /// Returns the signers of each certificate, by fingerprints. A certificate that nobody known signed has
    /// an empty entry.
    pub(super) fn signatures(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut by_subject: BTreeMap<Vec<u8>, Vec<&String>> = BTreeMap::new();
        for (fingerprint, certificate) in &self.known {
            if let Ok(name) = certificate.subject_name().to_der() {
                by_subject.entry(name).or_default().push(fingerprint);
            }
        }
        let signers = |certificate: &X509| {
            let name = certificate.issuer_name().to_der().ok()?;
            let candidates = by_subject.get(&name)?;
            let signed = |fingerprint: &&&String| {
                let key = self.known.get(**fingerprint).and_then(|signer| signer.public_key().ok());
                key.is_some_and(|key| certificate.verify(&key).unwrap_or(false))
            };
            Some(candidates.iter().filter(signed).map(|fingerprint| (*fingerprint).clone()).collect())
        };
        self.known
            .iter()
            .map(|(fingerprint, certificate)| (fingerprint.clone(), signers(certificate).unwrap_or_default()))
            .collect()
    }
}
