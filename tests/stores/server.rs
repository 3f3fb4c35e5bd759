//! A server of HTTP/1.1 for tests, with or without TLS: every request is answered by a function.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// A request as it came.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Status and body of an answer.
pub(crate) type Answer = (u16, String);

type Answers = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// A certificate with its key.
pub(crate) struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

impl Identity {
    /// Makes a certificate that this issuer signs, or that signs itself and others.
    pub(crate) fn new(name: &str, issuer: Option<&Self>) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
        let mut subject = X509NameBuilder::new().expect("a name");
        subject.append_entry_by_text("CN", name).expect("a name");
        let subject = subject.build();
        let mut builder = X509::builder().expect("a certificate");
        builder.set_version(2).expect("version 3");
        let length = u32::try_from(name.len()).expect("a short name");
        let serial = BigNum::from_u32(length).and_then(|number| number.to_asn1_integer());
        builder.set_serial_number(&serial.expect("a number")).expect("a number");
        builder.set_subject_name(&subject).expect("a name");
        builder.set_issuer_name(issuer.map_or(&subject, |issuer| issuer.certificate.subject_name())).expect("a name");
        builder.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("a time");
        builder.set_not_after(&Asn1Time::days_from_now(2).expect("a time")).expect("a time");
        builder.set_pubkey(&key).expect("a key");
        if issuer.is_none() {
            builder.append_extension(BasicConstraints::new().critical().ca().build().expect("a CA")).expect("a CA");
        }
        let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None));
        builder.append_extension(names.expect("an address")).expect("an address");
        builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).expect("it is signed");
        Self { certificate: builder.build(), key }
    }

    pub(crate) fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().expect("PEM")
    }

    pub(crate) fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().expect("PEM")
    }
}

/// Serves plain HTTP on a loopback port, which it returns.
pub(crate) fn plain(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> u16 {
    let answers: Answers = Arc::new(answer);
    listen(move |stream| serve(stream, &answers))
}

/// Serves HTTPS with a certificate; demands a client certificate of `clients`, if given.
pub(crate) fn secure(
    identity: &Identity,
    clients: Option<&Identity>,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> u16 {
    let answers: Answers = Arc::new(answer);
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("an acceptor");
    acceptor.set_private_key(&identity.key).expect("a key");
    acceptor.set_certificate(&identity.certificate).expect("a certificate");
    if let Some(clients) = clients {
        acceptor.cert_store_mut().add_cert(clients.certificate.clone()).expect("a CA");
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    }
    let acceptor = acceptor.build();
    listen(move |stream| {
        if let Ok(stream) = acceptor.accept(stream) {
            serve(stream, &answers);
        }
    })
}

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Answers the requests of one connection.
fn serve(stream: impl Read + Write, answers: &Answers) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            match stream.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim().is_empty() => break,
                Ok(_) => head += &line,
            }
        }
        let mut words = head.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut request = Request { method, path, head, body: String::new() };
        let length = request.header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        request.body = String::from_utf8(body).expect("a text");
        let (status, body) = answers(&request);
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        let out = stream.get_mut();
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}
