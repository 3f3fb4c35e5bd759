//! What is known without a whole ClientHello: whether the server had it, by its acknowledgement numbers, and
//! why the capture has none.

use super::builder::*;
use super::{flow, read, snapped};
use crate::evidence::capture::Outcome;
use crate::evidence::handshake::{Party, Stage};

const CLIENT: &str = "10.0.0.7:50000";
const SERVER: &str = "10.0.0.1:443";
/// Bytes of a segment.
const SEGMENT: usize = 1400;

/// A ClientHello of two segments.
fn large() -> Vec<u8> {
    HelloBuilder { name: Some("api.example.com"), padding: 1500, ..HelloBuilder::default() }.record()
}

/// A segment of the server that acknowledges so many bytes of the client's data.
fn acknowledges(talk: &mut Talk, flags: u8, bytes: usize) {
    let next = std::mem::replace(&mut talk.client_next, 0xFFFF_FFF1_u32.wrapping_add(u32::try_from(bytes).unwrap()));
    talk.server_sends(flags, b"");
    talk.client_next = next;
}

/// A connection in which so many bytes of the ClientHello reach the place of the capture.
fn sent(bytes: usize) -> Talk {
    let mut talk = Talk::open(CLIENT, SERVER);
    for segment in large()[..bytes].chunks(SEGMENT) {
        talk.client_says(segment);
    }
    talk
}

fn outcome(talk: &Talk) -> Outcome {
    flow(talk).outcome
}

#[test]
fn a_hello_that_the_server_never_had_is_not_refused() {
    let whole = large().len();
    let undelivered = Outcome::Undelivered { by: Party::Server };
    for flags in [ACK | FIN, ACK | RST] {
        // Nothing of it arrives, or the first of its segments; the capture has both, or the first only.
        for (in_capture, acknowledged) in [(whole, 0), (whole, SEGMENT), (SEGMENT, SEGMENT), (700, 700), (700, 0)] {
            let mut talk = sent(in_capture);
            talk.wait(15);
            acknowledges(&mut talk, flags, acknowledged);
            assert_eq!(outcome(&talk), undelivered, "{in_capture} {acknowledged}");
        }
        // The snap length cuts what was sent; the second segment never was.
        let mut talk = sent(SEGMENT);
        acknowledges(&mut talk, flags, SEGMENT);
        assert_eq!(read(&snapped(&talk, 200)).0[0].outcome, undelivered);
    }
}

#[test]
fn what_proves_nothing_changes_no_outcome() {
    let (whole, by, stage) = (large().len(), Party::Server, Stage::ClientHello);
    let (closed, reset) = (Outcome::Closed { by, stage }, Outcome::Reset { by, stage });
    // It had all of it, even if the capture lacks the second segment.
    for in_capture in [whole, SEGMENT] {
        let mut talk = sent(in_capture);
        acknowledges(&mut talk, ACK | FIN, whole);
        assert_eq!(outcome(&talk), closed);
        assert_eq!(read(&snapped(&talk, 200)).0[0].outcome, closed);
    }
    // The number of an RST without the ACK flag is none, and an acknowledgement just before it may have
    // crossed the second segment.
    let mut talk = sent(whole);
    acknowledges(&mut talk, ACK, SEGMENT);
    acknowledges(&mut talk, RST, 0);
    assert_eq!(outcome(&talk), reset);
    // The RST is another device's.
    let mut talk = sent(whole);
    acknowledges(&mut talk, ACK | RST, 0);
    let (_, packet) = talk.packets.last_mut().unwrap();
    packet[8] = 250;
    let foreign = flow(&talk);
    assert_eq!((foreign.foreign_reset, foreign.outcome), (Some(250), reset));
    // The end acknowledges less than an earlier segment.
    let mut talk = sent(whole);
    acknowledges(&mut talk, ACK, whole);
    acknowledges(&mut talk, ACK | RST, 0);
    assert_eq!(outcome(&talk), reset);
}

/// What the server still lacks long after the ClientHello, it does not get.
#[test]
fn a_late_acknowledgement_is_a_proof_whoever_ends() {
    let whole = large().len();
    let late = |acknowledged: usize| {
        let mut talk = sent(whole);
        talk.wait(7);
        acknowledges(&mut talk, ACK, acknowledged);
        talk
    };
    for acknowledged in [0, SEGMENT] {
        let mut talk = late(acknowledged);
        acknowledges(&mut talk, RST, 0);
        assert_eq!(outcome(&talk), Outcome::Undelivered { by: Party::Server });
        let mut talk = late(acknowledged);
        talk.client_sends(ACK | FIN, b"");
        assert_eq!(outcome(&talk), Outcome::Undelivered { by: Party::Client });
    }
    let mut talk = late(whole);
    talk.client_sends(ACK | FIN, b"");
    assert_eq!(outcome(&talk), Outcome::Closed { by: Party::Client, stage: Stage::ClientHello });
}

/// Packets that are there are not called missing.
#[test]
fn the_reason_for_which_a_hello_is_missing_is_named() {
    // A snap length that leaves the headers only, whether the server answers or ends.
    let mut refused = sent(700);
    refused.server_sends(ACK | RST, b"");
    let mut alerted = sent(700);
    alerted.server_says(&alert(2, 40));
    for (talk, snaps) in [(good13(CLIENT, SERVER, None), 40..45), (refused, 40..45), (alerted, 40..49)] {
        for snap in snaps {
            assert_eq!(read(&snapped(&talk, snap)).0[0].outcome, Outcome::ClientCut, "{snap}");
        }
    }
    // The first segment is lost.
    for answer in [&b""[..], &alert(2, 50)] {
        let mut talk = Talk::open(CLIENT, SERVER);
        talk.lost_from_client(u32::try_from(SEGMENT).unwrap());
        talk.client_says(&large()[SEGMENT..]);
        talk.server_says(answer);
        talk.server_sends(ACK | FIN, b"");
        assert_eq!(outcome(&talk), Outcome::ClientBeginningNotCaptured);
    }
    // And all of them are.
    let mut talk = Talk::open(CLIENT, SERVER);
    talk.lost_from_client(300);
    talk.server_sends(ACK | FIN, b"");
    assert_eq!(outcome(&talk), Outcome::ClientNotCaptured);
}

/// A ClientHello that declares more bytes than any has is there, and so is the alert that refuses it.
#[test]
fn a_hello_that_cannot_be_read_did_not_begin_before_the_capture() {
    let mut body = message(1, &[7; 1000]);
    body[1..4].fill(0xFF);
    let mut talk = Talk::open(CLIENT, SERVER);
    talk.client_says(&record(22, &body));
    assert_eq!(outcome(&talk), Outcome::ClientHelloUnreadable);
    let mut closed = talk.clone();
    closed.server_sends(ACK | FIN, b"");
    assert_eq!(outcome(&closed), Outcome::ClientHelloUnreadable);
    talk.server_says(&alert(2, 50));
    talk.server_sends(ACK | FIN, b"");
    let stage = Stage::ClientHello;
    assert_eq!(outcome(&talk), Outcome::Alert { by: Party::Server, stage, level: 2, number: 50 });
}
