//! Reads the files that the user gives: overrides and the certificates they name, manifests, captures, and
//! access logs.

pub mod captures;
pub mod key_log;
pub mod local_certificates;
pub mod log_file;
pub mod manifests;
pub mod overrides;
mod packed;
mod sequential;
