//! Reads a bundle from a file, an unpacked folder or standard input, as untrusted input.
//!
//! The manifest is read first and checked against the limits. Every file is then checked against the
//! manifest: path, size and hash. Only `evidence.json` is held in memory; other files are hashed as they
//! stream. Nothing is ever unpacked to disk.

mod archive;
mod error;
mod folder;
mod inflate;
mod listing;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::evidence::Evidence;

use super::evidence_file;
use super::layout::EVIDENCE;
use super::limits::Limits;
use super::manifest::Manifest;

pub use self::error::{EntryFault, ReadError};
pub(super) use self::inflate::{Kind, detect};

/// A bundle that was read completely and matches its manifest.
#[derive(Debug)]
pub struct BundleReader {
    name: String,
    manifest: Manifest,
    evidence: Option<Evidence>,
}

impl BundleReader {
    /// Reads a bundle from a file or a folder, or from standard input if `name` is `-`.
    ///
    /// # Errors
    /// It cannot be read, is not a bundle, is of a newer version, or does not match its manifest.
    pub fn open(name: &str) -> Result<Self, ReadError> {
        let limits = &Limits::STANDARD;
        let unreadable = |source| ReadError::Unreadable { name: name.to_owned(), source };
        let contents = if name == "-" {
            archive::read("-", io::stdin().lock(), Retain::Evidence(None), limits)?
        } else if fs::metadata(name).map_err(unreadable)?.is_dir() {
            folder::read(name, Path::new(name), Retain::Evidence(None), limits)?
        } else {
            archive::read(name, File::open(name).map_err(unreadable)?, Retain::Evidence(None), limits)?
        };
        Self::of(name, contents)
    }

    /// Reads a bundle from its bytes. Errors refer to it as `name`.
    ///
    /// # Errors
    /// As for [`BundleReader::open`].
    pub fn from_reader(name: &str, source: impl Read) -> Result<Self, ReadError> {
        Self::of(name, archive::read(name, source, Retain::Evidence(None), &Limits::STANDARD)?)
    }

    /// Returns the manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the evidence.
    ///
    /// # Errors
    /// The bundle holds none.
    pub fn evidence(&self) -> Result<&Evidence, ReadError> {
        self.evidence.as_ref().ok_or_else(|| ReadError::NoEvidence { name: self.name.clone() })
    }

    /// Like [`BundleReader::evidence`], without a copy.
    ///
    /// # Errors
    /// As for [`BundleReader::evidence`].
    pub fn into_evidence(self) -> Result<Evidence, ReadError> {
        self.evidence.ok_or(ReadError::NoEvidence { name: self.name })
    }

    fn of(name: &str, contents: Contents) -> Result<Self, ReadError> {
        let Contents { manifest, evidence } = contents;
        let parse = |bytes: Vec<u8>| evidence_file::parse(&format!("{name}, {EVIDENCE}"), &bytes);
        let evidence = evidence.map(parse).transpose()?;
        Ok(Self { name: name.to_owned(), manifest, evidence })
    }
}

/// Reads and verifies an archive, and returns only its manifest.
pub(super) fn verified(name: &str, source: impl Read, limits: &Limits) -> Result<Manifest, ReadError> {
    archive::read(name, source, Retain::ManifestOnly, limits).map(|contents| contents.manifest)
}

/// What is held in memory besides the manifest.
enum Retain {
    Evidence(Option<Vec<u8>>),
    ManifestOnly,
}

impl Retain {
    fn evidence(self) -> Option<Vec<u8>> {
        match self {
            Self::Evidence(evidence) => evidence,
            Self::ManifestOnly => None,
        }
    }
}

/// The retained contents of a bundle.
struct Contents {
    manifest: Manifest,
    evidence: Option<Vec<u8>>,
}

/// Entry point of the fuzzer: reading any bytes ends within the limits and does not panic.
///
/// The checksum of a gzip file rejects almost every mutation, so the bytes are also read as the content of
/// one, and as a manifest.
///
/// # Panics
/// Something was accepted that breaks the rules.
pub fn fuzz_bundle(bytes: &[u8]) {
    const LIMITS: Limits = Limits { ratio_allowance: 1 << 20, total_bytes: 1 << 26, ..Limits::STANDARD };
    let read = |source: &[u8]| {
        if let Ok(contents) = archive::read("fuzz", source, Retain::Evidence(None), &LIMITS) {
            let total: u64 = contents.manifest.files.iter().map(|file| file.bytes).sum();
            assert!(total <= LIMITS.total_bytes);
            // The evidence inside may be anything.
            let _ = BundleReader::of("fuzz", contents);
        }
    };
    read(bytes);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    if packed.write_all(bytes).is_ok()
        && let Ok(packed) = packed.finish()
    {
        read(&packed);
    }
    let _ = listing::Listing::parse("fuzz", bytes, &LIMITS);
    let _ = evidence_file::parse("fuzz", bytes);
}

#[cfg(test)]
mod tests;
