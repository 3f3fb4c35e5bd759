//! The client's stream: what comes before TLS, the ClientHello, and the records behind it.

use super::super::acknowledged::covers;
use super::super::direction::{ClientState, data_sequence, end_of};
use super::super::handshake::Moment;
use super::super::layers::Segment;
use super::super::preface::{self, MAX_HEAD, Start};
use super::super::shared::Shared;
use super::{Connection, Party};
use crate::evidence::handshake::NotTls;
use crate::wire::tls::not_tls;
use crate::wire::tls::passive::begins_client_hello;

/// Number of preface bytes after which no ClientHello is expected any more.
const MAX_PREFACE: usize = 64 << 10;

impl Connection {
    pub(super) fn client_segment(
        &mut self,
        segment: &Segment<'_>,
        at: Moment,
        may_wait: bool,
        shared: &mut Shared,
    ) -> bool {
        // If there are several SYN/ACKs, the one that the client acknowledges counts.
        if let Some(acknowledged) = segment.acknowledged
            && self.server.stream.is_fresh()
            && (self.bases.all().contains(&acknowledged) || self.bases.all().is_empty() && segment.length > 0)
        {
            self.server.stream.begin(acknowledged);
        }
        // A FIN has a number too.
        let is_more_than_end = |start: u32| covers(segment.acknowledged, Some(start.wrapping_add(2)));
        self.has_received |= self.server_start.is_some_and(is_more_than_end);
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
        self.acknowledged.sent(end_of(segment), at.time);
        if self.handshake.has_client_record() {
            self.acknowledged.flight(end_of(segment));
        }
        kept
    }

    pub(super) fn client_bytes(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        at: Moment,
        ack: Option<u32>,
        shared: &mut Shared,
    ) {
        match self.client_state {
            ClientState::Start | ClientState::Ssl2 => {
                if self.client.head.is_empty() {
                    self.client.head_start = sequence;
                    // The response begins at the acknowledgement number of the first bytes of the
                    // ClientHello.
                    self.set_server_start(ack, at, shared);
                }
                // Most ClientHellos are whole in one segment, and need no copy.
                if self.client_state == ClientState::Start
                    && self.client.head.is_empty()
                    && preface::start(bytes) == Start::Tls
                {
                    self.client_state = ClientState::Tls;
                    self.client_tls(bytes, at, shared);
                    self.has_read_hello(sequence, bytes);
                    return;
                }
                let room = (MAX_HEAD + usize::from(u16::MAX)).saturating_sub(self.client.head.len());
                self.client.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
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
        self.has_read_hello(sequence, bytes);
    }

    /// Records where the ClientHello ends, if these bytes complete it.
    fn has_read_hello(&mut self, sequence: u32, bytes: &[u8]) {
        if self.handshake.hello.is_some() {
            self.acknowledged.hello(sequence.wrapping_add(u32::try_from(bytes.len()).unwrap_or_default()));
        }
    }

    fn client_tls(&mut self, bytes: &[u8], at: Moment, shared: &mut Shared) {
        let Self { client, handshake, .. } = self;
        client.tls.push(bytes, &mut |event| handshake.event(Party::Client, event, at, shared));
    }

    pub(super) fn client_gap(&mut self, missing: u64, at: Moment, shared: &mut Shared) {
        self.missing.of_client = self.missing.of_client.saturating_add(missing);
        match self.client_state {
            ClientState::Start => {
                // The first bytes of a protocol, cut before they tell which one.
                if self.client.head.is_empty() || preface::start(&self.client.head) == Start::Open && !self.begins_tls()
                {
                    self.client.head = Vec::new();
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

    /// Returns whether the client's first bytes are those of a handshake record, even if its header is cut.
    fn begins_tls(&self) -> bool {
        matches!(*self.client.head, [22] | [22, 3, ..])
    }

    /// Classifies the client's first bytes; at the end, with the bytes available.
    pub(super) fn decide_client(&mut self, is_end: bool, at: Moment, ack: Option<u32>, shared: &mut Shared) {
        loop {
            let mut decided = preface::start(&self.client.head);
            if decided == Start::Open {
                if !is_end && self.client.head.len() < MAX_HEAD {
                    return;
                }
                // A truncated record header is still TLS; other bytes cannot be classified.
                decided = if self.begins_tls() { Start::Tls } else { Start::NotTls(NotTls::Unknown) };
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
    pub(super) fn ssl2(&mut self, is_end: bool, at: Moment) {
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
}
