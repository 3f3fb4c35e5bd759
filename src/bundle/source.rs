//! Reads evidence from a bundle, an unpacked bundle, or an evidence file; the first bytes tell which one it
//! is.

use std::fs::{self, File};
use std::io::{self, Read};

use crate::evidence::Evidence;

use super::evidence_file;
use super::reader::{BundleReader, Kind, ReadError, detect};

/// Reads evidence from a file or a folder, or from standard input if `name` is `-`.
///
/// # Errors
/// The input cannot be read, or is neither a bundle nor evidence of a known version.
pub fn read(name: &str) -> Result<Evidence, ReadError> {
    let unreadable = |source| ReadError::from(evidence_file::Error::Unreadable { name: name.to_owned(), source });
    if name == "-" {
        return read_from(name, io::stdin().lock());
    }
    if fs::metadata(name).map_err(unreadable)?.is_dir() {
        return BundleReader::open(name)?.into_evidence();
    }
    read_from(name, File::open(name).map_err(unreadable)?)
}

/// Reads evidence from `source`. Errors refer to it as `name`.
///
/// # Errors
/// As for [`read`].
pub fn read_from(name: &str, source: impl Read) -> Result<Evidence, ReadError> {
    let unreadable = |source| ReadError::from(evidence_file::Error::Unreadable { name: name.to_owned(), source });
    let (kind, source) = detect(source).map_err(unreadable)?;
    match kind {
        Kind::Gzip => BundleReader::from_reader(name, source)?.into_evidence(),
        Kind::Empty | Kind::Other => Ok(evidence_file::read_from(name, source)?),
    }
}
