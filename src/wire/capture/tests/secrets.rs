//! Secrets of handshakes in blocks of any length.

use super::super::{PacketReader, Progress};
use super::builder::*;
use super::read;
use crate::evidence::capture::Outcome;
use crate::evidence::handshake::Party;

/// A section whose second block has these secrets.
fn with_secrets(packets: &[Packet], kind: u32, text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    let secrets = block(false, 10, &[&kind.to_le_bytes()[..], &length, text].concat());
    let section = pcapng(false, 101, packets);
    let (head, rest) = section.split_at(28);
    [head, &secrets, rest].concat()
}

fn refused() -> Talk {
    super::sealed::refused("10.0.0.7:50000", "10.0.0.1:443")
}

/// So many bytes of lines that are no secrets, and the secrets behind them.
fn long(bytes: usize) -> Vec<u8> {
    let line = [b"# ", &[b'x'; 997][..], b"\n"].concat();
    [line.repeat(bytes / line.len()), super::sealed::key_log().into_bytes()].concat()
}

#[test]
fn secrets_in_a_block_above_a_mebibyte_are_used() {
    for bytes in [0, 60_000, 65_521, 1 << 20, 3 << 20] {
        let file = with_secrets(&refused().packets, 0x544C_534B, &long(bytes));
        let (flows, rest, end) = read(&file);
        assert_eq!((end, rest.decrypted), (Progress::End, 1), "{bytes}");
        assert!(matches!(flows[0].outcome, Outcome::Alert { by: Party::Server, number: 116, .. }), "{:?}", flows[0]);
    }
    // Cut in the middle of it.
    let file = with_secrets(&refused().packets, 0x544C_534B, &long(2 << 20));
    let (_, _, end) = read(&file[..1_500_000]);
    assert!(matches!(end, Progress::Broken(_)), "{end:?}");
}

#[test]
fn secrets_that_are_not_read_are_counted() {
    let count = |file: &[u8]| {
        let mut reader = PacketReader::new(file, 1 << 16);
        let end = loop {
            match reader.next_packet().unwrap() {
                Progress::Packet => {}
                end => break end,
            }
        };
        (end, reader.packets() > 0, reader.unread_secrets(), reader.keys().lines)
    };
    // Of another type, above 64 MiB (which was damage), and read.
    let of_wireguard = with_secrets(&refused().packets, 0x5747_4B4C, b"LOCAL_STATIC_PRIVATE_KEY = x");
    assert_eq!(count(&of_wireguard), (Progress::End, true, 28, 0));
    let text = long(65 << 20);
    let (end, has_packets, unread, lines) = count(&with_secrets(&refused().packets, 0x544C_534B, &text));
    assert_eq!((end, has_packets, lines), (Progress::End, true, 0), "the secrets are behind the limit");
    assert!((1 << 20..2 << 20).contains(&unread), "{unread}");
    assert_eq!(count(&with_secrets(&refused().packets, 0x544C_534B, &long(100))).2, 0);
}
