//! Reads an unpacked bundle. Only files that the manifest lists are opened, so additional files do no harm.
//! Symbolic links are not followed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::bundle::layout::MANIFEST;
use crate::bundle::limits::Limits;

use super::listing::{Listing, Refusal, entry_error};
use super::{Contents, EntryFault, ReadError, Retain};

/// Reads a folder and checks every file that the manifest lists against it.
pub(super) fn read(name: &str, folder: &Path, mut retain: Retain, limits: &Limits) -> Result<Contents, ReadError> {
    let unreadable = |source| ReadError::Unreadable { name: name.to_owned(), source };
    let (file, bytes) = match open(folder, MANIFEST) {
        Ok(opened) => opened,
        Err(Refusal::Fault(EntryFault::Missing)) => {
            let why = format!("the folder has no {MANIFEST}");
            return Err(ReadError::NoBundle { name: name.to_owned(), why });
        }
        Err(Refusal::Fault(fault)) => return Err(entry_error(name, MANIFEST, fault)),
        Err(Refusal::Io(error)) => return Err(unreadable(error)),
    };
    let limit = limits.manifest_bytes;
    if bytes > limit {
        return Err(entry_error(name, MANIFEST, EntryFault::TooLarge { limit }));
    }
    let mut json = Vec::new();
    // The file may have grown since its size was read.
    file.take(limit).read_to_end(&mut json).map_err(unreadable)?;
    let mut listing = Listing::parse(name, &json, limits)?;
    let paths: Vec<_> = listing.manifest.files.iter().map(|file| file.path.clone()).collect();
    for path in paths {
        let taken = open(folder, &path).and_then(|(file, bytes)| listing.take(&path, bytes, file, &mut retain));
        match taken {
            Ok(()) => {}
            Err(Refusal::Fault(fault)) => return Err(entry_error(name, &path, fault)),
            Err(Refusal::Io(source)) => return Err(ReadError::Unreadable { name: format!("{name}/{path}"), source }),
        }
    }
    let manifest = listing.complete(name)?;
    Ok(Contents { manifest, evidence: retain.evidence() })
}

/// Opens a file below the folder and returns its size. `path` was validated before and cannot lead elsewhere.
fn open(folder: &Path, path: &str) -> Result<(File, u64), Refusal> {
    let mut place = PathBuf::from(folder);
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        place.push(part);
        let known = match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(EntryFault::Missing.into()),
            other => other.map_err(Refusal::Io)?,
        };
        let kind = known.file_type();
        if kind.is_symlink() {
            return Err(EntryFault::Kind("a symbolic link").into());
        }
        if parts.peek().is_none() {
            if !kind.is_file() {
                return Err(EntryFault::Kind(if kind.is_dir() { "a folder" } else { "a device or a pipe" }).into());
            }
            return File::open(&place).map(|file| (file, known.len())).map_err(Refusal::Io);
        }
    }
    Err(EntryFault::Missing.into())
}
