//! Counts the records of a client. The number of encrypted records after the server's first flight shows
//! whether the server requested a certificate, which TLS 1.3 hides.

use super::records::{self, Records};

/// Type and length of a message, and the first byte of the version: the beginning of a ClientHello.
const HEAD_BYTES: usize = 5;
const CLIENT_HELLO: u8 = 1;
const MAJOR_VERSION: u8 = 3;

/// Reads the bytes that a client sends.
#[derive(Debug, Default)]
pub struct ClientFlight {
    records: Records,
    /// The first bytes of the current record.
    head: Vec<u8>,
    is_changed: bool,
    is_over: bool,
    encrypted: u32,
}

impl ClientFlight {
    /// Reads the next bytes.
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

    /// Returns the number of complete encrypted records: application data, and handshake after
    /// ChangeCipherSpec.
    #[must_use]
    pub fn encrypted_records(&self) -> u32 {
        self.encrypted
    }

    fn record(&mut self, kind: u8, length: usize) {
        match kind {
            records::CHANGE_CIPHER_SPEC => self.is_changed = true,
            records::APPLICATION_DATA => self.encrypted = self.encrypted.saturating_add(1),
            records::HANDSHAKE if self.is_changed && !self.is_client_hello(length) => {
                self.encrypted = self.encrypted.saturating_add(1);
            }
            _ => {}
        }
    }

    /// Returns whether the record is the second ClientHello, after a HelloRetryRequest. It may follow a
    /// ChangeCipherSpec, which has no effect there (RFC 8446 §D.4).
    fn is_client_hello(&self, length: usize) -> bool {
        let [CLIENT_HELLO, a, b, c, MAJOR_VERSION] = self.head[..] else { return false };
        usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c) == length.saturating_sub(4)
    }
}
