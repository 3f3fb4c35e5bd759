//! Sorts the packets of a capture by time, within a window: queues of a network card and merged interfaces
//! write them slightly out of order, and the side that ends a connection first decides which side refused it.
//!
//! A packet that is farther away from its place is handed on where it is, and counted. Packets are not
//! copied: those that wait are retained in the buffer of the file's reader.

use std::collections::VecDeque;
use std::io;

use super::packets::{Packet, PacketReader, Progress};
use crate::wire::tls::KeyLog;

/// Maximum number of packets that wait for earlier ones.
const MAX_HELD: usize = 256;
/// Difference in nanoseconds from which on a time is no place: the clock was set, or the time is wrong. Such
/// packets stay in the order of the file.
const CLOCK_STEP: i64 = 60_000_000_000;

/// Reads a capture packet by packet, in the order of time.
pub struct OrderedReader<'a> {
    reader: PacketReader<'a>,
    /// The earliest first; of equal times, the first in the file.
    held: VecDeque<Held>,
    /// The packets that are held are in the order of the file.
    is_in_order: bool,
    /// Bytes of the packets that are held, and their maximum.
    bytes: usize,
    most: usize,
    current: Option<Held>,
    /// How the capture ended.
    end: Option<io::Result<Progress>>,
    /// Number of steps of the clock so far, and the time of the packet that was read last.
    steps: u64,
    last: i64,
    /// The latest time that was handed on since the last step.
    latest: i64,
    /// The earliest and the latest time that were handed on.
    times: Option<(i64, i64)>,
    misplaced: u64,
}

/// Returns the later of two times, or the second if the clock was set back.
pub(super) fn later(latest: i64, time: i64) -> i64 {
    if latest.saturating_sub(time) > CLOCK_STEP { time } else { latest.max(time) }
}

/// A packet in the buffer of the reader.
#[derive(Clone, Copy, Debug)]
struct Held {
    steps: u64,
    time: i64,
    /// Its number in the file.
    number: u64,
    position: u64,
    length: usize,
    link: Option<u16>,
    interface: u32,
    wire: usize,
}

impl Held {
    fn place(&self) -> (u64, i64, u64) {
        (self.steps, self.time, self.number)
    }
}

impl<'a> OrderedReader<'a> {
    /// A reader that holds at most `most` bytes of packets, and one packet more: with 0 each packet is handed
    /// on when it comes.
    #[must_use]
    pub fn new(reader: PacketReader<'a>, most: usize) -> Self {
        Self {
            reader,
            held: VecDeque::new(),
            is_in_order: true,
            bytes: 0,
            most,
            current: None,
            end: None,
            steps: 0,
            last: 0,
            latest: i64::MIN,
            times: None,
            misplaced: 0,
        }
    }

    /// Reads up to the next packet. Damage is reported when the packets before it have been handed on.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next_packet(&mut self) -> io::Result<Progress> {
        self.current = None;
        while self.end.is_none() && self.held.len() < MAX_HELD && self.bytes <= self.most {
            self.reader.retain_from(self.first_position());
            match self.reader.next_packet() {
                Ok(Progress::Packet) => self.hold(),
                end => self.end = Some(end),
            }
        }
        let Some(next) = self.held.pop_front() else { return self.end.take().unwrap_or(Ok(Progress::End)) };
        self.bytes -= next.length;
        self.is_in_order |= self.held.is_empty();
        self.misplaced += u64::from(next.time < self.latest);
        self.latest = later(self.latest, next.time);
        // Simple packets have no time: 0 means unknown.
        if next.time != 0 {
            let (first, last) = self.times.unwrap_or((next.time, next.time));
            self.times = Some((first.min(next.time), last.max(next.time)));
        }
        self.current = Some(next);
        Ok(Progress::Packet)
    }

    fn hold(&mut self) {
        let Some(packet) = self.reader.packet() else { return };
        let Packet { time, link, interface, data, wire } = packet;
        let length = data.len();
        self.bytes += length;
        self.steps += u64::from(time.abs_diff(self.last) > CLOCK_STEP.unsigned_abs());
        self.last = time;
        let (number, position) = (self.reader.packets(), self.reader.position());
        let held = Held { steps: self.steps, time, number, position, length, link, interface, wire };
        if self.held.back().is_none_or(|last| last.place() < held.place()) {
            return self.held.push_back(held);
        }
        self.is_in_order = false;
        let place = self.held.partition_point(|other| other.place() < held.place());
        self.held.insert(place, held);
    }

    /// Returns the position of the first packet in the buffer that is held.
    fn first_position(&self) -> Option<u64> {
        if self.is_in_order {
            return self.held.front().map(|held| held.position);
        }
        self.held.iter().map(|held| held.position).min()
    }

    /// The packet that was handed on last.
    #[must_use]
    pub fn packet(&self) -> Option<Packet<'_>> {
        let Held { time, link, interface, wire, position, length, .. } = *self.current.as_ref()?;
        Some(Packet { time, link, interface, data: self.reader.bytes(position, length), wire })
    }

    /// Its number in the file.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.current.as_ref().map_or(0, |held| held.number)
    }

    /// The earliest and the latest time of the packets that were handed on, in nanoseconds since 1970.
    #[must_use]
    pub fn times(&self) -> Option<(i64, i64)> {
        self.times
    }

    /// Number of packets that were handed on behind a later one.
    #[must_use]
    pub fn misplaced(&self) -> u64 {
        self.misplaced
    }

    /// Secrets of handshakes that were read since they were taken from here.
    pub fn keys(&mut self) -> &mut KeyLog {
        self.reader.keys()
    }

    /// The reader of the file.
    #[must_use]
    pub fn file(&self) -> &PacketReader<'a> {
        &self.reader
    }
}
