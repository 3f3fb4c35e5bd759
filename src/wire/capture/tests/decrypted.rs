//! Handshakes of TLS 1.3 that OpenSSL makes here, read with their key log.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;

use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode, SslVersion};

use super::Flow;
use super::builder::{ACK, FIN, Talk, block, framed, pcap, pcapng};
use super::test_certificates::Issuer;
use crate::evidence::capture::{ClientChain, Outcome};
use crate::evidence::handshake::{Party, Stage};

/// What both sides wrote, in order.
type Written = Arc<Mutex<Vec<(Party, Vec<u8>)>>>;

/// A socket that records what is written to it.
struct Wire {
    socket: UnixStream,
    by: Party,
    written: Written,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Recorded first: the other side may respond at once.
        self.written.lock().unwrap().push((self.by, bytes.to_vec()));
        self.socket.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a handshake goes.
#[derive(Clone, Copy, Default)]
struct Case {
    suite: &'static str,
    /// The client trusts the CA of the server.
    is_trusted: bool,
    /// The server requests a client certificate, and refuses a client without one.
    asks_client: bool,
}

/// Makes a handshake. Returns its packets and its key log.
fn handshake(case: Case) -> (Talk, String) {
    let issuer = Issuer::root("Root of the test");
    let (leaf, key) = issuer.leaf("shop.example.com", 0, 30_000);
    let log = Arc::new(Mutex::new(String::new()));
    let context = |on: &dyn Fn(&mut SslContextBuilder)| -> SslContext {
        let mut context = SslContext::builder(SslMethod::tls()).unwrap();
        context.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
        context.set_ciphersuites(case.suite).unwrap();
        // The short tag of CCM_8 is below the usual level.
        context.set_security_level(0);
        on(&mut context);
        context.build()
    };
    let server = context(&|context| {
        context.set_certificate(&leaf).unwrap();
        context.set_private_key(&key).unwrap();
        context.set_alpn_select_callback(|_, _| Ok(b"h2"));
        if case.asks_client {
            context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
            context.add_client_ca(&issuer.certificate).unwrap();
        }
    });
    let client = context(&|context| {
        let log = Arc::clone(&log);
        context.set_keylog_callback(move |_, line| *log.lock().unwrap() += &format!("{line}\n"));
        context.set_alpn_protos(b"\x02h2").unwrap();
        context.set_verify(SslVerifyMode::PEER);
        if case.is_trusted {
            context.cert_store_mut().add_cert(issuer.certificate.clone()).unwrap();
        }
    });
    let written = Written::default();
    let (near, far) = UnixStream::pair().unwrap();
    let wire = |socket, by| Wire { socket, by, written: Arc::clone(&written) };
    let mut serving = SslStream::new(Ssl::new(&server).unwrap(), wire(far, Party::Server)).unwrap();
    let mut asking = SslStream::new(Ssl::new(&client).unwrap(), wire(near, Party::Client)).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let accepted = serving.accept().and_then(|()| serving.ssl_write(b"page"));
            drop(accepted);
            serving.get_ref().socket.shutdown(Shutdown::Both).unwrap();
        });
        if asking.connect().is_ok() {
            let _ended = asking.ssl_read(&mut [0; 16]);
        }
        asking.get_ref().socket.shutdown(Shutdown::Both).ok();
    });
    let mut talk = Talk::open("10.0.0.7:40000", "10.0.0.9:443");
    for (by, bytes) in written.lock().unwrap().iter() {
        if *by == Party::Client { talk.client_says(bytes) } else { talk.server_says(bytes) }
    }
    talk.server_sends(ACK | FIN, b"");
    let log = log.lock().unwrap().clone();
    (talk, log)
}

/// Returns the only flow, and the number of decrypted connections.
fn read(file: &[u8], log: &str) -> (Flow, u64) {
    let (mut flows, rest, _) = super::read_with(file, log);
    assert_eq!(flows.len(), 1);
    (flows.remove(0), rest.decrypted)
}

fn file(talk: &Talk) -> Vec<u8> {
    pcap(1, &framed(&talk.packets))
}

#[test]
fn every_suite_shows_its_certificate_and_protocol() {
    for suite in [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    ] {
        let (talk, log) = handshake(Case { suite, is_trusted: true, ..Case::default() });
        let (hidden, decrypted) = read(&file(&talk), "");
        assert!(hidden.certificates.is_empty() && !hidden.decrypted && decrypted == 0);
        let (flow, decrypted) = read(&file(&talk), &log);
        assert_eq!((flow.outcome, decrypted, flow.decrypted), (Outcome::Completed, 1, true), "{suite}");
        let leaf = flow.certificates.first().unwrap().certificate.as_ref().unwrap();
        assert_eq!(leaf.subject, "CN=shop.example.com");
        assert_eq!(flow.answer.unwrap().alpn.as_deref(), Some("h2"));
        assert!(!flow.certificates_cut);
    }
}

#[test]
fn a_certificate_that_the_client_rejects_is_read() {
    let (talk, log) = handshake(Case { suite: "TLS_AES_256_GCM_SHA384", ..Case::default() });
    let (flow, _) = read(&file(&talk), &log);
    // 48: unknown_ca. OpenSSL sends it in clear.
    let expected = Outcome::Alert { by: Party::Client, stage: Stage::ServerFlight, level: 2, number: 48 };
    assert_eq!(flow.outcome, expected);
    assert_eq!(flow.certificates.len(), 1);
}

#[test]
fn a_late_refusal_of_the_server_is_read() {
    let (talk, log) = handshake(Case { suite: "TLS_AES_128_GCM_SHA256", is_trusted: true, asks_client: true });
    let (hidden, _) = read(&file(&talk), "");
    assert!(matches!(hidden.outcome, Outcome::HiddenAlert { by: Party::Server, .. }), "{:?}", hidden.outcome);
    let (flow, _) = read(&file(&talk), &log);
    // 116: certificate_required.
    let expected = Outcome::Alert { by: Party::Server, stage: Stage::ClientFlight, level: 2, number: 116 };
    assert_eq!((flow.outcome, flow.client_certificate), (expected, ClientChain::Empty));
    assert_eq!(flow.certificate_request, Some(vec!["CN=Root of the test".to_owned()]));
}

#[test]
fn secrets_in_a_pcapng_file_are_used() {
    let (talk, log) = handshake(Case { suite: "TLS_AES_128_GCM_SHA256", is_trusted: true, asks_client: true });
    for big in [false, true] {
        let number = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let length = u32::try_from(log.len()).unwrap();
        let secrets = block(big, 10, &[&number(0x544C_534B)[..], &number(length), log.as_bytes()].concat());
        let section = pcapng(big, 1, &framed(&talk.packets));
        // Behind the header of the section.
        let (head, rest) = section.split_at(28);
        let (flow, _) = read(&[head, &secrets, rest].concat(), "");
        assert!(matches!(flow.outcome, Outcome::Alert { by: Party::Server, number: 116, .. }), "{:?}", flow.outcome);
    }
}

#[test]
fn secrets_of_another_handshake_change_nothing() {
    let case = Case { suite: "TLS_AES_128_GCM_SHA256", is_trusted: true, ..Case::default() };
    let ((talk, log), (_, other)) = (handshake(case), handshake(case));
    let (hidden, _) = read(&file(&talk), "");
    assert_eq!(read(&file(&talk), &other), (hidden.clone(), 0));
    // The right random with wrong secrets.
    let random = |log: &str| log.split(' ').nth(1).unwrap().to_owned();
    let mixed = other.replace(&random(&other), &random(&log));
    assert_eq!(read(&file(&talk), &mixed), (hidden, 0));
}
