//! Reassembles IP datagrams from fragments. They are rare with TCP, and common where tunnels make packets too
//! long.
//!
//! Bounded: [`MAX_DATAGRAMS`] at a time, each of at most 64 KiB; the oldest is dropped. An incomplete one is
//! a gap, like a lost segment.

use std::collections::VecDeque;
use std::net::IpAddr;

use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};

/// Maximum number of datagrams that are reassembled at the same time.
const MAX_DATAGRAMS: usize = 16;

/// A part of an IP datagram.
pub(super) struct Fragment<'a> {
    pub(super) addresses: (IpAddr, IpAddr),
    pub(super) identification: u32,
    pub(super) number: IpNumber,
    pub(super) offset: IpFragOffset,
    pub(super) more: bool,
    pub(super) data: &'a [u8],
}

/// The key that fragments of one datagram share (RFC 791 §3.2, RFC 8200 §4.5).
type Key = (IpAddr, IpAddr, u32, u8);

/// The incomplete datagrams, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    pending: VecDeque<(Key, IpDefragBuf)>,
}

impl Fragments {
    /// Adds a fragment. If its datagram is complete, puts it into `whole` and returns its protocol.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, whole: &mut Vec<u8>) -> Option<IpNumber> {
        let (source, destination) = fragment.addresses;
        let key = (source, destination, fragment.identification, fragment.number.0);
        let position = self.pending.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            if self.pending.len() >= MAX_DATAGRAMS {
                self.pending.pop_front();
            }
            self.pending.push_back((key, IpDefragBuf::new(fragment.number, Vec::new(), Vec::new())));
            self.pending.len() - 1
        });
        let (_, datagram) = self.pending.get_mut(position)?;
        if datagram.add(fragment.offset, fragment.more, fragment.data).is_err() {
            // Its fragments contradict each other.
            self.pending.remove(position);
            return None;
        }
        if !datagram.is_complete() {
            return None;
        }
        let (_, datagram) = self.pending.remove(position)?;
        let number = datagram.ip_number();
        *whole = datagram.take_bufs().0;
        Some(number)
    }
}
