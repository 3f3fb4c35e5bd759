//! Captures of real handshakes: a relay between Java and a server notes the bytes of both, and writes them as
//! packets between the addresses of a Message Processor or client app and its server. No right to record is
//! needed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use openssl::ssl::{SslConnector, SslMethod, SslVersion};

use crate::builder::{ACK, FIN, RST, Talk, framed, pcap};
use crate::parts::{MessageProcessor, parts};
use crate::servers::Server;
use crate::world::World;

const PROCESSOR: &str = "10.20.0.5:40000";
const BACKEND: &str = "203.0.113.10:443";
const APP: &str = "198.51.100.7:50123";
const ROUTER: &str = "10.0.0.5:443";
/// Ethernet.
const LINK: u32 = 1;

/// What a side sent: bytes, the end of its stream, or a reset.
enum Sent {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// Records one handshake of Java, and returns what Java says of it with the capture.
fn recorded(server: &Server, host: &str, of: MessageProcessor<'_>, from: &str, to: &str) -> (String, Vec<u8>) {
    relayed(server, from, to, |port| parts().says(host, port, of))
}

/// Records the handshake of a client that connects to a port, and returns what it says with the capture.
fn relayed(server: &Server, from: &str, to: &str, client: impl FnOnce(u16) -> String) -> (String, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let target = server.port;
    let relay = thread::spawn(move || {
        let (client, _) = listener.accept().expect("the client connects");
        let server = TcpStream::connect(("127.0.0.1", target)).expect("the server listens");
        let (events, seen) = channel();
        let ends = [(true, &client, &server), (false, &server, &client)].map(|(is_client, from, to)| {
            let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
            let events = events.clone();
            thread::spawn(move || copy(is_client, from, to, &events))
        });
        drop(events);
        for end in ends {
            end.join().expect("it ends");
        }
        seen.into_iter().collect::<Vec<(bool, Sent)>>()
    });
    let said = client(port);
    let mut talk = Talk::open(from, to);
    for (is_client, sent) in relay.join().expect("it ends") {
        let (flags, bytes) = match sent {
            Sent::Bytes(bytes) => (ACK, bytes),
            Sent::End => (ACK | FIN, Vec::new()),
            Sent::Reset => (ACK | RST, Vec::new()),
        };
        if is_client {
            talk.client_sends(flags, &bytes);
        } else {
            talk.server_sends(flags, &bytes);
        }
    }
    (said, pcap(LINK, &framed(&talk.packets)))
}

fn copy(is_client: bool, mut from: TcpStream, mut to: TcpStream, events: &Sender<(bool, Sent)>) {
    let mut bytes = [0; 16 << 10];
    let end = loop {
        match from.read(&mut bytes) {
            Ok(0) => break Sent::End,
            Ok(count) => {
                let _ = events.send((is_client, Sent::Bytes(bytes[..count].to_vec())));
                let _ = to.write_all(&bytes[..count]);
            }
            Err(_) => break Sent::Reset,
        }
    };
    let _ = events.send((is_client, end));
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// A Message Processor that trusts a CA, as it connects to a Java backend in TLS 1.2, where certificates are
/// in clear.
fn of_processor(chain: &str, clients: &str, trusted: &str) -> (String, Vec<u8>) {
    let server = parts().java(chain, "TLSv1.2", clients);
    let of = MessageProcessor { trusted, own: "-", versions: "-", sends_sni: true };
    recorded(&server, crate::pki::BACKEND, of, PROCESSOR, BACKEND)
}

fn judged(world: &World, capture: &[u8]) -> crate::world::Outcome {
    let file = world.bytes("mp.pcap", capture);
    let addresses = ["--mp-address", "10.20.0.5", "--router-address", "10.0.0.5"];
    world.offline(&[&["--api-dump", &world.dump(), "--pcap", &file][..], &addresses].concat())
}

#[test]
fn java_that_refuses_an_unknown_ca_is_told_from_a_wrong_name() {
    let world = World::new();
    let (said, capture) = of_processor("elsewhere", "-", "root");
    assert!(said.contains("PKIX path building failed"), "{said}");
    let outcome = judged(&world, &capture);
    outcome.claims_any_owner("truststore-mismatch", "southbound", "likely");
    assert!(!outcome.has("hostname-mismatch"), "{outcome:?}");
    let (said, capture) = of_processor("renamed", "-", "root");
    assert!(said.contains("No subject alternative DNS name"), "{said}");
    let outcome = judged(&world, &capture);
    outcome.claims_any_owner("hostname-mismatch", "southbound", "likely");
    assert!(!outcome.has("truststore-mismatch"), "{outcome:?}");
}

#[test]
fn an_empty_certificate_of_java_is_seen_in_a_capture() {
    let (said, capture) = of_processor("backend", "root", "root");
    assert!(said.contains("bad_certificate") || said.contains("reset") || said.contains("pipe"), "{said}");
    let outcome = judged(&World::new(), &capture);
    outcome.claims_any_owner("client-certificate-missing", "southbound", "likely");
}

#[test]
fn nginx_that_rejects_a_name_is_seen_in_a_capture() {
    let of = MessageProcessor { trusted: "root", own: "-", versions: "-", sends_sni: true };
    let (said, capture) = recorded(&parts().router("current"), "shop.test", of, APP, ROUTER);
    assert!(said.contains("unrecognized_name"), "{said}");
    let outcome = judged(&World::new(), &capture);
    outcome.claims_any_owner("sni-unknown", "northbound", "likely");
}

/// TLS 1.3 hides the certificate, and the secrets of the handshake show it. OpenSSL sends this alert in clear.
#[test]
fn a_key_log_shows_what_tls_1_3_hides_in_a_capture() {
    let world = World::new();
    world.truststore("other-root");
    let server = Server::tls(world.pki, &["backend", "issuing"]).versions("1.3", "1.3").start();
    let keys = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&keys);
    let (said, capture) = relayed(&server, PROCESSOR, BACKEND, move |port| {
        let mut client = SslConnector::builder(SslMethod::tls()).expect("a client");
        client.set_keylog_callback(move |_, line| *log.lock().expect("one thread") += &format!("{line}\n"));
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the relay listens");
        client.build().connect(crate::pki::BACKEND, stream).err().map_or_else(String::new, |error| error.to_string())
    });
    assert!(said.contains("certificate verify failed"), "{said}");
    let hidden = judged(&world, &capture);
    hidden.is("ambiguous", "southbound", 3);
    let keys = world.file("keys.log", &keys.lock().expect("one thread"));
    let capture = world.bytes("mp.pcap", &capture);
    let dump = world.dump();
    let arguments = ["--api-dump", &dump, "--pcap", &capture, "--keylog", &keys, "--mp-address", "10.20.0.5"];
    let outcome = world.offline(&arguments);
    outcome.claims_any_owner("truststore-mismatch", "southbound", "likely");
}

/// The bundle keeps the packets of the failed handshake, and lines of the log, from standard input too.
#[test]
fn a_bundle_has_the_failed_handshakes_of_captures_and_logs() {
    let world = World::new();
    let (said, capture) = of_processor("elsewhere", "-", "root");
    let log = world.file("system.log", &(world.log(&said) + "Authorization: Bearer tok-SENTINEL-log\n"));
    let bundle = world.collect_from(&["--mp-log", &log, "--pcap", "-", "--mp-address", "10.20.0.5"], &capture);
    let files = world.unpacked(&bundle);
    let ending = |name: &str| files.iter().find(|(path, _)| path.ends_with(name)).map(|(_, text)| text.clone());
    let lines = ending("05-logs/message-processor.log").expect("lines of the log");
    assert_eq!(lines.lines().filter(|line| line.contains("handshakeFailed")).count(), 3, "{lines}");
    assert!(!lines.contains("env:test") && !lines.contains("SENTINEL"), "{lines}");
    assert!(ending("09-captures/failing-handshakes.pcapng").is_some(), "{:?}", files.keys());
    assert_eq!(world.from(&bundle), ending("/report.json").expect("the report"));
}

/// A client that offers these versions; it returns why its handshake failed.
fn offering(min: SslVersion, max: SslVersion) -> impl Fn(u16) -> String {
    move |port| {
        let mut connector = SslConnector::builder(SslMethod::tls()).expect("a connector");
        // Versions below 1.2 need it.
        connector.set_security_level(0);
        connector.set_cipher_list("ALL:@SECLEVEL=0").expect("suites");
        connector.set_min_proto_version(Some(min)).expect("a version");
        connector.set_max_proto_version(Some(max)).expect("a version");
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the relay listens");
        connector.build().connect("backend.example", stream).err().map_or_else(String::new, |error| error.to_string())
    }
}

/// Whoever offers TLS 1.3 alone has to offer TLS 1.2 too; nothing older helps.
#[test]
fn a_client_that_is_too_new_is_not_told_to_use_older_versions() {
    let world = World::new();
    let server = Server::tls(world.pki, &["backend"]).versions("1.2", "1.2").start();
    for (from, to, leg, cure) in [
        (PROCESSOR, BACKEND, "southbound", "Let the Message Processors offer TLS 1.2 as well"),
        (APP, ROUTER, "northbound", "Let the client app offer TLS 1.2 as well"),
    ] {
        let (said, capture) = relayed(&server, from, to, offering(SslVersion::TLS1_3, SslVersion::TLS1_3));
        assert!(said.contains("protocol version"), "{said}");
        let file = world.bytes("newest.pcap", &capture);
        let outcome = world.offline(&["--pcap", &file, "--leg", leg]);
        outcome.claims_any_owner("protocol-mismatch", leg, "likely");
        outcome.fixes(&["no version that the client offers: TLSv1.3", cure]);
        assert!(!outcome.all().contains("disabledAlgorithms"), "{outcome:?}");
    }
}

/// A server that refuses old versions knows newer ones: it would have chosen an old one otherwise.
#[test]
fn a_client_that_is_too_old_is_not_told_to_pin_older_versions() {
    let world = World::new();
    let server = Server::tls(world.pki, &["backend"]).versions("1.2", "1.2").start();
    let (said, capture) = relayed(&server, PROCESSOR, BACKEND, offering(SslVersion::TLS1, SslVersion::TLS1_1));
    assert!(said.contains("protocol version"), "{said}");
    let file = world.bytes("oldest.pcap", &capture);
    let outcome = world.offline(&["--pcap", &file, "--leg", "southbound"]);
    outcome.claims_any_owner("protocol-mismatch", "southbound", "likely");
    outcome.fixes(&["Let the Message Processors offer TLS 1.2 or later"]);
    assert!(!outcome.all().contains("disabledAlgorithms"), "{outcome:?}");
}
