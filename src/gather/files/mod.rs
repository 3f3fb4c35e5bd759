//! Reads the files that the user gives: overrides and the certificates they name, manifests, captures, and
//! access logs.

pub mod captures;
pub mod file_kind;
pub mod key_log;
pub mod local_certificates;
pub mod log_file;
pub mod manifests;
pub mod overrides;
pub(in crate::gather) mod packed;
pub(in crate::gather) mod read_ahead;
mod sequential;

use std::fs::File;
use std::io::{self, Read};

/// Opens a file that the user names, or standard input for `-`.
///
/// # Errors
/// The file cannot be opened.
pub fn open(name: &str) -> io::Result<Box<dyn Read>> {
    Ok(if name == "-" { Box::new(io::stdin()) } else { Box::new(File::open(name)?) })
}
