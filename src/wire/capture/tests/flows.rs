//! Outcomes of connections: which cases are distinguished, and which side ended the connection.

use super::super::Analysis;
use super::builder::*;
use super::{flow, read, snapped};
use crate::evidence::capture::{ClientChain, Ending, Flow, Outcome, PacketPlace, Preface, ServerName};
use crate::evidence::handshake::{NotTls, Party, Stage};

const CLIENT: &str = "10.0.0.7:50000";
const SERVER: &str = "10.0.0.1:443";

fn talk() -> Talk {
    Talk::open(CLIENT, SERVER)
}

/// A connection up to its ClientHello without SNI.
fn with_hello() -> Talk {
    let mut talk = talk();
    talk.client_says(&hello(None));
    talk
}

fn name(flow: &Flow) -> ServerName {
    flow.hello.as_ref().expect("a ClientHello").server_name.clone()
}

#[test]
fn seven_answers_to_a_hello_are_seven_outcomes() {
    use Outcome::{Alert, Closed, Reset, ServerNotTls, Silent};
    let (by, stage) = (Party::Server, Stage::ClientHello);
    let outcome = |answer: &dyn Fn(&mut Talk)| {
        let mut talk = with_hello();
        answer(&mut talk);
        // Another connection keeps the capture going.
        talk.wait(60);
        let mut other = Talk::new("10.0.0.8:1", SERVER);
        other.time = talk.time;
        other.syn();
        let (flows, ..) = read(&pcap(101, &merged(&[talk, other])));
        flows[0].outcome
    };
    // Nothing at all: the answer is missing, or nothing was sent. The server's SYN/ACK is there, so it was
    // seen.
    assert_eq!(outcome(&|_| {}), Silent { acknowledged: false });
    assert_eq!(outcome(&|talk| talk.server_says(b"")), Silent { acknowledged: true });
    assert_eq!(outcome(&|talk| talk.server_sends(ACK | FIN, b"")), Closed { by, stage });
    assert_eq!(outcome(&|talk| talk.server_sends(ACK | RST, b"")), Reset { by, stage });
    let both = |talk: &mut Talk| {
        talk.server_sends(ACK | FIN, b"");
        talk.server_sends(ACK | RST, b"");
    };
    assert_eq!(outcome(&both), Closed { by, stage });
    let alerted = |talk: &mut Talk| {
        talk.server_says(&alert(2, 40));
        talk.server_sends(ACK | FIN, b"");
    };
    assert_eq!(outcome(&alerted), Alert { by, stage, level: 2, number: 40 });
    let plain = |talk: &mut Talk| talk.server_sends(ACK | FIN, b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(outcome(&plain), ServerNotTls { speaks: NotTls::Http });

    let mut talk = with_hello();
    both(&mut talk);
    assert_eq!(flow(&talk).end.unwrap().how, Ending::FinAndReset);
}

#[test]
fn who_ends_first_decides() {
    let mut talk = with_hello();
    talk.client_sends(ACK | FIN, b"");
    talk.server_sends(ACK | RST, b"");
    assert_eq!(flow(&talk).outcome, Outcome::Closed { by: Party::Client, stage: Stage::ClientHello });
    // A reset long after the handshake is not one of the handshake.
    let mut talk = good13(CLIENT, SERVER, None);
    talk.server_sends(RST, b"");
    assert_eq!(flow(&talk).outcome, Outcome::Completed);
}

/// What a side sends after the other one has closed is a response: it does not say who gave up.
#[test]
fn an_alert_after_the_end_is_a_response() {
    let stage = Stage::ClientHello;
    let mut talk = with_hello();
    talk.server_sends(ACK | FIN, b"");
    talk.client_says(&alert(2, 50));
    talk.client_sends(ACK | FIN, b"");
    let closed = flow(&talk);
    assert_eq!((closed.outcome, closed.alerts.len()), (Outcome::Closed { by: Party::Server, stage }, 1));
    let mut talk = with_hello();
    talk.client_sends(ACK | FIN, b"");
    talk.server_says(&alert(2, 50));
    assert_eq!(flow(&talk).outcome, Outcome::Closed { by: Party::Client, stage });
    // An alert in the same packet is the reason of the end.
    let mut talk = with_hello();
    talk.client_sends(ACK | FIN, &alert(2, 48));
    assert_eq!(flow(&talk).outcome, Outcome::Alert { by: Party::Client, stage, level: 2, number: 48 });
}

#[test]
fn handshakes_of_both_versions_complete() {
    let flow13 = flow(&good13(CLIENT, SERVER, Some("api.example.com")));
    let answer = flow13.answer.as_ref().unwrap();
    assert_eq!((&*answer.version, &*answer.suite), ("TLSv1.3", "TLS_AES_128_GCM_SHA256"));
    assert_eq!((flow13.outcome, flow13.offered()), (Outcome::Completed, Some("TLSv1.3")));

    let flow12 = flow(&good12(CLIENT, SERVER, Some("api.example.com"), &[b"no certificate", b""]));
    assert_eq!((flow12.outcome, flow12.chosen(), flow12.resumed), (Outcome::Completed, Some("TLSv1.2"), false));
    let [first, second] = &flow12.certificates[..] else { panic!("{flow12:?}") };
    assert_eq!((first.bytes, second.bytes, first.certificate.is_none()), (14, 0, true));
    // SHA-256 of the bytes as they were sent.
    let digest: String = openssl::sha::sha256(b"no certificate").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(first.sha256, digest);
    assert_eq!(flow12.filter, "ip.addr == 10.0.0.7 && ip.addr == 10.0.0.1 && tcp.port == 50000 && tcp.port == 443");
}

#[test]
fn a_resumed_session_has_no_certificate_and_lacks_none() {
    let mut talk = talk();
    talk.client_says(&HelloBuilder { tls13: false, ..HelloBuilder::default() }.record());
    talk.server_says(&[server_hello(false), record(20, &[1]), encrypted(22, 40)].concat());
    talk.client_says(&[record(20, &[1]), encrypted(22, 40), encrypted(23, 99)].concat());
    let flow = flow(&talk);
    assert_eq!((flow.outcome, flow.resumed, flow.certificates.len()), (Outcome::Completed, true, 0));
}

#[test]
fn alerts_keep_sender_stage_level_and_number() {
    let mut talk = talk();
    talk.client_says(&HelloBuilder { tls13: false, ..HelloBuilder::default() }.record());
    talk.server_says(&record(
        22,
        &[server_hello_message(false), certificate_message(&[b"x"]), message(14, b"")].concat(),
    ));
    talk.client_says(&alert(2, 46));
    talk.client_sends(ACK | FIN, b"");
    let rejected = flow(&talk);
    let expected = Outcome::Alert { by: Party::Client, stage: Stage::ServerFlight, level: 2, number: 46 };
    assert_eq!((rejected.outcome, rejected.alerts.len()), (expected, 1));

    // A warning before a good ServerHello is no end.
    let mut talk = with_hello();
    talk.server_says(&[alert(1, 112), server_hello(true), encrypted(23, 900)].concat());
    talk.client_says(&[encrypted(23, 53), encrypted(23, 200)].concat());
    talk.server_says(&encrypted(23, 500));
    let warned = flow(&talk);
    assert_eq!((warned.outcome, warned.alerts[0].number), (Outcome::Completed, 112));

    // A client that takes it for one.
    let mut talk = with_hello();
    talk.server_says(&alert(1, 112));
    talk.client_sends(ACK | FIN, &alert(2, 40));
    let fatal = flow(&talk);
    assert_eq!(fatal.warned, Some(112));
    assert!(matches!(fatal.outcome, Outcome::Alert { by: Party::Client, number: 40, .. }), "{fatal:?}");
}

#[test]
fn an_alert_that_tls13_hides_is_a_guess_from_its_length() {
    let mut talk = with_hello();
    talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    let mut rejected = talk.clone();
    rejected.client_sends(ACK | FIN, &[record(20, &[1]), encrypted(23, 19)].concat());
    let expected = Outcome::HiddenAlert { by: Party::Client, stage: Stage::ServerFlight, length: 19 };
    assert_eq!(flow(&rejected).outcome, expected);

    // The client thinks that it is through, and the server refuses its certificate.
    talk.client_says(&[encrypted(23, 25), encrypted(23, 53)].concat());
    let mut refused = talk.clone();
    refused.server_sends(ACK | FIN, &encrypted(23, 35));
    let expected = Outcome::HiddenAlert { by: Party::Server, stage: Stage::ClientFlight, length: 35 };
    assert_eq!(flow(&refused).outcome, expected);

    // A client that leaves after its Finished has what it wanted.
    talk.client_sends(ACK | FIN, &encrypted(23, 19));
    assert_eq!(flow(&talk).outcome, Outcome::Completed);
}

#[test]
fn a_client_certificate_is_requested_and_missing() {
    let mut talk = talk();
    talk.client_says(&HelloBuilder { tls13: false, ..HelloBuilder::default() }.record());
    let request = message(13, &[1, 1, 0, 2, 4, 1, 0, 4, 0, 2, 0x30, 0]);
    let flight = [server_hello_message(false), certificate_message(&[b"x"]), request, message(14, b"")].concat();
    // The flight in records of 16 bytes.
    talk.server_says(&flight.chunks(16).flat_map(|part| record(22, part)).collect::<Vec<u8>>());
    talk.client_says(&record(22, &[certificate_message(&[]), message(16, &[1; 66])].concat()));
    talk.server_sends(ACK | FIN, &alert(2, 40));
    let flow = flow(&talk);
    assert_eq!((flow.certificate_request, flow.client_certificate), (Some(vec![String::new()]), ClientChain::Empty));
    let expected = Outcome::Alert { by: Party::Server, stage: Stage::ClientFlight, level: 2, number: 40 };
    assert_eq!(flow.outcome, expected);
}

#[test]
fn a_retry_belongs_to_the_same_handshake() {
    let mut talk = with_hello();
    let mut retry = server_hello_message(true);
    // The random of a HelloRetryRequest: SHA-256 of its name.
    retry[6..38].copy_from_slice(&openssl::sha::sha256(b"HelloRetryRequest"));
    talk.server_says(&[record(22, &retry), record(20, &[1])].concat());
    talk.client_says(&[record(20, &[1]), hello(Some("second.example"))].concat());
    talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    talk.client_says(&[encrypted(23, 53), encrypted(23, 99)].concat());
    talk.server_says(&encrypted(23, 300));
    let flow = flow(&talk);
    assert!(flow.retried);
    assert_eq!((flow.outcome, name(&flow)), (Outcome::Completed, ServerName::None), "the first ClientHello counts");
}

#[test]
fn what_the_capture_lacks_is_neither_silence_nor_refusal() {
    // The server's packets take another way.
    let mut talk = Talk::new(CLIENT, SERVER);
    talk.syn();
    talk.server_next += 1;
    talk.client_sends(ACK, b"");
    talk.client_says(&hello(Some("a.example")));
    talk.client_sends(ACK | FIN, b"");
    assert_eq!(flow(&talk).outcome, Outcome::NotCaptured);

    // The beginning of the answer is lost.
    let mut talk = with_hello();
    talk.lost_from_server(1400);
    talk.server_says(&[0xEE; 300]);
    talk.server_sends(ACK | FIN, b"");
    let lost = flow(&talk);
    assert_eq!((lost.outcome, lost.missing.of_server), (Outcome::NotCaptured, 1400));

    // The client's packets are missing.
    let mut talk = Talk::new(CLIENT, SERVER);
    talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    assert_eq!(flow(&talk).outcome, Outcome::ClientNotCaptured);
}

#[test]
fn what_the_snap_length_cuts_is_not_known() {
    let outcome = |talk: &Talk, snap| read(&snapped(talk, snap)).0[0].outcome;
    let flight = [
        server_hello_message(false),
        certificate_message(&[&[7; 800]]),
        message(12, &[0; 100]),
        message(13, &[0; 40]),
        message(14, &[]),
    ]
    .concat();
    let served = || {
        let mut talk = with_hello();
        talk.server_says(&record(22, &flight));
        talk
    };
    // The client rejects what the server sent, of which only the beginning is there.
    let mut rejecting = served();
    rejecting.client_says(&alert(2, 48));
    // A client without a certificate is refused.
    let mut refused = served();
    refused.client_says(
        &[record(22, &[certificate_message(&[]), message(16, &[0; 66])].concat()), record(20, &[1]), encrypted(22, 40)]
            .concat(),
    );
    refused.server_says(&alert(2, 40));
    refused.server_sends(ACK | FIN, b"");
    // The same with TLS 1.3, which encrypts it.
    let mut hidden = with_hello();
    hidden.server_says(&[server_hello(true), record(20, &[1]), encrypted(23, 900)].concat());
    hidden.client_says(&[record(20, &[1]), encrypted(23, 24), encrypted(23, 53)].concat());
    hidden.server_says(&encrypted(23, 19));
    hidden.server_sends(ACK | FIN, b"");
    // The server leaves after its first flight.
    let mut left = served();
    left.server_sends(ACK | FIN, b"");
    for snap in [68, 80, 94, 106, 120, 140] {
        let by = Party::Client;
        let rejected = Outcome::Alert { by, stage: Stage::ServerFlight, level: 2, number: 48 };
        assert_eq!(outcome(&rejecting, snap), rejected, "{snap}");
        let refusal = outcome(&refused, snap);
        assert!(
            matches!(
                refusal,
                Outcome::Alert { by: Party::Server, stage: Stage::ClientFlight, .. } | Outcome::NotCaptured
            ),
            "{snap}: {refusal:?}"
        );
        assert_eq!(outcome(&left, snap), Outcome::NotCaptured, "{snap}");
        let hidden = outcome(&hidden, snap);
        assert!(
            matches!(hidden, Outcome::HiddenAlert { by: Party::Server, .. } | Outcome::NotCaptured | Outcome::Joined),
            "{snap}: {hidden:?}"
        );
    }
}

#[test]
fn a_hello_that_is_cut_has_an_unknown_name() {
    let long = HelloBuilder { name: Some("late.example.com"), padding: 1800, ..HelloBuilder::default() }.record();
    // The second segment, with the name, is not in the capture.
    let mut talk = talk();
    talk.client_says(&long[..1400]);
    talk.lost_from_client(u32::try_from(long.len() - 1400).unwrap());
    talk.server_sends(ACK | RST, b"");
    let cut = flow(&talk);
    assert_eq!(name(&cut), ServerName::Unknown);
    assert!(cut.hello_unclear());
    assert_eq!(cut.outcome, Outcome::Reset { by: Party::Server, stage: Stage::ClientHello });

    // A snapshot length of 68 bytes leaves little more than the header of the record.
    let mut whole = with_hello();
    whole.server_sends(ACK | RST, b"");
    let file = snapped(&whole, 68);
    let (flows, rest, _) = read(&file);
    assert_eq!((name(&flows[0]), rest.traffic.cut_packets > 0), (ServerName::Unknown, true));
}

#[test]
fn segments_out_of_order_and_twice_are_put_right() {
    let long = HelloBuilder { name: Some("late.example.com"), padding: 1800, ..HelloBuilder::default() }.record();
    let mut talk = talk();
    for part in long.chunks(500) {
        talk.client_says(part);
    }
    // Swapped, and one again with other bytes: the first copy wins.
    talk.packets.swap(4, 5);
    let mut again = talk.packets[6].clone();
    again.1[60] ^= 0xFF;
    talk.packets.insert(7, again);
    talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    let late = flow(&talk);
    assert_eq!(name(&late), ServerName::Sent("late.example.com".into()));
    assert_eq!(late.outcome, Outcome::Unfinished { stage: Stage::ServerFlight });
}

#[test]
fn captures_that_begin_in_the_middle_are_joined() {
    // Without SYN, but with the ClientHello.
    let mut talk = good13(CLIENT, SERVER, Some("a.example"));
    talk.packets.drain(..3);
    let joined = flow(&talk);
    assert_eq!(
        (joined.joined, joined.outcome, name(&joined)),
        (true, Outcome::Completed, ServerName::Sent("a.example".into()))
    );

    // After the ClientHello: nothing is known of the name, and nothing is wrong.
    let mut talk = good13(CLIENT, SERVER, Some("a.example"));
    talk.packets.drain(..4);
    let late = flow(&talk);
    assert_eq!((late.client.to_string().as_str(), late.outcome), (CLIENT, Outcome::Joined));
    assert!(late.hello.is_none() && late.answer.is_some());

    // The first segment of the answer is lost too: what follows is no "answer that is not TLS".
    let mut talk = with_hello();
    talk.packets.drain(..3);
    talk.lost_from_server(500);
    talk.server_says(&[0x41; 400]);
    assert_eq!(flow(&talk).outcome, Outcome::NotCaptured);
}

#[test]
fn of_several_syn_acks_the_one_acknowledged_counts() {
    let mut talk = Talk::new(CLIENT, SERVER);
    talk.syn();
    talk.syn_ack();
    // Another box answers with another number.
    let real = talk.server_next;
    talk.server_next = 777_777;
    talk.syn_ack();
    talk.server_next = real;
    talk.client_sends(ACK, b"");
    talk.client_says(&hello(Some("a.example")));
    talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    assert!(flow(&talk).answer.is_some());
}

#[test]
fn data_on_the_syn_may_be_the_hello() {
    let bytes = hello(Some("fast.example"));
    let mut talk = Talk::new(CLIENT, SERVER);
    let packet = tcp(talk.client, talk.server, talk.client_next, 0, SYN, &bytes);
    talk.packets.push((talk.time, packet));
    talk.client_next = talk.client_next.wrapping_add(1);
    // The server ignores the data, and the client sends them again.
    talk.time += 1;
    talk.syn_ack();
    talk.client_says(&bytes);
    talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    let fast = flow(&talk);
    assert_eq!(name(&fast), ServerName::Sent("fast.example".into()));
    assert!(fast.answer.is_some());
}

#[test]
fn a_port_used_again_is_another_connection() {
    let mut first = with_hello();
    first.server_sends(ACK | RST, b"");
    let mut second = good13(CLIENT, SERVER, Some("b.example"));
    // It begins with another number, right behind the first.
    for (number, (time, packet)) in second.packets.iter_mut().enumerate() {
        *time = first.time + u64::try_from(number).unwrap();
        let is_client = packet[12..16] == [10, 0, 0, 7];
        let at = if is_client { 24 } else { 28 };
        let number = u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
        packet[at..at + 4].copy_from_slice(&number.wrapping_add(1_000_000).to_be_bytes());
    }
    let (flows, ..) = read(&pcap(101, &merged(&[first, second])));
    let outcomes: Vec<Outcome> = flows.iter().map(|flow| flow.outcome).collect();
    assert_eq!(outcomes, [Outcome::Reset { by: Party::Server, stage: Stage::ClientHello }, Outcome::Completed]);
}

#[test]
fn a_syn_just_before_the_end_of_a_capture_is_not_unanswered() {
    let after = |seconds: u64, repeats: bool| {
        let mut talk = Talk::new(CLIENT, SERVER);
        talk.syn();
        if repeats {
            talk.client_next = talk.client_next.wrapping_sub(1);
            talk.wait(1);
            talk.syn();
        }
        let mut other = Talk::open("10.0.0.8:50000", SERVER);
        other.time += seconds * 1_000_000_000;
        other.client_sends(ACK, b"");
        let (flows, ..) = read(&pcap(101, &merged(&[talk, other])));
        flows.iter().find(|flow| flow.client.to_string() == CLIENT).map(|flow| flow.outcome)
    };
    let unfinished = Some(Outcome::Unfinished { stage: Stage::Connect });
    assert_eq!((after(0, false), after(2, false)), (unfinished, unfinished));
    assert_eq!((after(4, false), after(2, true)), (Some(Outcome::Unanswered), Some(Outcome::Unanswered)));
}

#[test]
fn connections_without_tls_are_told_apart() {
    let mut talk = Talk::new(CLIENT, SERVER);
    talk.syn();
    talk.time += 5_000_000_000;
    talk.client_next = talk.client_next.wrapping_sub(1);
    talk.syn();
    assert_eq!(flow(&talk).outcome, Outcome::Unanswered);
    talk.server_sends(ACK | RST, b"");
    assert_eq!(flow(&talk).outcome, Outcome::Refused);

    let mut talk = self::talk();
    talk.client_sends(ACK | FIN, b"");
    talk.server_sends(ACK | FIN, b"");
    assert_eq!(flow(&talk).outcome, Outcome::Idle);

    let mut talk = self::talk();
    talk.client_says(b"GET /healthz HTTP/1.1\r\nHost: lb\r\n\r\n");
    talk.server_sends(ACK | FIN, b"");
    let plain = flow(&talk);
    assert_eq!((plain.outcome, plain.speaks), (Outcome::ClientNotTls, Some(NotTls::Http)));
    assert!(plain.sample.unwrap().starts_with("GET /healthz"));

    let mut talk = self::talk();
    talk.server_says(b"SSH-2.0-OpenSSH_9.2\r\n");
    assert_eq!(flow(&talk).outcome, Outcome::ServerFirst);
}

#[test]
fn tls_in_the_frames_of_another_protocol_is_not_tls_over_tcp() {
    // OpenVPN over TCP: a length and a header of its own before the record.
    let mut talk = talk();
    talk.client_says(&[&[0, 14, 0x38][..], &[1; 13]].concat());
    talk.client_says(&[&[1, 44, 0x20][..], &[1; 25], &hello(Some("vpn.example"))].concat());
    assert_eq!(flow(&talk).outcome, Outcome::ClientNotTls);
}

#[test]
fn prefaces_are_named_and_the_hello_behind_them_is_read() {
    use Preface::*;
    let cases: Vec<(Preface, &[u8], &[u8])> = vec![
        (HttpConnect, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (Socks4, b"\x04\x01\x01\xbb\x0a\0\0\x01user\0", b"\0\x5a\0\0\0\0\0\0"),
        (Postgres, b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"),
        (
            Rdp,
            b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
            b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0",
        ),
        (Smtp, b"EHLO client\r\n", b"250 STARTTLS\r\n"),
        (Imap, b"a1 STARTTLS\r\n", b"a1 OK\r\n"),
        (
            Ldap,
            b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037",
            b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0",
        ),
        (Xmpp, b"<stream:stream to='a'>", b"<stream:stream>"),
    ];
    for (preface, client, server) in cases {
        let mut talk = talk();
        talk.client_says(client);
        talk.server_says(server);
        talk.client_says(&hello(Some("a.example")));
        talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
        let flow = flow(&talk);
        assert_eq!((flow.preface, flow.answer.is_some()), (Some(preface), true), "{preface:?} {flow:?}");
        assert_eq!(name(&flow), ServerName::Sent("a.example".into()), "{preface:?}");
    }
    // In one segment with the ClientHello, and none of it is acknowledged separately.
    let v2 = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &[0; 12]].concat();
    for (preface, header) in [(ProxyV1, &b"PROXY TCP4 10.0.0.9 10.0.0.1 5 443\r\n"[..]), (ProxyV2, &v2)] {
        let mut talk = talk();
        talk.client_says(&[header, &hello(None)].concat());
        talk.server_sends(ACK | RST, b"");
        let flow = flow(&talk);
        assert_eq!((flow.preface, name(&flow)), (Some(preface), ServerName::None));
        assert_eq!(flow.outcome, Outcome::Reset { by: Party::Server, stage: Stage::ClientHello });
    }
    // The server sends a banner first.
    let mut talk = talk();
    talk.server_says(&[&[0x4A, 0, 0, 0, 10][..], b"8.0.36\0", &[0; 60]].concat());
    talk.client_says(&[&[32, 0, 0, 1][..], &[0; 32]].concat());
    talk.client_says(&hello(None));
    talk.server_says(&[server_hello(true), encrypted(23, 900)].concat());
    let mysql = flow(&talk);
    assert_eq!((mysql.preface, mysql.answer.is_some()), (Some(MySql), true), "{mysql:?}");
}

#[test]
fn more_connections_than_there_is_room_for_are_counted() {
    let mut analysis = Analysis::new(false);
    let mut flows = 0_u64;
    let hello = hello(None);
    for number in 0..20_000_u32 {
        let client = format!("10.{}.{}.7:{}", number >> 8 & 0xFF, number & 0xFF, 1024 + number / 65536);
        let mut talk = Talk::open(&client, SERVER);
        talk.client_says(&hello);
        for (time, data) in &talk.packets {
            let packet = super::super::Packet {
                time: i64::try_from(*time).unwrap(),
                link: Some(101),
                interface: 0,
                data,
                wire: data.len(),
            };
            analysis.packet(&packet, PacketPlace::default(), &mut |_, _| flows += 1);
        }
    }
    let rest = analysis.finish(&mut |_, _| flows += 1);
    assert_eq!(flows, 20_000, "each is reported once");
    assert!(rest.limits.flows_evicted > 10_000, "{:?}", rest.limits);
}

#[test]
fn connections_that_find_no_room_are_no_failures() {
    let mut analysis = Analysis::new(false);
    let mut outcomes = Vec::new();
    let hello = hello(None);
    let talks: Vec<Talk> = (0..5_000_u32)
        .map(|number| {
            let mut talk = Talk::open(&format!("10.{}.{}.7:1024", number >> 8, number & 0xFF), SERVER);
            talk.client_says(&hello);
            talk
        })
        .collect();
    // All clients open their connections before the server answers the first.
    for place in 0..talks[0].packets.len() {
        for talk in &talks {
            let (time, data) = &talk.packets[place];
            let time = i64::try_from(*time).unwrap();
            let packet = super::super::Packet { time, link: Some(101), interface: 0, data, wire: data.len() };
            analysis.packet(&packet, PacketPlace::default(), &mut |flow, _| outcomes.push(flow.outcome));
        }
    }
    let rest = analysis.finish(&mut |flow, _| outcomes.push(flow.outcome));
    assert_eq!(outcomes.len(), 5_000, "each is reported once");
    assert!(!outcomes.contains(&Outcome::Unanswered), "the server's answer was not followed");
    assert!(rest.limits.flows_evicted > 2_000, "{:?}", rest.limits);
}
