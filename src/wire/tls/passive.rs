//! Reads one direction of a captured TLS connection: messages in clear, alerts, and encrypted records by type
//! and length.
//!
//! Unlike [`ServerFlight`](super::ServerFlight) it tolerates the gaps of captures: bytes missing in the
//! middle, a beginning in mid-stream, messages truncated by a short snapshot length. If a length is known,
//! missing bytes are skipped and reading continues after them.

use super::messages;
use super::records::{self, Piece, Records};

pub use super::records::{ALERT, APPLICATION_DATA, HANDSHAKE};

/// Maximum number of bytes of a message that are kept. Longer ones are reported as cut.
const MAX_KEPT: usize = 64 << 10;
/// Maximum length of a message in clear. A longer one is encrypted, or not a handshake.
const MAX_MESSAGE: usize = 1 << 18;
/// Minimum length of a ServerHello (version, random, session id, suite, compression).
const MIN_SERVER_HELLO: usize = 38;
const HEADER_BYTES: usize = 4;

pub const CLIENT_HELLO: u8 = 1;
pub const SERVER_HELLO: u8 = messages::SERVER_HELLO;
pub const CERTIFICATE: u8 = messages::CERTIFICATE;
pub const SERVER_KEY_EXCHANGE: u8 = messages::SERVER_KEY_EXCHANGE;
pub const CERTIFICATE_REQUEST: u8 = messages::CERTIFICATE_REQUEST;
pub const CERTIFICATE_VERIFY: u8 = 15;
pub const CLIENT_KEY_EXCHANGE: u8 = 16;

/// Messages that are in clear: HelloRequest, ClientHello, ServerHello, NewSessionTicket, Certificate to
/// ClientKeyExchange, CertificateURL, CertificateStatus, NextProtocol.
const IN_CLEAR: [u8; 13] = [0, 1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 22, 67];

/// The next event of a direction.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A message of the handshake. The body is shorter than `length` if bytes are missing.
    Message {
        kind: u8,
        body: &'a [u8],
        length: usize,
    },
    ChangeCipherSpec,
    Alert {
        level: u8,
        number: u8,
    },
    /// An encrypted record. `record` is its body after [`Next::Keep`], if no byte of it is missing; else
    /// empty.
    Encrypted {
        kind: u8,
        length: usize,
        record: &'a [u8],
    },
    /// The bytes are not TLS; nothing after them is read.
    Broken(&'a str),
}

/// How the direction continues after an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// It continues as before.
    Same,
    /// Records of handshake and alerts are encrypted from here on.
    Encrypted,
    /// Encrypted records are handed on with their bytes from here on.
    Keep,
}

/// The reader of one direction.
#[derive(Debug, Default)]
pub struct Passive {
    records: Records,
    state: State,
    is_encrypted: bool,
    /// A message whose header or body is incomplete.
    message: Partial,
    /// The first byte of an alert whose second is missing.
    alert: Option<u8>,
    /// The bytes of an encrypted record, where they are wanted.
    sealed: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Reading,
    /// Bytes are missing, and it is not known where the next record begins.
    Lost,
    Over,
}

#[derive(Debug, Default)]
struct Partial {
    header: Vec<u8>,
    body: Vec<u8>,
    /// Number of bytes of the body that are still to come.
    left: usize,
    /// Bytes of it are missing; those before them are kept.
    has_hole: bool,
    /// The handshake bytes of this record cannot be read: encrypted, or their beginning is missing.
    passes_record: bool,
}

impl Passive {
    /// Reads the next bytes.
    pub fn push(&mut self, bytes: &[u8], on: &mut dyn FnMut(Event<'_>) -> Next) {
        let mut rest = bytes;
        if self.state == State::Lost {
            if !begins_record(bytes) {
                return;
            }
            self.state = State::Reading;
        }
        while self.state == State::Reading {
            match self.records.next(&mut rest) {
                Ok(Some(piece)) => self.piece(&piece, on),
                Ok(None) => return,
                Err(fault) => {
                    self.state = State::Over;
                    self.message = Partial::default();
                    on(Event::Broken(&fault.to_string()));
                }
            }
        }
    }

    /// Skips bytes that the capture lacks.
    pub fn gap(&mut self, missing: u64, on: &mut dyn FnMut(Event<'_>) -> Next) {
        if self.state != State::Reading {
            return;
        }
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        let Some((kind, ended)) = self.records.pass(missing) else {
            self.finish(on);
            self.state = State::Lost;
            self.records = Records::default();
            return;
        };
        if kind == HANDSHAKE && !self.is_encrypted && !self.message.passes_record {
            if self.message.header.len() == HEADER_BYTES && self.message.left >= missing {
                self.message.left -= missing;
                self.message.has_hole = true;
                self.complete(on);
            } else {
                self.message.emit(on);
                self.message.passes_record = true;
                self.message.has_hole = true;
            }
        }
        if let Some(length) = ended {
            self.ended(kind, length, on);
        }
    }

    /// Reports the available part of an incomplete message.
    pub fn finish(&mut self, on: &mut dyn FnMut(Event<'_>) -> Next) {
        self.message.emit(on);
    }

    /// Returns the number of bytes in memory.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.message.body.capacity() + self.sealed.as_ref().map_or(0, Vec::capacity)
    }

    fn piece(&mut self, piece: &Piece<'_>, on: &mut dyn FnMut(Event<'_>) -> Next) {
        match piece.kind {
            HANDSHAKE if !self.is_encrypted && !self.message.passes_record => self.handshake(piece.bytes, on),
            // Two bytes are an alert in clear; an encrypted one is longer.
            ALERT if !self.is_encrypted && piece.length == 2 => self.alerts(piece.bytes, on),
            APPLICATION_DATA => {
                if let Some(sealed) = &mut self.sealed {
                    sealed.extend(piece.bytes);
                }
            }
            _ => {}
        }
        if piece.is_last {
            self.ended(piece.kind, piece.length, on);
        }
    }

    /// Handles the end of a record.
    fn ended(&mut self, kind: u8, length: usize, on: &mut dyn FnMut(Event<'_>) -> Next) {
        match kind {
            records::CHANGE_CIPHER_SPEC if on(Event::ChangeCipherSpec) == Next::Encrypted => {
                self.is_encrypted = true;
                self.message = Partial::default();
            }
            APPLICATION_DATA => {
                let sealed = self.sealed.as_mut().map(std::mem::take).unwrap_or_default();
                let record = if sealed.len() == length { &*sealed } else { &[] };
                on(Event::Encrypted { kind, length, record });
            }
            HANDSHAKE if self.is_encrypted => {
                on(Event::Encrypted { kind, length, record: &[] });
            }
            HANDSHAKE if self.message.passes_record => {
                // A record in clear whose messages are missing is not taken for an encrypted one.
                let has_hole = std::mem::take(&mut self.message).has_hole;
                if !has_hole {
                    on(Event::Encrypted { kind, length, record: &[] });
                }
            }
            ALERT if self.is_encrypted || length != 2 => {
                self.alert = None;
                on(Event::Encrypted { kind, length, record: &[] });
            }
            _ => {}
        }
    }

    fn alerts(&mut self, bytes: &[u8], on: &mut dyn FnMut(Event<'_>) -> Next) {
        for &byte in bytes {
            match self.alert.take() {
                None => self.alert = Some(byte),
                Some(level) => {
                    on(Event::Alert { level, number: byte });
                }
            }
        }
    }

    fn handshake(&mut self, bytes: &[u8], on: &mut dyn FnMut(Event<'_>) -> Next) {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Most messages are complete in one piece, and need no copy.
            if self.message.header.is_empty()
                && let Some((kind, body, after)) = whole(rest)
            {
                if on(Event::Message { kind, body, length: body.len() }) == Next::Keep {
                    self.sealed = Some(Vec::new());
                }
                rest = after;
                continue;
            }
            if !self.message.take(&mut rest) {
                self.message = Partial { passes_record: true, ..Partial::default() };
                return;
            }
            self.complete(on);
        }
    }

    fn complete(&mut self, on: &mut dyn FnMut(Event<'_>) -> Next) {
        if self.message.header.len() == HEADER_BYTES && self.message.left == 0 && self.message.emit(on) == Next::Keep {
            self.sealed = Some(Vec::new());
        }
    }
}

impl Partial {
    /// Takes bytes from the front up to the end of the message; returns false if it is not a message in
    /// clear.
    fn take(&mut self, bytes: &mut &[u8]) -> bool {
        if self.header.len() < HEADER_BYTES {
            let (head, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.header.len()));
            self.header.extend(head);
            *bytes = rest;
            let Some((kind, length)) = header(&self.header) else { return true };
            if !is_in_clear(kind, length) {
                return false;
            }
            self.left = length;
        }
        let (part, rest) = bytes.split_at(bytes.len().min(self.left));
        *bytes = rest;
        self.left -= part.len();
        if !self.has_hole {
            let room = MAX_KEPT.saturating_sub(self.body.len());
            self.body.extend_from_slice(part.get(..room).unwrap_or(part));
            self.has_hole |= part.len() > room;
        }
        true
    }

    fn emit(&mut self, on: &mut dyn FnMut(Event<'_>) -> Next) -> Next {
        let message = std::mem::take(self);
        if let Some((kind, length)) = header(&message.header) {
            return on(Event::Message { kind, body: &message.body, length });
        }
        Next::Same
    }
}

/// Returns the message at the beginning of `bytes`, and the bytes after it.
fn whole(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, length) = header(bytes)?;
    let (body, rest) = bytes.get(HEADER_BYTES..)?.split_at_checked(length)?;
    is_in_clear(kind, length).then_some((kind, body, rest))
}

fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let [kind, a, b, c] = *bytes.first_chunk::<HEADER_BYTES>()?;
    Some((kind, usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)))
}

fn is_in_clear(kind: u8, length: usize) -> bool {
    let least = if kind == SERVER_HELLO { MIN_SERVER_HELLO } else { 0 };
    IN_CLEAR.contains(&kind) && (least..=MAX_MESSAGE).contains(&length)
}

/// Returns whether bytes in mid-stream look like the beginning of a record.
#[must_use]
pub fn begins_record(bytes: &[u8]) -> bool {
    match *bytes {
        [kind @ 20..=24, 3, minor @ 0..=4, high, low, ..] => {
            let length = u16::from_be_bytes([high, low]);
            let _ = minor;
            length > 0 && length <= 18_432 && (kind != records::CHANGE_CIPHER_SPEC || length == 1)
        }
        _ => false,
    }
}

/// Returns whether bytes look like the record of a ClientHello.
#[must_use]
pub fn begins_client_hello(bytes: &[u8]) -> bool {
    matches!(*bytes, [HANDSHAKE, 3, 0..=4, _, _, CLIENT_HELLO, 0, ..]) && begins_record(bytes)
}

/// Fuzz entry point: reads any bytes as one direction, whole, byte by byte, and with a gap in the middle.
///
/// # Panics
/// If the result depends on how the bytes arrive, or more bytes are kept than the limit.
pub fn fuzz_passive(bytes: &[u8]) {
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut passive, mut seen) = (Passive::default(), Vec::new());
        let mut on = |event: Event<'_>| {
            let is_change = event == Event::ChangeCipherSpec;
            seen.push(format!("{event:?}"));
            if is_change { Next::Encrypted } else { Next::Same }
        };
        for piece in pieces {
            passive.push(piece, &mut on);
            assert!(passive.buffered() <= 2 * MAX_KEPT, "more is kept than promised");
        }
        passive.finish(&mut on);
        seen
    };
    assert_eq!(
        read(&mut [bytes].into_iter()),
        read(&mut bytes.chunks(1)),
        "events must not depend on how bytes arrive"
    );
    let (left, right) = bytes.split_at(bytes.len() / 2);
    for missing in [0, 1, 16, 1 << 14, 1 << 40] {
        let mut passive = Passive::default();
        let on = &mut |_: Event<'_>| Next::Same;
        passive.push(left, on);
        passive.gap(missing, on);
        passive.push(right, on);
        passive.finish(on);
    }
}
