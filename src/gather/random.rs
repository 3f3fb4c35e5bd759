//! Random bytes, for what nobody may guess.

use std::io;

/// A key.
///
/// # Errors
/// The system has no random bytes: a key that is not random would be none.
pub fn key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    openssl::rand::rand_priv_bytes(&mut key).map_err(io::Error::other)?;
    Ok(key)
}
