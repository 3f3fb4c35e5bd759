//! Describes a certificate and its key, wherever they were stored.

use crate::evidence::stored::{ClientCas, KeyFit, StoredContent};
use crate::gather::trust;
use crate::wire::certificate::{MAX_CERTIFICATES, describe, from_pem};
use crate::wire::private_key;

/// Describes the certificates of an entry, and compares the key with the first of them. The key is parsed
/// only here.
pub(super) fn compared(certificates: Option<(&str, &[u8])>, key: Option<&[u8]>) -> StoredContent {
    let (mut list, certificate_fault) = certificates.map(|(_, pem)| from_pem(pem)).unwrap_or_default();
    list.truncate(MAX_CERTIFICATES);
    StoredContent {
        certificate_entry: certificates.map(|(entry, _)| entry.to_owned()),
        certificates: describe(list.iter().map(AsRef::as_ref)),
        certificate_fault,
        key: key.map_or(KeyFit::Absent, |key| private_key::fit(key, list.first().map(AsRef::as_ref))),
        trusted_here: trust::trusts(&list),
        ..StoredContent::default()
    }
}

/// Describes the CAs that verify client certificates.
pub(super) fn client_authorities(secret: &str, entry: &str, pem: &[u8]) -> ClientCas {
    let (list, fault) = from_pem(pem);
    let certificates = describe(list.iter().map(AsRef::as_ref));
    ClientCas { secret: secret.to_owned(), entry: Some(entry.to_owned()), certificates, fault }
}
