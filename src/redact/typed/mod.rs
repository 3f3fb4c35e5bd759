//! Redaction where the type is known: objects of Kubernetes, overrides files, evidence.

mod allowlist;
pub(super) mod evidence;
pub(super) mod objects;
pub(super) mod overrides;
