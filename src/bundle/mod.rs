//! Evidence on disk: an evidence file, or the support bundle that holds the same value beside what support
//! needs.
//!
//! ```text
//! Evidence, Report ─ pages ─┐
//! text, logs, objects ──────┴ redact ─ entries
//! entries ─ EntryWriter (count, hash, compress) ─ spool ─┐
//!                                            manifest ───┴─ part file ─ read back ─ renamed
//! FILE, folder or - ─ BundleReader (limits, paths, sizes, hashes) ─ Evidence
//! ```

pub mod evidence_file;
pub mod layout;
mod limits;
pub mod manifest;
mod new_file;
pub mod objects;
pub mod pages;
mod part;
mod pipe;
mod reader;
pub mod source;
mod unfinished;
pub mod unseen;
mod writer;

pub use self::layout::BundleName;
pub use self::new_file::{NewFile, publish};
pub use self::reader::{BundleReader, EntryFault, ReadError, fuzz_bundle};
pub use self::unfinished::abandon;
pub use self::writer::{
    BundleWriter, Destination, EntryWriter, Head, NamesError, NamesFile, WriteError, Written, read_names,
};
