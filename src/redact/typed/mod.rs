//! Redaction by type: Kubernetes objects, overrides files, evidence.

mod allowlist;
pub(super) mod evidence;
pub(super) mod objects;
pub(super) mod overrides;
