//! Secrets of handshakes in the blocks of a pcapng file (draft-ietf-opsawg-pcapng §4.7), also in blocks that
//! are too long to be in memory at once.

use super::record::Form;
use crate::wire::tls::KeyLog;

/// Type of secrets: the lines of a TLS key log.
const TLS_KEY_LOG: u32 = 0x544C_534B;
/// Type and length of the block, type and length of the secrets.
const HEADER_BYTES: usize = 16;
/// Maximum number of bytes of secrets that are read of one capture.
const MAX_BYTES: u64 = 64 << 20;
/// Maximum length of a line. Longer ones are none of a key log.
const MAX_LINE: usize = 1 << 10;

/// Reads blocks of secrets part by part.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub(super) keys: KeyLog,
    /// Number of bytes that were not read: behind the limit, or of another type.
    pub(super) unread: u64,
    read: u64,
    /// Number of bytes of the text of this block that are still to come.
    left: usize,
    /// The beginning of a line that ends in the next part.
    line: Vec<u8>,
    is_key_log: bool,
}

impl Secrets {
    /// Reads a part of a block. The first part has the header of the block.
    pub(super) fn part(&mut self, form: Option<Form>, part: &[u8], is_first: bool) {
        let mut text = part;
        if is_first {
            let Some(Form::Pcapng(order)) = form else { return };
            self.line.clear();
            self.is_key_log = order.number(part, HEADER_BYTES / 2) == TLS_KEY_LOG;
            self.left = usize::try_from(order.number(part, HEADER_BYTES - 4)).unwrap_or(usize::MAX);
            text = part.get(HEADER_BYTES..).unwrap_or_default();
        }
        // Padding and the length of the block follow the text.
        let text = text.get(..self.left).unwrap_or(text);
        self.left -= text.len();
        let length = text.len() as u64;
        if !self.is_key_log || self.read + length > MAX_BYTES {
            self.unread += length;
            return;
        }
        self.read += length;
        self.lines(text);
    }

    fn lines(&mut self, text: &[u8]) {
        let is_end = self.left == 0;
        let mut rest = text;
        if !self.line.is_empty() {
            let (end, after) = split(rest, |text| memchr::memchr(b'\n', text));
            self.line.extend_from_slice(end.get(..end.len().min(MAX_LINE)).unwrap_or_default());
            rest = after;
            if rest.is_empty() && !end.ends_with(b"\n") && !is_end && self.line.len() < MAX_LINE {
                return;
            }
            self.keys.read(&std::mem::take(&mut self.line));
        }
        let (lines, begun) = split(rest, |text| if is_end { None } else { memchr::memrchr(b'\n', text) });
        let (lines, begun) = if is_end || lines.ends_with(b"\n") { (lines, begun) } else { (&[][..], lines) };
        self.keys.read(lines);
        self.line.extend_from_slice(begun.get(..begun.len().min(MAX_LINE)).unwrap_or_default());
    }
}

/// Splits behind the position that is found; everything is in front if there is none.
fn split(text: &[u8], find: impl Fn(&[u8]) -> Option<usize>) -> (&[u8], &[u8]) {
    find(text).map_or((text, &[]), |at| text.split_at(at + 1))
}
