//! Writes a bundle: whole and verified, or not at all.
//!
//! ```text
//! BundleWriter ─ entry ─ EntryWriter ─ finish ─┐
//!              ─ skip ─────────────────────────┤
//!              ─ finish ─ manifest ─ archive in the part ─ read back ─ published
//! ```
//!
//! Several entries may be written at the same time. Memory does not grow with their content: an open entry
//! needs one reused compressor and one piece of the spool (about half a MiB), a finished one its line of the
//! manifest. The writer knows only bytes: content and permission are decided before.

mod archive;
mod entry;
mod error;
mod gzip;
mod names;
mod spool;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, mem};

use super::layout::{self, BundleName, Paths};
use super::limits::Limits;
use super::manifest::{FileEntry, Manifest, PlannedItem, SCHEMA, Skipped};
use super::part::{self, Part};
use super::{pipe, reader};
use crate::text::json;

use self::gzip::Compressors;
use self::spool::{Piece, Spool};

pub use self::entry::EntryWriter;
pub use self::error::WriteError;
pub use self::names::{NamesError, NamesFile, read_names};

/// Where a bundle is written to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// A new file. A pipe or a device is written to when the bundle is complete.
    File(PathBuf),
    /// A file with the bundle's own name in a folder, which is created if missing.
    Folder(PathBuf),
    /// Standard output, when the bundle is complete.
    Stdout,
}

impl Destination {
    /// Parses `--to`: `-`, a folder (which exists, or ends with `/`), or a file.
    #[must_use]
    pub fn from_argument(text: &str) -> Self {
        let is_folder = text.ends_with('/') || text.ends_with(std::path::MAIN_SEPARATOR) || Path::new(text).is_dir();
        match text {
            "-" => Self::Stdout,
            _ if is_folder => Self::Folder(text.into()),
            _ => Self::File(text.into()),
        }
    }
}

/// The fields of the manifest that the writer does not know itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Head {
    pub case: Option<String>,
    pub note: Option<String>,
    /// Kinds replaced by pseudonyms.
    pub pseudonyms: Vec<String>,
    /// Why the run ended early, if it did.
    pub partial: Option<String>,
    pub plan: Vec<PlannedItem>,
    /// Milliseconds by task.
    pub timings: std::collections::BTreeMap<String, u64>,
}

/// A written bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Path of its file; `None` if it was written to a stream.
    pub path: Option<PathBuf>,
    /// Number of bytes of the archive.
    pub bytes: u64,
    pub manifest: Manifest,
}

/// Writes one bundle. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct BundleWriter {
    shared: Arc<Shared>,
    name: BundleName,
    sink: Sink,
}

/// State shared with the writers of entries.
#[derive(Debug)]
struct Shared {
    spool: Arc<Spool>,
    compressors: Arc<Compressors>,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    files: Vec<(FileEntry, Vec<Piece>)>,
    skipped: Vec<Skipped>,
    paths: Paths,
    unpacked: u64,
    /// Sum over all entries of the bytes beyond the ratio.
    beyond_ratio: u64,
    /// Whether the bundle is complete; entries finished later are rejected.
    complete: bool,
}

/// Where the archive is assembled, and where it is published.
#[derive(Debug)]
enum Sink {
    File { part: Part, target: PathBuf },
    Stream { file: File, target: Option<PathBuf> },
}

impl BundleWriter {
    /// Begins a bundle, so that an unusable destination fails before anything is gathered.
    ///
    /// # Errors
    /// The file exists, its folder cannot be written, or the destination is a terminal.
    pub fn create(destination: &Destination, name: &BundleName) -> Result<Self, WriteError> {
        Self::within(destination, name, Limits::STANDARD)
    }

    fn within(destination: &Destination, name: &BundleName, limits: Limits) -> Result<Self, WriteError> {
        if *destination == Destination::Stdout && io::stdout().is_terminal() {
            return Err(WriteError::Terminal);
        }
        if let Destination::Folder(folder) = destination {
            fs::create_dir_all(folder)
                .map_err(|source| WriteError::Unwritable { place: folder.display().to_string(), source })?;
        }
        let target = match destination {
            Destination::Stdout => None,
            Destination::File(path) => Some(path.clone()),
            Destination::Folder(folder) => Some(folder.join(name.file_name())),
        };
        let is_stream = target
            .as_ref()
            .is_none_or(|path| fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir()));
        let (spool, sink) = if is_stream {
            let folder = env::temp_dir();
            let unwritable = |source| WriteError::Unwritable { place: folder.display().to_string(), source };
            let spool = Part::anonymous(&folder).map_err(unwritable)?;
            let file = Part::anonymous(&folder).map_err(unwritable)?;
            (spool, Sink::Stream { file, target })
        } else {
            let target = target.unwrap_or_default();
            // Bundles of the same second get a number; a name given by the user is not changed.
            if matches!(destination, Destination::File(_)) && fs::symlink_metadata(&target).is_ok() {
                return Err(WriteError::Exists { path: target });
            }
            let unwritable = |source| WriteError::Unwritable { place: target.display().to_string(), source };
            let folder = part::folder_of(&target);
            // Beside the target, where bundles have room; the temporary folder may be in memory.
            let spool = Part::anonymous(folder).map_err(unwritable)?;
            let part = Part::create(folder).map_err(unwritable)?;
            (spool, Sink::File { part, target })
        };
        let state = State {
            files: Vec::new(),
            skipped: Vec::new(),
            paths: Paths::with_manifest(),
            unpacked: 0,
            beyond_ratio: 0,
            complete: false,
        };
        let shared = Shared {
            spool: Arc::new(Spool::new(spool)),
            compressors: Arc::default(),
            limits,
            state: Mutex::new(state),
        };
        Ok(Self { shared: Arc::new(shared), name: name.clone(), sink })
    }

    /// Returns the folder of the bundle; `None` if it is written to a stream.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.sink {
            Sink::File { target, .. } => Some(part::folder_of(target)),
            Sink::Stream { .. } => None,
        }
    }

    /// Begins an entry at a path below the top-level folder.
    ///
    /// `origin` and `why` are its texts in the manifest. The entry is in the bundle once finished; dropping
    /// it leaves none.
    #[must_use]
    pub fn entry(&self, path: &str, origin: &str, why: &str) -> EntryWriter {
        EntryWriter::new(Arc::clone(&self.shared), path, origin, why)
    }

    /// Writes a whole entry. `redactions` counts its replacements by rule.
    ///
    /// # Errors
    /// Why the entry is not in the bundle.
    pub fn write(
        &self,
        path: &str,
        origin: &str,
        why: &str,
        bytes: &[u8],
        redactions: BTreeMap<String, u64>,
    ) -> Result<(), String> {
        let mut entry = self.entry(path, origin, why);
        entry.write_all(bytes).map_err(|error| error.to_string())?;
        entry.finish(redactions, None).map_err(|error| error.to_string())
    }

    /// Lists an item that is missing.
    pub fn skip(&self, skipped: Skipped) {
        self.shared.state().skipped.push(skipped);
    }

    /// Returns the items listed as missing so far, in the order of the manifest.
    #[must_use]
    pub fn skipped(&self) -> Vec<Skipped> {
        in_order(self.shared.state().skipped.clone())
    }

    /// Assembles the archive, reads it back and publishes it. Entries that are still open are left out.
    ///
    /// # Errors
    /// The archive cannot be written or does not read back. Nothing is left behind then.
    pub fn finish(self, head: Head) -> Result<Written, WriteError> {
        let Self { shared, name, sink } = self;
        let (mut files, skipped) = {
            let mut state = shared.state();
            state.complete = true;
            (mem::take(&mut state.files), mem::take(&mut state.skipped))
        };
        files.sort_by(|(one, _), (other, _)| layout::order(&one.path).cmp(&layout::order(&other.path)));
        let (files, pieces): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let manifest = manifest(&name, head, files, in_order(skipped));
        let place = sink.place();
        let unwritable = |source| WriteError::Unwritable { place: place.clone(), source };
        let json = json(&manifest).map_err(|source| WriteError::Manifest { source })?;
        if json.len() as u64 > shared.limits.manifest_bytes {
            let why = format!("it would be larger than {} bytes", shared.limits.manifest_bytes);
            return Err(WriteError::Refused { path: layout::MANIFEST.to_owned(), why });
        }
        let bytes = assemble(sink.file(), &shared, &manifest, &json, &pieces).map_err(unwritable)?;
        drop(json);
        verify(sink.file(), &manifest, &shared.limits)
            .map_err(|source| WriteError::Unverified { place: place.clone(), source })?;
        let path = sink.publish().map_err(unwritable)?;
        Ok(Written { path, bytes, manifest })
    }
}

fn in_order(mut skipped: Vec<Skipped>) -> Vec<Skipped> {
    skipped.sort();
    // Equal entries are listed once.
    skipped.dedup();
    skipped
}

impl Shared {
    /// No invariant spans several operations under this lock, so poisoning is harmless.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    fn file(&self) -> &File {
        match self {
            Self::File { part, .. } => part.file(),
            Self::Stream { file, .. } => file,
        }
    }

    /// Returns the destination as errors name it.
    fn place(&self) -> String {
        match self {
            Self::File { target, .. } | Self::Stream { target: Some(target), .. } => target.display().to_string(),
            Self::Stream { target: None, .. } => "to standard output".to_owned(),
        }
    }

    fn publish(self) -> io::Result<Option<PathBuf>> {
        match self {
            Self::File { part, target } => part.publish(&target).map(Some),
            Self::Stream { mut file, target } => {
                file.seek(SeekFrom::Start(0))?;
                if let Some(target) = target {
                    let mut stream = pipe::open(&target)?;
                    io::copy(&mut file, &mut stream)?;
                    stream.flush()?;
                } else {
                    let mut stream = io::stdout().lock();
                    io::copy(&mut file, &mut stream)?;
                    stream.flush()?;
                }
                Ok(None)
            }
        }
    }
}

fn manifest(name: &BundleName, head: Head, files: Vec<FileEntry>, skipped: Vec<Skipped>) -> Manifest {
    Manifest {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        name: name.as_str().to_owned(),
        collected_at: name.collected_at(),
        case: head.case,
        note: head.note,
        pseudonyms: head.pseudonyms,
        context: name.context().map(str::to_owned),
        namespace: name.namespace().to_owned(),
        partial: head.partial,
        plan: head.plan,
        files,
        skipped,
        timings: head.timings,
    }
}

/// Writes the archive and returns its size.
fn assemble(
    mut file: &File,
    shared: &Shared,
    manifest: &Manifest,
    json: &[u8],
    contents: &[Vec<Piece>],
) -> io::Result<u64> {
    // Tar has no time before 1970.
    let seconds = u64::try_from(manifest.collected_at.as_second()).unwrap_or_default();
    let Shared { compressors, spool, .. } = shared;
    let header = |path: &str, bytes| archive::header(compressors, &manifest.name, path, bytes, seconds);
    file.write_all(&header(layout::MANIFEST, json.len() as u64)?)?;
    file.write_all(&archive::content(compressors, json)?)?;
    for (entry, pieces) in manifest.files.iter().zip(contents) {
        file.write_all(&header(&entry.path, entry.bytes)?)?;
        spool.copy_to(pieces, file)?;
    }
    file.write_all(&archive::end(compressors)?)?;
    file.stream_position()
}

/// Reads the archive back and compares its manifest.
fn verify(mut file: &File, manifest: &Manifest, limits: &Limits) -> Result<(), Option<Box<reader::ReadError>>> {
    let found = file
        .seek(SeekFrom::Start(0))
        .map_err(|source| reader::ReadError::Unreadable { name: manifest.name.clone(), source })
        .and_then(|_| reader::verified(&manifest.name, file, limits))
        .map_err(|error| Some(Box::new(error)))?;
    if found == *manifest { Ok(()) } else { Err(None) }
}

#[cfg(test)]
mod tests;
