//! Evidence from whatever holds it: a bundle, an unpacked one, or an evidence file. The first bytes tell which.

use std::fs::{self, File};
use std::io::{self, Read};

use crate::evidence::Evidence;

use super::evidence_file;
use super::reader::{BundleReader, Kind, ReadError, begin};

/// Reads evidence from a file or a folder, or from standard input where the name is `-`.
///
/// # Errors
/// It cannot be read, or is neither a bundle nor evidence of a version that is known.
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

/// Reads evidence from a source, of which errors speak as `name`.
///
/// # Errors
/// As for [`read`].
pub fn read_from(name: &str, source: impl Read) -> Result<Evidence, ReadError> {
    let unreadable = |source| ReadError::from(evidence_file::Error::Unreadable { name: name.to_owned(), source });
    let (kind, source) = begin(source).map_err(unreadable)?;
    match kind {
        Kind::Gzip => BundleReader::from_reader(name, source)?.into_evidence(),
        Kind::Empty | Kind::Other => Ok(evidence_file::read_from(name, source)?),
    }
}
