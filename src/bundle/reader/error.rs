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
        "read the bundle {name}: its format \"{schema}\" was written by a newer version; this version reads {SCHEMA:?}"
    )]
    Newer { name: String, schema: String },
    #[error("read the bundle {name}: its format is \"{schema}\"; this version reads {SCHEMA:?}")]
    OtherSchema { name: String, schema: String },
    #[error("parse {MANIFEST} of the bundle {name}")]
    Manifest { name: String, source: serde_json::Error },
    #[error("read the bundle {name}: it is cut off {place}")]
    CutOff { name: String, place: String },
    #[error("read the bundle {name}: it is damaged {place}")]
    Damaged { name: String, place: String, source: io::Error },
    #[error("read the bundle {name}: {what}")]
    TooMuch { name: String, what: String },
    #[error("accept the bundle {name}: \"{entry}\" {fault}")]
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
            Self::NoBundle { .. } => "give the .tar.gz file that `collect` wrote, or its unpacked folder",
            Self::Evidence(evidence_file::Error::OtherSchema { schema, .. })
                if schema.starts_with("apigee-tls.report/") =>
            {
                "this is a report; give the evidence.json beside it, or the bundle"
            }
            Self::Newer { .. } | Self::Evidence(evidence_file::Error::OtherSchema { .. }) => {
                "use the version of kubectl-apigee-tls that wrote it, or a newer one"
            }
            Self::CutOff { .. } | Self::Damaged { .. } => {
                "the transfer may have been cut off: request the bundle again"
            }
            Self::Entry { fault: EntryFault::Size { .. } | EntryFault::Hash | EntryFault::Missing, .. } => {
                "the bundle was changed after it was written: request it again"
            }
            Self::Entry { .. } | Self::Manifest { .. } | Self::TooMuch { .. } => {
                "kubectl-apigee-tls does not write such bundles: do not trust it"
            }
            Self::NoEvidence { .. } => "read its report.txt instead",
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
    #[error("may not be in a bundle: it is {0}, and only regular files are allowed")]
    Kind(&'static str),
    #[error("may not be in a bundle: its header holds more than the name")]
    Header,
    #[error("is not in the folder \"{top}\"")]
    OutsideTop { top: String },
    #[error("is not listed in the manifest")]
    Unlisted,
    #[error("is listed in the manifest but missing")]
    Missing,
    #[error("has {found} bytes, but {expected} in the manifest")]
    Size { expected: u64, found: u64 },
    #[error("does not match the manifest: its SHA-256 differs")]
    Hash,
    #[error("is larger than {limit} bytes")]
    TooLarge { limit: u64 },
}
