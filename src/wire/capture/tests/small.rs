//! The smallest captures, for tests of records and of copies. Uses nothing of the program.

/// A capture with these packets, as tcpdump writes it.
pub fn pcap(packets: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for packet in packets {
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        bytes.extend([&[1, 0, 0, 0, 2, 0, 0, 0], &length[..], &length[..], packet].concat());
    }
    bytes
}

/// A block of pcapng.
pub fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let number = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let padding = body.len().wrapping_neg() % 4;
    let length = number(u32::try_from(12 + body.len() + padding).unwrap());
    [&number(kind)[..], &length, body, &vec![0; padding], &length].concat()
}

/// A section with a packet, and the keys of a TLS session.
pub fn pcapng(big: bool, packet: &[u8], secrets: &[u8]) -> Vec<u8> {
    let magic = if big { [0x1A, 0x2B, 0x3C, 0x4D] } else { [0x4D, 0x3C, 0x2B, 0x1A] };
    let section = [&magic[..], &[0, 1, 0, 0], &[0xFF; 8]].concat();
    [
        block(big, 0x0A0D_0D0A, &section),
        block(big, 1, &[0, 1, 0, 0, 0, 0, 4, 0]),
        block(big, 10, secrets),
        block(big, 6, &[&[0; 20], packet].concat()),
    ]
    .concat()
}
