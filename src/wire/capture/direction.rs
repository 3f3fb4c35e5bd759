//! One direction of a connection with the state of its stream, and the side that sent a segment.

use super::layers::Segment;
use super::preface::{self, Start};
use super::stream::Stream;
use crate::evidence::capture::Preface;
use crate::evidence::handshake::NotTls;
use crate::wire::tls::passive::{Passive, begins_client_hello, begins_record};

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pub(super) stream: Stream,
    pub(super) tls: Passive,
    pub(super) packets: u64,
    pub(super) syns: u64,
    /// Bytes of data on the wire, retransmissions included.
    pub(super) bytes: u64,
    /// Bytes of its segments were not captured: a snap length cut them.
    pub(super) is_cut: bool,
    /// The first bytes, until they are classified.
    pub(super) head: Vec<u8>,
    pub(super) head_start: u32,
}

/// The state of the client's stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ClientState {
    Start,
    /// A protocol that may switch to TLS at a later segment.
    MayTurn {
        kind: Preface,
        passed: usize,
    },
    Tls,
    /// A ClientHello in SSL 2.0's framing is being read; records follow.
    Ssl2,
    NotTls,
    /// Bytes are missing before it could be classified.
    Lost,
}

/// The state of the server's stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ServerState {
    /// Before TLS begins.
    Before,
    /// The first bytes of the response are too few to classify it.
    Opening,
    Tls,
    NotTls,
    /// The beginning of the response is missing.
    Lost,
}

impl Direction {
    /// Only SYNs were seen.
    pub(super) fn packets_are_syn_only(&self) -> bool {
        self.syns == self.packets
    }
}

/// Returns whether a segment is the client's, if known: by SYN, or by the first bytes of its data.
pub(super) fn is_from_client(segment: &Segment<'_>) -> Option<bool> {
    if segment.syn {
        return Some(segment.acknowledged.is_none());
    }
    if begins_client_hello(segment.data) {
        return Some(true);
    }
    match *segment.data {
        [22, 3, 0..=4, _, _, 2, 0, ..] if begins_record(segment.data) => Some(false),
        _ if !segment.data.is_empty() => match preface::start(segment.data) {
            Start::Preface { .. } | Start::MayTurn(_) | Start::NotTls(NotTls::Http | NotTls::Http2)
                if !segment.data.starts_with(b"HTTP/") && !segment.data.starts_with(b"<") =>
            {
                Some(true)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Returns the sequence number behind the data of a segment.
pub(super) fn end_of(segment: &Segment<'_>) -> u32 {
    data_sequence(segment).wrapping_add(u32::try_from(segment.length).unwrap_or(u32::MAX))
}

/// Returns the sequence number of the first byte of data; a SYN occupies one itself.
pub(super) fn data_sequence(segment: &Segment<'_>) -> u32 {
    segment.sequence.wrapping_add(u32::from(segment.syn))
}
