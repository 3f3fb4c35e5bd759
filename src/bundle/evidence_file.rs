//! One [`Evidence`] value as a JSON file: written whole or not at all, and read as untrusted input.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::limits::{MAX_EVIDENCE_BYTES, within_values};
use super::part::{Part, folder_of};
use super::pipe;
use crate::evidence::{Evidence, SCHEMA};
use crate::text::json;

/// Maximum value of any count, so that sums do not overflow. Reading a log of that many bytes would take
/// years.
const MAX_COUNT: u64 = 1 << 48;

/// Why evidence could not be read or written. Texts read after "could not ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read the evidence {name}")]
    Unreadable { name: String, source: io::Error },
    #[error("read the evidence {name}: it is larger than {} MiB", MAX_EVIDENCE_BYTES / 1024 / 1024)]
    TooLarge { name: String },
    #[error("parse the evidence {name}")]
    Malformed { name: String, source: serde_json::Error },
    #[error("read {name}: {why}")]
    Neither { name: String, why: &'static str },
    #[error("parse the evidence {name}: its schema is {schema:?}; this version reads {SCHEMA:?}")]
    OtherSchema { name: String, schema: String },
    #[error("write the evidence {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

/// Reads evidence from a file, or from standard input if `name` is `-`.
///
/// # Errors
/// The file cannot be read, is too large, or is not evidence of a known version.
pub fn read(name: &str) -> Result<Evidence, Error> {
    if name == "-" {
        return read_from(name, io::stdin().lock());
    }
    let file = File::open(name).map_err(|source| Error::Unreadable { name: name.to_owned(), source })?;
    read_from(name, file)
}

/// Reads evidence from `source`. Errors refer to it as `name`.
///
/// # Errors
/// As for [`read`].
pub fn read_from(name: &str, source: impl Read) -> Result<Evidence, Error> {
    let mut bytes = Vec::new();
    let unreadable = |source| Error::Unreadable { name: name.to_owned(), source };
    source.take(MAX_EVIDENCE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_EVIDENCE_BYTES {
        return Err(Error::TooLarge { name: name.to_owned() });
    }
    parse(name, &bytes)
}

/// Writes evidence to a part file beside `path` and renames it, readable by the owner only: it holds client
/// addresses.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write(path: &Path, evidence: &Evidence) -> Result<(), Error> {
    let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
    let bytes = json(evidence).map_err(|source| unwritable(source.into()))?;
    // A device or a pipe is written to, not replaced.
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return pipe::open(path).and_then(|mut file| file.write_all(&bytes)).map_err(unwritable);
    }
    let part = Part::create(folder_of(path)).map_err(unwritable)?;
    part.file().write_all(&bytes).and_then(|()| part.replace(path)).map_err(unwritable)
}

/// Parses evidence from its bytes. Errors refer to it as `name`.
///
/// # Errors
/// The bytes are not evidence of a known version.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Evidence, Error> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let neither = match bytes.trim_ascii_start().first() {
        Some(b'{') => None,
        None => Some("it is empty"),
        Some(_) if bytes.get(257..262) == Some(b"ustar") => {
            Some("it is an uncompressed tar archive; compress it with gzip, or give the unpacked folder")
        }
        Some(_) => Some("it is neither a bundle (.tar.gz or its folder) nor evidence (JSON)"),
    };
    if let Some(why) = neither {
        return Err(Error::Neither { name: name.to_owned(), why });
    }
    let malformed = |source| Error::Malformed { name: name.to_owned(), source };
    within_values(bytes).map_err(malformed)?;
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    if head.schema != SCHEMA {
        let schema = head.schema.chars().take(60).collect();
        return Err(Error::OtherSchema { name: name.to_owned(), schema });
    }
    let evidence: Evidence = serde_json::from_slice(bytes).map_err(malformed)?;
    if evidence.parts().iter().flat_map(|part| part.counts()).any(|count| count > MAX_COUNT) {
        return Err(malformed(serde::de::Error::custom("a count is larger than any log could give")));
    }
    Ok(evidence)
}
