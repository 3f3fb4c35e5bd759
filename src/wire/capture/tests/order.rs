//! Packets that are not in the order of time in their file, and sections that hold the same ones twice.

use super::builder::*;
use super::read;
use crate::evidence::capture::{Flow, Outcome};
use crate::evidence::handshake::{Party, Stage};

const SERVER: &str = "10.0.0.1:443";

/// Connections with several outcomes, one after the other, up to the last seconds of the capture.
fn talks() -> Vec<Talk> {
    let mut talks = Vec::new();
    for number in 0..12_u16 {
        let client = format!("10.0.0.7:{}", 50_000 + number);
        let mut talk = Talk::new(&client, SERVER);
        talk.time += u64::from(number) * 2_000_000_000;
        match number % 3 {
            0 => {
                let good = good13(&client, SERVER, Some("a.test"));
                let shift = u64::from(number) * 2_000_000_000;
                talk.packets = good.packets.into_iter().map(|(time, packet)| (time + shift, packet)).collect();
            }
            kind => {
                talk.syn();
                talk.syn_ack();
                talk.client_says(&hello(None));
                if kind == 1 {
                    talk.server_sends(ACK | RST, b"");
                } else {
                    talk.server_says(&alert(2, 40));
                    talk.server_sends(ACK | FIN, b"");
                    talk.client_sends(ACK | RST, b"");
                }
            }
        }
        talks.push(talk);
    }
    talks
}

fn outcomes(flows: &[Flow]) -> Vec<(String, Outcome)> {
    let mut outcomes: Vec<_> = flows.iter().map(|flow| (flow.client.to_string(), flow.outcome)).collect();
    outcomes.sort_by(|one, other| one.0.cmp(&other.0));
    outcomes
}

/// Packets in another order: each block of so many reversed.
fn disordered(packets: &[Packet], block: usize) -> Vec<Packet> {
    packets.chunks(block).flat_map(|chunk| chunk.iter().rev().cloned()).collect()
}

#[test]
fn packets_near_their_place_are_sorted() {
    let packets = framed(&merged(&talks()));
    let expected = outcomes(&read(&pcap(1, &packets)).0);
    assert_eq!(expected[1].1, Outcome::Reset { by: Party::Server, stage: Stage::ClientHello });
    for block in [2, 3, 7, 50, packets.len()] {
        let packets = disordered(&packets, block);
        for file in [pcap(1, &packets), pcapng(false, 1, &packets)] {
            let (flows, rest, _) = read(&file);
            assert_eq!(outcomes(&flows), expected, "blocks of {block}");
            assert_eq!(rest.traffic.packets, packets.len() as u64);
        }
    }
}

#[test]
fn connections_far_from_their_place_are_not_judged() {
    let filler = |from: u64| -> Vec<Packet> {
        (0..400).map(|number| (from + number, ethernet(&[], &udp("10.0.0.9:53", "10.0.0.8:53", b"x")))).collect()
    };
    let packets = framed(&merged(&talks()));
    let last = packets.last().expect("packets").0;
    for split in 1..packets.len() {
        // The end of the capture comes first.
        let (begin, end) = packets.split_at(split);
        let file = pcap(1, &[end, &filler(last), begin].concat());
        let expected = outcomes(&read(&pcap(1, &packets)).0);
        let (flows, ..) = read(&file);
        let judged =
            |outcome: &Outcome| !matches!(outcome, Outcome::NotCaptured | Outcome::Joined | Outcome::Completed);
        for (client, outcome) in outcomes(&flows).iter().filter(|(_, outcome)| judged(outcome)) {
            let known = expected.iter().find(|(other, _)| other == client).expect("a client");
            assert_eq!(*outcome, known.1, "{client}, split at {split}");
        }
    }
}

#[test]
fn sections_with_the_same_packets_are_counted_once() {
    let packets = framed(&merged(&talks()[..3]));
    let (once, ..) = read(&pcapng(false, 1, &packets));
    let (twice, ..) = read(&[pcapng(false, 1, &packets), pcapng(true, 1, &packets)].concat());
    assert_eq!(outcomes(&twice), outcomes(&once));
}
