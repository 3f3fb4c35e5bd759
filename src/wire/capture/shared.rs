//! What all connections of a capture share.

use super::chains::Chains;
use crate::wire::tls::KeyLog;

/// Certificate lists that are known, and the secrets of handshakes.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) chains: Chains,
    pub(super) keys: KeyLog,
}
