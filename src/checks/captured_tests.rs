//! Captures that hold a part of each connection: one direction only, or the beginning of each packet. What
//! they show is the same failure as the whole capture shows, or unknown, and never another one.

use super::captured::{Kind, Standing, judge};
use crate::evidence::capture::{Flow, Outcome, Signature};
use crate::evidence::handshake::{Party, Stage};
use crate::test_captures::builder::*;
use crate::test_captures::reading::{flow, read, snapped};

const CLIENT: &str = "10.0.0.7:50000";
const SERVER: &str = "10.0.0.1:443";

fn kind(flow: &Flow) -> Kind {
    judge(&Signature::of(flow))
}

/// A connection up to a ClientHello that offers at most TLS 1.2.
fn with_hello12() -> Talk {
    let mut talk = Talk::open(CLIENT, SERVER);
    talk.client_says(&HelloBuilder { name: Some("api.example.com"), tls13: false, ..HelloBuilder::default() }.record());
    talk
}

fn with_hello(name: Option<&str>) -> Talk {
    let mut talk = Talk::open(CLIENT, SERVER);
    talk.client_says(&hello(name));
    talk
}

/// The same up to the end of the server's first flight.
fn served12(is_requested: bool) -> Talk {
    let mut talk = with_hello12();
    let request = if is_requested { message(13, &[1, 1, 0, 2, 4, 1, 0, 4, 0, 2, 0x30, 0]) } else { Vec::new() };
    let flight = [
        server_hello_message(false),
        certificate_message(&[&[7; 800]]),
        message(12, &[0; 100]),
        request,
        message(14, b""),
    ];
    talk.server_says(&record(22, &flight.concat()));
    talk
}

fn served13() -> Talk {
    let mut talk = with_hello(Some("api.example.com"));
    talk.server_says(&[server_hello(true), record(20, &[1]), encrypted(23, 900)].concat());
    talk
}

/// A ClientHello with early data behind it, and what the server answers to it.
fn early(length: usize, in_one: bool) -> Talk {
    let more = vec![(42, Vec::new()), (45, vec![1, 1]), (41, vec![0x5A; 180])];
    let mut talk = Talk::open(CLIENT, SERVER);
    let hello = HelloBuilder { name: Some("api.example.com"), more, ..HelloBuilder::default() }.record();
    let (hello, data) = ([hello, record(20, &[1])].concat(), encrypted(23, length));
    if in_one {
        talk.client_says(&[hello, data].concat());
    } else {
        talk.client_says(&hello);
        talk.client_says(&data);
    }
    talk
}

fn left(mut talk: Talk, by: Party, flags: u8, data: &[u8]) -> Talk {
    if by == Party::Client {
        talk.client_sends(flags, data);
        talk.server_sends(ACK | FIN, b"");
    } else {
        talk.server_sends(flags, data);
        talk.client_sends(ACK | FIN, b"");
    }
    talk
}

/// Conversations of every kind of end, by name.
fn conversations() -> Vec<(String, Talk)> {
    let (fin, rst) = (ACK | FIN, ACK | RST);
    let mut all: Vec<(String, Talk)> = Vec::new();
    let mut add = |name: &str, talk: Talk| all.push((name.to_owned(), talk));
    add("completed 1.3", good13(CLIENT, SERVER, Some("api.example.com")));
    add("completed 1.2", good12(CLIENT, SERVER, Some("api.example.com"), &[&[7; 800]]));
    for name in [None, Some("api.example.com")] {
        add("reset", left(with_hello(name), Party::Server, rst, b""));
        add("closed", left(with_hello(name), Party::Server, fin, b""));
        add("plain", left(with_hello(name), Party::Server, fin, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        add("given up", left(with_hello(name), Party::Client, fin, b""));
        add("given up by reset", left(with_hello(name), Party::Client, rst, b""));
        for number in [0, 10, 40, 47, 50, 70, 80, 86, 112, 120] {
            add(&format!("alert {number}"), left(with_hello(name), Party::Server, fin, &alert(2, number)));
        }
    }
    let mut proxy = Talk::open(CLIENT, SERVER);
    proxy.client_says(&[b"PROXY TCP4 10.1.1.1 10.0.0.1 5000 443\r\n", &hello(None)[..]].concat());
    add("proxy header", left(proxy, Party::Server, rst, b""));
    for number in [0, 40, 42, 43, 44, 45, 46, 48, 51, 90] {
        let level = if matches!(number, 0 | 90) { 1 } else { 2 };
        add(&format!("client's alert {number}"), left(served12(false), Party::Client, fin, &alert(level, number)));
    }
    for number in [40, 42, 45, 46, 48, 51] {
        for chain in [&[][..], &[&[9_u8; 700][..]]] {
            let mut refused = served12(true);
            let flight = [certificate_message(chain), message(16, &[1; 66])].concat();
            refused.client_says(&[record(22, &flight), record(20, &[1]), encrypted(22, 40)].concat());
            add(&format!("client certificate, alert {number}"), left(refused, Party::Server, fin, &alert(2, number)));
        }
    }
    add("left after the answer", left(served12(false), Party::Client, fin, b""));
    add("left after the answer 1.3", left(served13(), Party::Client, rst, b""));
    add("server leaves early", left(served12(false), Party::Server, rst, b""));
    add("hidden alert", left(served13(), Party::Client, fin, &[record(20, &[1]), encrypted(23, 19)].concat()));
    let mut hidden = served13();
    hidden.client_says(&[record(20, &[1]), encrypted(23, 25), encrypted(23, 53)].concat());
    add("hidden alert of the server", left(hidden, Party::Server, fin, &encrypted(23, 19)));
    for (length, in_one) in [19, 53, 200, 1200].into_iter().flat_map(|length| [(length, false), (length, true)]) {
        let early = |length| early(length, in_one);
        add("early data, reset", left(early(length), Party::Server, rst, b""));
        add("early data, closed", left(early(length), Party::Server, fin, b""));
        add("early data, alert", left(early(length), Party::Server, fin, &alert(2, 40)));
        let mut accepted = early(length);
        accepted.server_says(&[server_hello(true), record(20, &[1]), encrypted(23, 900)].concat());
        add("early data, client leaves", left(accepted.clone(), Party::Client, fin, b""));
        accepted.client_says(&[encrypted(23, 21), encrypted(23, 53)].concat());
        add("early data, server leaves", left(accepted.clone(), Party::Server, fin, b""));
        accepted.server_says(&encrypted(23, 300));
        add("early data, client done", left(accepted, Party::Client, fin, &encrypted(23, 19)));
    }
    let mut idle = Talk::open(CLIENT, SERVER);
    idle.client_sends(fin, b"");
    add("idle", idle);
    let mut refused = Talk::new(CLIENT, SERVER);
    refused.syn();
    refused.server_sends(rst, b"");
    add("refused", refused);
    let mut plain = Talk::open(CLIENT, SERVER);
    plain.client_says(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    add("client not TLS", left(plain, Party::Server, fin, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    all
}

/// The same refusal, without what the capture lacks: the name, which may be the reason, or whether the client
/// sent a certificate.
fn is_less(seen: &Kind, whole: &Kind) -> bool {
    let is_ended = |kind: &Kind| kind.name.ends_with("-ended");
    let is_of_certificate = |kind: &Kind| kind.name.starts_with("client-certificate-");
    is_ended(seen) && is_ended(whole)
        || seen.name == "name-refused" && whole.name == seen.name
        || is_of_certificate(whole) && seen.sentence.starts_with("server asks for a client certificate and refuses")
        || is_of_certificate(whole) && seen.name == "client-flight-refused"
}

/// The packets of one side.
fn side_of(talk: &Talk, side: Party) -> Talk {
    let sender = if side == Party::Client { talk.client } else { talk.server };
    let mut kept = talk.clone();
    kept.packets.retain(|(_, packet)| packet[12..16] == sender_octets(sender.ip()));
    kept
}

fn sender_octets(address: std::net::IpAddr) -> [u8; 4] {
    match address {
        std::net::IpAddr::V4(address) => address.octets(),
        std::net::IpAddr::V6(_) => panic!("these conversations are of IPv4"),
    }
}

#[test]
fn one_direction_shows_the_same_failure_or_none() {
    for (name, talk) in conversations() {
        let whole = kind(&flow(&talk));
        for side in [Party::Client, Party::Server] {
            let packets = side_of(&talk, side);
            let Some(part) = read(&pcap(101, &packets.packets)).0.into_iter().next() else { continue };
            let seen = kind(&part);
            let shown = format!("{name}, {side:?} only: {} → {seen:?}, {:?}", whole.sentence, part.outcome);
            match seen.standing {
                Standing::Failed(_) => {
                    assert!(seen.code == whole.code || is_less(&seen, &whole), "{shown}");
                    assert!(seen.sentence.ends_with("part is not in the capture") || name == "refused", "{shown}");
                }
                Standing::Good => panic!("{shown}"),
                Standing::Unknown | Standing::Beside => {}
            }
            // No sentence is about what the other side sent.
            let other = if side == Party::Client { "server " } else { "client " };
            let is_unanswered = part.outcome == Outcome::Unanswered;
            assert!(!seen.sentence.starts_with(other) || is_unanswered, "{shown}");
        }
    }
}

/// An alert in clear says by itself who refused what.
#[test]
fn an_alert_without_the_other_direction_is_a_verdict() {
    let outcome = |talk: &Talk, side| flow(&side_of(talk, side));
    for number in [42, 43, 44, 45, 46, 48] {
        let talk = left(served12(false), Party::Client, ACK | FIN, &alert(2, number));
        let rejected = outcome(&talk, Party::Client);
        let expected = Outcome::Alert { by: Party::Client, stage: Stage::ServerFlight, level: 2, number };
        assert_eq!((rejected.outcome, rejected.uncaptured), (expected, Some(Party::Server)));
        let sentence = kind(&rejected).sentence;
        assert!(sentence.starts_with("client rejects the server's certificate"), "{sentence}");
        assert!(sentence.ends_with("; the server's part is not in the capture"), "{sentence}");
    }
    let by = Party::Server;
    for (talk, stage, number) in [
        (with_hello(None), Stage::ClientHello, 70),
        (with_hello(Some("a.example")), Stage::ClientHello, 40),
        (served12(true), Stage::ClientFlight, 42),
    ] {
        let talk = left(talk, by, ACK | FIN, &alert(2, number));
        let refused = outcome(&talk, by);
        assert_eq!(refused.outcome, Outcome::Alert { by, stage, level: 2, number });
        assert_eq!(refused.uncaptured, Some(Party::Client));
    }
    let nothing = outcome(&left(with_hello(None), by, ACK | RST, b""), Party::Client);
    assert_eq!(
        (nothing.outcome, kind(&nothing).sentence.as_str()),
        (Outcome::NotCaptured, "server's part is not in the capture")
    );
}

/// The server's answer is in the capture in so far as the client acknowledged it.
#[test]
fn a_refusal_without_sni_blames_no_name() {
    for number in [40, 71, 112] {
        let refused = |name: Option<&str>| {
            let mut talk = with_hello(name);
            talk.server_says(&alert(2, number));
            kind(&flow(&talk))
        };
        let (without, with) = (refused(None), refused(Some("api.example.com")));
        let names = |kind: &Kind| kind.causes.iter().any(|cause| cause.contains("has this server name"));
        assert!(without.causes[0].contains("needs SNI") && !names(&without), "{without:?}");
        assert!(names(&with) && !with.causes.iter().any(|cause| cause.contains("needs SNI")), "{with:?}");
    }
}

#[test]
fn an_answer_that_the_client_received_is_no_silence() {
    let mut talk = with_hello(None);
    talk.lost_from_server(1400);
    talk.client_sends(ACK, b"");
    talk.wait(60);
    talk.client_sends(ACK | FIN, b"");
    assert_eq!(flow(&talk).outcome, Outcome::NotCaptured);
    // And a ClientHello that the server received is none that was not sent.
    let mut talk = Talk::new(CLIENT, SERVER);
    talk.syn();
    talk.syn_ack();
    talk.lost_from_client(300);
    talk.server_sends(ACK | FIN, &alert(1, 0));
    assert_eq!(flow(&talk).outcome, Outcome::ClientNotCaptured);
}

/// A ClientHello that the server never had whole has no name that a route could lack.
#[test]
fn a_hello_that_is_not_delivered_is_no_missing_route() {
    let large = HelloBuilder { name: Some("api.example.com"), padding: 1500, ..HelloBuilder::default() }.record();
    for name in [None, Some("api.example.com")] {
        let hello = hello(name);
        for part in [&large[..1400], &hello[..hello.len() / 2]] {
            for flags in [ACK | FIN, ACK | RST] {
                let mut talk = Talk::open(CLIENT, SERVER);
                talk.client_says(part);
                let flow = flow(&left(talk, Party::Server, flags, b""));
                let kind = kind(&flow);
                assert_eq!(kind.code.map(|code| code.to_string()).as_deref(), Some("AT613"), "{kind:?}");
                assert!(kind.causes[0].contains("more than one segment"), "{kind:?}");
                assert!(!kind.causes.iter().any(|cause| cause.contains("route")), "{kind:?}");
            }
        }
    }
}

#[test]
fn a_snap_length_shows_the_same_failure_or_none() {
    for (name, talk) in conversations() {
        let whole = kind(&flow(&talk));
        for snap in (40..=420).chain([600, 900]) {
            let Some(part) = read(&snapped(&talk, snap)).0.into_iter().next() else { continue };
            let seen = kind(&part);
            let shown = format!("{name}, {snap} bytes: {} → {seen:?}, {:?}", whole.sentence, part.outcome);
            match seen.standing {
                Standing::Failed(_) => {
                    assert!(seen.code == whole.code || is_less(&seen, &whole), "{shown}");
                }
                Standing::Good => assert!(!whole.standing.is_failure(), "{shown}"),
                Standing::Unknown | Standing::Beside => {}
            }
        }
    }
}
