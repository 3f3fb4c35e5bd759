//! A packet capture (pcap, pcapng) as its records, one at a time. What stands in a packet is not looked at.
//!
//! Sources: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Memory is one record, up to [`MAX_RECORD`].

use std::io::{self, Read};
use std::ops::Range;

/// The largest packet or block that is taken. libpcap cuts packets of a network at 256 KiB.
pub const MAX_RECORD: usize = 1 << 20;

/// Bytes that tell a capture from another file.
pub const MAGIC_BYTES: usize = 4;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
/// Written until 2004.
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;
/// Keys of TLS sessions, which open all that was recorded.
const DECRYPTION_SECRETS: u32 = 10;
/// Of pcap: of the file, and of each packet.
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
/// Of pcapng: type and length in front, the length again behind.
const BLOCK_HEADER: usize = 8;
const BLOCK_END: usize = 4;

/// The order of bytes in numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Big,
    Little,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Pcap(Order),
    /// The order holds for one section.
    Pcapng(Order),
}

/// What comes next in a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// A header, a packet or another block, whole.
    Record { kind: RecordKind, content: Range<usize> },
    /// The capture ends behind the last record.
    End,
    /// It does not; why.
    Broken(&'static str),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordKind {
    Packet,
    /// Keys that decrypt packets.
    Secrets,
    Other,
}

/// Whether a file that begins so is a capture.
#[must_use]
pub fn is_capture(head: &[u8]) -> bool {
    head.get(..MAGIC_BYTES).is_some_and(|magic| form(magic).is_some())
}

/// Takes a capture apart.
#[derive(Debug)]
pub struct CaptureReader<R> {
    source: R,
    form: Option<Form>,
}

impl<R: Read> CaptureReader<R> {
    pub fn new(source: R) -> Self {
        Self { source, form: None }
    }

    /// Puts the next record into `record`; `content` of the step is the part of it that is no header.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next(&mut self, record: &mut Vec<u8>) -> io::Result<Step> {
        record.clear();
        match self.form {
            None => self.first(record),
            Some(Form::Pcap(order)) => self.packet(order, record),
            Some(Form::Pcapng(order)) => self.block(order, record),
        }
    }

    fn first(&mut self, record: &mut Vec<u8>) -> io::Result<Step> {
        self.fill(record, MAGIC_BYTES)?;
        self.form = form(record);
        match self.form {
            None => Ok(Step::Broken("it is neither pcap nor pcapng")),
            Some(Form::Pcapng(order)) => self.block(order, record),
            Some(Form::Pcap(_)) => Ok(if self.fill(record, FILE_HEADER)? {
                Step::Record { kind: RecordKind::Other, content: FILE_HEADER..FILE_HEADER }
            } else {
                Step::Broken("its header is cut")
            }),
        }
    }

    fn packet(&mut self, order: Order, record: &mut Vec<u8>) -> io::Result<Step> {
        if !self.fill(record, PACKET_HEADER)? {
            return Ok(ended(record));
        }
        let length = order.number(record, 8);
        if length > MAX_RECORD - PACKET_HEADER {
            return Ok(Step::Broken("what follows is no packet"));
        }
        if !self.fill(record, PACKET_HEADER + length)? {
            return Ok(Step::Broken("the last packet is cut"));
        }
        Ok(Step::Record { kind: RecordKind::Packet, content: PACKET_HEADER..record.len() })
    }

    /// A block of pcapng, of which the first bytes may be there.
    fn block(&mut self, order: Order, record: &mut Vec<u8>) -> io::Result<Step> {
        if !self.fill(record, BLOCK_HEADER)? {
            return Ok(ended(record));
        }
        let mut order = order;
        let kind = order.number(record, 0);
        if kind == SECTION as usize {
            // A section says its own order of bytes, and its length is written in it.
            if !self.fill(record, BLOCK_HEADER + 4)? {
                return Ok(Step::Broken("the last block is cut"));
            }
            order = match record[BLOCK_HEADER..] {
                [0x1A, 0x2B, 0x3C, 0x4D] => Order::Big,
                [0x4D, 0x3C, 0x2B, 0x1A] => Order::Little,
                _ => return Ok(Step::Broken("what follows is no section")),
            };
            self.form = Some(Form::Pcapng(order));
        }
        let length = order.number(record, 4);
        if length > MAX_RECORD || !length.is_multiple_of(4) || length < record.len() + BLOCK_END {
            return Ok(Step::Broken("what follows is no block"));
        }
        if !self.fill(record, length)? {
            return Ok(Step::Broken("the last block is cut"));
        }
        let end = length - BLOCK_END;
        if order.number(record, end) != length {
            return Ok(Step::Broken("what follows is no block"));
        }
        let kind = u32::try_from(kind).unwrap_or_default();
        let header = match kind {
            SECTION => 24,
            INTERFACE => 16,
            SIMPLE_PACKET => 12,
            PACKET | OLD_PACKET => 28,
            _ => BLOCK_HEADER,
        };
        let kind = match kind {
            PACKET | OLD_PACKET | SIMPLE_PACKET => RecordKind::Packet,
            DECRYPTION_SECRETS => RecordKind::Secrets,
            _ => RecordKind::Other,
        };
        Ok(Step::Record { kind, content: header.min(end)..end })
    }

    /// Reads until the record has so many bytes; whether there were as many.
    fn fill(&mut self, record: &mut Vec<u8>, length: usize) -> io::Result<bool> {
        let missing = length.saturating_sub(record.len());
        self.source.by_ref().take(missing as u64).read_to_end(record)?;
        Ok(record.len() >= length)
    }
}

impl Order {
    /// Four bytes as a number. They have been read.
    fn number(self, bytes: &[u8], at: usize) -> usize {
        let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
        let number = match self {
            Self::Big => u32::from_be_bytes(four),
            Self::Little => u32::from_le_bytes(four),
        };
        usize::try_from(number).unwrap_or(usize::MAX)
    }
}

/// Micro- and nanoseconds in either order.
fn form(magic: &[u8]) -> Option<Form> {
    match magic {
        [0xA1, 0xB2, 0xC3, 0xD4] | [0xA1, 0xB2, 0x3C, 0x4D] => Some(Form::Pcap(Order::Big)),
        [0xD4, 0xC3, 0xB2, 0xA1] | [0x4D, 0x3C, 0xB2, 0xA1] => Some(Form::Pcap(Order::Little)),
        [0x0A, 0x0D, 0x0D, 0x0A] => Some(Form::Pcapng(Order::Little)),
        _ => None,
    }
}

fn ended(record: &[u8]) -> Step {
    if record.is_empty() { Step::End } else { Step::Broken("the last packet is cut") }
}

/// Entry for the fuzzer: any bytes, and what holds for them.
///
/// # Panics
/// A promise is broken.
pub fn fuzz_capture(data: &[u8]) {
    let mut reader = CaptureReader::new(data);
    let (mut record, mut taken) = (Vec::new(), 0);
    while let Ok(Step::Record { content, .. }) = reader.next(&mut record) {
        assert!(content.start <= content.end && content.end <= record.len());
        assert_eq!(data.get(taken..taken + record.len()), Some(&*record), "records are the bytes of the capture");
        assert!(!record.is_empty() && record.len() <= MAX_RECORD);
        taken += record.len();
    }
}

#[cfg(test)]
pub(crate) mod tests;
