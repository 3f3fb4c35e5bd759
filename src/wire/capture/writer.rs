//! Packets → pcapng, which Wireshark opens.
//!
//! An interface is described before its first packet, once for each link type. Times are in nanoseconds.

use std::io::{self, Write};

use super::keep::KeptPacket;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
/// `if_tsresol`: 10⁻⁹ seconds; then the end of options.
const NANOSECONDS: [u8; 12] = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];

/// Writes a pcapng file of one section.
#[derive(Debug)]
pub struct CaptureWriter<W> {
    out: W,
    /// Link types of the interfaces described so far.
    interfaces: Vec<u16>,
    packets: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the header of the section.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(mut out: W) -> io::Result<Self> {
        // Version 1.0, and an unknown length of the section.
        let body = [&BYTE_ORDER_MAGIC.to_le_bytes()[..], &[1, 0, 0, 0], &[0xFF; 8]].concat();
        block(&mut out, SECTION, &[&body])?;
        Ok(Self { out, interfaces: Vec::new(), packets: 0 })
    }

    /// Writes a packet.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn packet(&mut self, packet: &KeptPacket) -> io::Result<()> {
        let known = self.interfaces.iter().position(|link| *link == packet.link);
        let interface = if let Some(interface) = known {
            interface
        } else {
            let description = [&packet.link.to_le_bytes()[..], &[0; 6]].concat();
            block(&mut self.out, INTERFACE, &[&description, &NANOSECONDS])?;
            self.interfaces.push(packet.link);
            self.interfaces.len() - 1
        };
        let time = u64::try_from(packet.time).unwrap_or_default();
        let [high, low] = [time >> 32, time & 0xFFFF_FFFF].map(|half| u32::try_from(half).unwrap_or_default());
        let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let header: Vec<u8> = [size(interface), high, low, size(packet.data.len()), size(packet.wire)]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        self.packets += 1;
        block(&mut self.out, PACKET, &[&header, &packet.data])
    }

    /// Number of packets written.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Writes out what is buffered and returns what was written to.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn block(out: &mut impl Write, kind: u32, parts: &[&[u8]]) -> io::Result<()> {
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    let padding = bytes.wrapping_neg() % 4;
    let length = u32::try_from(12 + bytes + padding).map_err(io::Error::other)?.to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&length)?;
    for part in parts {
        out.write_all(part)?;
    }
    out.write_all(&[0; 3][..padding])?;
    out.write_all(&length)
}
