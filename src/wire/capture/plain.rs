//! Reads TCP segments of the usual packets at once: IPv4 without options and fragments, directly behind the
//! link layer. Nearly all packets are such, and removing their layers one by one takes several times as long.
//!
//! Whatever is unusual is left to [`Layers`](super::layers::Layers), which gives the same for these packets.

use std::net::{Ipv4Addr, SocketAddr};

use super::layers::{IPV4, Segment};
use super::packets::Packet;

const ETHERNET: u16 = 1;
const COOKED: u16 = 113;
const COOKED_2: u16 = 276;
/// Version 4, and a header of 5 words.
const VERSION_AND_LENGTH: u8 = 0x45;
const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const TCP: u8 = 6;
/// More fragments follow, or the packet is not the first one.
const FRAGMENT: u16 = 0x3FFF;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Returns the segment of a packet, if it is a usual one.
pub(super) fn segment<'a>(packet: &Packet<'a>) -> Option<Segment<'a>> {
    let (link, place) = match packet.link? {
        ETHERNET => (14, 12),
        COOKED => (16, 14),
        COOKED_2 => (20, 0),
        _ => return None,
    };
    let (link, rest) = packet.data.split_at_checked(link)?;
    if short(link, place)? != IPV4 {
        return None;
    }
    let (ip, rest) = rest.split_first_chunk::<IP_HEADER>()?;
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let is_fragment = u16::from_be_bytes([ip[6], ip[7]]) & FRAGMENT != 0;
    if ip[0] != VERSION_AND_LENGTH || ip[9] != TCP || is_fragment || total < IP_HEADER + TCP_HEADER {
        return None;
    }
    let length = total - IP_HEADER;
    let rest = rest.get(..length).unwrap_or(rest);
    let tcp = rest.first_chunk::<TCP_HEADER>()?;
    let header = usize::from(tcp[12] >> 4) * 4;
    let data = rest.get(header..).filter(|_| header >= TCP_HEADER)?;
    let source = Ipv4Addr::from([ip[12], ip[13], ip[14], ip[15]]);
    let destination = Ipv4Addr::from([ip[16], ip[17], ip[18], ip[19]]);
    let flags = tcp[13];
    Some(Segment {
        source: SocketAddr::from((source, u16::from_be_bytes([tcp[0], tcp[1]]))),
        destination: SocketAddr::from((destination, u16::from_be_bytes([tcp[2], tcp[3]]))),
        sequence: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
        acknowledged: (flags & ACK != 0).then(|| u32::from_be_bytes([tcp[8], tcp[9], tcp[10], tcp[11]])),
        syn: flags & SYN != 0,
        fin: flags & FIN != 0,
        rst: flags & RST != 0,
        data,
        length: length - header,
        tunnel: None,
        hops: ip[8],
    })
}

fn short(bytes: &[u8], place: usize) -> Option<u16> {
    bytes.get(place..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}
