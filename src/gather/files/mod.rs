//! Reads the files that the user gives: overrides, the certificates they name, and access logs.

pub mod local_certificates;
pub mod log_file;
pub mod overrides;
