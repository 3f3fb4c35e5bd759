//! Parsers of untrusted bytes into evidence: bounded in memory, fuzzed, and they never panic.
//!
//! Nothing here opens a file or a socket, and nothing judges the result.

pub mod access_log;
pub mod capture;
pub mod certificate;
pub mod edge;
mod encoding;
mod loadable;
pub mod log_store;
pub mod log_window;
pub mod overrides;
pub mod pem;
pub mod private_key;
pub mod tls;
pub mod x509;
pub mod yaml;

pub use self::encoding::BYTE_ORDER_MARK;
