//! Errors of writing a bundle.

use std::io;
use std::path::PathBuf;

use crate::bundle::layout::PathFault;
use crate::bundle::reader::ReadError;

/// Why a bundle could not be written. Texts read after "could not ".
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("write the bundle {}: the file already exists", path.display())]
    Exists { path: PathBuf },
    #[error("write the bundle to a terminal")]
    Terminal,
    #[error("write the bundle {place}")]
    Unwritable { place: String, source: io::Error },
    #[error("add {path:?} to the bundle: {fault}")]
    Path { path: String, fault: PathFault },
    #[error("add {path} to the bundle")]
    Entry { path: String, source: io::Error },
    #[error("add {path} to the bundle: {why}")]
    Refused { path: String, why: String },
    #[error("write the manifest of the bundle")]
    Manifest { source: serde_json::Error },
    #[error("verify the bundle {place}: it does not read back as written")]
    Unverified { place: String, source: Option<Box<ReadError>> },
}

impl WriteError {
    /// Returns what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Exists { .. } => "give another file name, or a folder: the bundle's own name contains the time",
            Self::Unwritable { source, .. } | Self::Entry { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space or choose another folder; writing a bundle needs twice its size"
                }
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "choose an existing folder",
                io::ErrorKind::TimedOut => "start the reader of the pipe first",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "choose a folder that you may write to"
                }
                _ => return None,
            },
            Self::Terminal => "give --to a file or a folder, or pipe the output: --to - | ssh …",
            Self::Unverified { .. } => "try another disk; if it happens again, report this error",
            Self::Path { .. } | Self::Refused { .. } | Self::Manifest { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
