//! The same conversation in every form of file gives the same flow; files that end badly say where.

use super::super::{Break, Progress};
use super::builder::{self, Talk, block, ethernet, framed, good13, pcap_form, pcapng};
use super::read;
use crate::evidence::capture::{Flow, Outcome, ServerName};

fn talk() -> Talk {
    good13("10.0.0.7:50000", "10.0.0.1:443", Some("api.example.com"))
}

fn assert_whole(flows: &[Flow], what: &str) {
    let [flow] = flows else { panic!("{what}: {flows:?}") };
    assert_eq!(flow.outcome, Outcome::Completed, "{what}");
    assert_eq!(flow.hello.as_ref().unwrap().server_name, ServerName::Sent("api.example.com".into()), "{what}");
    assert_eq!((flow.first_packet.number, flow.started_at.as_nanosecond()), (1, builder::START.into()), "{what}");
    assert!(!flow.joined, "{what}");
}

#[test]
fn every_form_of_a_file_gives_the_same_flow() {
    let packets = framed(&talk().packets);
    for big in [false, true] {
        for (nano, modified) in [(false, false), (true, false), (false, true)] {
            let file = pcap_form(big, nano, modified, 1, &packets);
            assert_whole(&read(&file).0, &format!("pcap big {big} nano {nano} modified {modified}"));
        }
        assert_whole(&read(&pcapng(big, 1, &packets)).0, &format!("pcapng big {big}"));
    }
    // Flags of a frame check sequence in the upper half of the link type.
    assert_whole(&read(&pcap_form(false, false, false, 0x2400_0001, &packets)).0, "FCS bits");
}

#[test]
fn sections_have_their_own_order_and_interfaces() {
    let talk = talk();
    let (first, second) = talk.packets.split_at(5);
    // The second section is of raw IP, in the other byte order.
    let file = [pcapng(false, 1, &framed(first)), pcapng(true, 101, second)].concat();
    assert_whole(&read(&file).0, "two sections");
}

#[test]
fn old_and_simple_packets_are_read() {
    let packets = framed(&talk().packets);
    let mut file = pcapng(false, 1, &[]);
    for (number, (time, packet)) in packets.iter().enumerate() {
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        if number % 2 == 0 {
            // The 16-bit interface, then drops.
            let time = [(time >> 32).to_le_bytes()[..4].to_vec(), time.to_le_bytes()[..4].to_vec()].concat();
            file.extend(block(false, 2, &[&[0, 0, 0xFF, 0xFF][..], &time, &length, &length, packet].concat()));
        } else {
            file.extend(block(false, 3, &[&length[..], packet].concat()));
        }
    }
    assert_whole(&read(&file).0, "old and simple packets");
}

#[test]
fn damage_ends_a_file_and_what_was_read_counts() {
    let file = builder::pcap(1, &framed(&talk().packets));
    let (flows, _, end) = read(&file[..file.len() - 3]);
    assert_eq!(end, Progress::Broken(Break::Cut("the last packet is cut")));
    assert_eq!(flows[0].outcome, Outcome::Completed);

    let mut garbage = file.clone();
    garbage.extend([0xFF; 40]);
    assert_eq!(read(&garbage).2, Progress::Broken(Break::Damaged("what follows is no packet")));
    let sections = pcapng(false, 1, &framed(&talk().packets));
    for length in [0_u32, 8, 13, u32::MAX] {
        let mut broken = sections.clone();
        broken.extend([&6_u32.to_le_bytes()[..], &length.to_le_bytes(), &[0; 64]].concat());
        let (flows, _, end) = read(&broken);
        assert!(matches!(end, Progress::Broken(_)), "a block of {length} bytes: {end:?}");
        assert_whole(&flows, "before a block of a wrong length");
    }
    // A packet that claims to be longer than its block.
    let mut long = sections;
    let claim = [&[0; 12][..], &500_u32.to_le_bytes(), &500_u32.to_le_bytes(), b"xxxx"].concat();
    long.extend(block(false, 6, &claim));
    assert_eq!(read(&long).2, Progress::Broken(Break::Damaged("a packet is longer than its block")));
}

#[test]
fn what_is_not_read_is_named_and_counted() {
    let file = builder::pcap(227, &[(builder::START, vec![0; 16]), (builder::START, vec![0; 16])]);
    let (flows, rest, _) = read(&file);
    assert!(flows.is_empty());
    assert_eq!(rest.unread.get("link type 227 (CAN)"), Some(&2));
    // An interface that is described nowhere.
    let mut stray = pcapng(false, 1, &[]);
    stray.extend(block(false, 6, &[&7_u32.to_le_bytes()[..], &[0; 8], &[4, 0, 0, 0, 4, 0, 0, 0], b"data"].concat()));
    assert_eq!(read(&stray).1.unread.len(), 1);
    // MACsec.
    let frame = [&[0; 12][..], &[0x88, 0xE5], &[0; 60]].concat();
    let (_, rest, _) = read(&builder::pcap(1, &[(builder::START, frame)]));
    assert_eq!(rest.unread.get("EtherType 0x88e5 (MACsec)"), Some(&1));
}

#[test]
fn large_blocks_without_packets_are_skipped() {
    let packets = framed(&talk().packets);
    let (first, second) = packets.split_at(3);
    let mut file = pcapng(false, 1, first);
    file.extend(block(false, 10, &vec![b'x'; 3 << 20]));
    let header = pcapng(false, 1, &[]).len();
    file.extend(&pcapng(false, 1, second)[header..]);
    assert_whole(&read(&file).0, "a block of 3 MiB between packets");
}

#[test]
fn times_and_lengths_that_lie_make_no_packet_unreadable() {
    let mut talk = talk();
    talk.packets[3].0 = 1;
    talk.packets[4].0 += 2_000_000_000 * 1_000_000_000;
    let mut file = pcap_form(false, true, false, 1, &framed(&talk.packets));
    // A snapshot length of 0, and a fraction above a second.
    file[16..20].fill(0);
    file[28..32].copy_from_slice(&2_000_000_000_u32.to_le_bytes());
    // More captured than there was on the wire.
    file[36..40].copy_from_slice(&1_u32.to_le_bytes());
    let (flows, rest, end) = read(&file);
    assert_eq!((flows.len(), end, rest.unread.len()), (1, Progress::End, 0), "{flows:?}");
    assert_eq!(flows[0].outcome, Outcome::Completed);
    assert_eq!(ethernet(&[], &talk.packets[0].1).len(), 60);
}
