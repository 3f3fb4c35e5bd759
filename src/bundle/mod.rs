//! Evidence on disk, and the redaction of what will stand beside it in the support bundle.

pub mod evidence_file;
pub mod redact;
