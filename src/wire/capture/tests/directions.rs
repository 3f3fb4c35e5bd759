//! Captures of one direction: what the packets of one side prove of the other one, and nothing more.

use super::builder::*;
use super::read;
use crate::evidence::capture::{Flow, Outcome};
use crate::evidence::handshake::{Party, Stage};

const CLIENT: &str = "10.0.0.7:50000";
const SERVER: &str = "10.0.0.1:443";
/// Time for which Envoy waits for a ClientHello.
const LONG: u64 = 15;

fn open() -> Talk {
    Talk::open(CLIENT, SERVER)
}

fn with_hello() -> Talk {
    let mut talk = open();
    talk.client_says(&hello(None));
    talk
}

/// The connection as a capture shows it that has the packets of one side. Another connection keeps it going.
fn of(side: Party, talk: &Talk) -> Flow {
    let is_of_client = |packet: &[u8]| packet[12..16] == [10, 0, 0, 7];
    let mut alone = talk.clone();
    alone.packets.retain(|(_, packet)| is_of_client(packet) == (side == Party::Client));
    let mut other = Talk::new("10.0.0.8:1", "10.0.0.2:443");
    other.time = talk.time + 60_000_000_000;
    other.syn();
    let (flows, ..) = read(&pcap(101, &merged(&[alone, other])));
    flows.into_iter().next().unwrap()
}

#[test]
fn one_direction_shows_no_completed_handshake_and_no_refusal_by_the_other_side() {
    let mut closed = with_hello();
    closed.server_sends(ACK | FIN, b"");
    closed.client_sends(ACK | FIN, b"");
    let mut reset = with_hello();
    reset.server_sends(ACK | RST, b"");
    let mut alerted = with_hello();
    alerted.server_says(&alert(2, 40));
    alerted.client_sends(ACK | FIN, b"");
    let mut not_tls = with_hello();
    not_tls.server_sends(ACK | FIN, b"HTTP/1.1 400 Bad Request\r\n\r\n");
    not_tls.client_sends(ACK | FIN, b"");
    let mut hidden = with_hello();
    hidden.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    hidden.client_says(&[encrypted(23, 25), encrypted(23, 53)].concat());
    hidden.server_sends(ACK | FIN, &encrypted(23, 19));
    hidden.client_sends(ACK | FIN, b"");
    let mut waiting = with_hello();
    waiting.wait(LONG);
    let good = [good13(CLIENT, SERVER, None), good12(CLIENT, SERVER, None, &[&[1, 2, 3]])];
    for talk in [vec![closed, reset, alerted, not_tls, hidden, waiting], good.to_vec()].concat() {
        let seen = of(Party::Client, &talk);
        assert_eq!((seen.outcome, seen.uncaptured), (Outcome::NotCaptured, Some(Party::Server)));
        let seen = of(Party::Server, &talk);
        let is_alert = matches!(seen.outcome, Outcome::Alert { by: Party::Server, .. });
        assert!(is_alert || seen.outcome == Outcome::ClientNotCaptured, "{:?}", seen.outcome);
        assert_eq!(seen.uncaptured, Some(Party::Client));
    }
}

/// The FIN of a client that waited acknowledges all that it received.
#[test]
fn a_client_that_waits_and_receives_nothing_gives_up() {
    let given_up = Outcome::Closed { by: Party::Client, stage: Stage::ClientHello };
    let left = |seconds: u64, flags: u8| {
        let mut talk = with_hello();
        talk.wait(seconds);
        talk.client_sends(flags, b"");
        talk
    };
    assert_eq!(of(Party::Client, &left(LONG, ACK | FIN)).outcome, given_up);
    // A response may be under way, and an RST acknowledges nothing for certain.
    assert_eq!(of(Party::Client, &left(0, ACK | FIN)).outcome, Outcome::NotCaptured);
    assert_eq!(of(Party::Client, &left(LONG, ACK | RST)).outcome, Outcome::NotCaptured);
    // The server closed before, or its response comes after.
    let mut closed = with_hello();
    closed.wait(LONG);
    closed.server_sends(ACK | FIN, b"");
    closed.client_sends(ACK | FIN, b"");
    assert_eq!(of(Party::Client, &closed).outcome, Outcome::NotCaptured);
    let mut late = left(LONG, ACK | FIN);
    late.server_says(&server_hello(true));
    late.client_sends(ACK, b"");
    assert_eq!(of(Party::Client, &late).outcome, Outcome::NotCaptured);
}

/// The FIN of a server that waited acknowledges all that it received.
#[test]
fn a_server_that_waits_and_receives_nothing_refuses_nothing() {
    let closed = |seconds: u64, acknowledged: u32| {
        let mut talk = open();
        talk.wait(seconds);
        talk.lost_from_client(acknowledged);
        talk.server_sends(ACK | FIN, b"");
        of(Party::Server, &talk)
    };
    assert_eq!(closed(LONG, 0).outcome, Outcome::Idle);
    // It received something, or something was under way.
    assert_eq!(closed(LONG, 300).outcome, Outcome::ClientNotCaptured);
    assert_eq!(closed(0, 0).outcome, Outcome::ClientNotCaptured);
}
