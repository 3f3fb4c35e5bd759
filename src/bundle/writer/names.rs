//! The list of pseudonyms: what each pseudonym of a bundle means. It is written beside the bundle, for
//! the person who made it.
//!
//! It is prepared before the bundle, and published after it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};

use crate::bundle::layout::EXTENSION;
use crate::bundle::part::{Part, folder_of};
use crate::redact::Names;
use crate::text::write_json;

const SCHEMA: &str = "apigee-tls.names/v1";
const ABOUT: &str = "List of the pseudonyms in this bundle. Keep this file, and do not send it to support.";
/// Ending that replaces the extension of the bundle.
const ENDING: &str = ".names.json";
/// Maximum number of bytes read.
const MAX_BYTES: u64 = 256 << 20;

/// Why a list of pseudonyms could not be read or written. Texts read after "could not ".
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    #[error("write the list of pseudonyms {}: the file already exists", path.display())]
    Exists { path: PathBuf },
    #[error("write the list of pseudonyms {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("read the list of pseudonyms {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("parse the list of pseudonyms {}: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
}

impl NamesError {
    /// Returns what the user can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "give --redact-map the name of a new file",
            Self::Unwritable { .. } => "give --redact-map a file in a folder that you may write to",
            Self::Unreadable { .. } | Self::Malformed { .. } => {
                "expected the .names.json that an earlier `collect --redact` wrote"
            }
        }
    }
}

/// A list of pseudonyms that is being written.
#[derive(Debug)]
pub struct NamesFile {
    part: Part,
    /// Path given with `--redact-map`; `None` for a file beside the bundle.
    target: Option<PathBuf>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NamesDocument {
    schema: String,
    about: String,
    bundle: String,
    key: String,
    /// Whether there were more pseudonyms than are listed.
    incomplete: bool,
    names: BTreeMap<String, String>,
}

impl NamesFile {
    /// Begins a new file at `target`.
    ///
    /// # Errors
    /// The file exists, or its folder cannot be written.
    pub fn at(target: &Path) -> Result<Self, NamesError> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(NamesError::Exists { path: target.to_owned() });
        }
        let mut file = Self::within(folder_of(target), target)?;
        file.target = Some(target.to_owned());
        Ok(file)
    }

    /// Begins a file that will be published beside a bundle in this folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn beside_a_bundle_in(folder: &Path) -> Result<Self, NamesError> {
        Self::within(folder, folder)
    }

    fn within(folder: &Path, place: &Path) -> Result<Self, NamesError> {
        let unwritable = |source| NamesError::Unwritable { path: place.to_owned(), source };
        Ok(Self { part: Part::create(folder).map_err(unwritable)?, target: None })
    }

    /// Writes the names under the temporary name.
    ///
    /// # Errors
    /// The file cannot be written, for example for want of space.
    pub fn fill(&self, bundle: &str, names: Names) -> Result<(), NamesError> {
        let content = NamesDocument {
            schema: SCHEMA.to_owned(),
            about: ABOUT.to_owned(),
            bundle: bundle.to_owned(),
            key: HEXLOWER.encode(&names.key),
            incomplete: names.incomplete,
            names: names.originals,
        };
        let mut file = io::BufWriter::new(self.part.file());
        let written = write_json(&content, &mut file).map_err(io::Error::from);
        written.and_then(|()| file.write_all(b"\n")).and_then(|()| file.flush()).map_err(|source| {
            let path = self.target.clone().unwrap_or_else(|| bundle.to_owned().into());
            NamesError::Unwritable { path, source }
        })
    }

    /// Publishes the file, now that its bundle has a name, and returns its path.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn publish(self, bundle: Option<&Path>) -> Result<PathBuf, NamesError> {
        let path = self.target.or_else(|| bundle.map(beside)).unwrap_or_else(|| ENDING.into());
        self.part.publish(&path).map_err(|source| NamesError::Unwritable { path, source })
    }
}

/// Reads the names of an earlier run.
///
/// # Errors
/// The file cannot be read, or was not written by [`NamesFile`].
pub fn read_names(path: &Path) -> Result<Names, NamesError> {
    let unreadable = |source| NamesError::Unreadable { path: path.to_owned(), source };
    let malformed = |why: String| NamesError::Malformed { path: path.to_owned(), why };
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(malformed(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let content: NamesDocument = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    if content.schema != SCHEMA {
        return Err(malformed(format!("its schema is {:?}; this version reads {SCHEMA:?}", content.schema)));
    }
    let key = key(&content.key).ok_or_else(|| malformed("its key is not 64 hexadecimal digits".into()))?;
    Ok(Names { key, originals: content.names, incomplete: content.incomplete })
}

/// Decodes the key; hexadecimal digits may have either case.
fn key(text: &str) -> Option<[u8; 32]> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Returns `x.names.json` for `x.tar.gz`.
fn beside(bundle: &Path) -> PathBuf {
    let name = bundle.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(EXTENSION).or_else(|| name.strip_suffix(".tgz")).unwrap_or(&name);
    bundle.with_file_name(format!("{stem}{ENDING}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names { key: [0xa7; 32], originals: [("h.example".to_owned(), "com".to_owned())].into(), incomplete: true }
    }

    #[test]
    fn reads_back_names_published_beside_their_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("x.tar.gz");
        let file = NamesFile::beside_a_bundle_in(folder.path()).unwrap();
        file.fill("x", names()).unwrap();
        let path = file.publish(Some(&bundle)).unwrap();
        assert_eq!(path, folder.path().join("x.names.json"));
        assert!(read_names(&path).unwrap() == names());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // An existing file is never replaced.
        assert!(matches!(NamesFile::at(&path), Err(NamesError::Exists { .. })));
        let other = NamesFile::beside_a_bundle_in(folder.path()).unwrap();
        other.fill("x", Names::new([0; 32])).unwrap();
        assert_eq!(other.publish(Some(&bundle)).unwrap(), folder.path().join("x.names-2.json"));
        assert!(read_names(&path).unwrap() == names());
    }

    #[test]
    fn leaves_nothing_without_a_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let file = NamesFile::at(&folder.path().join("names.json")).unwrap();
        file.fill("x", names()).unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn rejects_files_that_are_no_list_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.json");
        assert!(matches!(read_names(&path), Err(NamesError::Unreadable { .. })));
        let file = NamesFile::at(&path).unwrap();
        file.fill("x", names()).unwrap();
        file.publish(None).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        for (from, to, why) in [
            ("a7a7", "a7a", "its key is not 64 hexadecimal digits"),
            ("a7a7", "a7-a", "its key is not 64 hexadecimal digits"),
            ("names/v1", "names/v2", "its schema is"),
            ("\"about\"", "\"aboot\"", "unknown field"),
        ] {
            fs::write(&path, good.replacen(from, to, 1)).unwrap();
            let why_not = read_names(&path).err().unwrap().to_string();
            assert!(why_not.contains(why), "{why_not}");
        }
    }
}
