//! Records of a capture → packets: time, link type, bytes, and their number on the wire.
//!
//! No value of a packet header makes the packet unreadable: times that jump, a fraction of a second above
//! 10⁹, more bytes captured than were sent. A record only has to end inside the file.

use std::io::{self, Read};
use std::ops::Range;

use super::record::{Break, Form, Order, RecordKind, RecordReader, Step};
use super::secrets::Secrets;
use crate::wire::tls::KeyLog;

/// Maximum number of interfaces of a section. Packets of later ones are counted as unread.
const MAX_INTERFACES: usize = 4096;

/// The type bits of a link-type word; above them are flags (length of a frame check sequence).
const LINK_TYPE: u32 = 0xFFFF;

/// Option of an interface: the resolution of times (draft-ietf-opsawg-pcapng §4.2).
const IF_TSRESOL: u16 = 9;
/// Option of an interface: seconds to add to each time.
const IF_TSOFFSET: u16 = 14;
/// Ticks per second if an interface does not specify them.
const MICROSECONDS: u64 = 1_000_000;
const NANOSECONDS: u64 = 1_000_000_000;

/// A packet of a capture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// Type of the link layer (<https://www.tcpdump.org/linktypes.html>); absent for an interface that is not
    /// described.
    pub link: Option<u16>,
    /// Number of the interface, counted over all sections.
    pub interface: u32,
    /// The bytes that were captured.
    pub data: &'a [u8],
    /// Number of bytes on the wire.
    pub wire: usize,
}

/// Reads a capture packet by packet, with one of them in memory.
pub struct PacketReader<'a> {
    records: RecordReader<'a>,
    interfaces: Vec<Interface>,
    /// Interfaces of earlier sections.
    before: u32,
    current: Option<Current>,
    packets: u64,
    last_time: i64,
    /// Secrets of handshakes that stand before the packet.
    secrets: Secrets,
}

/// The description of an interface.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u16,
    /// Ticks per second, and the nanoseconds of one if their number is whole.
    ticks: u64,
    tick: Option<u64>,
    /// Seconds.
    offset: i64,
    snaplen: usize,
}

#[derive(Clone, Debug)]
struct Current {
    time: i64,
    link: Option<u16>,
    interface: u32,
    data: Range<usize>,
    wire: usize,
}

/// How far a capture was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// [`PacketReader::packet`] has the next packet.
    Packet,
    /// The capture ended.
    End,
    /// It cannot be read beyond [`PacketReader::offset`].
    Broken(Break),
}

impl<'a> PacketReader<'a> {
    /// A reader whose buffer has this many bytes while no packet needs more.
    pub fn new(source: impl Read + Send + 'a, buffer: usize) -> Self {
        let mut records = RecordReader::with_buffer(source, buffer);
        records.read_secrets();
        Self {
            records,
            interfaces: Vec::new(),
            before: 0,
            current: None,
            packets: 0,
            last_time: 0,
            secrets: Secrets::default(),
        }
    }

    /// Reads up to the next packet.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next_packet(&mut self) -> io::Result<Progress> {
        loop {
            self.current = None;
            let (kind, content) = match self.records.next_record()? {
                Step::Record { kind, content } => (kind, content),
                Step::Skipped { .. } => continue,
                Step::Secrets { is_first } => {
                    self.secrets.part(self.records.form(), self.records.record(), is_first);
                    continue;
                }
                Step::End => return Ok(Progress::End),
                Step::Broken(why) => return Ok(Progress::Broken(why)),
            };
            let Some(form) = self.records.form() else { return Ok(Progress::End) };
            match self.record(form, kind, content) {
                Ok(None) => {}
                Ok(Some(current)) => {
                    self.packets += 1;
                    self.last_time = current.time;
                    self.current = Some(current);
                    return Ok(Progress::Packet);
                }
                Err(why) => return Ok(Progress::Broken(why)),
            }
        }
    }

    /// The packet that was read last.
    #[must_use]
    pub fn packet(&self) -> Option<Packet<'_>> {
        let current = self.current.as_ref()?;
        let data = self.records.record().get(current.data.clone())?;
        let Current { time, link, interface, wire, .. } = *current;
        Some(Packet { time, link, interface, data, wire })
    }

    /// Secrets of handshakes that were read since they were taken from here.
    pub fn keys(&mut self) -> &mut KeyLog {
        &mut self.secrets.keys
    }

    /// Number of bytes of secrets that were not read.
    #[must_use]
    pub fn unread_secrets(&self) -> u64 {
        self.secrets.unread
    }

    /// Position of the packet that was read last, for [`Self::bytes`].
    pub(super) fn position(&self) -> u64 {
        self.records.position() + self.current.as_ref().map_or(0, |current| current.data.start as u64)
    }

    /// Retains the bytes from this position on, until another one is given.
    pub(super) fn retain_from(&mut self, position: Option<u64>) {
        self.records.retain_from(position);
    }

    /// Returns retained bytes.
    pub(super) fn bytes(&self, position: u64, length: usize) -> &[u8] {
        self.records.bytes(position, length)
    }

    /// Number of packets read.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Position of the record that was read last, or of the damage.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.records.offset()
    }

    /// The name of the file's format.
    #[must_use]
    pub fn format(&self) -> &'static str {
        match self.records.form() {
            None => "",
            Some(Form::Pcap { modified: true, .. }) => "modified pcap",
            Some(Form::Pcap { nanoseconds: true, .. }) => "nanosecond pcap",
            Some(Form::Pcap { .. }) => "pcap",
            Some(Form::Pcapng(_)) => "pcapng",
        }
    }

    fn record(&mut self, form: Form, kind: RecordKind, content: Range<usize>) -> Result<Option<Current>, Break> {
        match (form, kind) {
            (Form::Pcap { order, nanoseconds, .. }, RecordKind::Header) => {
                let record = self.records.record();
                let ticks = if nanoseconds { NANOSECONDS } else { MICROSECONDS };
                let link = link_type(order.number(record, 20));
                self.interfaces.push(Interface { link, ticks, tick: tick(ticks), offset: 0, snaplen: usize::MAX });
                Ok(None)
            }
            (Form::Pcap { order, .. }, _) => Ok(Some(self.pcap_packet(order, content))),
            (Form::Pcapng(_), RecordKind::Header) => {
                self.before = self.before.saturating_add(u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX));
                self.interfaces.clear();
                Ok(None)
            }
            (Form::Pcapng(order), RecordKind::Interface) => {
                if self.interfaces.len() < MAX_INTERFACES {
                    self.interfaces.push(interface(order, self.records.record(), content.end));
                }
                Ok(None)
            }
            (Form::Pcapng(order), RecordKind::Packet | RecordKind::OldPacket) => {
                let record = self.records.record();
                let number = if kind == RecordKind::OldPacket {
                    u32::from(order.short(record, 8))
                } else {
                    order.number(record, 8)
                };
                let ticks = u64::from(order.number(record, 12)) << 32 | u64::from(order.number(record, 16));
                let length = size(order.number(record, 20));
                if length > content.len() {
                    return Err(Break::Damaged("a packet is longer than its block"));
                }
                let wire = size(order.number(record, 24));
                let known = self.interface(number);
                Ok(Some(Current {
                    time: known.map_or(self.last_time, |known| known.time(ticks)),
                    link: known.map(|known| known.link),
                    interface: self.before.saturating_add(number),
                    data: content.start..content.start + length,
                    wire: wire.max(length),
                }))
            }
            (Form::Pcapng(order), RecordKind::SimplePacket) => {
                let wire = size(order.number(self.records.record(), 8));
                let known = self.interface(0);
                // It has no length but the block's, which counts the padding too.
                let length = wire.min(content.len()).min(known.map_or(usize::MAX, |known| known.snaplen));
                Ok(Some(Current {
                    time: self.last_time,
                    link: known.map(|known| known.link),
                    interface: self.before,
                    data: content.start..content.start + length,
                    wire,
                }))
            }
            (Form::Pcapng(_), RecordKind::Secrets) => {
                let block = self.records.record().get(..content.end).unwrap_or_default();
                self.secrets.part(Some(form), block, true);
                Ok(None)
            }
            (Form::Pcapng(_), RecordKind::Other) => Ok(None),
        }
    }

    fn pcap_packet(&self, order: Order, content: Range<usize>) -> Current {
        let record = self.records.record();
        let known = self.interface(0);
        let (seconds, fraction) = (u64::from(order.number(record, 0)), u64::from(order.number(record, 4)));
        let ticks = |known: Interface| known.time(seconds.saturating_mul(known.ticks).saturating_add(fraction));
        Current {
            time: known.map_or(0, ticks),
            link: known.map(|known| known.link),
            interface: 0,
            wire: size(order.number(record, 12)).max(content.len()),
            data: content,
        }
    }

    fn interface(&self, number: u32) -> Option<Interface> {
        self.interfaces.get(size(number)).copied()
    }
}

impl Interface {
    fn time(self, ticks: u64) -> i64 {
        // Usual times need no division, which takes long with 128 bits.
        if self.offset == 0
            && let Some(time) = self.tick.and_then(|tick| ticks.checked_mul(tick))
            && let Ok(time) = i64::try_from(time)
        {
            return time;
        }
        let nanoseconds = i128::from(ticks) * i128::from(NANOSECONDS) / i128::from(self.ticks.max(1));
        let offset = i128::from(self.offset) * i128::from(NANOSECONDS);
        let time = nanoseconds.saturating_add(offset);
        i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX })
    }
}

/// Reads an Interface Description Block, whose options end at `end`.
fn interface(order: Order, record: &[u8], end: usize) -> Interface {
    let snaplen = size(order.number(record, 12));
    let mut found = Interface {
        link: order.short(record, 8),
        ticks: MICROSECONDS,
        tick: None,
        offset: 0,
        snaplen: if snaplen == 0 { usize::MAX } else { snaplen },
    };
    let mut options = record.get(16..end).unwrap_or_default();
    while options.len() >= 4 {
        let (code, length) = (order.short(options, 0), usize::from(order.short(options, 2)));
        let Some(value) = options.get(4..4 + length) else { break };
        match (code, value) {
            (0, _) => break,
            (IF_TSRESOL, [power, ..]) => {
                let exponent = u32::from(power & 0x7F);
                let base: u64 = if power & 0x80 == 0 { 10 } else { 2 };
                // A resolution that 64 bits cannot represent is invalid.
                found.ticks = base.checked_pow(exponent).unwrap_or(MICROSECONDS);
            }
            (IF_TSOFFSET, value) if value.len() >= 8 => {
                let (first, second) = (u64::from(order.number(value, 0)), u64::from(order.number(value, 4)));
                let seconds = match order {
                    Order::Big => first << 32 | second,
                    Order::Little => second << 32 | first,
                };
                found.offset = seconds.cast_signed();
            }
            _ => {}
        }
        options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    }
    found.tick = tick(found.ticks);
    found
}

fn tick(ticks: u64) -> Option<u64> {
    NANOSECONDS.is_multiple_of(ticks).then(|| NANOSECONDS / ticks)
}

fn link_type(word: u32) -> u16 {
    u16::try_from(word & LINK_TYPE).unwrap_or(u16::MAX)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
