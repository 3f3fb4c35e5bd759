//! Reads a bundle: a file, an unpacked folder, or standard input, each as something hostile.
//!
//! Everything is held against the manifest, which is read first and held against the limits: which files there are, their
//! sizes, their hashes. Only `evidence.json` comes into memory; the rest is hashed as it passes. Nothing
//! is ever unpacked to a disk.

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
pub(super) use self::inflate::{Kind, begin};

/// A bundle that was read whole and is what its manifest says.
#[derive(Debug)]
pub struct BundleReader {
    name: String,
    manifest: Manifest,
    evidence: Option<Evidence>,
}

impl BundleReader {
    /// Reads a bundle from a file or a folder, or from standard input where the name is `-`.
    ///
    /// # Errors
    /// It cannot be read, is none, is of a newer version, or is not what its manifest says.
    pub fn open(name: &str) -> Result<Self, ReadError> {
        let limits = &Limits::STANDARD;
        let unreadable = |source| ReadError::Unreadable { name: name.to_owned(), source };
        let contents = if name == "-" {
            archive::read("-", io::stdin().lock(), Keep::Evidence(None), limits)?
        } else if fs::metadata(name).map_err(unreadable)?.is_dir() {
            folder::read(name, Path::new(name), Keep::Evidence(None), limits)?
        } else {
            archive::read(name, File::open(name).map_err(unreadable)?, Keep::Evidence(None), limits)?
        };
        Self::of(name, contents)
    }

    /// Reads a bundle from its bytes, of which errors speak as `name`.
    ///
    /// # Errors
    /// As for [`BundleReader::open`].
    pub fn from_reader(name: &str, source: impl Read) -> Result<Self, ReadError> {
        Self::of(name, archive::read(name, source, Keep::Evidence(None), &Limits::STANDARD)?)
    }

    /// What the bundle says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The evidence, to be judged again.
    ///
    /// # Errors
    /// There is none in it.
    pub fn evidence(&self) -> Result<&Evidence, ReadError> {
        self.evidence.as_ref().ok_or_else(|| ReadError::NoEvidence { name: self.name.clone() })
    }

    /// As [`BundleReader::evidence`], without a copy.
    ///
    /// # Errors
    /// There is none in it.
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

/// Reads an archive as any reader would and returns only its manifest.
pub(super) fn verified(name: &str, source: impl Read, limits: &Limits) -> Result<Manifest, ReadError> {
    archive::read(name, source, Keep::Nothing, limits).map(|contents| contents.manifest)
}

/// What comes into memory beside the manifest.
enum Keep {
    Evidence(Option<Vec<u8>>),
    Nothing,
}

impl Keep {
    fn evidence(self) -> Option<Vec<u8>> {
        match self {
            Self::Evidence(evidence) => evidence,
            Self::Nothing => None,
        }
    }
}

/// A bundle, byte for byte.
struct Contents {
    manifest: Manifest,
    evidence: Option<Vec<u8>>,
}

/// For the fuzzer: whatever the bytes are, reading them ends within the limits and does not panic.
///
/// Almost every change of a gzip file is caught by its checksum, so that the bytes are also read as what is inside one,
/// and as a manifest.
///
/// # Panics
/// When something was read that is against the rules.
pub fn fuzz_bundle(bytes: &[u8]) {
    const LIMITS: Limits = Limits { ratio_allowance: 1 << 20, total_bytes: 1 << 26, ..Limits::STANDARD };
    let read = |source: &[u8]| {
        if let Ok(contents) = archive::read("fuzz", source, Keep::Evidence(None), &LIMITS) {
            let total: u64 = contents.manifest.files.iter().map(|file| file.bytes).sum();
            assert!(total <= LIMITS.total_bytes);
            // What is in it may be anything.
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
