//! Retains packets of connections whose outcome is not known yet, so that those of failing handshakes can be
//! written.
//!
//! Bounded in total and per connection. Only packets up to the end of the handshake are retained, never
//! application data.

use super::packets::Packet;
use crate::evidence::capture::PacketPlace;

/// Maximum number of bytes that are retained of one connection, and of all.
const MAX_OF_CONNECTION: usize = 128 << 10;
const MAX_BYTES: usize = 4 << 20;
/// Memory of a packet besides its bytes.
const OVERHEAD: usize = 64;

/// A retained packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptPacket {
    pub place: PacketPlace,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// Type of the link layer.
    pub link: u16,
    pub data: Box<[u8]>,
    /// Number of bytes on the wire.
    pub wire: usize,
}

/// The total of the retained packets.
#[derive(Debug, Default)]
pub(super) struct Kept {
    is_on: bool,
    bytes: usize,
}

impl Kept {
    pub(super) fn new(is_on: bool) -> Self {
        Self { is_on, bytes: 0 }
    }

    /// Adds a packet to those of its connection. Returns false if there is no room for it.
    pub(super) fn add(&mut self, kept: &mut Vec<KeptPacket>, packet: &Packet<'_>, place: PacketPlace) -> bool {
        let (true, Some(link)) = (self.is_on, packet.link) else { return true };
        let cost = cost(packet.data.len());
        let of_connection: usize = kept.iter().map(|packet| self::cost(packet.data.len())).sum();
        if of_connection + cost > MAX_OF_CONNECTION || self.bytes + cost > MAX_BYTES {
            return false;
        }
        self.bytes += cost;
        let Packet { time, data, wire, .. } = *packet;
        kept.push(KeptPacket { place, time, link, data: data.into(), wire });
        true
    }

    /// Drops the packets of a connection.
    pub(super) fn forget(&mut self, kept: &mut Vec<KeptPacket>) {
        drop(self.take(kept));
    }

    /// Returns the packets of a connection; they no longer count.
    pub(super) fn take(&mut self, kept: &mut Vec<KeptPacket>) -> Vec<KeptPacket> {
        self.bytes -= kept.iter().map(|packet| cost(packet.data.len())).sum::<usize>();
        std::mem::take(kept)
    }
}

fn cost(bytes: usize) -> usize {
    bytes + OVERHEAD
}
