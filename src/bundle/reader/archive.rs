//! Reads an archive entry by entry: the manifest first, then only what it lists.
//!
//! Headers are read raw: links and foreign headers are rejected, not followed. Only a PAX extended header is
//! honoured, and only for the path.

use std::io::{self, Read};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use crate::bundle::layout::{self, MANIFEST, shortened};
use crate::bundle::limits::Limits;

use super::inflate::Inflated;
use super::listing::{Listing, Refusal, entry_error};
use super::{Contents, EntryFault, ReadError, Retain};

/// Maximum number of bytes of an extended header: it may hold nothing but the path.
const MAX_EXTENDED_BYTES: u64 = 2 * layout::MAX_PATH_BYTES as u64 + 512;

const BEGINNING: &str = "at its beginning";

/// Why reading the entries failed.
enum Failure {
    Error(ReadError),
    /// A read error, with its place in the archive.
    Io(String, io::Error),
    /// The input ended in a tar error before the first entry; its cause is unknown.
    NoArchive(io::Error),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Error(error)
    }
}

/// Reads a whole archive and checks every entry against the manifest.
pub(super) fn read(name: &str, source: impl Read, mut retain: Retain, limits: &Limits) -> Result<Contents, ReadError> {
    let mut archive = Archive::new(Inflated::new(name, source, limits)?);
    let outcome = entries(name, &mut archive, &mut retain, limits);
    let mut rest = archive.into_inner();
    let listing = match outcome {
        Ok(read) => read,
        Err(Failure::Error(error)) => return Err(error),
        Err(Failure::Io(place, error)) => return Err(rest.explain(name, &place, error)),
        Err(Failure::NoArchive(error)) => {
            let why = format!("it does not hold a tar archive: {error}");
            return Err(match rest.explain(name, BEGINNING, error) {
                // Unpacking succeeded, so this is a gzip file of something else.
                ReadError::CutOff { .. } | ReadError::Damaged { .. } => {
                    ReadError::NoBundle { name: name.to_owned(), why }
                }
                other => other,
            });
        }
    };
    // The tar reader stops at the first empty block. Only zero bytes may follow, and they must be there.
    let mut empty = 0_u64;
    let mut chunk = [0; 4096];
    loop {
        match rest.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) if chunk.iter().take(count).all(|byte| *byte == 0) => empty += count as u64,
            Ok(_) => {
                let what = "data follows the end of the archive".to_owned();
                return Err(ReadError::TooMuch { name: name.to_owned(), what });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(rest.explain(name, "at its end", error)),
        }
    }
    if empty < 512 {
        return Err(ReadError::CutOff { name: name.to_owned(), place: "at its end".to_owned() });
    }
    let manifest = listing.complete(name)?;
    Ok(Contents { manifest, evidence: retain.evidence() })
}

fn entries<R: Read>(
    name: &str,
    archive: &mut Archive<Inflated<R>>,
    retain: &mut Retain,
    limits: &Limits,
) -> Result<Listing, Failure> {
    let mut listing: Option<Listing> = None;
    let mut extended = None;
    let mut place = BEGINNING.to_owned();
    let no_bundle = |why: String| ReadError::NoBundle { name: name.to_owned(), why };
    for entry in archive.entries().map_err(|error| Failure::Io(place.clone(), error))?.raw(true) {
        let mut entry = match entry {
            Err(error) if listing.is_none() && error.kind() == io::ErrorKind::Other => {
                return Err(Failure::NoArchive(error));
            }
            other => other.map_err(|error| Failure::Io(place.clone(), error))?,
        };
        let kind = entry.header().entry_type();
        let bytes = entry.header().entry_size().map_err(|error| Failure::Io(place.clone(), error))?;
        if kind.is_pax_local_extensions() {
            let fits = extended.is_none() && bytes <= MAX_EXTENDED_BYTES;
            let path = if fits { extended_path(&mut entry, bytes, &place)? } else { Err(EntryFault::Header) };
            extended = match path {
                Ok(path) => Some(path),
                Err(_) if listing.is_none() => {
                    return Err(no_bundle("its first header was written by another tool".to_owned()).into());
                }
                Err(fault) => return Err(entry_error(name, &format!("the entry {place}"), fault).into()),
            };
            continue;
        }
        let path = match extended.take() {
            Some(path) => path,
            None => match String::from_utf8(entry.header().path_bytes().into_owned()) {
                Ok(path) => path,
                Err(error) if listing.is_none() => return Err(no_bundle(format!("its first entry: {error}")).into()),
                Err(error) => {
                    let lossy = String::from_utf8_lossy(error.as_bytes());
                    return Err(entry_error(name, &lossy, EntryFault::NotText).into());
                }
            },
        };
        let Some(listing) = &mut listing else {
            place = format!("in {MANIFEST}");
            listing = Some(first(name, &path, &mut entry, limits)?);
            continue;
        };
        if !is_file(kind) {
            return Err(entry_error(name, &path, EntryFault::Kind(kind_name(kind))).into());
        }
        // Check the parts first, so that a path that leads out of the folder is reported as such.
        layout::check_parts(&path).map_err(|fault| entry_error(name, &path, fault.into()))?;
        let top = &listing.manifest.name;
        let Some(below) = path.strip_prefix(top.as_str()).and_then(|rest| rest.strip_prefix('/')) else {
            return Err(entry_error(name, &path, EntryFault::OutsideTop { top: top.clone() }).into());
        };
        place = format!("in {}", shortened(below));
        match listing.take(below, bytes, &mut entry, retain) {
            Ok(()) => {}
            Err(Refusal::Fault(fault)) => return Err(entry_error(name, below, fault).into()),
            Err(Refusal::Io(error)) => return Err(Failure::Io(place, error)),
        }
        place = format!("after {}", shortened(below));
    }
    if extended.is_some() {
        return Err(Failure::Io(place, io::ErrorKind::UnexpectedEof.into()));
    }
    listing.ok_or_else(|| no_bundle("it is an empty archive".to_owned()).into())
}

/// Reads the first entry, which must be the manifest of the folder that its path names.
fn first<R: Read>(name: &str, path: &str, entry: &mut Entry<'_, R>, limits: &Limits) -> Result<Listing, Failure> {
    let top = path.strip_suffix(MANIFEST).and_then(|rest| rest.strip_suffix('/'));
    let is_file = is_file(entry.header().entry_type());
    let Some(top) = top.filter(|top| layout::check_segment(top).is_ok() && is_file) else {
        let why = format!("its first entry is \"{}\", not {MANIFEST} in a folder", shortened(path));
        return Err(ReadError::NoBundle { name: name.to_owned(), why }.into());
    };
    let bytes = entry.size();
    let limit = limits.manifest_bytes;
    if bytes > limit {
        return Err(entry_error(name, MANIFEST, EntryFault::TooLarge { limit }).into());
    }
    let json = whole(entry, bytes).map_err(|error| Failure::Io(format!("in {MANIFEST}"), error))?;
    let listing = Listing::parse(name, &json, limits)?;
    if listing.manifest.name != top {
        let fault = EntryFault::OutsideTop { top: shortened(&listing.manifest.name) };
        return Err(entry_error(name, path, fault).into());
    }
    Ok(listing)
}

/// Returns the path that an extended header gives to the next entry.
fn extended_path(content: &mut impl Read, bytes: u64, place: &str) -> Result<Result<String, EntryFault>, Failure> {
    let records = whole(content, bytes).map_err(|error| Failure::Io(place.to_owned(), error))?;
    let mut path = None;
    for record in PaxExtensions::new(&records) {
        // Other records, such as a size, could make another reader see something else.
        let Ok(record) = record else { return Ok(Err(EntryFault::Header)) };
        if record.key_bytes() != b"path" || path.is_some() {
            return Ok(Err(EntryFault::Header));
        }
        match record.value() {
            Ok(value) => path = Some(value.to_owned()),
            Err(_) => return Ok(Err(EntryFault::NotText)),
        }
    }
    Ok(path.ok_or(EntryFault::Header))
}

/// Reads a content whose size is within a limit.
fn whole(content: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    content.read_to_end(&mut all)?;
    if all.len() as u64 == bytes { Ok(all) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn is_file(kind: EntryType) -> bool {
    kind == EntryType::Regular
}

fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Block | EntryType::Char => "a device",
        EntryType::Directory => "a folder",
        EntryType::Fifo => "a pipe",
        EntryType::GNULongLink | EntryType::GNULongName | EntryType::XGlobalHeader => "a header of another tool",
        EntryType::GNUSparse => "a file with holes",
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symbolic link",
        _ => "of an unknown kind",
    }
}
