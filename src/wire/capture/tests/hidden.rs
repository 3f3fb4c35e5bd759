//! Handshakes of TLS 1.3 whose end is encrypted: "completed" only where the records show it.

use super::builder::*;
use super::sealed::{Sealer, key_log};
use super::{flow, read_with};
use crate::evidence::capture::Outcome;
use crate::evidence::handshake::{Party, Stage};

const CLIENT: &str = "10.0.0.7:50000";
const SERVER: &str = "10.0.0.1:443";
/// Lengths without padding, with SHA-256.
const FINISHED: usize = 53;
const EMPTY_CERTIFICATE: usize = 25;
const ALERT: usize = 19;
const TICKET: usize = 250;

fn by_server(length: u16) -> Outcome {
    Outcome::HiddenAlert { by: Party::Server, stage: Stage::ClientFlight, length }
}

fn by_client(length: u16) -> Outcome {
    Outcome::HiddenAlert { by: Party::Client, stage: Stage::ServerFlight, length }
}

fn records(lengths: &[usize]) -> Vec<u8> {
    lengths.iter().flat_map(|length| encrypted(23, *length)).collect()
}

/// A connection up to the server's first flight.
fn answered() -> Talk {
    let mut talk = Talk::open(CLIENT, SERVER);
    talk.client_says(&hello(None));
    talk.server_says(&[server_hello(true), records(&[900])].concat());
    talk
}

/// The outcome when the client sends records of these lengths, the server responds, and this side ends.
fn outcome(client: &[usize], server: &[usize], end: Party) -> Outcome {
    let mut talk = answered();
    talk.client_says(&records(client));
    if !server.is_empty() {
        talk.server_says(&records(server));
    }
    if end == Party::Client {
        talk.client_sends(ACK | FIN, b"");
    } else {
        talk.server_sends(ACK | FIN, b"");
    }
    flow(&talk).outcome
}

#[test]
fn a_padded_alert_is_not_a_completed_handshake() {
    // Instead of the client's Finished: of any length.
    for length in [ALERT, 32, 35, 83, 128, 272, 528] {
        assert_eq!(outcome(&[length], &[], Party::Client), by_client(u16::try_from(length).unwrap()));
    }
    // In response to a client certificate: of any length, and whoever closes first.
    for length in [ALERT, 32, 35, 83, 272] {
        let expected = by_server(u16::try_from(length).unwrap());
        assert_eq!(outcome(&[EMPTY_CERTIFICATE, FINISHED], &[length], Party::Server), expected);
    }
    assert_eq!(outcome(&[EMPTY_CERTIFICATE, FINISHED], &[ALERT], Party::Client), by_server(19));
    assert_eq!(outcome(&[EMPTY_CERTIFICATE, FINISHED], &[83], Party::Client), Outcome::Undecided);
    // The rest of the server's flight comes after the client's alert, and answers nothing.
    let mut talk = Talk::open(CLIENT, SERVER);
    talk.client_says(&hello(None));
    talk.server_says(&[server_hello(true), records(&[900])].concat());
    let (known, sequence) = (talk.client_next, talk.server_next);
    talk.client_says(&records(&[83]));
    let rest = tcp(talk.server, talk.client, sequence, known, ACK, &records(&[300, FINISHED]));
    talk.packets.push((talk.time, rest));
    talk.time += 1;
    talk.client_sends(ACK | FIN, b"");
    assert_eq!(flow(&talk).outcome, by_client(83));
}

#[test]
fn an_alert_behind_session_tickets_is_not_a_completed_handshake() {
    let client = [EMPTY_CERTIFICATE, FINISHED, 200];
    assert_eq!(outcome(&client, &[TICKET, ALERT], Party::Server), by_server(19));
    assert_eq!(outcome(&client, &[TICKET, TICKET, ALERT], Party::Server), by_server(19));
    assert_eq!(outcome(&client, &[TICKET, TICKET, ALERT], Party::Client), by_server(19));
    // The client continues while the alert is under way.
    let mut talk = answered();
    talk.client_says(&records(&[EMPTY_CERTIFICATE, FINISHED]));
    talk.server_says(&records(&[TICKET]));
    talk.client_says(&records(&[200]));
    talk.server_sends(ACK | FIN, &records(&[ALERT]));
    assert_eq!(flow(&talk).outcome, by_server(19));
    // Padded, and of another length than the ticket.
    assert_eq!(outcome(&client, &[TICKET, 83], Party::Server), Outcome::Undecided);
    // Data behind the tickets are a response, and the last record says goodbye.
    assert_eq!(outcome(&client, &[TICKET, TICKET, 700, ALERT], Party::Server), Outcome::Completed);
    // A server that requested no certificate has nothing to refuse.
    assert_eq!(outcome(&[FINISHED, 200], &[700, ALERT], Party::Server), Outcome::Completed);
    // The client sent its close_notify before.
    assert_eq!(outcome(&[EMPTY_CERTIFICATE, FINISHED, ALERT], &[TICKET, ALERT], Party::Client), Outcome::Completed);
    assert_eq!(outcome(&[FINISHED, ALERT], &[], Party::Server), Outcome::Completed);
}

/// The request may have the length of an alert, as `GET / HTTP/1.0` has that of JSSE's: the server's alert is
/// no goodbye in response to it.
#[test]
fn a_refusal_of_a_short_request_is_not_a_completed_handshake() {
    const SHORT: std::ops::RangeInclusive<usize> = 18..=64;
    for request in SHORT {
        for alert in [ALERT, 24, 32, 35] {
            let expected = by_server(u16::try_from(alert).unwrap());
            for flight in [&[EMPTY_CERTIFICATE, FINISHED, request][..], &[700, 100, FINISHED, request]] {
                assert_eq!(outcome(flight, &[alert], Party::Server), expected, "{flight:?} {alert}");
            }
        }
        // Behind a ticket, and not as long as an alert of a client that does not pad.
        if request != ALERT {
            let flight = [EMPTY_CERTIFICATE, FINISHED, request];
            assert_eq!(outcome(&flight, &[TICKET, TICKET, ALERT], Party::Server), by_server(19), "{request}");
        }
    }
    // Nothing but the end: the request, or a goodbye.
    let outcome_of = |last: usize| outcome(&[EMPTY_CERTIFICATE, FINISHED, last], &[], Party::Server);
    assert_eq!(outcome_of(ALERT), Outcome::Undecided);
    assert_eq!(outcome_of(35), Outcome::Closed { by: Party::Server, stage: Stage::ClientFlight });
    // A padded goodbye of a client that pads.
    for (finished, alert) in [(69, 35), (64, 32)] {
        assert_eq!(outcome(&[finished, alert], &[ALERT], Party::Server), Outcome::Completed, "{finished}");
    }
}

/// The second flight may be one record, and the server may refuse it before it is whole.
#[test]
fn a_refusal_of_a_flight_without_a_finished_of_its_own_is_the_servers() {
    let expected = Outcome::HiddenAlert { by: Party::Server, stage: Stage::ServerFlight, length: 19 };
    for end in [Party::Client, Party::Server] {
        assert_eq!(outcome(&[61], &[ALERT], end), expected);
    }
    let mut talk = answered();
    talk.client_says(&records(&[700]));
    talk.server_says(&records(&[ALERT]));
    talk.client_says(&records(&[100, FINISHED, 200]));
    talk.server_sends(ACK | FIN, b"");
    assert_eq!(flow(&talk).outcome, by_server(19));
}

#[test]
fn early_data_do_not_finish_a_handshake() {
    let early = HelloBuilder { more: vec![(42, Vec::new())], ..HelloBuilder::default() }.record();
    let resumed = |resumes: bool| {
        let mut message = server_hello_message(true);
        if resumes {
            // pre_shared_key, the first identity.
            message.extend([0, 41, 0, 2, 0, 0]);
            let (body, extensions) = (message.len() - 4, message.len() - 4 - 2 - 32 - 1 - 2 - 1 - 2);
            message[1..4].copy_from_slice(&u32::try_from(body).unwrap().to_be_bytes()[1..]);
            message[42..44].copy_from_slice(&u16::try_from(extensions).unwrap().to_be_bytes());
        }
        record(22, &message)
    };
    let begin = |resumes: bool| {
        let mut talk = Talk::open(CLIENT, SERVER);
        talk.client_says(&[early.clone(), records(&[400])].concat());
        let (known, sequence) = (talk.server_next, talk.client_next);
        talk.server_says(&resumed(resumes));
        // Under way before the ServerHello arrived.
        let data = records(&[700, 700]);
        let packet = tcp(talk.client, talk.server, sequence, known, ACK, &data);
        talk.packets.push((talk.time, packet));
        talk.time += 1;
        talk.client_next = talk.client_next.wrapping_add(u32::try_from(data.len()).unwrap());
        talk.server_says(&records(&[90, FINISHED]));
        talk
    };
    for resumes in [false, true] {
        let mut talk = begin(resumes);
        assert!(!flow(&talk).outcome.is_complete(), "{:?}", flow(&talk).outcome);
        talk.server_sends(ACK | FIN, b"");
        assert_eq!(flow(&talk).outcome, Outcome::Undecided);
    }
    // What ends them, and the Finished.
    let mut talk = begin(true);
    talk.client_says(&records(&[21, FINISHED]));
    talk.server_says(&records(&[TICKET, 900]));
    talk.client_sends(ACK | FIN, b"");
    assert_eq!(flow(&talk).outcome, Outcome::Completed);
    // They are refused with the session.
    let mut talk = begin(false);
    talk.client_says(&records(&[FINISHED, 700]));
    talk.server_says(&records(&[TICKET, 900]));
    talk.client_sends(ACK | FIN, b"");
    assert_eq!(flow(&talk).outcome, Outcome::Completed);
}

/// A connection with the secrets of [`key_log`], up to the Finished of a client that was asked for a
/// certificate, or not; and the server's next records.
fn sealed(has_certificate: bool) -> (Talk, Sealer, Sealer) {
    let (mut client, mut server) = (Sealer::client(), Sealer::server());
    let mut talk = Talk::open(CLIENT, SERVER);
    talk.client_says(&hello(None));
    let flight = [server.seal(22, &message(8, &[0, 0]), 0), server.finished()].concat();
    talk.server_says(&[server_hello(true), flight].concat());
    if has_certificate {
        talk.client_says(&client.seal(22, &message(11, &[0; 4]), 64));
    }
    talk.client_says(&client.finished());
    (talk, client, server)
}

fn decrypted(talk: &Talk) -> Outcome {
    let (flows, rest, _) = read_with(&pcap(101, &talk.packets), &key_log());
    assert_eq!((flows.len(), rest.decrypted), (1, 1));
    flows[0].outcome
}

#[test]
fn secrets_decide_what_lengths_do_not() {
    let ticket = message(4, &[5; 60]);
    for padding in [0, 64] {
        // Refused behind a ticket.
        let (mut talk, _, mut server) = sealed(true);
        talk.server_says(&[server.seal(22, &ticket, padding), server.seal(21, &[2, 116], padding)].concat());
        talk.server_sends(ACK | FIN, b"");
        let expected = Outcome::Alert { by: Party::Server, stage: Stage::ClientFlight, level: 2, number: 116 };
        assert_eq!(decrypted(&talk), expected);
        assert_ne!(flow(&talk).outcome, Outcome::Completed, "without the secrets");

        // The same lengths, and a goodbye.
        let (mut talk, _, mut server) = sealed(true);
        talk.server_says(&[server.seal(22, &ticket, padding), server.seal(21, &[1, 0], padding)].concat());
        talk.server_sends(ACK | FIN, b"");
        assert_eq!(decrypted(&talk), Outcome::Completed);

        // An alert instead of the Finished.
        let mut talk = answered();
        talk.packets.truncate(3);
        let (mut client, mut server) = (Sealer::client(), Sealer::server());
        talk = Talk { packets: talk.packets, ..Talk::open(CLIENT, SERVER) };
        talk.client_says(&hello(None));
        talk.server_says(&[server_hello(true), server.finished()].concat());
        talk.client_says(&client.seal(21, &[2, 48], padding));
        talk.client_sends(ACK | FIN, b"");
        let expected = Outcome::Alert { by: Party::Client, stage: Stage::ServerFlight, level: 2, number: 48 };
        assert_eq!(decrypted(&talk), expected);
    }
    // A client that leaves after its Finished, without an answer.
    let (mut talk, mut client, _) = sealed(false);
    talk.client_sends(ACK | FIN, &client.seal(21, &[1, 0], 0));
    assert_eq!(decrypted(&talk), Outcome::Completed);
    // Data in response to it.
    let (mut talk, _, mut server) = sealed(true);
    talk.server_sends(ACK | FIN, &server.seal(23, b"page", 0));
    assert_eq!(decrypted(&talk), Outcome::Completed);
}
