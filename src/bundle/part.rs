//! Part files: the temporary file beside the target that becomes a bundle, a list of pseudonyms or an
//! evidence file, and the clean-up of those left by killed runs.
//!
//! A part is locked as long as its run lives; the system releases the lock however the run ends. A part whose
//! lock is free is therefore stale, and the next run in that folder removes it. A process that must exit at
//! once removes its own ([`crate::bundle::abandon`]).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::layout::EXTENSION;
use super::unfinished::named;

/// Maximum number of attempts to create a part: another run may remove one as stale before it is locked.
const MAX_TRIES: u32 = 1000;

/// Maximum number appended to a name that is taken.
const MAX_NUMBER: u32 = 99;

const PREFIX: &str = ".apigee-tls-";
const SUFFIX: &str = ".part";
/// Number of random letters and digits between the two.
const RANDOM: usize = 12;

/// A file that is removed unless it is published.
#[derive(Debug)]
pub(super) struct Part {
    temporary: NamedTempFile,
    /// Declared after `temporary`, because fields are dropped in order: first the file is removed, then its
    /// entry.
    listed: Listed,
}

/// The entry of a part in the list of unfinished files ([`crate::bundle::abandon`]).
#[derive(Debug)]
struct Listed(PathBuf);

impl Part {
    /// Creates a part in `folder`, readable by its owner only.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        remove_stale_parts(folder);
        for _ in 0..MAX_TRIES {
            let mut named = named();
            let temporary = Builder::new().prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM).tempfile_in(folder)?;
            let listed = Listed(temporary.path().to_owned());
            named.push(listed.0.clone());
            drop(named);
            let part = Self { temporary, listed };
            // On a file system without locks no other run can take this part for stale either.
            let _ = part.file().lock();
            // Another run may have removed it as stale before it was locked.
            if is_at(part.file(), part.temporary.path()) {
                return Ok(part);
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Creates a file without a name in `folder`, which disappears with this process.
    pub(super) fn anonymous(folder: &Path) -> io::Result<File> {
        // Dropping the part removes its name; the handle stays valid. `tempfile::tempfile_in` is not used: on
        // systems without anonymous files, a killed run would leave one that no later run recognises as
        // stale.
        let part = Self::create(folder)?;
        part.file().try_clone()
    }

    pub(super) fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Publishes the part at `target`, or with a number if that file exists, and returns its path. Never
    /// replaces a file.
    pub(super) fn publish(self, target: &Path) -> io::Result<PathBuf> {
        let Self { mut temporary, listed } = self;
        temporary.as_file().sync_all()?;
        // Locked so that a process that must exit cannot do so between the two names.
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
                    // Dropping the part needs the same lock.
                    drop(named);
                    return Err(error);
                }
            }
        }
        drop(named);
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Publishes the part at `target`, and at no other name.
    pub(super) fn publish_as(self, target: &Path) -> io::Result<()> {
        let Self { temporary, listed } = self;
        temporary.as_file().sync_all()?;
        let persisted = {
            let _named = named();
            persist(temporary, target)
        };
        persisted.map_err(|(_, error)| error.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))?;
        drop(listed);
        sync_folder(target);
        Ok(())
    }

    /// Publishes the part at `target`, in place of the file that is there.
    pub(super) fn replace(self, target: &Path) -> io::Result<()> {
        let Self { temporary, listed } = self;
        temporary.as_file().sync_all()?;
        // Dropping the part after a failure needs the lock again.
        let persisted = {
            let _named = named();
            temporary.persist(target)
        };
        persisted.map(drop).map_err(|failed| failed.error)?;
        drop(listed);
        sync_folder(target);
        Ok(())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        named().retain(|path| *path != self.0);
    }
}

/// Renames the file; if the name is taken, returns the file without an error.
fn persist(temporary: NamedTempFile, path: &Path) -> Result<(), (NamedTempFile, Option<io::Error>)> {
    let Err(failed) = temporary.persist_noclobber(path) else { return Ok(()) };
    if failed.error.kind() == io::ErrorKind::AlreadyExists || fs::symlink_metadata(path).is_ok() {
        return Err((failed.file, None));
    }
    // Some file systems, such as FAT, have neither links nor a rename that never replaces.
    failed.file.persist(path).map(drop).map_err(|failed| (failed.file, Some(failed.error)))
}

/// Returns the folder of a file that is to be written.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Removes parts of dead runs. Parts that cannot be inspected or removed are left: this run does not depend
/// on it.
fn remove_stale_parts(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_part = entry.file_name().to_str().is_some_and(is_part_name);
        if !is_part || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // Network file systems lock only files that are open for writing.
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

/// Returns whether `path` names this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |known: fs::Metadata| (known.dev(), known.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(own), Ok(there)) => identity(own) == identity(there),
        _ => false,
    }
}

/// Returns whether `path` exists. Names of parts are random, so it is this file or none.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Synchronises the folder, so that the name survives a power failure. The bundle is complete in any case, so
/// a failure is ignored.
fn sync_folder(path: &Path) {
    #[cfg(unix)]
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    #[cfg(not(unix))]
    let _ = path;
}

/// Returns `x.tar.gz`, then `x-2.tar.gz`.
fn numbered(target: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return target.to_owned();
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let (stem, extension) = match name.strip_suffix(EXTENSION) {
        Some(stem) => (stem, EXTENSION),
        // A leading dot does not begin an extension.
        None => name.rfind('.').filter(|at| *at > 0).map_or((&*name, ""), |at| name.split_at(at)),
    };
    target.with_file_name(format!("{stem}-{number}{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_only_its_own_parts() {
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
    fn numbers_names_before_the_extension() {
        let name = |name: &str| numbered(Path::new(name), 2).to_string_lossy().into_owned();
        assert_eq!(name("a/x.y.tar.gz"), "a/x.y-2.tar.gz");
        assert_eq!(name("x.tgz"), "x-2.tgz");
        assert_eq!(name("x"), "x-2");
        assert_eq!(name(".x"), ".x-2");
    }

    #[test]
    fn removes_stale_parts_and_keeps_locked_ones() {
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
    fn never_replaces_an_existing_file() {
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
    fn replaces_the_file_at_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("evidence.json");
        fs::write(&target, "of an earlier run").unwrap();
        Part::create(folder.path()).unwrap().replace(&target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "");
        assert!(Part::create(folder.path()).unwrap().replace(folder.path()).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!named().iter().any(|path| path.starts_with(folder.path())));
    }

    #[test]
    #[cfg(unix)]
    fn creates_parts_readable_by_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let part = Part::create(folder.path()).unwrap();
        assert_eq!(part.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
