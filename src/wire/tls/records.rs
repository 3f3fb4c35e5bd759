//! Splits a stream into TLS records (RFC 8446 §5.1). Bytes are passed on as they arrive; no record is
//! buffered.

use super::fields::Fields;
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
    header: Vec<u8>,
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
        if self.header.len() < HEADER_BYTES {
            let (head, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.header.len()));
            self.header.extend(head);
            *bytes = rest;
            let Some(header) = self.header.first_chunk() else { return Ok(None) };
            self.left = usize::from(length(*header)?);
        } else if bytes.is_empty() {
            return Ok(None);
        }
        if self.left > 0 && bytes.is_empty() {
            return Ok(None);
        }
        let (body, rest) = bytes.split_at(bytes.len().min(self.left));
        *bytes = rest;
        self.left -= body.len();
        let kind = self.header.first().copied().unwrap_or_default();
        let length = Fields(self.header.get(3..).unwrap_or_default()).u16().unwrap_or_default();
        let is_last = self.left == 0;
        if is_last {
            self.header.clear();
        }
        Ok(Some(Piece { kind, length: usize::from(length), bytes: body, is_last }))
    }

    /// Passes over bytes that are missing, if they are of the record that is under way. Returns its kind, and
    /// its length if it ends with them.
    pub(super) fn pass(&mut self, missing: usize) -> Option<(u8, Option<usize>)> {
        if self.header.len() < HEADER_BYTES || missing > self.left {
            return None;
        }
        let kind = *self.header.first()?;
        let length = Fields(self.header.get(3..)?).u16()?;
        self.left -= missing;
        let is_last = self.left == 0;
        if is_last {
            self.header.clear();
        }
        Some((kind, is_last.then_some(usize::from(length))))
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
