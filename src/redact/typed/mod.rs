//! Redaction by type: Kubernetes objects, overrides files, answers of the Management API, settings of hosts,
//! evidence.

mod allowlist;
pub(super) mod answers;
pub(super) mod evidence;
pub(super) mod objects;
pub(super) mod overrides;
pub(super) mod settings;
