//! Captures: what they do not show is unknown, and a server that nobody named is no target.

use crate::builder::{
    ACK, FIN, RST, Talk, alert, certificate_message, framed, good12, good13, hello, merged, message, pcap, record,
    server_hello_message,
};
use crate::world::{Outcome, World};

const PROCESSOR: &str = "10.20.0.5:40000";
const OTHER: &str = "10.20.0.5:40001";
const BACKEND: &str = "203.0.113.10:443";
/// Ethernet.
const LINK: u32 = 1;

/// Judges talks of a Message Processor beside saved answers.
fn judged(world: &World, talks: &[Talk]) -> Outcome {
    let capture = world.bytes("mp.pcap", &pcap(LINK, &framed(&merged(talks))));
    world.offline(&["--api-dump", &world.dump(), "--pcap", &capture, "--mp-address", "10.20.0.5"])
}

/// What only one side sent.
fn one_way(talk: &Talk, from: [u8; 4]) -> Talk {
    let own = talk.packets.iter().filter(|(_, packet)| packet[12..16] == from).cloned();
    Talk { packets: own.collect(), ..talk.clone() }
}

fn refused(name: Option<&str>, number: u8) -> Talk {
    let mut talk = Talk::open(PROCESSOR, BACKEND);
    talk.client_says(&hello(name));
    talk.server_says(&alert(2, number));
    talk
}

#[test]
fn captures_without_the_end_of_a_handshake_are_unknown() {
    let world = World::new();
    let mut asked = Talk::open(PROCESSOR, BACKEND);
    asked.client_says(&hello(Some("backend.test")));
    let mut syn = Talk::new(PROCESSOR, BACKEND);
    syn.syn();
    let whole = good13(PROCESSOR, BACKEND, Some("backend.test"));
    let client = one_way(&whole, [10, 20, 0, 5]);
    let server = one_way(&whole, [203, 0, 113, 10]);
    for (what, talks) in [
        ("nothing", &[][..]),
        ("a hello", &[asked]),
        ("a SYN", &[syn]),
        ("the client alone", std::slice::from_ref(&client)),
        ("the server alone", std::slice::from_ref(&server)),
    ] {
        let outcome = judged(&world, talks);
        outcome.is("unknown", "unknown", 3);
        assert!(outcome.not_seen().contains("TLS handshakes in the captures"), "{what}: {outcome:?}");
        assert!(!outcome.codes("passed").contains(&"AT702"), "{what}: {outcome:?}");
    }
    // One handshake is well, and how the other one ends is not known.
    let good = good13(OTHER, BACKEND, Some("backend.test"));
    judged(&world, std::slice::from_ref(&good)).is("healthy", "none", 0);
    let outcome = judged(&world, &[good, client]);
    outcome.is("unknown", "unknown", 3);
    assert!(outcome.not_seen().contains("the end of 1 connection from 10.20.0.5"), "{outcome:?}");
    // Names in the configuration are known whatever a capture shows.
    assert_eq!((outcome.check("AT702").0, outcome.check("AT713").0), ("unknown", "passed"), "{outcome:?}");
}

#[test]
fn a_capture_that_is_cut_says_so() {
    let world = World::new();
    let good = good13(OTHER, BACKEND, Some("backend.test"));
    let mut bytes = pcap(LINK, &framed(&merged(&[good])));
    bytes.extend_from_slice(&[0; 20]);
    let capture = world.bytes("cut.pcap", &bytes[..bytes.len() - 8]);
    let outcome = world.offline(&["--pcap", &capture, "--mp-address", "10.20.0.5"]);
    outcome.is("unknown", "unknown", 3);
    assert!(outcome.not_seen().contains("the rest of") && outcome.not_seen().contains("cut at byte"), "{outcome:?}");
}

#[test]
fn a_syn_is_unanswered_once_it_is_repeated_or_old() {
    let world = World::new();
    let mut syn = Talk::new(PROCESSOR, BACKEND);
    syn.syn();
    let mut repeated = syn.clone();
    repeated.client_next = repeated.client_next.wrapping_sub(1);
    repeated.wait(1);
    repeated.syn();
    let outcome = judged(&world, &[repeated]);
    outcome.claims("unreachable", "southbound", "network", "likely");
    let mut later = good13(OTHER, BACKEND, Some("backend.test"));
    let shift = |talk: &mut Talk, seconds: u64| {
        talk.packets.iter_mut().for_each(|(time, _)| *time += seconds * 1_000_000_000);
    };
    shift(&mut later, 4);
    judged(&world, &[syn.clone(), later.clone()]).claims("unreachable", "southbound", "network", "likely");
    let mut soon = good13(OTHER, BACKEND, Some("backend.test"));
    shift(&mut soon, 1);
    judged(&world, &[syn, soon]).is("healthy", "none", 0);
}

#[test]
fn a_client_that_waits_in_vain_and_leaves_was_not_answered() {
    let world = World::new();
    let talk = |seconds: u64| {
        let mut talk = Talk::open(PROCESSOR, BACKEND);
        talk.client_says(&hello(Some("backend.test")));
        talk.server_says(b"");
        talk.wait(seconds);
        talk.client_sends(FIN | ACK, b"");
        talk
    };
    judged(&world, &[talk(55)]).claims("handshake-timeout", "southbound", "network", "likely");
    judged(&world, &[talk(0)]).is("healthy", "none", 0);
}

#[test]
fn a_goodbye_in_answer_to_a_hello_is_a_failure() {
    let world = World::new();
    let mut talk = Talk::open(PROCESSOR, BACKEND);
    talk.client_says(&hello(Some("backend.test")));
    talk.server_says(&alert(1, 0));
    talk.server_sends(FIN | ACK, b"");
    let outcome = judged(&world, &[talk]);
    outcome.claims("closed-in-hello", "southbound", "network", "likely");
}

#[test]
fn a_router_that_knows_no_name_in_a_hello_without_one_needs_it() {
    let world = World::new();
    let mut talk = Talk::open("198.51.100.7:50000", "10.20.0.2:443");
    talk.client_says(&hello(None));
    talk.server_says(&alert(2, 112));
    let capture = world.bytes("router.pcap", &pcap(LINK, &framed(&merged(&[talk]))));
    let flags = ["--api-dump", &world.dump(), "--pcap", &capture, "--router-address", "10.20.0.2"];
    let outcome = world.offline(&flags);
    outcome.claims("sni-missing", "northbound", "client-owner", "likely");
    assert!(!outcome.has("sni-unknown"), "{outcome:?}");
}

#[test]
fn a_server_that_wants_stronger_suites_refuses_the_suites() {
    let world = World::new();
    let outcome = judged(&world, &[refused(Some("backend.test"), 71)]);
    outcome.claims("cipher-mismatch", "southbound", "backend-owner", "likely");
}

#[test]
fn an_alert_without_the_clients_part_is_a_failure() {
    let world = World::new();
    let server = one_way(&refused(Some("backend.test"), 40), [203, 0, 113, 10]);
    let outcome = judged(&world, &[server]);
    assert!(outcome.code == 3 && outcome.has("cipher-mismatch"), "{outcome:?}");
}

#[test]
fn a_name_that_no_target_has_is_not_its_failure() {
    let world = World::new();
    let outcome = judged(&world, &[refused(Some("other.test"), 40)]);
    outcome.claims("cipher-mismatch", "southbound", "backend-owner", "likely");
    assert!(outcome.objects("cipher-mismatch") == ["203.0.113.10:443", "other.test"], "{outcome:?}");
    // Without a name, the only target of the port fits.
    let outcome = judged(&world, &[refused(None, 70)]);
    assert_eq!(outcome.objects("protocol-mismatch")[0], "targetservers/orders", "{outcome:?}");
    // A port alone says nothing of the leg where the name is another one.
    let capture = world.bytes("any.pcap", &pcap(LINK, &framed(&merged(&[refused(Some("other.test"), 70)]))));
    let outcome = world.offline(&["--api-dump", &world.dump(), "--pcap", &capture]);
    outcome.is("unknown", "unknown", 3);
    assert!(outcome.next().contains("--mp-address 10.20.0.5"), "{outcome:?}");
}

/// A server that lists a CA, gets no certificate and refuses.
fn without_certificate(world: &World, authority: &str) -> Talk {
    let name = world.pki.get(authority).subject_name().to_der().expect("DER");
    let list = [&u16::try_from(name.len()).expect("short").to_be_bytes()[..], &name].concat();
    let size = u16::try_from(list.len()).expect("short").to_be_bytes();
    let request = [&[1, 1, 0, 2, 4, 1][..], &size, &list].concat();
    let leaf = world.pki.get("backend").to_der().expect("DER");
    let mut talk = Talk::open(PROCESSOR, BACKEND);
    talk.client_says(&hello(Some("backend.test")));
    let flight = [server_hello_message(false), certificate_message(&[&leaf]), message(13, &request), message(14, b"")];
    for part in flight {
        talk.server_says(&record(22, &part));
    }
    talk.client_says(&record(22, &certificate_message(&[])));
    talk.client_says(&record(22, &message(16, &[0; 66])));
    talk.server_says(&alert(2, 40));
    talk.server_sends(ACK | RST, b"");
    talk
}

#[test]
fn every_issuer_of_the_configured_chain_is_compared_with_the_list() {
    let world = World::new();
    world.target_presents(&["app", "issuing"]);
    for listed in ["root", "issuing"] {
        let outcome = judged(&world, &[without_certificate(&world, listed)]);
        outcome.claims("client-certificate-missing", "southbound", "edge-administrator", "likely");
        assert!(!outcome.has("client-certificate-authority-not-listed"), "{listed}: {outcome:?}");
        outcome.fixes(&["present none of what targetservers/orders has configured"]);
    }
    let outcome = judged(&world, &[without_certificate(&world, "other-root")]);
    outcome.claims("client-certificate-authority-not-listed", "southbound", "edge-administrator", "likely");
    // A handshake of TLS 1.2 that is well.
    let leaf = world.pki.get("backend").to_der().expect("DER");
    judged(&world, &[good12(OTHER, BACKEND, Some("backend.test"), &[&leaf])]).is("healthy", "none", 0);
}
