//! One TCP connection: the client, both streams, the bytes before TLS, and the side that ended it.
//!
//! The first byte of the server's TLS is at the acknowledgement number of the ClientHello. This holds for
//! captures that began without the SYN, for several SYN/ACKs with different numbers, and after every preface.

use super::acknowledged::{Acknowledged, covers};
use super::direction::{ClientState, Direction, ServerState, data_sequence, end_of, is_from_client};
use super::handshake::{Ends, Handshake, Moment};
use super::hops::Hops;
use super::layers::Segment;
use super::preface::{self, MAX_HEAD, Start};
use super::shared::Shared;
use super::stream::Piece;
use crate::evidence::capture::{End, Ending, Missing, Preface, Tunnel};
use crate::evidence::handshake::{NotTls, Party};
use crate::wire::tls::not_tls::{self, MAX_HEAD_BYTES, Opening};
use crate::wire::tls::passive::{Passive, begins_client_hello, begins_record};

/// Maximum number of SYN/ACKs with different sequence numbers that are kept.
const MAX_BASES: usize = 4;
/// Number of preface bytes after which no ClientHello is expected any more.
const MAX_PREFACE: usize = 64 << 10;

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
    bases: Vec<u32>,
    /// The packets show which side is the client; it is not a guess.
    is_certain: bool,
    pub(super) client: Direction,
    pub(super) server: Direction,
    /// The start of the server's TLS.
    server_start: Option<u32>,
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
            bases: Vec::new(),
            is_certain: from_client.is_some(),
            client: Direction::default(),
            server: Direction::default(),
            server_start: None,
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
            self.bases.contains(&segment.sequence.wrapping_add(1))
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
            self.synchronised(by, segment);
        }
        let kept = if by == Party::Client {
            self.client_segment(segment, at, may_wait, shared)
        } else {
            self.handshake.knows_other = self.acknowledged.by_server(segment.acknowledged);
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
        self.server_state == ServerState::Lost || self.server.packets == 0 || self.handshake.proves_answer()
    }

    /// Returns whether the client's first bytes are missing in the capture.
    pub(super) fn lacks_beginning(&self) -> bool {
        self.client_state == ClientState::Lost || self.client.packets == 0
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
        self.handshake = Handshake::default();
        if let Some(end) = &mut self.end {
            end.by = if end.by == Party::Client { Party::Server } else { Party::Client };
        }
    }

    fn synchronised(&mut self, by: Party, segment: &Segment<'_>) {
        let base = segment.sequence.wrapping_add(1);
        if by == Party::Client {
            self.has_syn = true;
            self.client_isn.get_or_insert(segment.sequence);
            self.client.stream.begin(base);
            return;
        }
        self.has_syn_ack = true;
        // The SYN itself may come later in the capture.
        if let Some(acknowledged) = segment.acknowledged.filter(|_| self.client.stream.next().is_none()) {
            self.client.stream.begin(acknowledged);
        }
        if self.bases.len() < MAX_BASES && !self.bases.contains(&base) {
            self.bases.push(base);
        }
        if self.server.stream.next().is_none() {
            self.server.stream.begin(base);
        }
    }

    fn client_segment(&mut self, segment: &Segment<'_>, at: Moment, may_wait: bool, shared: &mut Shared) -> bool {
        // If there are several SYN/ACKs, the one that the client acknowledges counts.
        if let Some(acknowledged) = segment.acknowledged
            && self.server.stream.is_fresh()
            && (self.bases.contains(&acknowledged) || self.bases.is_empty() && segment.length > 0)
        {
            self.server.stream.begin(acknowledged);
        }
        if segment.length == 0 {
            return true;
        }
        let sequence = data_sequence(segment);
        if self.client.stream.next().is_none() {
            self.client.stream.begin(sequence);
        }
        let acknowledged = segment.acknowledged;
        self.handshake.knows_other = self.acknowledged.by_client(acknowledged);
        let mut stream = std::mem::take(&mut self.client.stream);
        let kept = stream.add(sequence, segment.data, segment.length, may_wait, &mut |piece| {
            self.piece(Party::Client, piece, at, acknowledged, shared);
        });
        self.client.stream = stream;
        if self.handshake.has_client_record() {
            self.acknowledged.flight(end_of(segment));
        }
        kept
    }

    fn server_segment(&mut self, segment: &Segment<'_>, at: Moment, may_wait: bool, shared: &mut Shared) -> bool {
        if segment.length == 0 {
            return true;
        }
        let sequence = data_sequence(segment);
        if self.server.stream.is_fresh() && (self.server.stream.next().is_none() || self.bases.contains(&sequence)) {
            self.server.stream.begin(sequence);
        }
        let mut stream = std::mem::take(&mut self.server.stream);
        let kept = stream.add(sequence, segment.data, segment.length, may_wait, &mut |piece| {
            self.piece(Party::Server, piece, at, None, shared);
        });
        self.server.stream = stream;
        if self.handshake.answer.is_some() {
            self.acknowledged.answer(end_of(segment));
        }
        kept
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

    fn client_bytes(&mut self, sequence: u32, bytes: &[u8], at: Moment, ack: Option<u32>, shared: &mut Shared) {
        match self.client_state {
            ClientState::Start | ClientState::Ssl2 => {
                if self.client.head.is_empty() {
                    self.client.head_start = sequence;
                    // The response begins at the acknowledgement number of the first bytes of the
                    // ClientHello.
                    self.set_server_start(ack, at, shared);
                }
                let room = (MAX_HEAD + usize::from(u16::MAX)).saturating_sub(self.client.head.len());
                self.client.head.extend(bytes.iter().take(room));
                if self.client_state == ClientState::Ssl2 {
                    self.ssl2(false, at);
                } else {
                    self.decide_client(false, at, ack, shared);
                }
            }
            ClientState::MayTurn { kind, passed } => {
                if preface::turns(bytes) {
                    self.preface = Some(kind);
                    self.restart(ack, at, shared);
                    self.client_state = ClientState::Tls;
                    self.client_tls(bytes, at, shared);
                } else if passed + bytes.len() > MAX_PREFACE {
                    self.client_state = ClientState::NotTls;
                } else {
                    self.client_state = ClientState::MayTurn { kind, passed: passed + bytes.len() };
                }
            }
            ClientState::Tls => self.client_tls(bytes, at, shared),
            ClientState::Lost if begins_client_hello(bytes) => {
                self.restart(ack, at, shared);
                self.client_state = ClientState::Tls;
                self.client_tls(bytes, at, shared);
            }
            ClientState::NotTls | ClientState::Lost => {}
        }
        if self.handshake.hello.is_some() {
            self.acknowledged.hello(sequence.wrapping_add(u32::try_from(bytes.len()).unwrap_or_default()));
        }
    }

    fn client_tls(&mut self, bytes: &[u8], at: Moment, shared: &mut Shared) {
        let Self { client, handshake, .. } = self;
        client.tls.push(bytes, &mut |event| handshake.event(Party::Client, event, at, shared));
    }

    fn client_gap(&mut self, missing: u64, at: Moment, shared: &mut Shared) {
        self.missing.of_client = self.missing.of_client.saturating_add(missing);
        match self.client_state {
            ClientState::Start => {
                if self.client.head.is_empty() {
                    self.client_state = ClientState::Lost;
                } else {
                    self.decide_client(true, at, None, shared);
                    if self.client_state == ClientState::Tls {
                        let Self { client, handshake, .. } = self;
                        client.tls.gap(missing, &mut |event| handshake.event(Party::Client, event, at, shared));
                    }
                }
            }
            ClientState::Tls => {
                let Self { client, handshake, .. } = self;
                client.tls.gap(missing, &mut |event| handshake.event(Party::Client, event, at, shared));
            }
            ClientState::Ssl2 => self.ssl2(true, at),
            ClientState::MayTurn { .. } | ClientState::NotTls | ClientState::Lost => {}
        }
    }

    /// Classifies the client's first bytes; at the end, with the bytes available.
    fn decide_client(&mut self, is_end: bool, at: Moment, ack: Option<u32>, shared: &mut Shared) {
        loop {
            let mut decided = preface::start(&self.client.head);
            if decided == Start::Open {
                if !is_end && self.client.head.len() < MAX_HEAD {
                    return;
                }
                // A truncated record header is still TLS; other bytes cannot be classified.
                decided =
                    if matches!(*self.client.head, [22, 3, ..]) { Start::Tls } else { Start::NotTls(NotTls::Unknown) };
            }
            match decided {
                Start::Open => return,
                Start::Tls => {
                    self.client_state = ClientState::Tls;
                    let head = std::mem::take(&mut self.client.head);
                    return self.client_tls(&head, at, shared);
                }
                Start::Ssl2 => {
                    self.client_state = ClientState::Ssl2;
                    return self.ssl2(is_end, at);
                }
                Start::Preface { kind, length } => {
                    self.preface.get_or_insert(kind);
                    self.client.head.drain(..length.min(self.client.head.len()));
                    if self.client.head.is_empty() {
                        self.client_state = ClientState::MayTurn { kind, passed: length };
                        return;
                    }
                    self.set_server_start(ack, at, shared);
                }
                Start::MayTurn(kind) => {
                    self.client_state = ClientState::MayTurn { kind, passed: self.client.head.len() };
                    self.client.head = Vec::new();
                    return;
                }
                Start::NotTls(speaks) => {
                    self.client_state = ClientState::NotTls;
                    self.speaks = Some(speaks);
                    self.sample = Some(not_tls::sample(&self.client.head));
                    self.client.head = Vec::new();
                    return;
                }
            }
        }
    }

    /// Reads a ClientHello in the framing of SSL 2.0: 15 bits of length, then the message.
    fn ssl2(&mut self, is_end: bool, at: Moment) {
        let [high, low, body @ ..] = &*self.client.head else { return };
        let length = usize::from(high & 0x7F) << 8 | usize::from(*low);
        if body.len() < length && !is_end {
            return;
        }
        let body = body.get(..length).unwrap_or(body).to_vec();
        self.client.head = Vec::new();
        self.client_state = ClientState::Tls;
        self.handshake.ssl2_hello(&body, length, at);
    }

    /// TLS begins in mid-stream, also in the server's direction.
    fn restart(&mut self, ack: Option<u32>, at: Moment, shared: &mut Shared) {
        self.server_start = None;
        self.server_state = ServerState::Before;
        self.set_server_start(ack, at, shared);
    }

    fn set_server_start(&mut self, ack: Option<u32>, at: Moment, shared: &mut Shared) {
        // Without an acknowledgement (data on the SYN) it is the beginning of the server's stream.
        self.server_start = ack.or(self.server_start);
        let head = std::mem::take(&mut self.server.head);
        if !head.is_empty() && self.server_state == ServerState::Before {
            self.server_bytes(self.server.head_start, &head, at, shared);
        }
    }

    fn server_bytes(&mut self, sequence: u32, bytes: &[u8], at: Moment, shared: &mut Shared) {
        match self.server_state {
            ServerState::Before => {
                let has_begun = self.client_state != ClientState::Start || !self.client.head.is_empty();
                let begins_tls = begins_record(bytes) && self.server.head.is_empty();
                let start = match self.server_start {
                    Some(start) => start,
                    None if has_begun || begins_tls => sequence,
                    None => {
                        // A banner, or the response to a ClientHello that comes later in the capture.
                        if self.server.head.is_empty() {
                            self.server.head_start = sequence;
                        }
                        let room = MAX_HEAD_BYTES.saturating_sub(self.server.head.len());
                        self.server.head.extend(bytes.iter().take(room));
                        return;
                    }
                };
                // Bytes before the start are the response to a preface, or a banner.
                let before = start.wrapping_sub(sequence).cast_signed();
                let skipped = usize::try_from(before).unwrap_or_default();
                if let Some(rest) = bytes.get(skipped..)
                    && !rest.is_empty()
                    && self.may_be_answer()
                {
                    self.server_state = ServerState::Opening;
                    self.server.head = rest.to_vec();
                    self.decide_server(false, at, shared);
                }
            }
            ServerState::Opening => {
                let room = MAX_HEAD_BYTES.saturating_sub(self.server.head.len());
                self.server.head.extend(bytes.iter().take(room));
                self.decide_server(false, at, shared);
            }
            ServerState::Tls => {
                let Self { server, handshake, .. } = self;
                server.tls.push(bytes, &mut |event| handshake.event(Party::Server, event, at, shared));
            }
            // A record may begin after a gap.
            ServerState::Lost if begins_record(bytes) => {
                self.server_state = ServerState::Tls;
                self.server_bytes(sequence, bytes, at, shared);
            }
            ServerState::NotTls | ServerState::Lost => {}
        }
    }

    /// While the client sends a preface, the server responds to it.
    fn may_be_answer(&self) -> bool {
        !matches!(self.client_state, ClientState::MayTurn { .. })
    }

    fn decide_server(&mut self, is_end: bool, at: Moment, shared: &mut Shared) {
        let head = self.server.head.get(..self.server.head.len().min(MAX_HEAD_BYTES)).unwrap_or_default();
        match not_tls::opening(head, is_end) {
            Opening::Open => {}
            Opening::Tls => {
                self.server_state = ServerState::Tls;
                let head = std::mem::take(&mut self.server.head);
                self.server_bytes(0, &head, at, shared);
            }
            Opening::Ssl2 => {
                self.server_state = ServerState::NotTls;
                self.server.head = Vec::new();
                self.handshake.malformed.get_or_insert_with(|| "an answer of SSL 2.0".to_owned());
            }
            Opening::NotTls(speaks) => {
                self.server_state = ServerState::NotTls;
                if self.speaks.is_none() {
                    self.speaks = Some(speaks);
                    self.sample = Some(not_tls::sample(head));
                }
                self.server.head = Vec::new();
            }
        }
    }

    fn server_gap(&mut self, missing: u64, at: Moment, shared: &mut Shared) {
        self.missing.of_server = self.missing.of_server.saturating_add(missing);
        match self.server_state {
            ServerState::Before if self.client_is_tls() => self.server_state = ServerState::Lost,
            ServerState::Opening => {
                self.decide_server(true, at, shared);
                if self.server_state == ServerState::Opening {
                    self.server_state = ServerState::Lost;
                } else if self.server_state == ServerState::Tls {
                    self.missing.of_server = self.missing.of_server.saturating_sub(missing);
                    self.server_gap(missing, at, shared);
                }
            }
            ServerState::Tls => {
                let Self { server, handshake, .. } = self;
                server.tls.gap(missing, &mut |event| handshake.event(Party::Server, event, at, shared));
            }
            ServerState::Before | ServerState::NotTls | ServerState::Lost => {}
        }
    }

    fn ended(&mut self, by: Party, segment: &Segment<'_>, at: Moment) {
        let how = if segment.rst { Ending::Reset } else { Ending::Fin };
        match &mut self.end {
            None => self.end = Some(End { by, how, packet: at.place, at: super::handshake::timestamp(at.time) }),
            Some(end) if end.by == by && end.how == Ending::Fin && how == Ending::Reset => {
                end.how = Ending::FinAndReset;
            }
            Some(_) => {}
        }
    }
}
