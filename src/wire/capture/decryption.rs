//! Handshakes of TLS 1.3 whose secrets are in a key log: the messages and alerts behind the ServerHello.
//!
//! ```text
//! encrypted record ─ Protection ─ content ─┬ messages (also over several records)
//!                                          └ alert
//! ```

use std::sync::Arc;

use crate::evidence::handshake::Party;
use crate::wire::tls::passive::{ALERT, APPLICATION_DATA, HANDSHAKE};
use crate::wire::tls::protection::{Opened, Protection};
use crate::wire::tls::{KeyLog, Random, Session};

/// Maximum number of bytes of an incomplete message.
const MAX_MESSAGE: usize = 64 << 10;
const HEADER_BYTES: usize = 4;

pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(super) const FINISHED: u8 = 20;
const KEY_UPDATE: u8 = 24;

/// The secrets of a handshake and how far each side has used them.
#[derive(Debug)]
pub(super) struct Decryption {
    session: Arc<Session>,
    suite: u16,
    client: Option<Side>,
    server: Option<Side>,
}

/// One direction.
#[derive(Debug)]
struct Side {
    protection: Protection,
    /// The beginning of a message.
    message: Vec<u8>,
}

/// What an encrypted record turned out to be.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Plain {
    Message { kind: u8, body: Vec<u8> },
    Alert { level: u8, number: u8 },
    Data,
}

impl Decryption {
    /// Returns what is needed to decrypt the handshake that begins with this ClientHello; `None` without
    /// secrets.
    pub(super) fn of_hello(body: &[u8], keys: &KeyLog) -> Option<Self> {
        let random: &Random = body.get(2..)?.first_chunk()?;
        Some(Self { session: keys.session(random)?, suite: 0, client: None, server: None })
    }

    /// The server chose this suite: what follows is encrypted with the handshake secrets.
    pub(super) fn begin(&mut self, suite: u16) {
        self.suite = suite;
        let side = |secret: &Option<Box<[u8]>>| Some(Side::new(Protection::new(suite, secret.as_deref()?)?));
        (self.client, self.server) = (side(&self.session.client_handshake), side(&self.session.server_handshake));
    }

    /// Opens the next record of a side. `None` if it cannot be opened; then nothing more of this side is,
    /// except behind early data.
    pub(super) fn open(&mut self, by: Party, record: &[u8]) -> Option<Vec<Plain>> {
        let place = if by == Party::Client { &mut self.client } else { &mut self.server };
        let mut side = place.take()?;
        let Some(Opened { kind, content }) = side.protection.open(record) else {
            // Early data have keys of their own, and come before the others.
            *place = Some(side).filter(|side| by == Party::Client && side.protection.is_fresh());
            return None;
        };
        let plain = match (kind, &*content) {
            (HANDSHAKE, bytes) => side.messages(bytes),
            (ALERT, &[level, number]) => vec![Plain::Alert { level, number }],
            (APPLICATION_DATA, _) => vec![Plain::Data],
            _ => Vec::new(),
        };
        // Behind its Finished a side uses its application secret.
        let has = |wanted: u8| plain.iter().any(|one| matches!(one, Plain::Message { kind, .. } if *kind == wanted));
        let next = if has(FINISHED) {
            let secret =
                if by == Party::Client { &self.session.client_application } else { &self.session.server_application };
            secret.as_deref().and_then(|secret| Protection::new(self.suite, secret)).map(Side::new)
        } else {
            (side.message.len() <= MAX_MESSAGE && !has(KEY_UPDATE)).then_some(side)
        };
        *(if by == Party::Client { &mut self.client } else { &mut self.server }) = next;
        Some(plain)
    }

    /// Returns the number of bytes in memory.
    pub(super) fn buffered(&self) -> usize {
        [&self.client, &self.server].into_iter().flatten().map(|side| side.message.capacity()).sum()
    }
}

impl Side {
    fn new(protection: Protection) -> Self {
        Self { protection, message: Vec::new() }
    }

    /// Takes the messages that end in these bytes.
    fn messages(&mut self, bytes: &[u8]) -> Vec<Plain> {
        self.message.extend(bytes);
        let mut plain = Vec::new();
        let mut rest = &*self.message;
        while let Some(&[kind, a, b, c]) = rest.first_chunk::<HEADER_BYTES>() {
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            let Some(body) = rest.get(HEADER_BYTES..).and_then(|rest| rest.get(..length)) else { break };
            plain.push(Plain::Message { kind, body: body.to_vec() });
            rest = rest.get(HEADER_BYTES + length..).unwrap_or_default();
        }
        let taken = self.message.len() - rest.len();
        self.message.drain(..taken);
        plain
    }
}
