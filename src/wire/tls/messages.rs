//! The messages of a handshake, however records cut them (RFC 8446 §5.1).
//!
//! Of each only what somebody reads is kept; the rest passes by and costs no memory, whatever length it claims.

use super::malformed::{Malformed, MessageName};

pub(super) const HELLO_REQUEST: u8 = 0;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const SERVER_HELLO_DONE: u8 = 14;

/// The longest ServerHello that is read. Those of post-quantum key exchanges have some 1.2 KB.
const MAX_HELLO_BYTES: usize = 16 << 10;
/// The longest CertificateRequest: two vectors of 65535 bytes and one of 255, each with its length (RFC 5246 §7.4.4).
const MAX_REQUEST_BYTES: usize = 2 * (2 + 0xFFFF) + 1 + 0xFF;
/// Of a ServerKeyExchange, the kind of curve and its number (RFC 8422 §5.4).
const KEY_EXCHANGE_BYTES: usize = 3;
/// Bytes of all messages together that may pass unread. OpenSSL takes 100 KB of certificates and Java 32 KB a message, so
/// no server that is used sends more.
const MAX_PASSED_BYTES: usize = 1 << 20;

const HEADER_BYTES: usize = 4;

/// The reader of one direction.
#[derive(Debug, Default)]
pub(super) struct Messages {
    header: Vec<u8>,
    /// Bytes of the body that have not come yet.
    left: usize,
    /// Bytes of the body that are still to be kept.
    wanted: usize,
    body: Vec<u8>,
    passed: usize,
}

/// A message that is complete.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: u8,
    /// As much of it as is read by somebody.
    pub(super) body: Vec<u8>,
}

impl Messages {
    /// A message has begun and not ended.
    pub(super) fn is_within(&self) -> bool {
        !self.header.is_empty()
    }

    /// Takes from the front of `bytes` up to the end of a message; `None` when they are used up.
    ///
    /// # Errors
    /// A message that is longer than any server needs.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Malformed> {
        if self.header.len() < HEADER_BYTES {
            let (head, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.header.len()));
            self.header.extend(head);
            *bytes = rest;
            if self.header.len() < HEADER_BYTES {
                return Ok(None);
            }
            self.begin()?;
        }
        let (part, rest) = bytes.split_at(bytes.len().min(self.left));
        *bytes = rest;
        self.left -= part.len();
        let (kept, passed) = part.split_at(part.len().min(self.wanted));
        self.body.extend(kept);
        self.wanted -= kept.len();
        self.passed += passed.len();
        if self.passed > MAX_PASSED_BYTES {
            return Err(Malformed::TooMuchInClear(MAX_PASSED_BYTES));
        }
        if self.left > 0 {
            return Ok(None);
        }
        let kind = self.kind();
        self.header.clear();
        Ok(Some(Message { kind, body: std::mem::take(&mut self.body) }))
    }

    fn begin(&mut self) -> Result<(), Malformed> {
        self.left = self.header.iter().skip(1).fold(0, |length, &byte| length << 8 | usize::from(byte));
        let (message, limit) = match self.kind() {
            SERVER_HELLO => (MessageName::ServerHello, MAX_HELLO_BYTES),
            CERTIFICATE_REQUEST => (MessageName::CertificateRequest, MAX_REQUEST_BYTES),
            SERVER_KEY_EXCHANGE => {
                self.wanted = self.left.min(KEY_EXCHANGE_BYTES);
                return Ok(());
            }
            _ => {
                self.wanted = 0;
                return Ok(());
            }
        };
        if self.left > limit {
            return Err(Malformed::MessageLength { message, bytes: self.left });
        }
        self.wanted = self.left;
        Ok(())
    }

    fn kind(&self) -> u8 {
        self.header.first().copied().unwrap_or_default()
    }
}
