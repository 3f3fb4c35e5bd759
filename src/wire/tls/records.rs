//! Splits a stream into TLS records (RFC 8446 §5.1). Bytes are passed on as they arrive; no record is
//! buffered.

use super::malformed::Malformed;

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;
pub(super) const HEARTBEAT: u8 = 24;

/// Maximum length of a record. `TLSCiphertext` of TLS 1.2 has the largest limit (RFC 5246 §6.2.3).
pub(super) const MAX_RECORD_BYTES: u16 = (1 << 14) + 2048;
const HEADER_BYTES: usize = 5;

/// Reads the records of one direction.
#[derive(Debug, Default)]
pub(super) struct Records {
    header: [u8; HEADER_BYTES],
    /// Number of bytes of the header that have been read.
    have: usize,
    /// Number of body bytes of the current record still missing.
    left: usize,
}

/// Consecutive bytes of one record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) kind: u8,
    /// Length of the whole record.
    pub(super) length: usize,
    pub(super) bytes: &'a [u8],
    pub(super) is_last: bool,
}

impl Records {
    /// Takes the next piece from the front of `bytes`; `None` if they are used up. A record without a body is
    /// one piece.
    ///
    /// # Errors
    /// Returns the violation. Nothing can be read after it.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
        if self.have < HEADER_BYTES {
            let (head, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.have));
            if let Some(place) = self.header.get_mut(self.have..self.have + head.len()) {
                place.copy_from_slice(head);
            }
            self.have += head.len();
            *bytes = rest;
            if self.have < HEADER_BYTES {
                return Ok(None);
            }
            self.left = usize::from(length(self.header)?);
        } else if bytes.is_empty() {
            return Ok(None);
        }
        if self.left > 0 && bytes.is_empty() {
            return Ok(None);
        }
        let (body, rest) = bytes.split_at(bytes.len().min(self.left));
        *bytes = rest;
        self.left -= body.len();
        let (kind, length) = self.kind_and_length();
        let is_last = self.ends();
        Ok(Some(Piece { kind, length, bytes: body, is_last }))
    }

    /// Passes over bytes that are missing, if they are of the record that is under way. Returns its kind, and
    /// its length if it ends with them.
    pub(super) fn pass(&mut self, missing: usize) -> Option<(u8, Option<usize>)> {
        if self.have < HEADER_BYTES || missing > self.left {
            return None;
        }
        let (kind, length) = self.kind_and_length();
        self.left -= missing;
        Some((kind, self.ends().then_some(length)))
    }

    fn kind_and_length(&self) -> (u8, usize) {
        let [kind, _, _, length @ ..] = self.header;
        (kind, usize::from(u16::from_be_bytes(length)))
    }

    /// Returns whether the record is complete; then the next one begins.
    fn ends(&mut self) -> bool {
        let is_last = self.left == 0;
        if is_last {
            self.have = 0;
        }
        is_last
    }
}

/// Returns the length in a record header.
///
/// # Errors
/// Returns the violation if the header is not one of TLS.
fn length(header: [u8; HEADER_BYTES]) -> Result<u16, Malformed> {
    let [kind, major, minor, length @ ..] = header;
    let length = u16::from_be_bytes(length);
    if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) {
        return Err(Malformed::RecordType(kind));
    }
    if major != 3 {
        return Err(Malformed::RecordVersion(u16::from_be_bytes([major, minor])));
    }
    if length > MAX_RECORD_BYTES {
        return Err(Malformed::RecordLength(length));
    }
    if length == 0 && kind != APPLICATION_DATA {
        return Err(Malformed::EmptyRecord(kind));
    }
    Ok(length)
}
