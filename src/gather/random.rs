//! Random bytes for values that must be unpredictable.

use std::io;

/// Returns a random key.
///
/// # Errors
/// The system has no random bytes. A predictable key would be useless.
pub fn key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    openssl::rand::rand_priv_bytes(&mut key).map_err(io::Error::other)?;
    Ok(key)
}
