//! What servers send, read in every way it can arrive.

use super::super::server_flight::fuzz_server_flight;
use super::super::{FlightFacts, Malformed, ServerFlight, ServerHello, Version, groups, suites};
use super::{Random, corpus, encrypted, facts, message, record, recorded};
use crate::evidence::handshake::NotTls;

/// A ServerHello of TLS 1.0 without extensions.
fn hello(version: u16) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.extend([0, 0, 5, 0]);
    message(2, &body)
}

fn hello_of(facts: &FlightFacts) -> ServerHello {
    facts.hello.clone().expect("a ServerHello")
}

#[test]
fn recorded_flights_say_what_openssl_was_asked_for() {
    let authorities = || {
        vec![
            "CN=Example Root, OU=Edge, O=\"Example, Inc.\", C=DE".to_owned(),
            "CN=Clients, DC=example, DC=com".to_owned(),
        ]
    };
    for (name, version, suite, group, alpn, asked) in [
        ("tls10", Version::Tls10, "ECDHE-RSA-AES256-SHA", Some("X25519"), None, None),
        ("tls11-request", Version::Tls11, "ECDHE-RSA-AES256-SHA", Some("X25519"), None, Some(authorities())),
        ("tls12", Version::Tls12, "ECDHE-ECDSA-AES256-GCM-SHA384", Some("X25519"), Some("h2"), None),
        ("tls12-dhe", Version::Tls12, "DHE-RSA-AES128-SHA", None, None, None),
        ("tls12-request", Version::Tls12, "ECDHE-ECDSA-AES256-GCM-SHA384", Some("X25519"), None, Some(authorities())),
        ("tls12-rsa", Version::Tls12, "AES128-SHA", None, None, None),
    ] {
        let facts = facts(&recorded(name));
        let hello = hello_of(&facts);
        assert_eq!((hello.version, hello.retry, hello.compression), (version, false, 0), "{name}");
        assert_eq!(suites::name(hello.suite), suite, "{name}");
        assert_eq!(hello.group.map(groups::name).as_deref(), group, "{name}");
        assert_eq!(hello.group_name().as_deref(), group, "{name}");
        assert_eq!(hello.alpn.as_deref(), alpn, "{name}");
        assert_eq!(facts.certificate_request, asked, "{name}");
        assert!(facts.certificate && facts.done, "{name}");
        // That server insists on a certificate, and says so after the client's second flight.
        let alert = (name == "tls12-request").then_some((2, 40));
        assert_eq!((facts.alert, facts.not_tls, facts.malformed), (alert, None, None), "{name}");
    }
    for (name, group) in [("tls13", "X25519"), ("tls13-request", "X25519"), ("tls13-retry", "P-384")] {
        let facts = facts(&recorded(name));
        let hello = hello_of(&facts);
        assert_eq!((hello.version, hello.retry), (Version::Tls13, false), "{name}");
        assert_eq!(suites::name(hello.suite), "TLS_AES_256_GCM_SHA384", "{name}");
        assert_eq!(hello.group_name().as_deref(), Some(group), "{name}");
        assert!(facts.encrypted_records >= 4 && !facts.certificate && !facts.done, "{name}: {facts:?}");
        assert_eq!(facts.malformed, None, "{name}");
    }
}

#[test]
fn a_retry_is_a_hello_until_the_real_one_comes() {
    let bytes = recorded("tls13-retry");
    let end = 5 + usize::from(bytes[3]) * 256 + usize::from(bytes[4]);
    let before = hello_of(&facts(&bytes[..end]));
    assert!(before.retry);
    assert_eq!((before.version, before.group_name().as_deref()), (Version::Tls13, Some("P-384")));
    let twice = [&bytes[..end], &bytes[..end]].concat();
    assert_eq!(facts(&twice).malformed, Some(Malformed::SecondRetry));
}

#[test]
fn alerts_are_the_first_fatal_or_the_last_warning() {
    for (name, alert) in [("alert-version", (2, 70)), ("alert-cipher", (2, 40)), ("alert-name", (2, 112))] {
        let facts = facts(&recorded(name));
        assert_eq!((facts.alert, facts.malformed), (Some(alert), None), "{name}");
    }
    let warned = facts(&recorded("alert-name-warning"));
    assert_eq!((warned.alert, warned.certificate), (Some((1, 112)), true));
    for (bodies, alert) in [
        (&[&[1, 0][..], &[1, 90]][..], Some((1, 90))),
        (&[&[1, 0], &[2, 40], &[2, 80]], Some((2, 40))),
        (&[&[2, 40], &[1, 0]], Some((2, 40))),
        // Two in one record, and one in two.
        (&[&[1, 112, 2, 40]], Some((2, 40))),
        (&[&[2], &[70]], Some((2, 70))),
        (&[&[2]], None),
    ] {
        let bytes: Vec<u8> = bodies.iter().flat_map(|body| record(21, body)).collect();
        assert_eq!(facts(&bytes).alert, alert, "{bodies:?}");
    }
    // An alert that is encrypted says nothing.
    let encrypted = [record(22, &hello(0x0303)), record(20, &[1]), record(21, &[2, 40]), record(22, &[0; 40])].concat();
    assert_eq!((facts(&encrypted).alert, facts(&encrypted).encrypted_records), (None, 1));
}

#[test]
fn clients_show_how_much_they_encrypt() {
    // Finished alone, or Certificate and Finished; s_client says close_notify at the end.
    let (plain, asked) = (encrypted(&recorded("client-tls13")), encrypted(&recorded("client-tls13-request")));
    assert_eq!(asked, plain + 1);
    // The second ClientHello comes after a ChangeCipherSpec and is in clear.
    assert_eq!(encrypted(&recorded("client-tls13-retry")), plain);
    assert_eq!(encrypted(&recorded("client-tls12-request")), 1);
    assert_eq!(encrypted(&recorded("client-tls10")), 1);
    assert_eq!(encrypted(b"GET / HTTP/1.1\r\n\r\n"), 0);
}

#[test]
fn other_protocols_are_known_by_their_first_words() {
    for (bytes, speaks, sample) in [
        (&recorded("http")[..], NotTls::Http, "HTTP/1.1 400 Bad Request\\r\\nContent-Type: text/html\\r\\nConnectio"),
        (&recorded("http-page"), NotTls::Http, "<html><head><title>400 The plain HTTP request</title></head></ht"),
        (&recorded("ssh"), NotTls::Ssh, "SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n"),
        (&recorded("smtp"), NotTls::Smtp, "220 mail.example.com ESMTP Postfix (Debian)\\r\\n"),
        (&recorded("smtp-refused"), NotTls::Smtp, "554 mail.example.com SMTP service not available\\r\\n"),
        (&recorded("ftp"), NotTls::Ftp, "220 (vsFTPd 3.0.3)\\r\\n"),
        (&recorded("pop3"), NotTls::Pop3, "+OK Dovecot ready.\\r\\n"),
        (&recorded("imap"), NotTls::Imap, "* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.\\r\\n"),
        (&recorded("http2")[..9], NotTls::Http2, "\\x00\\x00\\x12\\x04\\x00\\x00\\x00\\x00\\x00"),
        (&recorded("mysql")[..12], NotTls::MySql, "J\\x00\\x00\\x00\\n8.0.36\\x00"),
        (b"421 no service\r\n", NotTls::Unknown, "421 no service\\r\\n"),
        (b"220 ", NotTls::Ftp, "220 "),
        (b"220", NotTls::Unknown, "220"),
        (b"HTT", NotTls::Unknown, "HTT"),
        (b"x", NotTls::Unknown, "x"),
        (b"\x16\x02\x01", NotTls::Unknown, "\\x16\\x02\\x01"),
        (b"\x80", NotTls::Unknown, "\\x80"),
    ] {
        let facts = facts(bytes);
        assert_eq!(facts.not_tls, Some((speaks, sample.to_owned())));
        assert_eq!((facts.malformed, facts.bytes), (None, bytes.len() as u64), "{sample}");
    }
}

#[test]
fn what_is_no_tls_is_decided_as_soon_as_it_can_be() {
    for (bytes, decided_after) in
        [(&b"SSH-2"[..], 4), (b"HTTP/1.1", 5), (b"<html>", 1), (b"+OK x", 3), (b"220 a ESMTP\r\n", 13), (b"Hello", 3)]
    {
        let mut flight = ServerFlight::default();
        let decided = bytes.iter().position(|byte| {
            flight.push(&[*byte]);
            flight.facts().not_tls.is_some()
        });
        assert_eq!(decided.map(|at| at + 1), Some(decided_after), "{bytes:?}");
    }
}

#[test]
fn nothing_and_a_part_are_no_fault() {
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x03\x00", b"\x16\x03\x03\x00\x04\x02\x00"] {
        let facts = facts(bytes);
        assert_eq!((facts.not_tls, facts.malformed, facts.hello), (None, None, None), "{bytes:?}");
    }
}

#[test]
fn what_breaks_the_rules_is_said_once() {
    let handshake = |bodies: &[Vec<u8>]| -> Vec<u8> { record(22, &bodies.concat()) };
    let long = |kind: u8, length: u32| {
        let mut header = length.to_be_bytes().to_vec();
        header[0] = kind;
        record(22, &header)
    };
    let mut odd_session = hello(0x0303);
    odd_session[38] = 33;
    odd_session.extend([0; 33]);
    odd_session[3] += 33;
    let extensions = |version: u16, extensions: &[u8]| {
        let mut body = hello(version)[4..].to_vec();
        body.extend(extensions);
        handshake(&[message(2, &body)])
    };
    for (bytes, fault) in [
        (recorded("ssl2"), "an answer of SSL 2.0"),
        ([record(22, &hello(0x0303)), b"HTTP/1.1 400".to_vec()].concat(), "a record of type 72"),
        ([record(22, &hello(0x0303)), b"\x16\x02\x03\x00\x01".to_vec()].concat(), "a record of version 0x0203"),
        (b"\x16\x03\x03\xFF\xFF".to_vec(), "a record of 65535 bytes"),
        (record(22, &[]), "an empty record of type 22"),
        (record(21, &[]), "an empty record of type 21"),
        (record(23, &[1]), "encrypted data before the ServerHello"),
        (record(20, &[1]), "a ChangeCipherSpec before the ServerHello"),
        ([record(22, &hello(0x0303)), record(20, &[2])].concat(), "a ChangeCipherSpec that is none"),
        ([handshake(&[hello(0x0303), vec![11, 0]]), record(20, &[1])].concat(), "a ChangeCipherSpec within a message"),
        (handshake(&[message(14, &[])]), "a message of type 14 before the ServerHello"),
        (handshake(&[hello(0x0303), hello(0x0303)]), "a second ServerHello"),
        (handshake(&[hello(0x0399)]), "a ServerHello of version 0x0399"),
        (handshake(&[message(2, &[3, 3])]), "a ServerHello that ends too early"),
        (handshake(&[odd_session]), "a session id of 33 bytes"),
        (extensions(0x0303, &[0, 0, 0]), "1 bytes after the end of the ServerHello"),
        (extensions(0x0303, &[0, 2, 0, 16]), "an extension of the ServerHello that ends too early"),
        (extensions(0x0303, &[0, 4, 0, 16, 0, 0]), "an extension of the ServerHello that ends too early"),
        (
            [extensions(0x0303, &[0, 6, 0, 43, 0, 2, 3, 4]), handshake(&[message(11, &[0; 3])])].concat(),
            "a message of type 11 in clear after the ServerHello of TLS 1.3",
        ),
        (long(2, 0x4001), "a ServerHello of 16385 bytes"),
        ([record(22, &hello(0x0303)), long(13, 0xFF_FFFF)].concat(), "a CertificateRequest of 16777215 bytes"),
        (handshake(&[hello(0x0303), message(13, &[1])]), "a CertificateRequest that ends too early"),
    ] {
        let end = [bytes.clone(), record(22, &hello(0x0301)), record(21, &[2, 40])].concat();
        for bytes in [bytes, end] {
            let facts = facts(&bytes);
            assert_eq!(facts.malformed.map(|malformed| malformed.to_string()).as_deref(), Some(fault));
            assert_eq!((facts.alert, facts.not_tls, facts.bytes), (None, None, bytes.len() as u64), "{fault}");
        }
    }
}

#[test]
fn ssl3_and_hellos_without_extensions_are_read() {
    let mut bytes = record(22, &hello(0x0300));
    bytes[2] = 0;
    let facts = facts(&bytes);
    assert_eq!(hello_of(&facts).version, Version::Ssl3);
    assert_eq!((suites::name(hello_of(&facts).suite).as_str(), facts.malformed), ("RC4-SHA", None));
}

/// 16 MB of certificates would be some thousand records; what a server may send is far below.
#[test]
fn a_certificate_of_any_length_passes_without_being_kept() {
    let claim = |length: usize| {
        let mut header = u32::try_from(length).expect("three bytes").to_be_bytes().to_vec();
        header[0] = 11;
        record(22, &[hello(0x0303), header].concat())
    };
    let body = record(22, &[0; 16384]);
    for (length, certificate) in [(100_000, true), (0xFF_FFFF, false)] {
        let mut flight = ServerFlight::default();
        flight.push(&claim(length));
        for _ in 0..length.div_ceil(16384) {
            flight.push(&body);
        }
        let facts = flight.facts();
        assert_eq!(facts.certificate, certificate);
        if !certificate {
            assert_eq!(facts.malformed, Some(Malformed::TooMuchInClear(1_048_576)));
        }
    }
}

#[test]
fn flights_read_the_same_however_they_arrive() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (name, bytes) in corpus() {
        let whole = facts(&bytes);
        for _ in 0..50 {
            let mut flight = ServerFlight::default();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + random.below(rest.len().min(100)));
                flight.push(piece);
                rest = after;
            }
            flight.end();
            assert_eq!(*flight.facts(), whole, "{name}");
        }
    }
}

#[test]
fn a_flight_that_breaks_off_is_read_as_far_as_it_came() {
    for (name, bytes) in corpus() {
        if name.starts_with("tls") || name.starts_with("alert") {
            for end in 0..bytes.len() {
                let facts = facts(&bytes[..end]);
                assert_eq!((facts.malformed, facts.not_tls), (None, None), "{name} up to {end}");
            }
        }
        for end in (0..bytes.len()).step_by(23) {
            fuzz_server_flight(&bytes[..end]);
        }
        fuzz_server_flight(&bytes);
    }
}
