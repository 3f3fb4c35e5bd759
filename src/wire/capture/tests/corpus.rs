//! The corpora of the fuzz targets: `cargo test --lib write_the_capture_corpus -- --ignored` regenerates
//! them.

use std::fs;
use std::path::Path;

use super::builder::*;

fn with_link(link: u16, packet: &[u8]) -> Vec<u8> {
    [&link.to_be_bytes()[..], packet].concat()
}

#[test]
#[ignore = "writes files of the repository"]
fn write_the_capture_corpus() {
    let (client, server) = ("10.0.0.7:50000", "10.0.0.1:443");
    let good = good13(client, server, Some("api.example.com"));
    let mut reset = Talk::open("10.0.0.8:50001", server);
    reset.client_says(&[&b"PROXY TCP4 10.0.0.9 10.0.0.1 5 443\r\n"[..], &hello(None)].concat());
    reset.server_sends(ACK | RST, b"");
    let both = framed(&merged(&[good.clone(), reset]));
    let early = good12("[2001:db8::7]:50000", "[2001:db8::1]:443", None, &[b"no certificate"]);
    let name = HelloBuilder { name: Some("api.example.com"), ..HelloBuilder::default() }.body();
    let request = message(13, &[1, 1, 0, 2, 4, 1, 0, 4, 0, 2, 0x30, 0]);
    let flight = [server_hello_message(false), certificate_message(&[b"x"]), request, message(14, b"")].concat();
    let frame = ethernet(&[0x81, 0, 0, 7], &good.packets[3].1);
    let vxlan = udp("192.0.2.1:5000", "192.0.2.2:4789", &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame].concat());
    let gre = ip(
        "192.0.2.1".parse().unwrap(),
        "192.0.2.2".parse().unwrap(),
        47,
        &[&[0xB0, 0, 8, 0][..], &[0; 12], &good.packets[3].1].concat(),
    );
    let geneve =
        udp("192.0.2.1:5000", "192.0.2.2:6081", &[&[1, 0, 0x65, 0x58, 0, 0, 7, 0][..], &[0; 4], &frame].concat());
    let files: Vec<(&str, &str, Vec<u8>)> = vec![
        ("capture_analysis", "two-flows.pcap", pcap(1, &both)),
        ("capture_analysis", "tls12.pcapng", pcapng(true, 101, &early.packets)),
        ("capture_layers", "vlan", with_link(1, &frame)),
        ("capture_layers", "vxlan", with_link(101, &vxlan)),
        ("capture_layers", "geneve", with_link(101, &geneve)),
        ("capture_layers", "gre", with_link(101, &gre)),
        ("capture_layers", "sll2", with_link(276, &[&[8, 0][..], &[0; 18], &good.packets[0].1].concat())),
        ("capture_stream", "in-order", (0..32).flat_map(|place| [place, 16, 16, 0]).collect()),
        ("capture_stream", "reversed", (0..32).rev().flat_map(|place| [place, 40, 30, 0]).collect()),
        ("client_hello", "named", name.clone()),
        ("client_hello", "bare", name[..45].to_vec()),
        ("client_hello", "ssl2", [&[1, 3, 1, 0, 3, 0, 0, 0, 4][..], &[0, 0, 0x2F], &[5; 4]].concat()),
        ("tls_captured", "client", [hello(Some("api.example.com")), record(20, &[1]), encrypted(23, 40)].concat()),
        ("tls_captured", "server", [record(22, &flight), record(20, &[1]), encrypted(22, 40), alert(1, 0)].concat()),
        ("tls_captured", "small-records", flight.chunks(9).flat_map(|part| record(22, part)).collect()),
    ];
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, name, bytes) in files {
        fs::create_dir_all(corpus.join(target)).unwrap();
        fs::write(corpus.join(target).join(name), bytes).unwrap();
    }
}
