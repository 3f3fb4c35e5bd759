//! What a server sends, byte by byte as it comes, up to where encryption hides it.
//!
//! It reads the answer to a [`ClientHello`](super::ClientHello), and watches handshakes that OpenSSL drives. Memory is
//! bounded whatever comes; after a mistake of the server only bytes are counted.

use super::authorities;
use super::hello::{self, ServerHello};
use super::malformed::Malformed;
use super::messages::{self, Message, Messages};
use super::not_tls::{self, MAX_HEAD_BYTES, Opening};
use super::records::{self, Piece, Records};
use super::{Version, suites};
use crate::evidence::handshake::NotTls;

/// The level of an alert that does not end the connection.
const WARNING: u8 = 1;
/// `named_curve` of `ECCurveType` (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

/// The reader of a server's direction.
#[derive(Debug, Default)]
pub struct ServerFlight {
    facts: FlightFacts,
    state: State,
    /// The first bytes, until it is clear what they are; then, of what is no TLS, those of the sample.
    head: Vec<u8>,
    records: Records,
    messages: Messages,
    /// The first byte of an alert whose second has not come.
    alert_level: Option<u8>,
    /// What follows is encrypted, up to TLS 1.2.
    is_changed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Opening,
    Tls,
    NotTls,
    /// Malformed, or at its end.
    Over,
}

/// What can be said without keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlightFacts {
    /// All that came.
    pub bytes: u64,
    /// A HelloRetryRequest too, until the ServerHello replaces it.
    pub hello: Option<ServerHello>,
    /// A Certificate message came to its end, in clear, so up to TLS 1.2.
    pub certificate: bool,
    /// A CertificateRequest in clear, with the authorities it names, as `CN=…, O=…`; one whose name cannot be read is
    /// hexadecimal.
    pub certificate_request: Option<Vec<String>>,
    /// ServerHelloDone.
    pub done: bool,
    /// Level and number of the first alert in clear that is fatal, else of the last warning.
    pub alert: Option<(u8, u8)>,
    /// Records that came whole: application data, and handshake after ChangeCipherSpec.
    pub encrypted_records: u32,
    /// What the first bytes are instead, with a sample of at most 64 printable characters.
    pub not_tls: Option<(NotTls, String)>,
    /// The first thing that broke the rules; nothing after it was read.
    pub malformed: Option<Malformed>,
}

impl ServerFlight {
    /// Reads on.
    pub fn push(&mut self, bytes: &[u8]) {
        self.facts.bytes += bytes.len() as u64;
        let mut rest = bytes;
        if self.state == State::Opening {
            self.lengthen_head(&mut rest);
            self.open(false);
        }
        match self.state {
            State::Tls => self.read(rest),
            State::NotTls => {
                self.lengthen_head(&mut rest);
                self.retake_sample();
            }
            State::Opening | State::Over => {}
        }
    }

    /// Ends the stream, so that an answer too short to be sure of is decided too. What is pushed later is only counted.
    pub fn end(&mut self) {
        if self.state == State::Opening {
            self.open(true);
        }
        self.state = State::Over;
    }

    /// What has been seen so far.
    #[must_use]
    pub fn facts(&self) -> &FlightFacts {
        &self.facts
    }

    fn lengthen_head(&mut self, bytes: &mut &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(MAX_HEAD_BYTES - self.head.len()));
        self.head.extend(head);
        *bytes = rest;
    }

    fn open(&mut self, is_end: bool) {
        match not_tls::opening(&self.head, is_end) {
            Opening::Open => {}
            Opening::Tls => {
                self.state = State::Tls;
                let head = std::mem::take(&mut self.head);
                self.read(&head);
            }
            Opening::Ssl2 => self.give_up(Malformed::Ssl2),
            Opening::NotTls(speaks) => {
                self.state = State::NotTls;
                self.facts.not_tls = Some((speaks, String::new()));
                self.retake_sample();
            }
        }
    }

    fn retake_sample(&mut self) {
        if let Some((_, sample)) = &mut self.facts.not_tls {
            *sample = not_tls::sample(&self.head);
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.state == State::Tls {
            let read = match self.records.next(&mut rest) {
                Ok(Some(piece)) => self.piece(piece),
                Ok(None) => return,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = read {
                self.give_up(fault);
            }
        }
    }

    fn give_up(&mut self, fault: Malformed) {
        self.state = State::Over;
        self.head = Vec::new();
        self.messages = Messages::default();
        self.facts.malformed = Some(fault);
    }

    fn piece(&mut self, piece: Piece<'_>) -> Result<(), Malformed> {
        let is_counted = match piece.kind {
            records::HANDSHAKE => self.is_changed,
            records::APPLICATION_DATA => true,
            _ => false,
        };
        if is_counted && self.facts.hello.is_none() {
            return Err(Malformed::EncryptedBeforeHello);
        }
        if is_counted {
            self.facts.encrypted_records = self.facts.encrypted_records.saturating_add(u32::from(piece.is_last));
        } else if !self.is_changed {
            match piece.kind {
                records::HANDSHAKE => self.handshake(piece.bytes)?,
                records::ALERT => self.alert(piece.bytes),
                records::CHANGE_CIPHER_SPEC => self.change(&piece)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn handshake(&mut self, mut bytes: &[u8]) -> Result<(), Malformed> {
        // A message without a body ends with its header, so there may be one more when all bytes are used up.
        while !bytes.is_empty() {
            if let Some(message) = self.messages.next(&mut bytes)? {
                self.message(&message)?;
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &Message) -> Result<(), Malformed> {
        if message.kind == messages::HELLO_REQUEST {
            return Ok(());
        }
        if message.kind == messages::SERVER_HELLO {
            return self.hello(&message.body);
        }
        let Some(hello) = self.facts.hello.as_mut().filter(|hello| !hello.retry) else {
            return Err(Malformed::MessageBeforeHello(message.kind));
        };
        if hello.version == Version::Tls13 {
            return Err(Malformed::MessageInClear(message.kind));
        }
        match message.kind {
            messages::CERTIFICATE => self.facts.certificate = true,
            messages::SERVER_KEY_EXCHANGE => {
                if let [NAMED_CURVE, group @ ..] = &message.body[..]
                    && let Ok(group) = <[u8; 2]>::try_from(group)
                    && suites::names_its_curve(hello.suite)
                {
                    hello.group = Some(u16::from_be_bytes(group));
                }
            }
            messages::CERTIFICATE_REQUEST => {
                self.facts.certificate_request = Some(authorities::read(&message.body, hello.version)?);
            }
            messages::SERVER_HELLO_DONE => self.facts.done = true,
            _ => {}
        }
        Ok(())
    }

    fn hello(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let hello = hello::read(body)?;
        match &self.facts.hello {
            Some(ServerHello { retry: false, .. }) => return Err(Malformed::SecondServerHello),
            Some(_) if hello.retry => return Err(Malformed::SecondRetry),
            _ => self.facts.hello = Some(hello),
        }
        Ok(())
    }

    /// Up to TLS 1.2 an alert may be spread over records, and several may share one (RFC 5246 §6.2.1).
    fn alert(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let Some(level) = self.alert_level.take() else {
                self.alert_level = Some(byte);
                continue;
            };
            if self.facts.alert.is_none_or(|(level, _)| level == WARNING) {
                self.facts.alert = Some((level, byte));
            }
        }
    }

    /// In TLS 1.3 it means nothing (RFC 8446 §D.4): a ServerHello in clear may follow that of a HelloRetryRequest.
    fn change(&mut self, piece: &Piece<'_>) -> Result<(), Malformed> {
        if piece.length != 1 || piece.bytes != [1] {
            return Err(Malformed::ChangeCipherSpec);
        }
        if self.messages.is_within() {
            return Err(Malformed::ChangeCipherSpecWithinMessage);
        }
        match &self.facts.hello {
            None => return Err(Malformed::ChangeCipherSpecBeforeHello),
            Some(hello) => self.is_changed = hello.version != Version::Tls13,
        }
        Ok(())
    }
}

/// What a fuzzer feeds: any bytes, as a server's, whole, in halves and byte by byte; and as a client's.
///
/// # Panics
/// When the facts depend on how the bytes arrived, or a text is longer than promised.
pub fn fuzz_server_flight(bytes: &[u8]) {
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut flight = ServerFlight::default();
        pieces.for_each(|piece| flight.push(piece));
        flight.end();
        flight.facts
    };
    let whole = read(&mut [bytes].into_iter());
    let (left, right) = bytes.split_at(bytes.len() / 2);
    assert_eq!(read(&mut [left, right].into_iter()), whole, "facts must not depend on how bytes arrive");
    assert_eq!(read(&mut bytes.chunks(1)), whole, "facts must not depend on how bytes arrive");
    assert_eq!(whole.bytes, bytes.len() as u64, "bytes that were not counted");
    assert!(whole.not_tls.is_none_or(|(_, sample)| sample.chars().count() <= 64), "a sample that is too long");

    let mut client = super::ClientFlight::default();
    client.push(bytes);
    let mut slow = super::ClientFlight::default();
    bytes.chunks(1).for_each(|byte| slow.push(byte));
    assert_eq!(client.encrypted_records(), slow.encrypted_records(), "counts must not depend on how bytes arrive");
}
