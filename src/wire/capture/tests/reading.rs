//! Reads captures for tests.

use super::builder;
use crate::evidence::capture::{Flow, PacketPlace};
use crate::wire::capture::{Analysis, OrderedReader, PacketReader, Progress, Rest};

/// Everything that is read of a capture.
pub fn read(file: &[u8]) -> (Vec<Flow>, Rest, Progress) {
    read_with(file, "")
}

/// The same with the secrets of a key log.
pub fn read_with(file: &[u8], log: &str) -> (Vec<Flow>, Rest, Progress) {
    let mut reader = OrderedReader::new(PacketReader::new(file, 1 << 12), 1 << 16);
    let mut analysis = Analysis::new(false);
    analysis.keys().read(log.as_bytes());
    let mut flows = Vec::new();
    let end = loop {
        match reader.next_packet().unwrap() {
            Progress::Packet => {}
            end => break end,
        }
        analysis.keys().append(reader.keys());
        let place = PacketPlace { file: 0, number: reader.number() };
        analysis.packet(&reader.packet().unwrap(), place, &mut |flow, _| flows.push(flow));
    };
    let rest = analysis.finish(&mut |flow, _| flows.push(flow));
    flows.sort_by_key(|flow| flow.number);
    (flows, rest, end)
}

/// The only flow of a conversation.
pub fn flow(talk: &builder::Talk) -> Flow {
    let (mut flows, ..) = read(&builder::pcap(1, &builder::framed(&talk.packets)));
    assert_eq!(flows.len(), 1, "{flows:?}");
    flows.remove(0)
}

/// A capture of the connection that keeps so many bytes of each packet.
pub fn snapped(talk: &builder::Talk, snap: usize) -> Vec<u8> {
    let cut = |(time, packet): &builder::Packet| (*time, packet[..packet.len().min(snap)].to_vec());
    let mut file = builder::pcap(101, &talk.packets.iter().map(cut).collect::<Vec<builder::Packet>>());
    // The length on the wire stays.
    let mut at = 24;
    for (_, packet) in &talk.packets {
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        file[at + 12..at + 16].copy_from_slice(&length);
        at += 16 + packet.len().min(snap);
    }
    file
}
