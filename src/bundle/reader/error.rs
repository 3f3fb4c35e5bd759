//! Errors of reading a bundle. Names inside it are untrusted, so errors show them shortened and without
//! control characters.

use std::io;

use crate::bundle::evidence_file;
use crate::bundle::layout::{MANIFEST, PathFault};
use crate::bundle::manifest::SCHEMA;

/// Why a bundle could not be read. Texts read after "could not ".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("read the bundle {name}")]
    Unreadable { name: String, source: io::Error },
    #[error("read {name} as a bundle: {why}")]
    NoBundle { name: String, why: String },
    #[error(
        "read the bundle {name}: its format {schema:?} was written by a newer version, and this one reads {SCHEMA:?}"
    )]
    Newer { name: String, schema: String },
    #[error("read the bundle {name}: its format is {schema:?}, and this version reads {SCHEMA:?}")]
    OtherSchema { name: String, schema: String },
    #[error("understand {MANIFEST} of the bundle {name}")]
    Manifest { name: String, source: serde_json::Error },
    #[error("read the bundle {name}: it is cut off {place}")]
    CutOff { name: String, place: String },
    #[error("read the bundle {name}: it is damaged {place}")]
    Damaged { name: String, place: String, source: io::Error },
    #[error("read the bundle {name}: {what}")]
    TooMuch { name: String, what: String },
    #[error("trust the bundle {name}: {entry:?} {fault}")]
    Entry { name: String, entry: String, fault: EntryFault },
    #[error("find the evidence in the bundle {name}")]
    NoEvidence { name: String },
    #[error(transparent)]
    Evidence(#[from] evidence_file::Error),
}

impl ReadError {
    /// Returns what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoBundle { .. } => {
                "a bundle is the .tar.gz file that `collect` wrote, or the folder that it unpacks to"
            }
            Self::Evidence(evidence_file::Error::OtherSchema { schema, .. })
                if schema.starts_with("apigee-tls.report/") =>
            {
                "that is a report; give the evidence.json that stands beside it, or the bundle"
            }
            Self::Newer { .. } | Self::Evidence(evidence_file::Error::OtherSchema { .. }) => {
                "use the version of the tool that wrote it, or a newer one"
            }
            Self::CutOff { .. } | Self::Damaged { .. } => "it may have been cut off on its way: ask for it again",
            Self::Entry { fault: EntryFault::Size { .. } | EntryFault::Hash | EntryFault::Missing, .. } => {
                "it was changed after it was written: ask for it again"
            }
            Self::Entry { .. } | Self::Manifest { .. } | Self::TooMuch { .. } => {
                "this tool does not write such a bundle; be careful with it"
            }
            Self::NoEvidence { .. } => "its report.txt is still there to be read",
            Self::Evidence(_) | Self::OtherSchema { .. } | Self::Unreadable { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// What is wrong with one entry. Texts read after its name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EntryFault {
    #[error("may not be in a bundle: {0}")]
    Path(#[from] PathFault),
    #[error("may not be in a bundle: its name is not UTF-8")]
    NotText,
    #[error("may not be in a bundle: it is {0}, and only files may be there")]
    Kind(&'static str),
    #[error("may not be in a bundle: its header says more than the name")]
    Header,
    #[error("is not in the folder {top:?}")]
    OutsideTop { top: String },
    #[error("is not listed in the manifest")]
    Unlisted,
    #[error("is listed in the manifest and is not there")]
    Missing,
    #[error("has {found} bytes, and the manifest says {expected}")]
    Size { expected: u64, found: u64 },
    #[error("is not what the manifest says: its SHA-256 differs")]
    Hash,
    #[error("is larger than {limit} bytes")]
    TooLarge { limit: u64 },
}
