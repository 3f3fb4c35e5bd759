//! The manifest of a bundle as untrusted input: parsed, checked against the limits, and ticked off file by
//! file.

use std::collections::BTreeMap;
use std::io::{self, Read};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::bundle::layout::{self, MANIFEST, PathFault, Paths, shortened};
use crate::bundle::limits::{Limits, within_values};
use crate::bundle::manifest::{Manifest, SCHEMA_FAMILY, SCHEMA_VERSION};

use super::{EntryFault, ReadError, Retain};

/// Number of bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// The manifest, and which of its files were seen.
pub(super) struct Listing {
    pub(super) manifest: Manifest,
    places: BTreeMap<String, usize>,
    seen: Vec<bool>,
}

/// Why a content was rejected.
pub(super) enum Refusal {
    Fault(EntryFault),
    Io(io::Error),
}

impl From<EntryFault> for Refusal {
    fn from(fault: EntryFault) -> Self {
        Self::Fault(fault)
    }
}

impl Listing {
    /// Parses a manifest and checks it against the limits before anything else is read.
    pub(super) fn parse(name: &str, json: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let malformed = |source| ReadError::Manifest { name: name.to_owned(), source };
        within_values(json).map_err(malformed)?;
        let head: Head = serde_json::from_slice(json).map_err(malformed)?;
        let name = name.to_owned();
        match head.schema.strip_prefix(SCHEMA_FAMILY).and_then(|number| number.parse::<u64>().ok()) {
            // There is no older version yet; it would be read here.
            Some(SCHEMA_VERSION) => {}
            Some(newer) if newer > SCHEMA_VERSION => {
                return Err(ReadError::Newer { name, schema: shortened(&head.schema) });
            }
            _ => return Err(ReadError::OtherSchema { name, schema: shortened(&head.schema) }),
        }
        let manifest: Manifest = serde_json::from_slice(json).map_err(malformed)?;
        if manifest.files.len() > limits.entries {
            return Err(ReadError::TooMuch { name, what: format!("it lists more than {} files", limits.entries) });
        }
        let mut paths = Paths::with_manifest();
        let mut total = 0_u64;
        for file in &manifest.files {
            let fault = |fault| entry_error(&name, &file.path, fault);
            paths.add(&file.path).map_err(|path| fault(path.into()))?;
            let limit = limits.max_bytes_of(&file.path);
            if file.bytes > limit {
                return Err(fault(EntryFault::TooLarge { limit }));
            }
            total = total.saturating_add(file.bytes);
        }
        if total > limits.total_bytes {
            let what = format!("its files have more than {} bytes in total", limits.total_bytes);
            return Err(ReadError::TooMuch { name, what });
        }
        let places = manifest.files.iter().enumerate().map(|(place, file)| (file.path.clone(), place)).collect();
        let seen = vec![false; manifest.files.len()];
        Ok(Self { manifest, places, seen })
    }

    /// Reads one content and checks it against the manifest. `bytes` is the size in its header or file
    /// system.
    pub(super) fn take(
        &mut self,
        path: &str,
        bytes: u64,
        mut content: impl Read,
        retain: &mut Retain,
    ) -> Result<(), Refusal> {
        layout::check(path).map_err(EntryFault::from)?;
        if path == MANIFEST {
            return Err(EntryFault::from(PathFault::Twice).into());
        }
        let place = *self.places.get(path).ok_or(EntryFault::Unlisted)?;
        let (Some(listed), Some(seen)) = (self.manifest.files.get(place), self.seen.get_mut(place)) else {
            return Err(EntryFault::Unlisted.into());
        };
        if *seen {
            return Err(EntryFault::from(PathFault::Twice).into());
        }
        if listed.bytes != bytes {
            return Err(EntryFault::Size { expected: listed.bytes, found: bytes }.into());
        }
        let mut store = match retain {
            Retain::Evidence(store) if path == layout::EVIDENCE => Some(store.insert(Vec::new())),
            _ => None,
        };
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut left = bytes;
        while left > 0 {
            // `most` is at most CHUNK_BYTES, so the conversion cannot fail where it matters.
            let most = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let Some(room) = chunk.get_mut(..most) else { break };
            let count = match content.read(room) {
                Ok(0) => return Err(Refusal::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Refusal::Io(error)),
            };
            let read = room.get(..count).unwrap_or_default();
            hash.update(read);
            if let Some(store) = &mut store {
                store.extend_from_slice(read);
            }
            left -= read.len() as u64;
        }
        if HEXLOWER.encode(&hash.finalize()) != listed.sha256 {
            return Err(EntryFault::Hash.into());
        }
        *seen = true;
        Ok(())
    }

    /// Returns the manifest if every file was seen.
    pub(super) fn complete(self, name: &str) -> Result<Manifest, ReadError> {
        match self.manifest.files.iter().zip(&self.seen).find(|(_, seen)| !**seen) {
            Some((file, _)) => Err(entry_error(name, &file.path, EntryFault::Missing)),
            None => Ok(self.manifest),
        }
    }
}

/// Returns an error about one entry, with its untrusted name shortened.
pub(super) fn entry_error(name: &str, entry: &str, fault: EntryFault) -> ReadError {
    ReadError::Entry { name: name.to_owned(), entry: shortened(entry), fault }
}
