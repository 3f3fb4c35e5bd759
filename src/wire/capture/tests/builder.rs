//! Writes captures for tests: conversations of TCP packet by packet, in any form of file. Uses nothing of the
//! program, so that a misreading is not shared by reader and writer.

use std::net::{IpAddr, SocketAddr};

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// Nanoseconds between two packets.
const STEP: u64 = 1_000_000;
/// 2026-11-24 12:00:00 UTC.
pub const START: u64 = 1_795_521_600_000_000_000;

/// A packet: its time in nanoseconds since 1970, and the bytes from IP on.
pub type Packet = (u64, Vec<u8>);

/// One TCP connection that is being written.
#[derive(Clone, Debug)]
pub struct Talk {
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// Next sequence numbers.
    pub client_next: u32,
    pub server_next: u32,
    pub time: u64,
    pub packets: Vec<Packet>,
}

impl Talk {
    /// A connection without packets.
    pub fn new(client: &str, server: &str) -> Self {
        let [client, server] = [client, server].map(|socket| socket.parse().unwrap());
        Self { client, server, client_next: 0xFFFF_FFF0, server_next: 5000, time: START, packets: Vec::new() }
    }

    /// The three packets that open it.
    pub fn open(client: &str, server: &str) -> Self {
        let mut talk = Self::new(client, server);
        talk.syn();
        talk.syn_ack();
        talk.client_sends(ACK, b"");
        talk
    }

    pub fn syn(&mut self) {
        let packet = tcp(self.client, self.server, self.client_next, 0, SYN, b"");
        self.push(packet);
        self.client_next = self.client_next.wrapping_add(1);
    }

    pub fn syn_ack(&mut self) {
        let packet = tcp(self.server, self.client, self.server_next, self.client_next, SYN | ACK, b"");
        self.push(packet);
        self.server_next = self.server_next.wrapping_add(1);
    }

    /// A segment of the client, which acknowledges all of the server.
    pub fn client_sends(&mut self, flags: u8, data: &[u8]) {
        let packet = tcp(self.client, self.server, self.client_next, self.server_next, flags, data);
        self.push(packet);
        self.client_next = after(self.client_next, flags, data);
    }

    pub fn server_sends(&mut self, flags: u8, data: &[u8]) {
        let packet = tcp(self.server, self.client, self.server_next, self.client_next, flags, data);
        self.push(packet);
        self.server_next = after(self.server_next, flags, data);
    }

    /// Bytes of the client that the capture lacks.
    pub fn lost_from_client(&mut self, bytes: u32) {
        self.client_next = self.client_next.wrapping_add(bytes);
    }

    pub fn lost_from_server(&mut self, bytes: u32) {
        self.server_next = self.server_next.wrapping_add(bytes);
    }

    pub fn client_says(&mut self, data: &[u8]) {
        self.client_sends(ACK, data);
    }

    pub fn server_says(&mut self, data: &[u8]) {
        self.server_sends(ACK, data);
    }

    pub fn wait(&mut self, seconds: u64) {
        self.time += seconds * 1_000_000_000;
    }

    fn push(&mut self, packet: Vec<u8>) {
        self.packets.push((self.time, packet));
        self.time += STEP;
    }
}

fn after(sequence: u32, flags: u8, data: &[u8]) -> u32 {
    let length = u32::try_from(data.len()).unwrap() + u32::from(flags & FIN != 0);
    sequence.wrapping_add(length)
}

/// An IP packet with a TCP segment. Checksums are zero, as network cards leave them.
pub fn tcp(from: SocketAddr, to: SocketAddr, sequence: u32, acknowledged: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let segment = [
        &from.port().to_be_bytes()[..],
        &to.port().to_be_bytes(),
        &sequence.to_be_bytes(),
        &acknowledged.to_be_bytes(),
        &[0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0],
        data,
    ]
    .concat();
    ip(from.ip(), to.ip(), 6, &segment)
}

/// An IP packet with a UDP datagram.
pub fn udp(from: &str, to: &str, data: &[u8]) -> Vec<u8> {
    let [from, to]: [SocketAddr; 2] = [from, to].map(|socket| socket.parse().unwrap());
    let length = u16::try_from(8 + data.len()).unwrap().to_be_bytes();
    let datagram = [&from.port().to_be_bytes()[..], &to.port().to_be_bytes(), &length, &[0, 0], data].concat();
    ip(from.ip(), to.ip(), 17, &datagram)
}

/// An IP packet.
pub fn ip(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
            let fixed = [0, 0, 0x40, 0, 64, protocol, 0, 0];
            [&[0x45, 0][..], &length, &fixed, &from.octets(), &to.octets(), payload].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
            [&[0x60, 0, 0, 0][..], &length, &[protocol, 64], &from.octets(), &to.octets(), payload].concat()
        }
        _ => panic!("addresses of two families"),
    }
}

/// The `EtherType` of an IP packet.
pub fn ether_type(packet: &[u8]) -> [u8; 2] {
    if packet[0] >> 4 == 6 { [0x86, 0xDD] } else { [0x08, 0x00] }
}

/// An Ethernet frame; tags go between addresses and type.
pub fn ethernet(tags: &[u8], packet: &[u8]) -> Vec<u8> {
    let frame = [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], tags, &ether_type(packet), packet].concat();
    pad(frame)
}

/// Frames have 60 bytes at least, and some captures a check sequence.
fn pad(mut frame: Vec<u8>) -> Vec<u8> {
    while frame.len() < 60 {
        frame.push(0);
    }
    frame
}

/// A pcap file as tcpdump writes it: little-endian, microseconds.
pub fn pcap(link: u32, packets: &[Packet]) -> Vec<u8> {
    pcap_form(false, false, false, link, packets)
}

/// A pcap file in any of its six forms.
pub fn pcap_form(big: bool, nano: bool, modified: bool, link: u32, packets: &[Packet]) -> Vec<u8> {
    let number = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let short = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let magic = match (nano, modified) {
        (true, _) => 0xA1B2_3C4D,
        (false, true) => 0xA1B2_CD34,
        (false, false) => 0xA1B2_C3D4,
    };
    let mut file = [&number(magic)[..], &short(2), &short(4), &[0; 8], &number(262_144), &number(link)].concat();
    for (time, packet) in packets {
        let length = number(u32::try_from(packet.len()).unwrap());
        let fraction = time % 1_000_000_000 / if nano { 1 } else { 1000 };
        let [seconds, fraction] = [time / 1_000_000_000, fraction].map(|part| number(u32::try_from(part).unwrap()));
        file.extend([&seconds[..], &fraction, &length, &length].concat());
        if modified {
            file.extend([0; 8]);
        }
        file.extend(packet);
    }
    file
}

/// A block of pcapng.
pub fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let number = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let padding = body.len().wrapping_neg() % 4;
    let length = number(u32::try_from(12 + body.len() + padding).unwrap());
    [&number(kind)[..], &length, body, &vec![0; padding], &length].concat()
}

/// A section of pcapng with one interface, and other blocks among the packets.
pub fn pcapng(big: bool, link: u16, packets: &[Packet]) -> Vec<u8> {
    let number = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let magic = number(0x1A2B_3C4D);
    let version = if big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
    let mut file = block(big, 0x0A0D_0D0A, &[&magic[..], &version, &[0xFF; 8]].concat());
    let link = if big { link.to_be_bytes() } else { link.to_le_bytes() };
    // if_tsresol 9: nanoseconds.
    let option = if big { [0, 9, 0, 1, 9, 0, 0, 0] } else { [9, 0, 1, 0, 9, 0, 0, 0] };
    file.extend(block(big, 1, &[&link[..], &[0, 0], &number(0), &option, &[0; 4]].concat()));
    file.extend(block(big, 4, b"names that nobody reads"));
    for (time, packet) in packets {
        let length = number(u32::try_from(packet.len()).unwrap());
        let high = number(u32::try_from(time >> 32).unwrap());
        let low = number(u32::try_from(time & 0xFFFF_FFFF).unwrap());
        file.extend(block(big, 6, &[&number(0)[..], &high, &low, &length, &length, packet].concat()));
        file.extend(block(big, 0x8000_0001, b"private"));
    }
    file
}

/// A TLS record.
pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

/// A message of the handshake.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind][..], &length[1..], body].concat()
}

fn vector(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vector(content)].concat()
}

/// What is in a ClientHello.
#[derive(Clone, Debug)]
pub struct HelloBuilder<'a> {
    pub name: Option<&'a str>,
    /// Offers TLS 1.3 too.
    pub tls13: bool,
    /// Bytes of a padding extension before the name.
    pub padding: usize,
    pub more: Vec<(u16, Vec<u8>)>,
}

impl Default for HelloBuilder<'_> {
    fn default() -> Self {
        Self { name: None, tls13: true, padding: 0, more: Vec::new() }
    }
}

impl HelloBuilder<'_> {
    /// The body of the message.
    pub fn body(&self) -> Vec<u8> {
        let mut extensions = Vec::new();
        // GREASE.
        extensions.extend(extension(0x2A2A, b""));
        if self.padding > 0 {
            extensions.extend(extension(21, &vec![0; self.padding]));
        }
        if let Some(name) = self.name {
            extensions.extend(extension(0, &vector(&[&[0][..], &vector(name.as_bytes())].concat())));
        }
        extensions.extend(extension(10, &vector(&[0x1A, 0x1A, 0, 29, 0, 23])));
        extensions.extend(extension(16, &vector(b"\x02h2\x08http/1.1")));
        if self.tls13 {
            extensions.extend(extension(43, &[6, 0x3A, 0x3A, 3, 4, 3, 3]));
        }
        for (number, content) in &self.more {
            extensions.extend(extension(*number, content));
        }
        let suites = [0x1A, 0x1A, 0x13, 0x01, 0xC0, 0x2F];
        [&[3, 3][..], &[7; 32], &[0], &vector(&suites), &[1, 0], &vector(&extensions)].concat()
    }

    /// One record.
    pub fn record(&self) -> Vec<u8> {
        let mut record = record(22, &message(1, &self.body()));
        record[2] = 1;
        record
    }
}

/// A ClientHello as one record.
pub fn hello(name: Option<&str>) -> Vec<u8> {
    HelloBuilder { name, ..HelloBuilder::default() }.record()
}

/// A ServerHello as a record: TLS 1.3 or 1.2.
pub fn server_hello(tls13: bool) -> Vec<u8> {
    record(22, &server_hello_message(tls13))
}

/// The message of it.
pub fn server_hello_message(tls13: bool) -> Vec<u8> {
    let suite = if tls13 { [0x13, 0x01] } else { [0xC0, 0x2F] };
    let version = if tls13 { extension(43, &[3, 4]) } else { Vec::new() };
    message(2, &[&[3, 3][..], &[9; 32], &[0], &suite, &[0], &vector(&version)].concat())
}

/// A Certificate message with these certificates.
pub fn certificate_message(list: &[&[u8]]) -> Vec<u8> {
    let three = |length: usize| u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
    let list: Vec<u8> = list.iter().flat_map(|der| [three(der.len()), der.to_vec()].concat()).collect();
    message(11, &[three(list.len()), list].concat())
}

/// An alert in clear.
pub fn alert(level: u8, number: u8) -> Vec<u8> {
    record(21, &[level, number])
}

/// An encrypted record of so many bytes.
pub fn encrypted(kind: u8, length: usize) -> Vec<u8> {
    record(kind, &vec![0xA5; length])
}

/// A TLS 1.3 connection that goes well, up to its end.
pub fn good13(client: &str, server: &str, name: Option<&str>) -> Talk {
    let mut talk = Talk::open(client, server);
    talk.client_says(&hello(name));
    talk.server_says(&[server_hello(true), record(20, &[1]), encrypted(23, 900)].concat());
    talk.client_says(&[record(20, &[1]), encrypted(23, 53), encrypted(23, 200)].concat());
    talk.server_says(&encrypted(23, 500));
    talk.client_sends(ACK | FIN, b"");
    talk.server_sends(ACK | FIN, b"");
    talk
}

/// A TLS 1.2 connection that goes well, with these certificates.
pub fn good12(client: &str, server: &str, name: Option<&str>, list: &[&[u8]]) -> Talk {
    let mut talk = Talk::open(client, server);
    talk.client_says(&HelloBuilder { name, tls13: false, ..HelloBuilder::default() }.record());
    talk.server_says(&record(22, &[server_hello_message(false), certificate_message(list), message(14, b"")].concat()));
    talk.client_says(&[record(22, &message(16, &[1; 66])), record(20, &[1]), encrypted(22, 40)].concat());
    talk.server_says(&[record(20, &[1]), encrypted(22, 40)].concat());
    talk.client_says(&encrypted(23, 100));
    talk.server_says(&encrypted(23, 100));
    talk.server_sends(ACK | FIN, b"");
    talk.client_sends(ACK | FIN, b"");
    talk
}

/// The packets of several connections, by time.
pub fn merged(talks: &[Talk]) -> Vec<Packet> {
    let mut packets: Vec<Packet> = talks.iter().flat_map(|talk| talk.packets.clone()).collect();
    packets.sort_by_key(|(time, _)| *time);
    packets
}

/// The same packets behind an Ethernet header.
pub fn framed(packets: &[Packet]) -> Vec<Packet> {
    packets.iter().map(|(time, packet)| (*time, ethernet(&[], packet))).collect()
}
