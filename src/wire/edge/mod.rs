//! Files and answers of Apigee Edge: properties, nginx configuration, logs, proxies, keystores, and the
//! JSON of the Management API.
//!
//! Everything is bounded and may be hostile. No file is opened here, and nothing that a document names is
//! fetched.

pub mod answers;
pub mod ciphers;
mod described;
mod fields;
mod key_derivation;
pub mod keystore_file;
pub mod mp_log;
mod mp_log_record;
pub mod nginx;
pub mod properties;
pub mod proxy;
mod unique;

use super::encoding;

/// Maximum number of bytes of a properties or nginx file.
pub const MAX_SETTINGS: usize = 4 << 20;

/// Returns a text file as UTF-8: in UTF-16, or with a byte order mark, no key of it would be found.
#[must_use]
pub fn text(bytes: &[u8]) -> Vec<u8> {
    encoding::decoded(bytes)
}

/// Fuzzing entry: reads any bytes as every kind of file and answer of Edge.
pub fn fuzz_edge(bytes: &[u8]) {
    answers::fuzz_answers(bytes);
    keystore_file::fuzz_keystore_file(bytes);
    mp_log::fuzz_mp_log(bytes);
    nginx::fuzz_nginx(bytes);
    properties::fuzz_properties(bytes);
    proxy::fuzz_proxy(bytes);
}
