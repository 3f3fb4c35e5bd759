//! Bytes from outside → evidence types: bounded in memory, never panicking, fuzzed.
//!
//! Nothing here reads a file or a socket, and nothing judges what was read.

pub mod access_log;
pub mod capture;
pub mod certificate;
pub mod log_window;
pub mod overrides;
pub mod pem;
pub mod private_key;
pub mod tls;
pub mod x509;
pub(crate) mod yaml;
