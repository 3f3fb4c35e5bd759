//! Packet captures: files of any form → packets → TCP connections → what their TLS handshakes say in clear.
//!
//! ```text
//! bytes ─ record ─ packets ─ layers ─ connections ─┬ stream ─ preface ─ tls::passive ─ handshake ─┐
//!                            (fragments)           └──────────── outcome ◄────────────────────────┘─ Flow
//! ```
//!
//! Memory is bounded by named constants of each file, whatever a capture holds; what finds no room is
//! counted. Handshakes of TLS 1.3 are decrypted where a key log holds their secrets. Files are opened
//! elsewhere, and what a [`Flow`](crate::evidence::capture::Flow) means is judged elsewhere.

mod acknowledged;
mod beside;
mod chains;
mod connection;
mod connections;
mod decryption;
mod direction;
mod few;
mod fragments;
mod handshake;
mod hidden;
mod hops;
mod keep;
mod layers;
mod order;
mod outcome;
mod packets;
mod plain;
mod preface;
mod record;
mod secrets;
mod shared;
mod stream;
mod writer;

use std::collections::BTreeMap;
use std::io;

use self::beside::Beside;
use self::connections::Connections;
use self::handshake::Moment;
use self::layers::{Content, Layers, Unread};
use crate::evidence::capture::{LimitsReached, PacketPlace, Traffic};
use crate::wire::tls::KeyLog;

pub use self::connections::Sink;
pub use self::keep::KeptPacket;
pub use self::order::OrderedReader;
pub use self::packets::{Packet, PacketReader, Progress};
pub use self::record::{Break, MAGIC_BYTES, RecordKind, RecordReader, Step, fuzz_capture, is_capture};
pub use self::stream::fuzz_stream;
pub use self::writer::CaptureWriter;

/// Maximum number of reasons for which packets are not read that are counted apart.
const MAX_REASONS: usize = 64;

/// Follows the connections of a capture, packet by packet.
#[derive(Debug, Default)]
pub struct Analysis {
    layers: Layers,
    connections: Connections,
    beside: Beside,
    traffic: Traffic,
    unread: BTreeMap<Unread, u64>,
}

/// What is left to say when all packets have been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rest {
    pub traffic: Traffic,
    /// Packets that were not read, by the reason.
    pub unread: BTreeMap<String, u64>,
    pub limits: LimitsReached,
    /// Connections of which a record was decrypted.
    pub decrypted: u64,
}

impl Analysis {
    /// An analysis that hands on the packets of handshakes with their flows, if `keeps` is true.
    #[must_use]
    pub fn new(keeps: bool) -> Self {
        Self { connections: Connections::new(keeps), ..Self::default() }
    }

    /// Returns the secrets with which encrypted handshakes are read. They must be there before the packets.
    pub fn keys(&mut self) -> &mut KeyLog {
        &mut self.connections.shared.keys
    }

    /// Reads a packet. Flows that it ends are passed to `sink`.
    pub fn packet(&mut self, packet: &Packet<'_>, place: PacketPlace, sink: &mut Sink<'_>) {
        self.traffic.packets += 1;
        self.traffic.cut_packets += u64::from(packet.data.len() < packet.wire);
        match self.layers.content(packet) {
            Content::Tcp(segment) => {
                self.traffic.tcp_segments += 1;
                let at = Moment { place, time: packet.time };
                self.connections.segment(&segment, packet, at, sink);
            }
            Content::Udp { source, destination, data } => {
                self.traffic.udp_datagrams += 1;
                self.beside.datagram(source, destination, data);
            }
            Content::Fragment => self.traffic.fragments += 1,
            Content::Beside => {}
            Content::Unread(why) => {
                if self.unread.len() < MAX_REASONS || self.unread.contains_key(&why) {
                    *self.unread.entry(why).or_default() += 1;
                } else {
                    *self.unread.entry(Unread::Malformed).or_default() += 1;
                }
            }
        }
    }

    /// Reads at most so many packets of a file, of which the first has been read. Returns what the reader has
    /// after the last of them.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn packets(
        &mut self,
        reader: &mut OrderedReader<'_>,
        file: u32,
        most: u64,
        sink: &mut Sink<'_>,
    ) -> io::Result<Progress> {
        for _ in 0..most {
            self.keys().append(reader.keys());
            let place = PacketPlace { file, number: reader.number() };
            if let Some(packet) = reader.packet() {
                self.packet(&packet, place, sink);
            }
            match reader.next_packet() {
                Ok(Progress::Packet) => {}
                end => return end,
            }
        }
        Ok(Progress::Packet)
    }

    /// Passes flows that ended some time before `now` to `sink`: while a capture is recorded, the next packet
    /// can take long. `now` is in nanoseconds of the capture.
    pub fn until(&mut self, now: i64, sink: &mut Sink<'_>) {
        self.connections.report_over(now, sink);
    }

    /// Reports the remaining flows, and returns the other counts.
    pub fn finish(mut self, sink: &mut Sink<'_>) -> Rest {
        self.connections.finish(sink);
        let traffic = Traffic {
            stray_segments: self.connections.strays,
            quic_flows: self.beside.quic(),
            dtls_flows: self.beside.dtls(),
            ..self.traffic
        };
        let unread = self.unread.iter().map(|(why, count)| (why.to_string(), *count)).collect();
        Rest { traffic, unread, limits: self.connections.limits, decrypted: self.connections.decrypted }
    }
}

/// Fuzz entry point: reads any bytes as a capture to its end, without judging it.
///
/// # Panics
/// If a packet is not counted, or two flows have the same number.
pub fn fuzz_analysis(data: &[u8]) {
    let mut reader = PacketReader::new(data, 1 << 12);
    let mut analysis = Analysis::new(true);
    let mut numbers = Vec::new();
    let sink: &mut Sink<'_> = &mut |flow, _| {
        assert!(!numbers.contains(&flow.number), "each connection is reported once");
        numbers.push(flow.number);
        let shown = (flow.outcome.to_string(), serde_json::to_string(&flow));
        assert!(shown.1.is_ok() && !shown.0.is_empty());
    };
    while let Ok(Progress::Packet) = reader.next_packet() {
        let place = PacketPlace { file: 0, number: reader.packets() };
        if let Some(packet) = reader.packet() {
            analysis.packet(&packet, place, sink);
        }
    }
    let rest = analysis.finish(sink);
    assert_eq!(rest.traffic.packets, reader.packets());
}

/// Fuzz entry point: the link type in two bytes, then one packet.
///
/// # Panics
/// If more bytes of a segment are captured than were sent.
pub fn fuzz_layers(data: &[u8]) {
    let Some((link, data)) = data.split_first_chunk::<2>() else { return };
    let packet = Packet {
        time: 0,
        link: Some(u16::from_be_bytes(*link)),
        interface: 0,
        data,
        wire: data.len() + data.len() % 3,
    };
    let mut layers = Layers::default();
    if let Some(segment) = plain::segment(&packet) {
        assert!(matches!(layers.peel(&packet), Content::Tcp(peeled) if peeled == segment), "two readers agree");
    }
    for _ in 0..2 {
        if let Content::Tcp(segment) = layers.peel(&packet) {
            assert!(segment.length >= segment.data.len(), "more bytes captured than sent");
        }
    }
}

#[cfg(test)]
mod tests;
