//! Counts QUIC and DTLS by addresses and ports. Neither is a TLS connection over TCP, and
//! QUIC's own ClientHello cannot be read without deriving keys.

use std::collections::HashSet;
use std::net::SocketAddr;

/// Maximum number of flows of each kind that are distinguished.
const MAX_FLOWS: usize = 4096;

/// The long headers of QUIC: versions 1 and 2, and drafts (RFC 9000 §17.2, RFC 9369).
const QUIC_VERSIONS: [[u8; 4]; 2] = [[0, 0, 0, 1], [0x6B, 0x33, 0x43, 0xCF]];

/// The flows beside TCP.
#[derive(Debug, Default)]
pub(super) struct Beside {
    quic: HashSet<(SocketAddr, SocketAddr)>,
    dtls: HashSet<(SocketAddr, SocketAddr)>,
}

impl Beside {
    /// Counts a datagram of UDP.
    pub(super) fn datagram(&mut self, source: SocketAddr, destination: SocketAddr, data: &[u8]) {
        let flows = match *data {
            [0xC0..=0xFF, a, b, c, d, ..] if QUIC_VERSIONS.contains(&[a, b, c, d]) || [a, b, c] == [0xFF, 0, 0] => {
                &mut self.quic
            }
            // Handshake, DTLS 1.0 to 1.2, the first epoch.
            [22, 0xFE, 0xFD | 0xFF, 0, 0, ..] if data.len() > 13 => &mut self.dtls,
            _ => return,
        };
        if flows.len() < MAX_FLOWS {
            flows.insert(if source <= destination { (source, destination) } else { (destination, source) });
        }
    }

    /// Number of QUIC connections.
    pub(super) fn quic(&self) -> u64 {
        self.quic.len() as u64
    }

    /// Number of DTLS associations.
    pub(super) fn dtls(&self) -> u64 {
        self.dtls.len() as u64
    }
}
