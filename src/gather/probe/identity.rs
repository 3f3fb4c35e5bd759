//! Reads the files that a handshake may need: trusted CAs, and a client certificate with its key.
//!
//! They are read once, before any connection, so that an unusable file is an error of the command line.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use zeroize::Zeroizing;

use crate::wire::{certificate, pem};

/// Maximum size of a file with certificates or a key, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// A client certificate, its intermediate certificates, and its private key.
pub(super) struct Identity {
    pub certificate: X509,
    pub intermediates: Vec<X509>,
    pub key: PKey<Private>,
}

/// Why a file cannot be used. The texts follow "could not ".
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("use {}: {what}", path.display())]
    Unusable { path: PathBuf, what: String, hint: Option<String> },
}

impl FileError {
    /// Returns a hint for the user.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Unusable { hint, .. } => hint.clone(),
        }
    }
}

/// Reads the CAs of a PEM file: as a store, and as a list.
pub(super) fn authorities(path: &Path) -> Result<(X509Store, Vec<X509>), FileError> {
    let found = certificates(path)?;
    let unusable = |error: openssl::error::ErrorStack| FileError::Unusable {
        path: path.to_owned(),
        what: error.to_string(),
        hint: None,
    };
    let mut store = X509StoreBuilder::new().map_err(unusable)?;
    // Checks judge the dates by the clock of the evidence. Clients trust every certificate of the file, also
    // a CA below another one.
    store.set_flags(X509VerifyFlags::NO_CHECK_TIME | X509VerifyFlags::PARTIAL_CHAIN).map_err(unusable)?;
    for certificate in &found {
        store.add_cert(certificate.clone()).map_err(unusable)?;
    }
    Ok((store.build(), found))
}

/// Reads the client certificate of one file, and its key from another file or the same one.
pub(super) fn identity(certificate: &Path, key: Option<&Path>) -> Result<Identity, FileError> {
    let mut list = certificates(certificate)?.into_iter();
    let key_path = key.unwrap_or(certificate);
    let unusable = |path: &Path, what: &str, hint: Option<&str>| FileError::Unusable {
        path: path.to_owned(),
        what: what.to_owned(),
        hint: hint.map(str::to_owned),
    };
    let Some(leaf) = list.next() else { return Err(unusable(certificate, "there is no certificate in it", None)) };
    let key = private_key(key_path)?;
    let fits = leaf.public_key().is_ok_and(|public| key.public_eq(&public));
    if !fits {
        let hint = format!("the key belongs to another certificate than the first one of {}", certificate.display());
        return Err(unusable(key_path, "its key does not fit the certificate", Some(&hint)));
    }
    Ok(Identity { certificate: leaf, intermediates: list.collect(), key })
}

fn private_key(path: &Path) -> Result<PKey<Private>, FileError> {
    let unusable = |what: &str, hint: &str| FileError::Unusable {
        path: path.to_owned(),
        what: what.to_owned(),
        hint: Some(hint.to_owned()),
    };
    let text = Zeroizing::new(read(path)?);
    if pem::private_keys(&text).next().is_none() {
        return Err(unusable("there is no private key in it", "--key takes the PEM file of the client's key"));
    }
    let mut asked = false;
    // The callback keeps OpenSSL from prompting on the terminal.
    let key = PKey::private_key_from_pem_callback(&text, |_| {
        asked = true;
        Ok(0)
    });
    match key {
        Ok(key) => Ok(key),
        Err(_) if asked => Err(unusable(
            "its key is encrypted, and this program never asks for a passphrase",
            "decrypt it into a file of your own first: openssl pkey -in KEY -out PLAIN-KEY",
        )),
        Err(_) => Err(unusable("its private key cannot be read", "expected PEM as openssl writes it")),
    }
}

fn certificates(path: &Path) -> Result<Vec<X509>, FileError> {
    let text = Zeroizing::new(read(path)?);
    match certificate::from_pem(&text) {
        (found, None) => Ok(found),
        (_, Some(what)) => Err(FileError::Unusable {
            path: path.to_owned(),
            what,
            hint: Some("expected certificates as PEM, between BEGIN CERTIFICATE and END CERTIFICATE".into()),
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        let what = format!("it is larger than {} MiB", MAX_FILE >> 20);
        return Err(FileError::Unusable { path: path.to_owned(), what, hint: None });
    }
    Ok(bytes)
}
