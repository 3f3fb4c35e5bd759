//! One TCP connection: the client, both streams, the bytes before TLS, and the side that ended it.
//!
//! The first byte of the server's TLS is at the acknowledgement number of the ClientHello. This holds for
//! captures that began without the SYN, for several SYN/ACKs with different numbers, and after every preface.
//! `client` and `server` read the streams; here is what both share, and what the capture lacks of them.

mod client;
mod server;

use super::acknowledged::{Acknowledged, covers};
use super::direction::{ClientState, Direction, ServerState, end_of, is_from_client};
use super::few::Few;
use super::handshake::{Ends, Handshake, Moment};
use super::hops::Hops;
use super::layers::Segment;
use super::shared::Shared;
use super::stream::Piece;
use crate::evidence::capture::{End, Ending, HelloState, Missing, Preface, Tunnel};
use crate::evidence::handshake::{NotTls, Party};
use crate::wire::tls::passive::Passive;

/// Maximum number of SYN/ACKs with different sequence numbers that are kept.
const MAX_BASES: usize = 4;
/// Number of bytes in both directions after which no handshake message is expected any more.
const MAX_HANDSHAKE: u64 = 1 << 20;

/// A connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Connection {
    pub(super) number: u64,
    pub(super) ends: Ends,
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) tunnel: Option<Tunnel>,
    pub(super) has_syn: bool,
    pub(super) has_syn_ack: bool,
    client_isn: Option<u32>,
    bases: Few<u32, MAX_BASES>,
    /// The packets show which side is the client; it is not a guess.
    is_certain: bool,
    pub(super) client: Direction,
    pub(super) server: Direction,
    /// The start of the server's TLS.
    server_start: Option<u32>,
    /// The client acknowledged bytes of the server's TLS, whether or not the capture holds them.
    has_received: bool,
    /// The server acknowledged data of the client, none of which the capture holds.
    lacks_request: bool,
    client_state: ClientState,
    server_state: ServerState,
    pub(super) handshake: Handshake,
    pub(super) preface: Option<Preface>,
    pub(super) speaks: Option<NotTls>,
    pub(super) sample: Option<String>,
    pub(super) end: Option<End>,
    pub(super) acknowledged: Acknowledged,
    pub(super) missing: Missing,
    pub(super) hops: Hops,
    /// A segment came behind later ones of the capture, so that the order of events is not known.
    pub(super) is_misplaced: bool,
    /// The streams are no longer read.
    pub(super) is_settled: bool,
}

impl Connection {
    /// Creates a connection that begins with `segment`.
    pub(super) fn new(number: u64, segment: &Segment<'_>, at: Moment) -> Self {
        let from_client = is_from_client(segment);
        let (client, server) = if from_client.unwrap_or_else(|| segment.source.port() >= segment.destination.port()) {
            (segment.source, segment.destination)
        } else {
            (segment.destination, segment.source)
        };
        Self {
            number,
            ends: Ends { client, server },
            first: at,
            last: at,
            tunnel: segment.tunnel,
            has_syn: false,
            has_syn_ack: false,
            client_isn: None,
            bases: Few::default(),
            is_certain: from_client.is_some(),
            client: Direction::default(),
            server: Direction::default(),
            server_start: None,
            has_received: false,
            lacks_request: false,
            client_state: ClientState::Start,
            server_state: ServerState::Before,
            handshake: Handshake::default(),
            preface: None,
            speaks: None,
            sample: None,
            end: None,
            acknowledged: Acknowledged::default(),
            missing: Missing::default(),
            hops: Hops::default(),
            is_misplaced: false,
            is_settled: false,
        }
    }

    /// Returns how well a segment fits this connection, among several with the same addresses and ports; 0 is
    /// best.
    pub(super) fn distance(&self, segment: &Segment<'_>) -> u32 {
        let direction = if segment.source == self.ends.client { &self.client } else { &self.server };
        direction.stream.distance(segment.sequence)
    }

    /// Returns whether a SYN is the one that this connection began with, even if its data came first.
    pub(super) fn began_with(&self, segment: &Segment<'_>) -> bool {
        let is_before_data = || self.client.stream.start() == Some(segment.sequence.wrapping_add(1));
        let is_start = self.client_isn.map_or_else(is_before_data, |known| known == segment.sequence);
        is_start && segment.source == self.ends.client
    }

    /// Returns whether it has no segment yet.
    pub(super) fn is_new(&self) -> bool {
        self.client.packets + self.server.packets == 0
    }

    /// Returns whether a segment repeats one of this connection, or holds nothing.
    pub(super) fn has(&self, segment: &Segment<'_>, at: Moment) -> bool {
        let by_client = segment.source == self.ends.client;
        let stream = if by_client { &self.client.stream } else { &self.server.stream };
        let is_known_start = if by_client {
            self.client_isn == Some(segment.sequence)
        } else {
            self.bases.all().contains(&segment.sequence.wrapping_add(1))
        };
        let ends = segment.fin || segment.rst;
        let is_known_end = || self.end.as_ref().is_some_and(|end| end.at == super::handshake::timestamp(at.time));
        let is_passed = || covers(stream.next(), Some(end_of(segment)));
        (!segment.syn || is_known_start) && (!ends || is_known_end()) && (segment.length == 0 || is_passed())
    }

    /// Returns the number of bytes of the streams in memory.
    pub(super) fn buffered(&self) -> usize {
        let of = |one: &Direction| one.stream.buffered() + one.tls.buffered() + one.head.capacity();
        of(&self.client) + of(&self.server) + self.handshake.buffered()
    }

    /// Adds a segment. Returns false if it was dropped because segments may not wait.
    pub(super) fn segment(&mut self, segment: &Segment<'_>, at: Moment, may_wait: bool, shared: &mut Shared) -> bool {
        self.last = at;
        if !self.is_certain
            && let Some(from_client) = is_from_client(segment)
        {
            self.certain(from_client == (segment.source == self.ends.client));
        }
        let by = if segment.source == self.ends.client { Party::Client } else { Party::Server };
        let direction = self.direction(by);
        direction.packets += 1;
        direction.syns += u64::from(segment.syn);
        direction.bytes += segment.length as u64;
        direction.is_cut |= segment.data.len() < segment.length;
        if by == Party::Server {
            self.hops.add(segment, self.end.is_some());
        }
        if segment.rst || segment.fin {
            self.ended(by, segment, at);
        }
        self.handshake.ended_by = self.end.map(|end| end.by);
        if self.is_settled {
            return true;
        }
        if segment.syn {
            self.synchronised(by, segment, at);
        }
        let kept = if by == Party::Client {
            self.client_segment(segment, at, may_wait, shared)
        } else {
            self.handshake.knows_other = self.acknowledged.by_server(segment.acknowledged, segment.rst, at.time);
            self.server_segment(segment, at, may_wait, shared)
        };
        if self.handshake.is_complete() || self.client_state == ClientState::NotTls {
            self.settle();
        } else if self.client.bytes + self.server.bytes > MAX_HANDSHAKE {
            self.finish(shared);
        }
        kept
    }

    /// Reads the segments that still wait, at the end of the connection.
    pub(super) fn finish(&mut self, shared: &mut Shared) {
        if self.is_settled {
            return;
        }
        let at = self.last;
        for by in [Party::Client, Party::Server] {
            let mut stream = std::mem::take(&mut self.direction(by).stream);
            stream.flush(&mut |piece| self.piece(by, piece, at, None, shared));
            self.direction(by).stream = stream;
        }
        if self.client_state == ClientState::Ssl2 {
            self.ssl2(true, at);
        }
        if self.client_state == ClientState::Start && !self.client.head.is_empty() {
            self.decide_client(true, at, None, shared);
        }
        if self.server_state == ServerState::Opening {
            self.decide_server(true, at, shared);
        }
        for by in [Party::Client, Party::Server] {
            let Self { client, server, handshake, .. } = self;
            let direction = if by == Party::Client { client } else { server };
            direction.tls.finish(&mut |event| handshake.event(by, event, at, shared));
        }
        self.settle();
    }

    /// Returns whether the server's response, or its beginning, is missing in the capture.
    pub(super) fn lacks_answer(&self) -> bool {
        self.server_state == ServerState::Lost
            || self.server.packets == 0
            || self.lacks_response()
            || self.handshake.proves_answer()
    }

    /// Returns whether the client received a response of the server of which the capture holds no byte.
    pub(super) fn lacks_response(&self) -> bool {
        self.has_received && self.server.bytes == 0
    }

    /// Returns whether the client's acknowledgements prove that it waited for a response and received none,
    /// although the capture has nothing of the server.
    pub(super) fn lacks_answer_by_client(&self) -> bool {
        self.server.packets == 0
            && self.acknowledged.has_no_answer
            && !self.has_received
            && !self.handshake.proves_answer()
    }

    /// Returns whether the server's acknowledgements prove that it received nothing, although the capture has
    /// nothing of the client.
    pub(super) fn lacks_request_by_server(&self) -> bool {
        self.client.packets == 0 && self.acknowledged.has_no_request
    }

    /// Returns whether the client's first bytes are missing in the capture.
    pub(super) fn lacks_beginning(&self) -> bool {
        self.client_state == ClientState::Lost || self.lacks_request()
    }

    /// Returns whether the capture has nothing of what the client sent to the server.
    pub(super) fn lacks_request(&self) -> bool {
        self.client.packets == 0 || self.lacks_request
    }

    /// Returns whether the server's acknowledgements prove that it never had the whole ClientHello.
    pub(super) fn lacks_hello(&self) -> bool {
        let Some(hello) = &self.handshake.hello else { return false };
        let is_part = match hello.state {
            HelloState::Whole | HelloState::Malformed(_) => false,
            // What a snap length cut off was sent; the rest of the ClientHello was not.
            HelloState::Cut { length, .. }
                if self.missing.of_client == 0 || self.client.stream.passed() < u64::from(length) =>
            {
                true
            }
            HelloState::Cut { .. } => return false,
        };
        self.acknowledged.lacks_hello(is_part, self.hops.foreign_reset.is_none())
    }

    /// Returns the side of which the capture has no packet, although there was one: a capture of one
    /// direction.
    pub(super) fn uncaptured(&self) -> Option<Party> {
        match (self.client.packets, self.server.packets) {
            (0, _) => Some(Party::Client),
            // A SYN may have no response.
            (_, 0) if !self.client.packets_are_syn_only() => Some(Party::Server),
            _ => None,
        }
    }

    /// Returns whether it has a ClientHello, and its handshake has not completed.
    pub(super) fn is_undecided(&self) -> bool {
        self.handshake.hello.is_some() && !self.handshake.is_complete()
    }

    /// Returns what the client or the server sent before TLS, or instead of it, that is not TLS.
    pub(super) fn server_is_not_tls(&self) -> bool {
        self.server_state == ServerState::NotTls
    }

    /// Returns whether the client's bytes are TLS, from any position on.
    pub(super) fn client_is_tls(&self) -> bool {
        matches!(self.client_state, ClientState::Tls | ClientState::Ssl2)
    }

    fn settle(&mut self) {
        self.is_settled = true;
        for direction in [&mut self.client, &mut self.server] {
            direction.stream.clear();
            direction.tls = Passive::default();
            direction.head = Vec::new();
        }
    }

    fn direction(&mut self, by: Party) -> &mut Direction {
        if by == Party::Client { &mut self.client } else { &mut self.server }
    }

    /// Records which side is the client.
    fn certain(&mut self, as_guessed: bool) {
        self.is_certain = true;
        if as_guessed || self.handshake.hello.is_some() {
            return;
        }
        self.ends = Ends { client: self.ends.server, server: self.ends.client };
        std::mem::swap(&mut self.client, &mut self.server);
        self.client_state = ClientState::Start;
        self.server_state = ServerState::Before;
        self.client.tls = Passive::default();
        self.server.tls = Passive::default();
        (self.speaks, self.sample) = (None, None);
        self.acknowledged = Acknowledged::default();
        self.handshake = Handshake::default();
        if let Some(end) = &mut self.end {
            end.by = if end.by == Party::Client { Party::Server } else { Party::Client };
        }
    }

    fn synchronised(&mut self, by: Party, segment: &Segment<'_>, at: Moment) {
        let base = segment.sequence.wrapping_add(1);
        if by == Party::Client {
            self.has_syn = true;
            self.client_isn.get_or_insert(segment.sequence);
            self.client.stream.begin(base);
            return;
        }
        self.has_syn_ack = true;
        self.acknowledged.accept(segment.acknowledged, at.time);
        // The SYN itself may come later in the capture.
        if let Some(acknowledged) = segment.acknowledged.filter(|_| self.client.stream.next().is_none()) {
            self.client.stream.begin(acknowledged);
        }
        if !self.bases.all().contains(&base) {
            self.bases.push(base);
        }
        if self.server.stream.next().is_none() {
            self.server.stream.begin(base);
        }
    }

    fn piece(&mut self, by: Party, piece: Piece<'_>, at: Moment, acknowledged: Option<u32>, shared: &mut Shared) {
        match (by, piece) {
            (Party::Client, Piece::Data { sequence, bytes }) => {
                self.client_bytes(sequence, bytes, at, acknowledged, shared);
            }
            (Party::Client, Piece::Gap(missing)) => self.client_gap(missing, at, shared),
            (_, Piece::Data { sequence, bytes }) => self.server_bytes(sequence, bytes, at, shared),
            (_, Piece::Gap(missing)) => self.server_gap(missing, at, shared),
        }
    }

    fn ended(&mut self, by: Party, segment: &Segment<'_>, at: Moment) {
        let how = if segment.rst { Ending::Reset } else { Ending::Fin };
        match &mut self.end {
            None => {
                self.end = Some(End { by, how, packet: at.place, at: super::handshake::timestamp(at.time) });
                let (acknowledged, answer) = (segment.acknowledged, self.server_start);
                match by {
                    Party::Client => self.acknowledged.client_ends(acknowledged, answer, segment.rst, at.time),
                    _ => self.acknowledged.server_ends(acknowledged, segment.rst, at.time),
                }
            }
            Some(end) if end.by == by && end.how == Ending::Fin && how == Ending::Reset => {
                end.how = Ending::FinAndReset;
            }
            Some(_) => {}
        }
    }
}
