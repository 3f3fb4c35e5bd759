//! The records of a client, counted: how many it encrypts after the server's first flight tells what TLS 1.3 hides,
//! whether it was asked for a certificate.

use super::records::{self, Records};

/// Kind and length of a message, and the first byte of a version: what a ClientHello begins with.
const HEAD_BYTES: usize = 5;
const CLIENT_HELLO: u8 = 1;
const MAJOR_VERSION: u8 = 3;

/// The reader of a client's direction.
#[derive(Debug, Default)]
pub struct ClientFlight {
    records: Records,
    /// The beginning of the record that is on its way.
    head: Vec<u8>,
    is_changed: bool,
    is_over: bool,
    encrypted: u32,
}

impl ClientFlight {
    /// Reads on.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.is_over {
            let Ok(next) = self.records.next(&mut rest) else {
                self.is_over = true;
                return;
            };
            let Some(piece) = next else { return };
            let missing = HEAD_BYTES - self.head.len();
            self.head.extend(piece.bytes.iter().take(missing));
            if piece.is_last {
                self.record(piece.kind, piece.length);
                self.head.clear();
            }
        }
    }

    /// Records that went out whole: application data, and handshake after ChangeCipherSpec.
    #[must_use]
    pub fn encrypted_records(&self) -> u32 {
        self.encrypted
    }

    fn record(&mut self, kind: u8, length: usize) {
        match kind {
            records::CHANGE_CIPHER_SPEC => self.is_changed = true,
            records::APPLICATION_DATA => self.encrypted = self.encrypted.saturating_add(1),
            records::HANDSHAKE if self.is_changed && !self.is_hello(length) => {
                self.encrypted = self.encrypted.saturating_add(1);
            }
            _ => {}
        }
    }

    /// The second ClientHello, after a HelloRetryRequest, may follow a ChangeCipherSpec that means nothing (RFC 8446 §D.4).
    fn is_hello(&self, length: usize) -> bool {
        let [CLIENT_HELLO, a, b, c, MAJOR_VERSION] = self.head[..] else { return false };
        usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c) == length.saturating_sub(4)
    }
}
