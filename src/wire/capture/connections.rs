//! All open TCP connections of a capture, within limits.
//!
//! Connections are distinguished by addresses and ports and, where several have the same ones (a port used
//! again, two tunnels or VLANs), by sequence numbers. A connection is reported some time after its end, when
//! another one replaces it, when there is no room, or when the capture ends.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use foldhash::fast::RandomState;

use super::connection::Connection;
use super::handshake::Moment;
use super::keep::{Kept, KeptPacket};
use super::layers::Segment;
use super::order::later;
use super::outcome::{self, Because};
use super::packets::Packet;
use super::shared::Shared;
use crate::evidence::capture::{Flow, LimitsReached};

/// Maximum number of connections that are followed at the same time.
const MAX_CONNECTIONS: usize = 2048;
/// Number of them that are dropped when there are too many: those idle for the longest time.
const EVICTED: usize = MAX_CONNECTIONS / 8;
/// Maximum number of connections with the same addresses and ports.
const MAX_SAME: usize = 4;
/// Maximum number of bytes of all streams that wait or are not classified yet.
const MAX_BUFFERED: usize = 4 << 20;
/// Time for which a finished connection is kept, in nanoseconds of the capture, so that its last segments do
/// not count as a new one.
const LINGER: i64 = 3_000_000_000;

/// Maximum number of dropped connections that are remembered, so that their data do not start new ones.
const MAX_FORGOTTEN: usize = 16_384;

/// Two sockets, the smaller first: as numbers, which are hashed and compared faster than addresses.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    addresses: [u128; 2],
    /// Both ports, and above them the version of IP.
    ports: u64,
}

/// Takes a flow, and the packets of its handshake if they are kept.
pub type Sink<'a> = dyn FnMut(Flow, Vec<KeptPacket>) + 'a;

/// The connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// Searched for each packet, so that its hash is a fast one. Its seed is random, and its size bounded.
    open: HashMap<Key, Vec<Entry>, RandomState>,
    count: usize,
    /// Finished connections, in the order in which they ended.
    over: VecDeque<(Key, u64, i64)>,
    /// Connections that were dropped before their end.
    forgotten: HashSet<Key>,
    numbers: u64,
    buffered: usize,
    pub(super) shared: Shared,
    kept: Kept,
    pub(super) limits: LimitsReached,
    pub(super) strays: u64,
    /// Connections of which a record was decrypted.
    pub(super) decrypted: u64,
    latest: i64,
}

#[derive(Debug)]
struct Entry {
    connection: Box<Connection>,
    buffered: usize,
    kept: Vec<KeptPacket>,
    is_over: bool,
}

impl Connections {
    /// Creates an empty set. If `keeps` is true, packets are kept until the outcome of their connection is
    /// known.
    pub(super) fn new(keeps: bool) -> Self {
        Self { kept: Kept::new(keeps), ..Self::default() }
    }

    /// Adds a segment of `packet`.
    pub(super) fn segment(&mut self, segment: &Segment<'_>, packet: &Packet<'_>, at: Moment, sink: &mut Sink<'_>) {
        let is_misplaced = at.time < self.latest;
        self.latest = later(self.latest, at.time);
        self.report_over(at.time, sink);
        let key = Key::of(segment);
        // Most segments need one search: they are of the only connection with their addresses and ports.
        let of_only_one = |entries: &&mut Vec<Entry>| !segment.syn && entries.len() == 1;
        let only_one = self.open.get_mut(&key).filter(of_only_one).and_then(|entries| entries.first_mut());
        let entry = if let Some(entry) = only_one {
            entry
        } else {
            let Some(position) = self.position(key, segment, at, sink) else {
                self.strays += 1;
                return;
            };
            let Some(entry) = self.open.get_mut(&key).and_then(|entries| entries.get_mut(position)) else { return };
            entry
        };
        let may_wait = self.buffered < MAX_BUFFERED;
        let connection = &mut entry.connection;
        if is_misplaced && !connection.is_new() && connection.has(segment, at) {
            return;
        }
        connection.is_misplaced |= is_misplaced;
        let was_settled = connection.is_settled;
        if !connection.segment(segment, at, may_wait, &mut self.shared) {
            self.limits.segments_dropped += 1;
        }
        if !was_settled {
            if connection.is_settled && !connection.is_undecided() {
                self.kept.forget(&mut entry.kept);
            } else if !self.kept.add(&mut entry.kept, packet, at.place) {
                self.limits.packets_not_written += 1;
            }
            if self.buffered > MAX_BUFFERED {
                connection.handshake.stop_decrypting();
            }
            let buffered = connection.buffered();
            self.buffered = self.buffered - entry.buffered + buffered;
            entry.buffered = buffered;
        }
        if connection.end.is_some() && !entry.is_over {
            entry.is_over = true;
            self.over.push_back((key, connection.number, at.time));
        }
    }

    /// Returns the place of the connection of a segment among those of the key, which may be a new one.
    fn position(&mut self, key: Key, segment: &Segment<'_>, at: Moment, sink: &mut Sink<'_>) -> Option<usize> {
        let known = match self.open.get(&key) {
            Some(entries) if segment.syn && segment.acknowledged.is_none() => {
                entries.iter().position(|entry| entry.connection.began_with(segment))
            }
            Some(entries) if entries.len() > 1 => (0..entries.len()).min_by_key(|&position| {
                entries.get(position).map_or(u32::MAX, |entry| entry.connection.distance(segment))
            }),
            Some(_) => Some(0),
            None => None,
        };
        match known {
            None if self.may_begin(&key, segment) => Some(self.begin(key, segment, at, sink)),
            known => known,
        }
    }

    /// Reports all remaining connections, in the order in which they began.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) {
        let mut left: Vec<Entry> = self.open.drain().flat_map(|(_, entries)| entries).collect();
        left.sort_by_key(|entry| entry.connection.number);
        self.count = 0;
        self.over.clear();
        for entry in left {
            let because = if entry.is_over { Because::Over } else { Because::CaptureEnds(self.latest) };
            self.report(entry, because, sink);
        }
        self.limits.chains_not_described = self.shared.chains.not_described;
    }

    /// Returns whether a segment is of a connection that was not followed yet, and not one of those that were
    /// dropped.
    fn may_begin(&self, key: &Key, segment: &Segment<'_>) -> bool {
        let opens = segment.syn && segment.acknowledged.is_none();
        opens || (segment.syn || segment.length > 0) && !self.forgotten.contains(key)
    }

    /// Adds a connection and returns its place among those of the key.
    fn begin(&mut self, key: Key, segment: &Segment<'_>, at: Moment, sink: &mut Sink<'_>) -> usize {
        if self.count >= MAX_CONNECTIONS {
            self.evict(sink);
        }
        // A SYN after the end of the previous connection starts another one.
        let replaced = self.open.get_mut(&key).and_then(|entries| {
            let over = entries.iter().position(|entry| entry.is_over);
            over.or((entries.len() >= MAX_SAME).then_some(0)).map(|position| entries.remove(position))
        });
        if let Some(entry) = replaced {
            self.count -= 1;
            self.report(entry, Because::Over, sink);
        }
        self.forgotten.remove(&key);
        self.numbers += 1;
        self.count += 1;
        let connection = Box::new(Connection::new(self.numbers, segment, at));
        let entries = self.open.entry(key).or_default();
        entries.push(Entry { connection, buffered: 0, kept: Vec::new(), is_over: false });
        entries.len() - 1
    }

    /// Reports connections that ended some time before `now`, in nanoseconds of the capture.
    pub(super) fn report_over(&mut self, now: i64, sink: &mut Sink<'_>) {
        while let Some(&(key, number, ended)) = self.over.front()
            && now.saturating_sub(ended) > LINGER
        {
            self.over.pop_front();
            self.remove(key, number, Because::Over, sink);
        }
    }

    fn evict(&mut self, sink: &mut Sink<'_>) {
        let entries = self.open.iter().flat_map(|(key, entries)| entries.iter().map(move |entry| (key, entry)));
        // Finished ones are dropped first.
        let mut quiet: Vec<(bool, i64, u64, Key)> = entries
            .map(|(key, entry)| (!entry.is_over, entry.connection.last.time, entry.connection.number, *key))
            .collect();
        let last = EVICTED.min(quiet.len().saturating_sub(1));
        quiet.select_nth_unstable(last);
        quiet.truncate(EVICTED);
        quiet.sort_unstable_by_key(|(_, _, number, _)| *number);
        for (is_open, _, number, key) in quiet {
            let because = if is_open { Because::Evicted } else { Because::Over };
            self.remove(key, number, because, sink);
        }
        let open = &self.open;
        self.over.retain(|(key, number, _)| {
            open.get(key).is_some_and(|entries| entries.iter().any(|entry| entry.connection.number == *number))
        });
    }

    fn remove(&mut self, key: Key, number: u64, because: Because, sink: &mut Sink<'_>) {
        let Some(entries) = self.open.get_mut(&key) else { return };
        let Some(position) = entries.iter().position(|entry| entry.connection.number == number) else { return };
        let entry = entries.remove(position);
        if entries.is_empty() {
            self.open.remove(&key);
        }
        self.count -= 1;
        if because == Because::Evicted && self.forgotten.len() < MAX_FORGOTTEN {
            self.forgotten.insert(key);
        }
        self.report(entry, because, sink);
    }

    fn report(&mut self, mut entry: Entry, because: Because, sink: &mut Sink<'_>) {
        self.buffered -= entry.buffered;
        entry.connection.finish(&mut self.shared);
        let kept = self.kept.take(&mut entry.kept);
        self.decrypted += u64::from(entry.connection.handshake.is_decrypted);
        let flow = outcome::flow(&mut entry.connection, because);
        // A connection with a finished handshake loses only its end.
        self.limits.flows_evicted += u64::from(because == Because::Evicted && !flow.outcome.is_complete());
        sink(flow, kept);
    }
}

/// Whole numbers, since the hash of an array begins with its length.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [one, other] = self.addresses;
        state.write_u128(one);
        state.write_u128(other);
        state.write_u64(self.ports);
    }
}

impl Key {
    fn of(segment: &Segment<'_>) -> Self {
        let (one, other) = (socket(segment.source), socket(segment.destination));
        let [(low, low_port), (high, high_port)] = if one <= other { [one, other] } else { [other, one] };
        let version = u64::from(segment.source.is_ipv6());
        Self { addresses: [low, high], ports: version << 32 | u64::from(low_port) << 16 | u64::from(high_port) }
    }
}

fn socket(address: SocketAddr) -> (u128, u16) {
    let number = match address.ip() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    (number, address.port())
}
