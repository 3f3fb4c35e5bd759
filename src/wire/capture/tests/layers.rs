//! Link layers, tags and tunnels: the innermost conversation is found in each.

use super::super::layers::{Content, Layers};
use super::super::packets::Packet as CapturedPacket;
use super::super::plain;
use super::builder::{self, Packet, START, Talk, ether_type, ethernet, good13, ip, udp};
use super::read;
use crate::evidence::capture::{Outcome, ServerName, Tunnel};

type Wrap = Box<dyn Fn(&[u8]) -> Vec<u8>>;

fn conversation(six: bool) -> Talk {
    let (client, server) =
        if six { ("[2001:db8::7]:50000", "[2001:db8::1]:443") } else { ("10.0.0.7:50000", "10.0.0.1:443") };
    good13(client, server, Some("api.example.com"))
}

fn outer(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(&[], &ip("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap(), protocol, payload))
}

fn assert_found(link: u32, what: &str, tunnel: Option<Tunnel>, wrap: &dyn Fn(&[u8]) -> Vec<u8>) {
    for six in [false, true] {
        let talk = conversation(six);
        let packets: Vec<Packet> = talk.packets.iter().map(|(time, packet)| (*time, wrap(packet))).collect();
        let (flows, rest, _) = read(&builder::pcap(link, &packets));
        assert!(rest.unread.is_empty(), "{what}: {rest:?}");
        let [flow] = &flows[..] else { panic!("{what}: {flows:?}") };
        assert_eq!((flow.client, flow.server, flow.tunnel), (talk.client, talk.server, tunnel), "{what}");
        assert_eq!(flow.outcome, Outcome::Completed, "{what}");
        assert_eq!(flow.hello.as_ref().unwrap().server_name, ServerName::Sent("api.example.com".into()), "{what}");
    }
}

#[test]
fn link_layers_are_peeled() {
    let cases: Vec<(u32, &str, Wrap)> = vec![
        (1, "Ethernet", Box::new(|packet| ethernet(&[], packet))),
        (1, "VLAN", Box::new(|packet| ethernet(&[0x81, 0, 0, 7], packet))),
        (1, "two VLANs", Box::new(|packet| ethernet(&[0x88, 0xA8, 0, 7, 0x81, 0, 0, 8], packet))),
        (1, "three VLANs", Box::new(|packet| ethernet(&[0x91, 0, 0, 7, 0x88, 0xA8, 0, 7, 0x81, 0, 0, 8], packet))),
        (1, "Cisco metadata", Box::new(|packet| ethernet(&[0x89, 9, 1, 1, 0, 1, 0, 7], packet))),
        (
            1,
            "SNAP",
            Box::new(|packet| [&[2; 12][..], &[0, 200, 0xAA, 0xAA, 3, 0, 0, 0], &ether_type(packet), packet].concat()),
        ),
        (
            1,
            "PPPoE",
            Box::new(|packet| {
                let protocol = if packet[0] >> 4 == 6 { 0x57 } else { 0x21 };
                [&[2; 12][..], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0, protocol], packet].concat()
            }),
        ),
        (1, "MPLS", Box::new(|packet| [&[2; 12][..], &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64], packet].concat())),
        (
            1,
            "MPLS with a control word",
            Box::new(|packet| [&[2; 12][..], &[0x88, 0x47, 0, 2, 1, 64, 0, 0, 0, 0], &ethernet(&[], packet)].concat()),
        ),
        (113, "SLL", Box::new(|packet| [&[0; 14][..], &ether_type(packet), packet].concat())),
        (
            113,
            "SLL with VLAN",
            Box::new(|packet| [&[0; 14][..], &[0x81, 0, 0, 7], &ether_type(packet), packet].concat()),
        ),
        (276, "SLL2", Box::new(|packet| [&ether_type(packet)[..], &[0; 18], packet].concat())),
        (101, "raw IP", Box::new(<[u8]>::to_vec)),
        (12, "raw IP of BSD", Box::new(<[u8]>::to_vec)),
        (0, "loopback", Box::new(|packet| [&[if packet[0] >> 4 == 6 { 24 } else { 2 }, 0, 0, 0][..], packet].concat())),
        (
            108,
            "loopback of OpenBSD",
            Box::new(|packet| [&[0, 0, 0, if packet[0] >> 4 == 6 { 30 } else { 2 }][..], packet].concat()),
        ),
        (
            9,
            "PPP",
            Box::new(|packet| [&[0xFF, 3, 0, if packet[0] >> 4 == 6 { 0x57 } else { 0x21 }][..], packet].concat()),
        ),
    ];
    for (link, what, wrap) in &cases {
        assert_found(*link, what, None, wrap);
    }
}

#[test]
fn tunnels_are_peeled_and_named() {
    let cases: Vec<(&str, Tunnel, Wrap)> = vec![
        ("GRE", Tunnel::Gre, Box::new(|packet| outer(47, &[&[0, 0], &ether_type(packet)[..], packet].concat()))),
        (
            "GRE with key and sequence",
            Tunnel::Gre,
            Box::new(|packet| outer(47, &[&[0xB0, 0], &ether_type(packet)[..], &[0; 12], packet].concat())),
        ),
        (
            "GRE with Ethernet",
            Tunnel::Gre,
            Box::new(|packet| outer(47, &[&[0, 0, 0x65, 0x58][..], &ethernet(&[], packet)].concat())),
        ),
        (
            "ERSPAN I",
            Tunnel::Erspan,
            Box::new(|packet| outer(47, &[&[0, 0, 0x88, 0xBE][..], &ethernet(&[], packet)].concat())),
        ),
        (
            "ERSPAN II",
            Tunnel::Erspan,
            Box::new(|packet| {
                outer(47, &[&[0x10, 0, 0x88, 0xBE, 0, 0, 0, 1][..], &[0x10; 8], &ethernet(&[], packet)].concat())
            }),
        ),
        (
            "ERSPAN III",
            Tunnel::Erspan,
            Box::new(|packet| {
                outer(47, &[&[0x10, 0, 0x22, 0xEB, 0, 0, 0, 1][..], &[0x20; 12], &ethernet(&[], packet)].concat())
            }),
        ),
        ("VXLAN", Tunnel::Vxlan, Box::new(|packet| vxlan(4789, packet))),
        ("VXLAN of flannel", Tunnel::Vxlan, Box::new(|packet| vxlan(8472, packet))),
        (
            "GENEVE",
            Tunnel::Geneve,
            Box::new(|packet| {
                let inner = [&[1, 0, 0x65, 0x58, 0, 0, 7, 0][..], &[0; 4], &ethernet(&[], packet)].concat();
                ethernet(&[], &udp("192.0.2.1:5000", "192.0.2.2:6081", &inner))
            }),
        ),
        (
            "GENEVE with IP",
            Tunnel::Geneve,
            Box::new(|packet| {
                let inner = [&[0, 0][..], &ether_type(packet), &[0, 0, 7, 0], packet].concat();
                ethernet(&[], &udp("192.0.2.1:5000", "192.0.2.2:6081", &inner))
            }),
        ),
        (
            "GTP-U",
            Tunnel::GtpU,
            Box::new(|packet| {
                let inner = [&[0x34, 0xFF, 0, 0, 0, 0, 0, 1][..], &[0, 0, 0, 0x85, 1, 0, 0, 0], packet].concat();
                ethernet(&[], &udp("192.0.2.1:5000", "192.0.2.2:2152", &inner))
            }),
        ),
    ];
    for (what, tunnel, wrap) in &cases {
        assert_found(1, what, Some(*tunnel), wrap);
    }
    let in_ip = |packet: &[u8]| outer(if packet[0] >> 4 == 6 { 41 } else { 4 }, packet);
    for six in [false, true] {
        let talk = conversation(six);
        let packets: Vec<Packet> = talk.packets.iter().map(|(time, packet)| (*time, in_ip(packet))).collect();
        let (flows, ..) = read(&builder::pcap(1, &packets));
        let expected = if six { Tunnel::SixInFour } else { Tunnel::IpIp };
        assert_eq!((flows.len(), flows[0].tunnel, flows[0].outcome), (1, Some(expected), Outcome::Completed));
    }
}

fn vxlan(port: u16, packet: &[u8]) -> Vec<u8> {
    let inner = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &ethernet(&[], packet)].concat();
    ethernet(&[], &udp("192.0.2.1:5000", &format!("192.0.2.2:{port}"), &inner))
}

#[test]
fn a_packet_captured_inside_and_outside_is_one() {
    let talk = conversation(false);
    let mut packets = Vec::new();
    for (time, packet) in &talk.packets {
        packets.push((*time, ethernet(&[], packet)));
        packets.push((*time + 1000, ethernet(&[0x81, 0, 0, 7], packet)));
        packets.push((*time + 2000, vxlan(4789, packet)));
    }
    let (flows, ..) = read(&builder::pcap(1, &packets));
    assert_eq!((flows.len(), flows[0].outcome), (1, Outcome::Completed));
}

#[test]
fn a_length_of_zero_is_segmentation_offload() {
    for six in [false, true] {
        let mut talk = conversation(six);
        let at = if six { 4 } else { 2 };
        // The ClientHello, whole in one large segment.
        talk.packets[3].1[at..at + 2].fill(0);
        let packets: Vec<Packet> = talk.packets.clone();
        let (flows, ..) = read(&builder::pcap(101, &packets));
        assert_eq!(flows[0].outcome, Outcome::Completed);
        assert_eq!(flows[0].hello.as_ref().unwrap().server_name, ServerName::Sent("api.example.com".into()));
    }
}

#[test]
fn fragments_are_put_together_in_any_order() {
    let talk = conversation(false);
    let mut packets = Vec::new();
    for (time, packet) in &talk.packets {
        let (header, payload) = packet.split_at(20);
        if payload.len() < 40 {
            packets.push((*time, packet.clone()));
            continue;
        }
        let (first, last) = payload.split_at(24);
        // The last one comes first.
        for (offset, more, part) in [(3_u8, 0_u8, last), (0, 0x20, first)] {
            let mut fragment = [header, part].concat();
            let length = u16::try_from(fragment.len()).unwrap().to_be_bytes();
            fragment[2..4].copy_from_slice(&length);
            fragment[4..6].copy_from_slice(&u16::try_from(packets.len() / 2).unwrap().to_be_bytes());
            fragment[6..8].copy_from_slice(&[more, offset]);
            packets.push((*time, fragment));
        }
    }
    // The two fragments of a packet have the same identification.
    for pair in 0..packets.len() {
        let is_fragment = packets[pair].1[6] & 0x20 != 0;
        if is_fragment {
            let id = [packets[pair].1[4], packets[pair].1[5]];
            packets[pair - 1].1[4..6].copy_from_slice(&id);
        }
    }
    let (flows, rest, _) = read(&builder::pcap(101, &packets));
    assert!(rest.traffic.fragments > 0);
    assert_eq!((flows.len(), flows[0].outcome), (1, Outcome::Completed));
}

#[test]
fn quic_and_dtls_are_counted_beside() {
    let initial = [&[0xC3, 0, 0, 0, 1][..], &[0; 40]].concat();
    let dtls = [&[22, 0xFE, 0xFD, 0, 0][..], &[0; 40]].concat();
    let packets: Vec<Packet> = [
        udp("10.0.0.7:5000", "10.0.0.1:443", &initial),
        udp("10.0.0.1:443", "10.0.0.7:5000", &initial),
        udp("10.0.0.7:5001", "10.0.0.1:443", &dtls),
        udp("10.0.0.7:5002", "10.0.0.1:53", b"something else"),
    ]
    .into_iter()
    .map(|packet| (START, packet))
    .collect();
    let (flows, rest, _) = read(&builder::pcap(101, &packets));
    assert!(flows.is_empty());
    assert_eq!((rest.traffic.quic_flows, rest.traffic.dtls_flows, rest.traffic.udp_datagrams), (1, 1, 4));
}

#[test]
fn layers_without_end_are_given_up() {
    let mut packet = conversation(false).packets[0].1.clone();
    for _ in 0..30 {
        packet = ip("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap(), 4, &packet);
    }
    let (flows, rest, _) = read(&builder::pcap(101, &[(START, packet)]));
    assert!(flows.is_empty() && rest.unread.len() == 1, "{rest:?}");
    // An ICMP error quotes the beginning of a ClientHello, and is not a packet of its flow.
    let quote = [&[3, 0, 0, 0, 0, 0, 0, 0][..], &conversation(false).packets[3].1].concat();
    let error = ip("192.0.2.1".parse().unwrap(), "10.0.0.7".parse().unwrap(), 1, &quote);
    let (flows, rest, _) = read(&builder::pcap(101, &[(START, error)]));
    assert!(flows.is_empty() && rest.unread.is_empty());
}

/// The fast way through usual packets and the way through all layers agree, whatever byte is another one.
#[test]
fn usual_packets_are_read_like_all_others() {
    let talk = conversation(false);
    let framed: [(u16, Wrap); 3] = [
        (1, Box::new(|packet| ethernet(&[], packet))),
        (113, Box::new(|packet| [&[0; 14][..], &ether_type(packet), packet].concat())),
        (276, Box::new(|packet| [&ether_type(packet), &[0; 18][..], packet].concat())),
    ];
    let mut layers = Layers::default();
    let mut assert_alike = |link: u16, data: &[u8], wire: usize| {
        let packet = CapturedPacket { time: 0, link: Some(link), interface: 0, data, wire };
        let plain = plain::segment(&packet);
        if let Some(segment) = plain {
            let peeled = layers.peel(&packet);
            assert!(matches!(peeled, Content::Tcp(peeled) if peeled == segment), "{segment:?} {peeled:?}");
        }
        plain.is_some()
    };
    for (link, frame) in framed {
        for (_, packet) in &talk.packets {
            let data = frame(packet);
            assert!(assert_alike(link, &data, data.len()), "{link}");
            for place in 0..data.len().min(74) {
                for value in [0, 1, 4, 6, 17, 20, 0x40, 0x45, 0x46, 0x50, 0x60, 0xF0, 0xFF] {
                    let mut other = data.clone();
                    other[place] = value;
                    assert_alike(link, &other, data.len());
                }
                assert_alike(link, &data[..place], data.len());
            }
        }
    }
}
