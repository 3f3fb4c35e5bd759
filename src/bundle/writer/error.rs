//! Errors of writing a bundle.

use std::io;
use std::path::PathBuf;

use crate::bundle::layout::PathFault;
use crate::bundle::reader::ReadError;

/// Why a bundle could not be written. Texts read after "could not ".
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("write the bundle {}: that file exists, and nothing is replaced", path.display())]
    Exists { path: PathBuf },
    #[error("write the bundle to a terminal, which shows no archive")]
    Terminal,
    #[error("write the bundle {place}")]
    Unwritable { place: String, source: io::Error },
    #[error("put {path:?} into the bundle: {fault}")]
    Path { path: String, fault: PathFault },
    #[error("put {path} into the bundle")]
    Entry { path: String, source: io::Error },
    #[error("put {path} into the bundle: {why}")]
    Refused { path: String, why: String },
    #[error("write the manifest of the bundle")]
    Manifest { source: serde_json::Error },
    #[error("write the bundle {place}: what was written does not read back")]
    Unverified { place: String, source: Option<Box<ReadError>> },
}

impl WriteError {
    /// Returns what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Exists { .. } => "give another name, or a folder: the bundle's own name has the time in it",
            Self::Unwritable { source, .. } | Self::Entry { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space or name another folder; while it is made, a bundle takes twice its size"
                }
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "name a place in a folder that exists",
                io::ErrorKind::TimedOut => "start what reads the pipe first",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "name a folder that you may write to"
                }
                _ => return None,
            },
            Self::Terminal => "give --to a file or a folder, or send the output on: --to - | ssh …",
            Self::Unverified { .. } => "try another disk; if it happens again, report it with this text",
            Self::Path { .. } | Self::Refused { .. } | Self::Manifest { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
