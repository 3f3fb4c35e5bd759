//! Removes the layers below TCP until a TCP segment or a UDP datagram is left: link layers, tags, tunnels,
//! IP.
//!
//! Tags (VLAN, MPLS) and tunnels never become part of a connection's identity: one direction may carry them
//! and the other not, and on a node the same packet is captured inside and outside. The innermost addresses
//! are reported.
//!
//! etherparse reads IP with its extension headers and TCP; it does not know the link layers and tunnels of
//! clusters, which are a few bytes each.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use etherparse::{IpNumber, LaxIpSlice, TcpSlice, UdpSlice};

use super::fragments::{Fragment, Fragments};
use super::packets::Packet;
use super::plain;
use crate::evidence::capture::Tunnel;

/// Maximum number of layers of one packet. Real packets have a dozen at most.
const MAX_LAYERS: usize = 24;

pub(super) const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86DD;
const TRANSPARENT_ETHERNET: u16 = 0x6558;
const VLAN: [u16; 3] = [0x8100, 0x88A8, 0x9100];
const MPLS: [u16; 2] = [0x8847, 0x8848];
const PPPOE_SESSION: u16 = 0x8864;
/// Cisco MetaData: 6 bytes, then another EtherType.
const CISCO_METADATA: u16 = 0x8909;
const ERSPAN_2: u16 = 0x88BE;
const ERSPAN_3: u16 = 0x22EB;
/// GRE protocols that are PPP and LLC are not read.
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;
const GTP_PORT: u16 = 2152;

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment<'a> {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) sequence: u32,
    /// Absent without the ACK flag.
    pub(super) acknowledged: Option<u32>,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
    /// As much of the data as was captured.
    pub(super) data: &'a [u8],
    /// Number of bytes of data on the wire.
    pub(super) length: usize,
    pub(super) tunnel: Option<Tunnel>,
    /// Time to live, or hop limit.
    pub(super) hops: u8,
}

/// The content of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    Tcp(Segment<'a>),
    Udp {
        source: SocketAddr,
        destination: SocketAddr,
        data: &'a [u8],
    },
    /// A fragment of a datagram that is not complete yet.
    Fragment,
    /// Something that holds no TCP and is no gap in the picture: ARP, ICMP, spanning tree.
    Beside,
    Unread(Unread),
}

/// Why a packet was not read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Unread {
    /// Link type of the capture.
    Link(u16),
    /// The interface of the packet is not described.
    NoInterface,
    /// `EtherType`.
    Type(u16),
    /// Headers that are truncated or inconsistent.
    Malformed,
    /// More layers than [`MAX_LAYERS`].
    TooDeep,
}

/// Removes the layers of packets; keeps fragments until their datagram is complete.
#[derive(Debug, Default)]
pub(super) struct Layers {
    fragments: Fragments,
    /// The datagram that was reassembled last.
    whole: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Layer {
    Link(u16),
    Ethernet,
    Type(u16),
    Mpls,
    Ip,
    /// The payload of IP.
    Payload(IpNumber),
}

/// The rest of a packet.
#[derive(Clone, Copy)]
struct Rest<'a> {
    data: &'a [u8],
    /// Number of bytes of it on the wire.
    wire: usize,
    tunnel: Option<Tunnel>,
    addresses: Option<(IpAddr, IpAddr)>,
    hops: u8,
}

impl Layers {
    /// Returns the content of `packet`.
    pub(super) fn content<'a>(&'a mut self, packet: &Packet<'a>) -> Content<'a> {
        plain::segment(packet).map_or_else(|| self.peel(packet), Content::Tcp)
    }

    /// Removes the layers of `packet` one by one.
    pub(super) fn peel<'a>(&'a mut self, packet: &Packet<'a>) -> Content<'a> {
        let Some(link) = packet.link else { return Content::Unread(Unread::NoInterface) };
        let mut rest = Rest { data: packet.data, wire: packet.wire, tunnel: None, addresses: None, hops: 0 };
        let fragment = match peel(&mut rest, Layer::Link(link)) {
            Peeled::Content(content) => return content,
            Peeled::Fragment(fragment) => fragment,
        };
        let Some(number) = self.fragments.add(&fragment, &mut self.whole) else { return Content::Fragment };
        let whole = self.whole.as_slice();
        rest = Rest { data: whole, wire: whole.len(), ..rest };
        match peel(&mut rest, Layer::Payload(number)) {
            Peeled::Content(content) => content,
            Peeled::Fragment(_) => Content::Unread(Unread::TooDeep),
        }
    }
}

enum Peeled<'a> {
    Content(Content<'a>),
    Fragment(Fragment<'a>),
}

/// The result of removing one layer.
type Next<'a> = Result<Layer, Peeled<'a>>;

fn peel<'a>(rest: &mut Rest<'a>, first: Layer) -> Peeled<'a> {
    let mut layer = first;
    for _ in 0..MAX_LAYERS {
        let next = match layer {
            Layer::Link(link) => link_layer(link, rest),
            Layer::Ethernet => ethernet(rest),
            Layer::Type(kind) => by_type(kind, rest),
            Layer::Mpls => mpls(rest),
            Layer::Ip => ip(rest),
            Layer::Payload(number) => payload(number, rest),
        };
        match next {
            Ok(next) => layer = next,
            Err(peeled) => return peeled,
        }
    }
    unread(Unread::TooDeep)
}

fn unread<'a>(why: Unread) -> Peeled<'a> {
    Peeled::Content(Content::Unread(why))
}

fn beside<'a>() -> Peeled<'a> {
    Peeled::Content(Content::Beside)
}

fn malformed<'a>() -> Peeled<'a> {
    unread(Unread::Malformed)
}

fn link_layer<'a>(link: u16, rest: &mut Rest<'a>) -> Next<'a> {
    match link {
        1 => Ok(Layer::Ethernet),
        // The address family, in the byte order of the capturing machine.
        0 | 108 => {
            let family = rest.take::<4>().ok_or_else(malformed)?;
            match u32::from_be_bytes(family).min(u32::from_le_bytes(family)) {
                2 | 24 | 28 | 30 => Ok(Layer::Ip),
                _ => Err(beside()),
            }
        }
        12 | 14 | 101 | 228 | 229 => Ok(Layer::Ip),
        // PPP, with or without HDLC framing.
        9 | 50 => {
            if rest.data.starts_with(&[0xFF, 0x03]) {
                rest.skip(2);
            }
            ppp(rest)
        }
        // Linux cooked: the EtherType is last in its first version and first in the second.
        113 => {
            let header = rest.take::<16>().ok_or_else(malformed)?;
            Ok(Layer::Type(u16::from_be_bytes([header[14], header[15]])))
        }
        276 => {
            let header = rest.take::<20>().ok_or_else(malformed)?;
            Ok(Layer::Type(u16::from_be_bytes([header[0], header[1]])))
        }
        link => Err(unread(Unread::Link(link))),
    }
}

fn ethernet<'a>(rest: &mut Rest<'a>) -> Next<'a> {
    let header = rest.take::<14>().ok_or_else(malformed)?;
    let kind = u16::from_be_bytes([header[12], header[13]]);
    if kind >= 0x0600 {
        return Ok(Layer::Type(kind));
    }
    // A length (IEEE 802.3): LLC, and with SNAP an EtherType.
    match rest.data {
        [0xAA, 0xAA, 0x03, 0, 0, 0, high, low, ..] => {
            let kind = u16::from_be_bytes([*high, *low]);
            rest.skip(8);
            Ok(Layer::Type(kind))
        }
        _ => Err(beside()),
    }
}

fn by_type<'a>(kind: u16, rest: &mut Rest<'a>) -> Next<'a> {
    match kind {
        IPV4 | IPV6 => Ok(Layer::Ip),
        kind if VLAN.contains(&kind) => {
            let [_, _, high, low] = rest.take::<4>().ok_or_else(malformed)?;
            Ok(Layer::Type(u16::from_be_bytes([high, low])))
        }
        kind if MPLS.contains(&kind) => Ok(Layer::Mpls),
        PPPOE_SESSION => {
            rest.take::<6>().ok_or_else(malformed)?;
            ppp(rest)
        }
        CISCO_METADATA => {
            let header = rest.take::<8>().ok_or_else(malformed)?;
            Ok(Layer::Type(u16::from_be_bytes([header[6], header[7]])))
        }
        TRANSPARENT_ETHERNET => Ok(Layer::Ethernet),
        // ARP, RARP, LLDP, wake on LAN, slow protocols, PPPoE discovery, EAPOL, PTP, MACsec's key agreement
        // aside.
        0x0806 | 0x8035 | 0x88CC | 0x0842 | 0x8809 | 0x8863 | 0x888E | 0x88F7 | 0x9000 => Err(beside()),
        // Linux cooked capture uses small numbers for other protocols than EtherTypes; 802.3 frames have
        // lengths there.
        kind if kind < 0x0600 => Err(beside()),
        kind => Err(unread(Unread::Type(kind))),
    }
}

fn ppp<'a>(rest: &mut Rest<'a>) -> Next<'a> {
    let protocol = rest.take::<2>().ok_or_else(malformed)?;
    match u16::from_be_bytes(protocol) {
        PPP_IPV4 | PPP_IPV6 => Ok(Layer::Ip),
        _ => Err(beside()),
    }
}

/// Skips labels up to the bottom of the stack. The payload has no type field: it is IP by its version,
/// otherwise Ethernet after a control word, which begins with a zero (RFC 4385 §3), or without one.
fn mpls<'a>(rest: &mut Rest<'a>) -> Next<'a> {
    for _ in 0..MAX_LAYERS {
        let label = rest.take::<4>().ok_or_else(malformed)?;
        if label[2].is_multiple_of(2) {
            continue;
        }
        return match rest.data.first().map(|byte| byte >> 4) {
            Some(4 | 6) => Ok(Layer::Ip),
            Some(0) => {
                rest.skip(4);
                Ok(Layer::Ethernet)
            }
            Some(_) => Ok(Layer::Ethernet),
            None => Err(malformed()),
        };
    }
    Err(unread(Unread::TooDeep))
}

fn ip<'a>(rest: &mut Rest<'a>) -> Next<'a> {
    let (packet, _) = LaxIpSlice::from_slice(rest.data).map_err(|_| malformed())?;
    let addresses = (packet.source_addr(), packet.destination_addr());
    let hops = match &packet {
        LaxIpSlice::Ipv4(packet) => packet.header().ttl(),
        LaxIpSlice::Ipv6(packet) => packet.header().hop_limit(),
    };
    let (consumed, total, fragment) = match &packet {
        LaxIpSlice::Ipv4(packet) => {
            let header = packet.header();
            let total = usize::from(header.total_len());
            let own = header.slice().len();
            let extensions = packet.extensions().auth.map_or(0, |header| header.slice().len());
            let fragment = header
                .is_fragmenting_payload()
                .then(|| (u32::from(header.identification()), header.fragments_offset(), header.more_fragments()));
            (own + extensions, (total >= own).then_some(total), fragment)
        }
        LaxIpSlice::Ipv6(packet) => {
            let own = packet.header().slice().len();
            let length = usize::from(packet.header().payload_length());
            let fragment = packet.extensions().clone().into_iter().find_map(|extension| match extension {
                etherparse::Ipv6ExtensionSlice::Fragment(header) if header.is_fragmenting_payload() => {
                    Some((header.identification(), header.fragment_offset(), header.more_fragments()))
                }
                _ => None,
            });
            (own + packet.extensions().slice().len(), (length > 0).then_some(own + length), fragment)
        }
    };
    let payload = packet.payload();
    // Segmentation offload writes a length of 0 and leaves it to the network card. Otherwise bytes after the
    // packet are padding.
    let wire = total.unwrap_or(rest.wire).saturating_sub(consumed).max(payload.payload.len());
    *rest = Rest { data: payload.payload, wire, addresses: Some(addresses), hops, ..*rest };
    let number = payload.ip_number;
    match fragment {
        None => Ok(Layer::Payload(number)),
        Some((identification, offset, more)) => {
            Err(Peeled::Fragment(Fragment { addresses, identification, number, offset, more, data: payload.payload }))
        }
    }
}

fn payload<'a>(number: IpNumber, rest: &mut Rest<'a>) -> Next<'a> {
    match number {
        IpNumber::TCP => Err(Peeled::Content(tcp(rest))),
        IpNumber::UDP => udp(rest),
        IpNumber::IPV4 => {
            rest.tunnel = Some(Tunnel::IpIp);
            Ok(Layer::Ip)
        }
        IpNumber::IPV6 => {
            rest.tunnel = Some(Tunnel::SixInFour);
            Ok(Layer::Ip)
        }
        IpNumber::GRE => gre(rest),
        _ => Err(beside()),
    }
}

fn tcp<'a>(rest: &Rest<'a>) -> Content<'a> {
    let (Ok(segment), Some((source, destination))) = (TcpSlice::from_slice(rest.data), rest.addresses) else {
        return Content::Unread(Unread::Malformed);
    };
    Content::Tcp(Segment {
        source: SocketAddr::new(source, segment.source_port()),
        destination: SocketAddr::new(destination, segment.destination_port()),
        sequence: segment.sequence_number(),
        acknowledged: segment.ack().then(|| segment.acknowledgment_number()),
        syn: segment.syn(),
        fin: segment.fin(),
        rst: segment.rst(),
        data: segment.payload(),
        length: rest.wire.saturating_sub(segment.header_slice().len()).max(segment.payload().len()),
        tunnel: rest.tunnel,
        hops: rest.hops,
    })
}

fn udp<'a>(rest: &mut Rest<'a>) -> Next<'a> {
    let Some((source, destination)) = rest.addresses else { return Err(malformed()) };
    let datagram = UdpSlice::from_slice_lax(rest.data).map_err(|_| malformed())?;
    let (from, to) = (datagram.source_port(), datagram.destination_port());
    let data = datagram.payload();
    let content =
        Content::Udp { source: SocketAddr::new(source, from), destination: SocketAddr::new(destination, to), data };
    let inner = match (to, data) {
        // Flags with the bit of a network identifier, reserved, identifier, reserved (RFC 7348 §5).
        (to, [0x08 | 0x88 | 0x0C, _, _, _, _, _, _, _, ..]) if VXLAN_PORTS.contains(&to) => {
            // The Generic Protocol Extension has a type field for the payload.
            let next = if data[0] & 0x04 == 0 { 3 } else { data[3] };
            let layer = match next {
                1 | 2 => Layer::Ip,
                _ => Layer::Ethernet,
            };
            Some((16, Tunnel::Vxlan, layer))
        }
        (GENEVE_PORT, [first, _, high, low, _, _, _, _, ..]) if first >> 6 == 0 => {
            let options = usize::from(first & 0x3F) * 4;
            Some((16 + options, Tunnel::Geneve, Layer::Type(u16::from_be_bytes([*high, *low]))))
        }
        // Version 1, protocol type GTP, a user packet (3GPP TS 29.281 §5).
        (GTP_PORT, [flags, 0xFF, ..]) if flags >> 4 == 3 => {
            gtp(data).map(|length| (8 + length, Tunnel::GtpU, Layer::Ip))
        }
        _ => None,
    };
    let Some((length, tunnel, layer)) = inner else { return Err(Peeled::Content(content)) };
    if rest.data.len() < length {
        return Err(malformed());
    }
    rest.skip(length);
    rest.tunnel = Some(tunnel);
    Ok(layer)
}

/// Returns the length of a GTP-U header with its optional fields and extension headers.
fn gtp(data: &[u8]) -> Option<usize> {
    let flags = *data.first()?;
    if flags.trailing_zeros() >= 3 {
        return Some(8);
    }
    let mut length = 12;
    let mut next = if flags & 0x04 == 0 { 0 } else { *data.get(11)? };
    while next != 0 {
        let units = usize::from(*data.get(length)?);
        if units == 0 {
            return None;
        }
        length += units * 4;
        next = *data.get(length - 1)?;
    }
    Some(length)
}

/// GRE (RFC 2784, RFC 2890) and the mirroring formats inside it.
fn gre<'a>(rest: &mut Rest<'a>) -> Next<'a> {
    let [flags, version, high, low] = rest.take::<4>().ok_or_else(malformed)?;
    // Checksum with offset, key, sequence number.
    let has = |bit: u8| flags & bit != 0;
    let optional = 4 * [0x80, 0x20, 0x10].into_iter().filter(|&bit| has(bit)).count();
    if version & 0x07 > 1 || rest.data.len() < optional {
        return Err(malformed());
    }
    rest.skip(optional);
    let kind = u16::from_be_bytes([high, low]);
    rest.tunnel = Some(if matches!(kind, ERSPAN_2 | ERSPAN_3) { Tunnel::Erspan } else { Tunnel::Gre });
    match kind {
        // Type I has no header of its own, and no sequence number that identifies it.
        ERSPAN_2 => {
            if has(0x10) {
                rest.take::<8>().ok_or_else(malformed)?;
            }
            Ok(Layer::Ethernet)
        }
        ERSPAN_3 => {
            let header = rest.take::<12>().ok_or_else(malformed)?;
            if header[11] & 1 != 0 {
                rest.take::<8>().ok_or_else(malformed)?;
            }
            Ok(Layer::Ethernet)
        }
        // PPTP.
        0x880B => ppp(rest),
        kind => Ok(Layer::Type(kind)),
    }
}

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.data.split_first_chunk::<N>()?;
        self.data = rest;
        self.wire = self.wire.saturating_sub(N);
        Some(*taken)
    }

    /// Skips bytes that are present.
    fn skip(&mut self, length: usize) {
        self.data = self.data.get(length..).unwrap_or_default();
        self.wire = self.wire.saturating_sub(length);
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Link(link) => match LINK_NAMES.iter().find(|(number, _)| *number == link) {
                Some((_, name)) => write!(f, "link type {link} ({name})"),
                None => write!(f, "link type {link}"),
            },
            Self::NoInterface => f.write_str("packets of an interface that is not described"),
            Self::Type(kind) => match TYPE_NAMES.iter().find(|(number, _)| *number == kind) {
                Some((_, name)) => write!(f, "EtherType 0x{kind:04x} ({name})"),
                None => write!(f, "EtherType 0x{kind:04x}"),
            },
            Self::Malformed => f.write_str("packets with headers that are cut or contradict themselves"),
            Self::TooDeep => write!(f, "packets with more than {MAX_LAYERS} layers"),
        }
    }
}

/// Link types that are named when they are not read (<https://www.tcpdump.org/linktypes.html>).
const LINK_NAMES: [(u16, &str); 14] = [
    (104, "Cisco HDLC"),
    (105, "IEEE 802.11"),
    (127, "radiotap"),
    (147, "private"),
    (187, "Bluetooth HCI"),
    (189, "USB"),
    (195, "IEEE 802.15.4"),
    (220, "USB"),
    (227, "CAN"),
    (239, "NFLOG"),
    (249, "USB"),
    (252, "Wireshark upper PDU"),
    (253, "netlink"),
    (285, "OpenVSwitch"),
];

/// `EtherType`s that are named when they are not read.
const TYPE_NAMES: [(u16, &str); 5] = [
    (0x8847, "MPLS"),
    (0x88E5, "MACsec"),
    (0x88E7, "provider backbone bridge"),
    (0x894F, "network service header"),
    (0x8926, "Cisco VN-Tag"),
];
