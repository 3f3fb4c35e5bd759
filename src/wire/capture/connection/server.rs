//! The server's stream: where its response to the ClientHello begins, and whether that is TLS.

use super::super::acknowledged::covers;
use super::super::direction::{ClientState, ServerState, data_sequence, end_of};
use super::super::handshake::Moment;
use super::super::layers::Segment;
use super::super::shared::Shared;
use super::{Connection, Party};
use crate::wire::tls::not_tls::{self, MAX_HEAD_BYTES, Opening};
use crate::wire::tls::passive::begins_record;

impl Connection {
    pub(super) fn server_segment(
        &mut self,
        segment: &Segment<'_>,
        at: Moment,
        may_wait: bool,
        shared: &mut Shared,
    ) -> bool {
        let is_more_than_end = |isn: u32| covers(segment.acknowledged, Some(isn.wrapping_add(3)));
        self.lacks_request = self.client.bytes == 0 && self.client_isn.is_some_and(is_more_than_end);
        if segment.length == 0 {
            return true;
        }
        let sequence = data_sequence(segment);
        if self.server.stream.is_fresh()
            && (self.server.stream.next().is_none() || self.bases.all().contains(&sequence))
        {
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

    /// TLS begins in mid-stream, also in the server's direction.
    pub(super) fn restart(&mut self, ack: Option<u32>, at: Moment, shared: &mut Shared) {
        self.server_start = None;
        self.has_received = false;
        self.server_state = ServerState::Before;
        self.set_server_start(ack, at, shared);
    }

    pub(super) fn set_server_start(&mut self, ack: Option<u32>, at: Moment, shared: &mut Shared) {
        // Without an acknowledgement (data on the SYN) it is the beginning of the server's stream.
        self.server_start = ack.or(self.server_start);
        let head = std::mem::take(&mut self.server.head);
        if !head.is_empty() && self.server_state == ServerState::Before {
            self.server_bytes(self.server.head_start, &head, at, shared);
        }
    }

    pub(super) fn server_bytes(&mut self, sequence: u32, bytes: &[u8], at: Moment, shared: &mut Shared) {
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
                        self.server.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
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
                    let head = rest.get(..MAX_HEAD_BYTES).unwrap_or(rest);
                    // Most responses are TLS, and need no copy.
                    if not_tls::opening(head, false) == Opening::Tls {
                        self.server_state = ServerState::Tls;
                        self.server.head = Vec::new();
                        self.server_bytes(sequence, rest, at, shared);
                    } else {
                        self.server_state = ServerState::Opening;
                        self.server.head = rest.to_vec();
                        self.decide_server(false, at, shared);
                    }
                }
            }
            ServerState::Opening => {
                let room = MAX_HEAD_BYTES.saturating_sub(self.server.head.len());
                self.server.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
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

    pub(super) fn decide_server(&mut self, is_end: bool, at: Moment, shared: &mut Shared) {
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

    pub(super) fn server_gap(&mut self, missing: u64, at: Moment, shared: &mut Shared) {
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
}
