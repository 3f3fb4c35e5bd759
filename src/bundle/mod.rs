//! Evidence on disk. The support bundle will hold the same value.

pub mod evidence_file;
pub mod redact;
