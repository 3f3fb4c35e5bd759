//! The file beside the target that becomes the bundle, and what is left of runs that were killed.
//!
//! A part is locked as long as its run lives; the system lets go of the lock whatever ends the run. So a part whose lock
//! is free is nobody's, and the next run in that folder removes it. A process that is to end at once removes its own.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::bundle::unfinished::named;

/// Parts that this process makes before it gives up: another run took each for litter before it was locked.
const MAX_TRIES: u32 = 1000;

/// Neighbours of a name that is taken.
const MAX_NUMBER: u32 = 99;

const PREFIX: &str = ".apigee-tls-";
const SUFFIX: &str = ".part";
/// Random letters and digits between the two.
const RANDOM: usize = 12;

/// A file that is removed unless it is published.
#[derive(Debug)]
pub(super) struct Part {
    temporary: NamedTempFile,
    /// Behind it, because fields are dropped in their order: first the file goes, then its entry in the list.
    listed: Listed,
}

/// The entry of a part among the files that a process removes that is to end at once.
#[derive(Debug)]
struct Listed(PathBuf);

impl Part {
    /// A new part in `folder`, readable by its owner only.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        clear_litter(folder);
        for _ in 0..MAX_TRIES {
            let mut named = named();
            let temporary = Builder::new().prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM).tempfile_in(folder)?;
            let listed = Listed(temporary.path().to_owned());
            named.push(listed.0.clone());
            drop(named);
            let part = Self { temporary, listed };
            // Where a file system has no locks nobody can take this one for litter either.
            let _ = part.file().lock();
            // Another run may have taken it for litter before it was locked.
            if is_at(part.file(), part.temporary.path()) {
                return Ok(part);
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// A file without a name in `folder`, which ends with this process.
    pub(super) fn anonymous(folder: &Path) -> io::Result<File> {
        // Dropping the part removes its name; the handle lives on. Where a system cannot make files without a name, as
        // `tempfile::tempfile_in` does, a run that is killed would leave one that no later run knows for litter.
        let part = Self::create(folder)?;
        part.file().try_clone()
    }

    pub(super) fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Gives the part its name, but never that of a file that exists: then it gets a number. Returns its path.
    pub(super) fn publish(self, target: &Path) -> io::Result<PathBuf> {
        let Self { mut temporary, listed } = self;
        temporary.as_file().sync_all()?;
        // Held so that a process that is to end now does not end between the two names.
        let named = named();
        for number in 1..=MAX_NUMBER {
            let path = numbered(target, number);
            match persist(temporary, &path) {
                Ok(()) => {
                    drop(named);
                    drop(listed);
                    sync_folder(&path);
                    return Ok(path);
                }
                Err((back, None)) => temporary = back,
                Err((_, Some(error))) => {
                    // The entry is taken out under the same lock.
                    drop(named);
                    return Err(error);
                }
            }
        }
        drop(named);
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        named().retain(|path| *path != self.0);
    }
}

/// Gives the file its name; where that is taken, gives it back without an error.
fn persist(temporary: NamedTempFile, path: &Path) -> Result<(), (NamedTempFile, Option<io::Error>)> {
    let Err(failed) = temporary.persist_noclobber(path) else { return Ok(()) };
    if failed.error.kind() == io::ErrorKind::AlreadyExists || fs::symlink_metadata(path).is_ok() {
        return Err((failed.file, None));
    }
    // Some file systems, such as FAT, have neither links nor a rename that never replaces.
    failed.file.persist(path).map(drop).map_err(|failed| (failed.file, Some(failed.error)))
}

/// The folder of a file that is to be written.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Removes parts of runs that are gone. What cannot be looked at or removed is left: this run does not depend on it.
fn clear_litter(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_part = entry.file_name().to_str().is_some_and(is_part_name);
        if !is_part || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // A network file system locks only what is open for writing.
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        match file.try_lock() {
            Ok(()) => {
                let _ = fs::remove_file(&path);
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

fn is_part_name(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The file has that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |known: fs::Metadata| (known.dev(), known.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(own), Ok(there)) => identity(own) == identity(there),
        _ => false,
    }
}

/// Names of parts are random, so that it is this file or none.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The name survives a power cut only when the folder is written too. The bundle is there in any case, so that a folder
/// that cannot be synchronised is no error.
fn sync_folder(path: &Path) {
    #[cfg(unix)]
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    #[cfg(not(unix))]
    let _ = path;
}

/// `x.tar.gz`, then `x-2.tar.gz`.
fn numbered(target: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return target.to_owned();
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let (stem, extension) = match name.strip_suffix(super::EXTENSION) {
        Some(stem) => (stem, super::EXTENSION),
        // A name that begins with a dot has no extension there.
        None => name.rfind('.').filter(|at| *at > 0).map_or((&*name, ""), |at| name.split_at(at)),
    };
    target.with_file_name(format!("{stem}-{number}{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_parts_are_litter() {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::create(folder.path()).unwrap();
        assert!(is_part_name(part.listed.0.file_name().unwrap().to_str().unwrap()), "{part:?}");
        for name in [
            ".apigee-tls-.part",
            ".apigee-tls-notes.part",
            ".apigee-tls-of-2026-11-2.part",
            "apigee-tls-0123456789ab.part",
            ".part",
        ] {
            assert!(!is_part_name(name), "{name}");
        }
    }

    #[test]
    fn neighbours_keep_their_extension() {
        let name = |name: &str| numbered(Path::new(name), 2).to_string_lossy().into_owned();
        assert_eq!(name("a/x.y.tar.gz"), "a/x.y-2.tar.gz");
        assert_eq!(name("x.tgz"), "x-2.tgz");
        assert_eq!(name("x"), "x-2");
        assert_eq!(name(".x"), ".x-2");
    }

    #[test]
    fn litter_is_cleared_and_living_parts_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let living = Part::create(folder.path()).unwrap();
        fs::write(folder.path().join(".apigee-tls-0123456789aZ.part"), "left by a run that was killed").unwrap();
        fs::write(folder.path().join("own.part"), "the user's").unwrap();
        let other = Part::create(folder.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        let mut expected = vec![living.listed.0.clone(), other.listed.0.clone(), folder.path().join("own.part")];
        expected.sort();
        assert_eq!(names, expected);
        drop((living, other));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_exists_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.tar.gz");
        fs::write(&target, "somebody's").unwrap();
        let path = Part::create(folder.path()).unwrap().publish(&target).unwrap();
        assert_eq!(path, folder.path().join("x-2.tar.gz"));
        assert_eq!(fs::read_to_string(&target).unwrap(), "somebody's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(!named().iter().any(|path| path.starts_with(folder.path())), "a part that is published is listed");
    }

    #[test]
    #[cfg(unix)]
    fn a_part_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let part = Part::create(folder.path()).unwrap();
        assert_eq!(part.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
