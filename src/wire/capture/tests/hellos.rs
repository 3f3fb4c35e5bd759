//! ClientHellos as they are in the wild: without extensions, with addresses for names, drafts, GREASE, SSL
//! 2.0's framing, contradictions.

use super::builder::*;
use super::flow;
use crate::evidence::capture::{Hello, HelloState, Outcome, Resumption, ServerName};
use crate::wire::tls::{ClientHello, Offer, Version, suites};

fn offer(builder: &HelloBuilder<'_>) -> Offer<'static> {
    let body = builder.body().leak();
    Offer::read(body, body.len())
}

fn hello_of(bytes: &[u8]) -> Hello {
    let mut talk = Talk::open("10.0.0.7:50000", "10.0.0.1:443");
    talk.client_says(bytes);
    talk.server_sends(ACK | RST, b"");
    flow(&talk).hello.expect("a ClientHello")
}

#[test]
fn a_hello_is_read_as_it_was_written() {
    let written = ClientHello {
        version: Version::Tls12,
        server_name: Some("api.example.com"),
        suites: &[0xC02F, 0xC030],
        alpn: &["h2"],
        random: [7; 96],
    };
    let hello = hello_of(&written.write());
    assert_eq!(hello.server_name, ServerName::Sent("api.example.com".into()));
    assert_eq!(hello.suites, [suites::label(0xC02F), suites::label(0xC030)]);
    assert_eq!((hello.versions.as_slice(), hello.alpn.as_slice()), (&["TLSv1.2".into()][..], &["h2".to_owned()][..]));
    assert_eq!(hello.state, HelloState::Whole);
}

#[test]
fn grease_is_no_offer() {
    let hello = hello_of(&hello(Some("a.example")));
    assert_eq!(hello.versions, ["TLSv1.3", "TLSv1.2"]);
    assert_eq!(hello.suites, ["TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"]);
    assert_eq!(hello.groups, ["X25519", "P-256"]);
    assert_eq!(hello.alpn, ["h2", "http/1.1"]);
}

#[test]
fn names_are_what_they_are() {
    let name = |builder: HelloBuilder<'_>| offer(&builder).server_name.unwrap();
    assert_eq!(name(HelloBuilder::default()), ServerName::None);
    let address = HelloBuilder { name: Some("10.0.0.1"), ..HelloBuilder::default() };
    assert_eq!(name(address), ServerName::Address("10.0.0.1".into()));
    let esni = HelloBuilder { more: vec![(0xFFCE, vec![1; 40])], ..HelloBuilder::default() };
    assert_eq!(name(esni), ServerName::Encrypted);
    let ech =
        HelloBuilder { name: Some("public.example"), more: vec![(0xFE0D, vec![1; 40])], ..HelloBuilder::default() };
    assert!(offer(&ech).encrypted);
    assert_eq!(name(ech), ServerName::Sent("public.example".into()));
    // No block of extensions at all.
    let bare = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0xC0, 0x2F, 1, 0]].concat();
    let bare = Offer::read(&bare, bare.len());
    assert_eq!((bare.server_name.clone(), bare.malformed.clone()), (Some(ServerName::None), None));
    assert_eq!(bare.versions(), ["TLSv1.2"]);
}

#[test]
fn a_name_that_is_too_long_is_the_reason() {
    for (length, fault) in [(255, None), (256, Some("a server name of 256 bytes; names have at most 255"))] {
        let name = "a".repeat(length);
        let read = offer(&HelloBuilder { name: Some(&name), ..HelloBuilder::default() });
        assert_eq!(read.malformed.as_deref(), fault, "{length}");
        assert_eq!(read.server_name == Some(ServerName::Unknown), fault.is_some(), "{length}");
    }
}

#[test]
fn contradictions_make_no_claim_about_the_name() {
    let whole = HelloBuilder { name: Some("a.example"), padding: 8, ..HelloBuilder::default() }.body();
    // The length of all extensions, of the first extension, and of the suites.
    let extensions = 2 + 32 + 1 + 2 + 6 + 2;
    for (at, value) in [(extensions, 9_u8), (extensions + 1, 9), (extensions + 4, 0xFF), (35, 0xFF), (36, 5)] {
        let mut broken = whole.clone();
        broken[at] = value;
        let read = Offer::read(&broken, broken.len());
        assert!(read.malformed.is_some(), "byte {at}: {read:?}");
        assert_eq!(read.server_name, Some(ServerName::Unknown), "byte {at}");
        let hello = hello_of(&record(22, &message(1, &broken)));
        assert!(matches!(hello.state, HelloState::Malformed(_)), "byte {at}");
    }
    // Cut at each place: the name is known once its extension is whole, and never absent.
    let name_ends = extensions + 2 + 4 + 12 + 4 + 5 + "a.example".len();
    for end in 0..whole.len() {
        let cut = Offer::read(&whole[..end], whole.len());
        let expected = if end >= name_ends { ServerName::Sent("a.example".into()) } else { ServerName::Unknown };
        assert_eq!(
            (cut.server_name, cut.malformed, cut.cut),
            (Some(expected), None, Some((end, whole.len()))),
            "{end}"
        );
    }
}

#[test]
fn drafts_are_tls13_and_resumption_is_told() {
    for draft in [0x7F1C_u16, 0x7E01, 0xFB1A, 0x0304] {
        let content = [&[2][..], &draft.to_be_bytes()].concat();
        let read = offer(&HelloBuilder { tls13: false, more: vec![(43, content)], ..HelloBuilder::default() });
        assert_eq!(read.versions(), ["TLSv1.3"], "{draft:04x}");
    }
    let resumption = |more| offer(&HelloBuilder { more, ..HelloBuilder::default() }).resumption();
    assert_eq!(resumption(vec![]), Resumption::None);
    assert_eq!(resumption(vec![(35, vec![1; 100])]), Resumption::Ticket);
    assert_eq!(resumption(vec![(41, vec![1; 50])]), Resumption::PreSharedKey);
    assert!(offer(&HelloBuilder { more: vec![(42, vec![])], ..HelloBuilder::default() }).early_data);
}

#[test]
fn the_framing_of_ssl2_is_read() {
    let specs = [0, 0xC0, 0x14, 1, 0, 0x80, 0, 0, 0x2F];
    let body = [&[1, 3, 1, 0, 9, 0, 0, 0, 16][..], &specs, &[5; 16]].concat();
    let bytes = [&[0x80, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let hello = hello_of(&bytes);
    assert!(hello.ssl2);
    assert_eq!((hello.server_name, hello.versions), (ServerName::None, vec!["TLSv1.0".into()]));
    assert_eq!(hello.suites, ["ECDHE-RSA-AES256-SHA", "AES128-SHA"]);
}

#[test]
fn a_hello_may_span_many_records_and_share_one() {
    let body = message(1, &HelloBuilder { name: Some("a.example"), ..HelloBuilder::default() }.body());
    let bytes: Vec<u8> = body.chunks(16).flat_map(|part| record(22, part)).collect();
    assert_eq!(hello_of(&bytes).server_name, ServerName::Sent("a.example".into()));
    // Early data follow in the same segment, before any answer.
    let mut talk = Talk::open("10.0.0.7:50000", "10.0.0.1:443");
    let psk = HelloBuilder { more: vec![(42, vec![]), (41, vec![1; 40])], ..HelloBuilder::default() }.record();
    talk.client_says(&[psk, record(20, &[1]), encrypted(23, 300)].concat());
    talk.server_says(&[server_hello(true), record(20, &[1]), encrypted(23, 90)].concat());
    talk.client_says(&[encrypted(23, 53), encrypted(23, 100)].concat());
    talk.server_says(&encrypted(23, 400));
    assert_eq!(flow(&talk).outcome, Outcome::Completed);
}
