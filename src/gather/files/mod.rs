//! Reads the files that the user gives: overrides, the certificates they name, captures, and access logs.

pub mod captures;
pub mod local_certificates;
pub mod log_file;
pub mod overrides;
