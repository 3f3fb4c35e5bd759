//! Splits a packet capture (pcap, pcapng) into records, one at a time. Packets are not parsed here.
//!
//! One splitter serves the analysis, which needs packets, and the support bundle, which masks secrets in the
//! bytes of each record: two readers of one format would disagree on where a record ends.
//!
//! Sources: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Memory is one buffer, which grows up to
//! [`MAX_RECORD`] and what is retained.

use std::io::{self, Read};
use std::ops::Range;

/// Maximum size of a packet or block, in bytes. libpcap truncates network packets at 256 KiB.
pub(super) const MAX_RECORD: usize = 1 << 20;

/// Maximum size of a block without packets that is skipped, in bytes. Longer ones are damage.
const MAX_SKIPPED_BLOCK: usize = 64 << 20;

/// Maximum number of bytes of a long block that are in memory at once.
const MAX_PART: usize = 64 << 10;

/// Number of bytes that identify a capture.
pub const MAGIC_BYTES: usize = 4;

/// Size of the buffer while no record needs more, in bytes.
const USUAL_BUFFER: usize = 256 << 10;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
/// Written until 2004.
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;
/// Keys of TLS sessions, which decrypt everything that was recorded.
const DECRYPTION_SECRETS: u32 = 10;
/// Header of a pcap file, and of each packet in its two forms.
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
const MODIFIED_PACKET_HEADER: usize = 24;
/// In pcapng: type and length in front, the length again behind.
const BLOCK_HEADER: usize = 8;
const BLOCK_END: usize = 4;

const CUT: Step = Step::Broken(Break::Cut("the last block is cut"));

/// The byte order of numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    Big,
    Little,
}

/// The format of a capture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Pcap {
        order: Order,
        nanoseconds: bool,
        /// Packet headers have 24 bytes.
        modified: bool,
    },
    /// The order holds for one section.
    Pcapng(Order),
}

/// The next thing in a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// A header, a packet or another block, whole. `content` is the part of it that is no header.
    Record { kind: RecordKind, content: Range<usize> },
    /// A block without packets was skipped, because it is longer than 1 MiB.
    Skipped { bytes: usize },
    /// The next part of a block of secrets that is longer than 1 MiB, after [`RecordReader::read_secrets`].
    Secrets { is_first: bool },
    /// The capture ends behind the last record.
    End,
    /// The capture is damaged; the reason.
    Broken(Break),
}

/// Why a capture cannot be read further.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Break {
    /// The file ends within a record: the program that wrote it was interrupted.
    Cut(&'static str),
    /// The bytes are not a record.
    Damaged(&'static str),
}

/// The content of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordKind {
    /// The header of the file or of a section.
    Header,
    /// The description of an interface.
    Interface,
    /// A packet with the number of its interface and its time.
    Packet,
    /// The obsolete form of it.
    OldPacket,
    /// A packet without interface and time.
    SimplePacket,
    /// Keys that decrypt packets.
    Secrets,
    Other,
}

/// Returns whether a file that begins with `head` is a capture.
#[must_use]
pub fn is_capture(head: &[u8]) -> bool {
    head.get(..MAGIC_BYTES).is_some_and(|magic| form(magic).is_some())
}

/// Splits a capture into records.
pub struct RecordReader<'a> {
    source: Box<dyn Read + Send + 'a>,
    form: Option<Form>,
    buffer: Vec<u8>,
    /// The record of the last step, within the buffer.
    record: Range<usize>,
    /// End of the bytes that have been read.
    filled: usize,
    /// Position of the record in the capture, in bytes.
    offset: u64,
    /// Size of the buffer while no record needs more.
    usual: usize,
    /// Number of bytes that have left the buffer at its front.
    passed: u64,
    /// Position from which bytes are retained, counted like `passed`.
    retained: Option<u64>,
    reads_secrets: bool,
    /// Number of bytes of a long block that are still to come.
    long: Option<usize>,
}

impl<'a> RecordReader<'a> {
    pub fn new(source: impl Read + Send + 'a) -> Self {
        Self::with_buffer(source, USUAL_BUFFER)
    }

    /// A reader whose buffer has this many bytes while no record needs more.
    pub fn with_buffer(source: impl Read + Send + 'a, usual: usize) -> Self {
        Self {
            source: Box::new(source),
            form: None,
            buffer: Vec::new(),
            record: 0..0,
            filled: 0,
            offset: 0,
            usual,
            passed: 0,
            retained: None,
            reads_secrets: false,
            long: None,
        }
    }

    /// Hands on long blocks of secrets in parts, instead of skipping them.
    pub fn read_secrets(&mut self) {
        self.reads_secrets = true;
    }

    /// Position of the last record, for [`Self::bytes`]. It does not count what was skipped.
    pub(super) fn position(&self) -> u64 {
        self.passed + self.record.start as u64
    }

    /// Retains all bytes from this position on, until another one is given.
    pub(super) fn retain_from(&mut self, position: Option<u64>) {
        self.retained = position;
    }

    /// Returns retained bytes.
    pub(super) fn bytes(&self, position: u64, length: usize) -> &[u8] {
        let start = usize::try_from(position.wrapping_sub(self.passed)).unwrap_or(usize::MAX);
        self.buffer.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// The bytes of the last record.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        self.buffer.get(self.record.clone()).unwrap_or_default()
    }

    /// Position of the last record, or of the damage, in bytes from the beginning of the (unpacked) capture.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The form of the capture, once its first record has been read.
    pub(super) fn form(&self) -> Option<Form> {
        self.form
    }

    /// Reads the next record, which [`Self::record`] then returns.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next_record(&mut self) -> io::Result<Step> {
        self.offset += self.record.len() as u64;
        self.record = self.record.end..self.record.end;
        let step = match self.form {
            _ if self.long.is_some() => self.part(false)?,
            None => self.first()?,
            Some(Form::Pcap { order, modified, .. }) => self.packet(order, modified)?,
            Some(Form::Pcapng(order)) => self.block(order)?,
        };
        if matches!(step, Step::Broken(_)) {
            self.record.end = self.record.start;
        }
        Ok(step)
    }

    fn first(&mut self) -> io::Result<Step> {
        self.fill(MAGIC_BYTES)?;
        self.form = form(self.record());
        match self.form {
            None => Ok(Step::Broken(Break::Damaged("it is neither pcap nor pcapng"))),
            Some(Form::Pcapng(order)) => self.block(order),
            Some(Form::Pcap { .. }) => Ok(if self.fill(FILE_HEADER)? {
                Step::Record { kind: RecordKind::Header, content: FILE_HEADER..FILE_HEADER }
            } else {
                Step::Broken(Break::Cut("its header is cut"))
            }),
        }
    }

    fn packet(&mut self, order: Order, modified: bool) -> io::Result<Step> {
        let header = if modified { MODIFIED_PACKET_HEADER } else { PACKET_HEADER };
        if !self.fill(header)? {
            return Ok(self.ended());
        }
        let length = order.size(self.record(), 8);
        if length > MAX_RECORD - header {
            return Ok(Step::Broken(Break::Damaged("what follows is no packet")));
        }
        if !self.fill(header + length)? {
            return Ok(Step::Broken(Break::Cut("the last packet is cut")));
        }
        Ok(Step::Record { kind: RecordKind::Packet, content: header..header + length })
    }

    /// Reads a block of pcapng, whose first bytes may be in the buffer.
    fn block(&mut self, mut order: Order) -> io::Result<Step> {
        const NO_BLOCK: Step = Step::Broken(Break::Damaged("what follows is no block"));
        if !self.fill(BLOCK_HEADER)? {
            return Ok(self.ended());
        }
        let kind = order.number(self.record(), 0);
        if kind == SECTION {
            // A section gives its own byte order, in which its length is written.
            if !self.fill(BLOCK_HEADER + 4)? {
                return Ok(CUT);
            }
            order = match self.record().get(BLOCK_HEADER..) {
                Some([0x1A, 0x2B, 0x3C, 0x4D]) => Order::Big,
                Some([0x4D, 0x3C, 0x2B, 0x1A]) => Order::Little,
                _ => return Ok(Step::Broken(Break::Damaged("what follows is no section"))),
            };
            self.form = Some(Form::Pcapng(order));
        }
        let length = order.size(self.record(), 4);
        if !length.is_multiple_of(4) || length < self.record.len() + BLOCK_END {
            return Ok(NO_BLOCK);
        }
        let (header, record_kind) = match kind {
            SECTION => (24, RecordKind::Header),
            INTERFACE => (16, RecordKind::Interface),
            SIMPLE_PACKET => (12, RecordKind::SimplePacket),
            PACKET => (28, RecordKind::Packet),
            OLD_PACKET => (28, RecordKind::OldPacket),
            DECRYPTION_SECRETS => (BLOCK_HEADER, RecordKind::Secrets),
            _ => (BLOCK_HEADER, RecordKind::Other),
        };
        if length > MAX_RECORD && record_kind == RecordKind::Secrets && self.reads_secrets {
            self.long = Some(length);
            return self.part(true);
        }
        if length > MAX_RECORD {
            let may_be_skipped = matches!(record_kind, RecordKind::Secrets | RecordKind::Other);
            if !may_be_skipped || length > MAX_SKIPPED_BLOCK {
                return Ok(NO_BLOCK);
            }
            return Ok(if self.skip(length)? { Step::Skipped { bytes: length } } else { CUT });
        }
        if !self.fill(length)? {
            return Ok(CUT);
        }
        let end = length - BLOCK_END;
        if order.size(self.record(), end) != length {
            return Ok(NO_BLOCK);
        }
        Ok(Step::Record { kind: record_kind, content: header.min(end)..end })
    }

    /// Reads the next part of a long block.
    fn part(&mut self, is_first: bool) -> io::Result<Step> {
        let left = self.long.take().unwrap_or_default();
        let length = left.min(MAX_PART);
        if !self.fill(length)? {
            return Ok(CUT);
        }
        self.long = Some(left - length).filter(|left| *left > 0);
        Ok(Step::Secrets { is_first })
    }

    /// Reads until the record has this many bytes; returns false if the source ends before.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        let start = self.record.start;
        if self.filled - start < length {
            // The data moves to the front, so that one record always fits.
            let retained = self.retained.map(|position| position.saturating_sub(self.passed));
            let front = retained.and_then(|front| usize::try_from(front).ok()).map_or(start, |front| front.min(start));
            self.buffer.copy_within(front..self.filled, 0);
            self.filled -= front;
            self.passed += front as u64;
            let start = start - front;
            self.record = start..start;
            let needed = start + length;
            if self.buffer.is_empty() {
                // The system zeroes it; `resize` would do it byte by byte.
                self.buffer = vec![0; needed.max(self.usual)];
            } else if self.buffer.len() < needed {
                self.buffer.resize(needed, 0);
            }
            while self.filled < needed {
                let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
                match self.source.read(free) {
                    Ok(0) => break,
                    Ok(count) => self.filled += count.min(free.len()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let start = self.record.start;
        self.record.end = self.filled.min(start + length);
        Ok(self.record.len() == length)
    }

    /// Skips this many bytes from the beginning of the record.
    fn skip(&mut self, length: usize) -> io::Result<bool> {
        let have = (self.filled - self.record.start).min(length);
        let missing = (length - have) as u64;
        let passed = io::copy(&mut self.source.by_ref().take(missing), &mut io::sink())?;
        self.record = self.record.start + have..self.record.start + have;
        self.offset += have as u64 + passed;
        Ok(passed == missing)
    }

    fn ended(&self) -> Step {
        if self.record.is_empty() { Step::End } else { Step::Broken(Break::Cut("the last packet is cut")) }
    }
}

impl Break {
    /// Returns the text that follows the name of the file and a colon.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Cut(text) | Self::Damaged(text) => text,
        }
    }
}

impl Order {
    /// Returns four bytes as a number; 0 if they are missing.
    pub(super) fn number(self, bytes: &[u8], at: usize) -> u32 {
        let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
        match self {
            Self::Big => u32::from_be_bytes(four),
            Self::Little => u32::from_le_bytes(four),
        }
    }

    /// Returns two bytes as a number; 0 if they are missing.
    pub(super) fn short(self, bytes: &[u8], at: usize) -> u16 {
        let two = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>).copied().unwrap_or_default();
        match self {
            Self::Big => u16::from_be_bytes(two),
            Self::Little => u16::from_le_bytes(two),
        }
    }

    fn size(self, bytes: &[u8], at: usize) -> usize {
        usize::try_from(self.number(bytes, at)).unwrap_or(usize::MAX)
    }
}

fn form(magic: &[u8]) -> Option<Form> {
    let pcap = |order, nanoseconds, modified| Some(Form::Pcap { order, nanoseconds, modified });
    match magic {
        [0xA1, 0xB2, 0xC3, 0xD4] => pcap(Order::Big, false, false),
        [0xD4, 0xC3, 0xB2, 0xA1] => pcap(Order::Little, false, false),
        [0xA1, 0xB2, 0x3C, 0x4D] => pcap(Order::Big, true, false),
        [0x4D, 0x3C, 0xB2, 0xA1] => pcap(Order::Little, true, false),
        [0xA1, 0xB2, 0xCD, 0x34] => pcap(Order::Big, false, true),
        [0x34, 0xCD, 0xB2, 0xA1] => pcap(Order::Little, false, true),
        [0x0A, 0x0D, 0x0D, 0x0A] => Some(Form::Pcapng(Order::Little)),
        _ => None,
    }
}

/// Fuzz entry point: splits any bytes and checks the invariants.
///
/// # Panics
/// If an invariant is violated.
pub fn fuzz_capture(data: &[u8]) {
    let mut reader = RecordReader::new(data);
    let mut taken = 0;
    loop {
        match reader.next_record() {
            Ok(Step::Record { content, .. }) => {
                let record = reader.record();
                assert!(content.start <= content.end && content.end <= record.len());
                assert_eq!(data.get(taken..taken + record.len()), Some(record), "records are the bytes of the capture");
                assert!(!record.is_empty() && record.len() <= MAX_RECORD);
                assert_eq!(reader.offset(), taken as u64);
                taken += record.len();
            }
            Ok(Step::Skipped { bytes }) => taken += bytes,
            Ok(Step::Secrets { .. }) => taken += reader.record().len(),
            _ => return,
        }
    }
}
