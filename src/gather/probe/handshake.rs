//! Performs one TLS handshake with OpenSSL over any stream, and parses the bytes of both directions.
//!
//! ```text
//! stream ⇄ Pipe ⇄ OpenSSL
//! stream ⇄ Pipe ⇄ OpenSSL
//!    └─────┴─ ServerFlight, ClientFlight: what each side sent, as far as it is in clear
//!
//! OpenSSL alone reports neither who ended a handshake and when, nor whether a TLS 1.3 server requested a
//! certificate. The two parsers do.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, Ssl, SslStream, SslVersion, StatusType};
use openssl::x509::X509;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::prober::Prober;
use super::tcp::Ended;
use super::transport::{Connection, Transport};
use crate::evidence::Reason;
use crate::evidence::handshake::{ClientCertificate, ClientHelloKind, Failure, Handshake, How, Party, Session, Stage};
use crate::run::stop::Stop;
use crate::wire::certificate;
use crate::wire::tls::{self, ClientFlight, ServerFlight, Version};

/// Maximum number of bytes read from the server. OpenSSL alone allows 100 KiB of certificates.
const MAX_RECEIVED: u64 = 1 << 20;
/// How long the server may take to reject the client's certificate, or its absence, before the client sends
/// `close_notify`. After that only the time limit of the handshake applies: some servers verify certificates
/// remotely, which takes seconds.
const OBJECTION: Duration = Duration::from_millis(200);
const CHUNK: usize = 16 << 10;
/// Maximum number of bytes of a response that are kept.
const MAX_RESPONSE: usize = 256;
/// First OpenSSL reason code for an alert of the peer; the alert's number is added to it. Source:
/// `ssl/sslerr.h`.
const ALERT_REASON: i32 = 1000;

/// The ClientHello to send.
#[derive(Clone, Debug)]
pub(in crate::gather) struct ClientHelloOptions {
    pub kind: ClientHelloKind,
    pub server_name: Option<String>,
    pub requested: bool,
    /// Whether to send an HTTP request for this host after the handshake, so that the gateway writes a log
    /// record with it.
    pub is_marker: bool,
}

/// Buffers between OpenSSL and the stream: bytes received and not yet consumed, bytes written and not yet
/// sent.
#[derive(Default)]
struct Pipe {
    incoming: Vec<u8>,
    taken: usize,
    ended: bool,
    outgoing: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waiting = self.incoming.get(self.taken..).unwrap_or_default();
        if waiting.is_empty() {
            return if self.ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = waiting.len().min(buffer.len());
        buffer[..count].copy_from_slice(&waiting[..count]);
        self.taken += count;
        if self.taken == self.incoming.len() {
            self.incoming.clear();
            self.taken = 0;
        }
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One handshake in progress.
struct HandshakeDriver<'a> {
    tls: SslStream<Pipe>,
    stream: Box<dyn Connection>,
    server: ServerFlight,
    client: ClientFlight,
    /// OpenSSL has reported that the handshake is complete.
    established: bool,
    /// Whether a client certificate was requested, once the handshake is complete: what is sent after it is
    /// encrypted too.
    is_asked: Option<bool>,
    /// The server has not yet accepted or rejected the client's certificate, or its absence.
    undecided: bool,
    /// How the stream ended. Bytes received before that are still for OpenSSL to read.
    ended: Option<Ended>,
    /// The first bytes that came after the handshake.
    response: Vec<u8>,
    deadline: Instant,
    allowed: Duration,
    prober: &'a Prober,
}

/// Why the exchange of bytes ended before OpenSSL completed the handshake.
enum End {
    /// OpenSSL's error text.
    Library(ErrorStack),
    Stream(Ended),
}

/// What a handshake received and its description does not hold.
#[derive(Default)]
pub(in crate::gather) struct Received {
    /// The list that the server sent.
    pub chain: Vec<X509>,
    /// The first bytes of the response to the request of a marker probe.
    pub response: Vec<u8>,
}

/// Performs a handshake and describes it. It never takes longer than the prober's options allow.
pub(in crate::gather) async fn handshake(
    prober: &Prober,
    transport: &Transport,
    hello: &ClientHelloOptions,
) -> Handshake {
    // Boxed, because what it received would enlarge every future that waits for a handshake.
    Box::pin(handshake_and_received(prober, transport, hello)).await.0
}

/// Performs a handshake like [`handshake`], and returns what it received.
pub(in crate::gather) async fn handshake_and_received(
    prober: &Prober,
    transport: &Transport,
    hello: &ClientHelloOptions,
) -> (Handshake, Received) {
    let mut received = Received::default();
    #[expect(clippy::disallowed_methods, reason = "the time of a handshake is evidence")]
    let started_at = Timestamp::now();
    let begun = Instant::now();
    let mut made = Handshake::begun(hello.kind, hello.server_name.clone(), hello.requested, started_at);
    let allowed = prober.options.timeout;
    let driver = match transport.open(allowed, prober.options.proxy_protocol).await {
        Err(failure) => Err(failure),
        Ok(stream) => prober.session(hello).map_err(|error| local(&error)).map(|ssl| (ssl, stream)),
    };
    match driver {
        Err(failure) => made.failure = Some(failure),
        Ok((ssl, stream)) => match SslStream::new(ssl, Pipe::default()) {
            Err(error) => made.failure = Some(local(&error)),
            Ok(tls) => {
                let deadline = begun + allowed;
                let server = ServerFlight::default();
                let client = ClientFlight::default();
                let mut driver = HandshakeDriver {
                    tls,
                    stream,
                    server,
                    client,
                    established: false,
                    is_asked: None,
                    undecided: false,
                    ended: None,
                    response: Vec::new(),
                    deadline,
                    allowed,
                    prober,
                };
                made.failure = driver.run(hello).await;
                driver.describe(&mut made);
                let chain = driver.tls.ssl().peer_cert_chain();
                received.chain = chain.into_iter().flatten().map(ToOwned::to_owned).collect();
                received.response = driver.response;
            }
        },
    }
    made.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    (made, received)
}

/// Performs a handshake like [`handshake`], unless the run ends first: then the reason of that end is
/// returned, because the response of the peer is unknown.
///
/// A handshake that a port-forward lost is repeated once: a fault of the transport may be transient, whereas
/// the gateway repeats its behaviour.
pub(in crate::gather) async fn handshake_within(
    stop: &Stop,
    prober: &Prober,
    transport: &Transport,
    hello: &ClientHelloOptions,
) -> Result<Handshake, Reason> {
    let made = once_within(stop, prober, transport, hello).await?;
    if !(matches!(transport, Transport::Pod { .. }) && is_doubtful(&made)) {
        return Ok(made);
    }
    if hello.kind == ClientHelloKind::WithoutSni {
        // Access logs recognise the record of this handshake as probe traffic by the marker probe before it.
        let server_name = Some(prober.unknown_name().to_owned());
        let marker =
            ClientHelloOptions { kind: ClientHelloKind::Unknown, server_name, requested: false, is_marker: false };
        once_within(stop, prober, transport, &marker).await?;
    }
    once_within(stop, prober, transport, hello).await
}

/// Whether the transport failed, or the stream ended without a reported reason.
fn is_doubtful(made: &Handshake) -> bool {
    let doubtful = |failure: &Failure| failure.by == Party::Transport || failure.how == How::Closed;
    made.failure.as_ref().is_some_and(doubtful)
}

async fn once_within(
    stop: &Stop,
    prober: &Prober,
    transport: &Transport,
    hello: &ClientHelloOptions,
) -> Result<Handshake, Reason> {
    let made = stop.bound(handshake(prober, transport, hello)).await?;
    match stop.reason() {
        // The transport, such as a port-forward, ends with the run too, and its end may be noticed first.
        Some(reason) if !made.succeeded() => Err(reason),
        _ => Ok(made),
    }
}

/// OpenSSL could not start the handshake.
fn local(error: &ErrorStack) -> Failure {
    Failure { stage: Stage::ClientHello, by: Party::Client, how: How::Local(words(error)) }
}

impl HandshakeDriver<'_> {
    async fn run(&mut self, hello: &ClientHelloOptions) -> Option<Failure> {
        if let Err(end) = self.shake().await {
            return Some(self.failure(end));
        }
        self.established = true;
        self.is_asked = Some(self.was_asked());
        let judged = if hello.is_marker && self.speaks_http1() {
            self.send_marker_request(hello).await
        } else if self.was_asked() {
            self.part().await
        } else {
            Ok(())
        };
        judged.err().map(|end| self.failure(end))
    }

    /// Runs until the handshake is complete for the client and all its bytes are sent.
    async fn shake(&mut self) -> Result<(), End> {
        loop {
            let step = self.tls.connect();
            self.send().await?;
            match step {
                Ok(()) => return Ok(()),
                Err(error) => self.want(error).await?,
            }
        }
    }

    /// Reads the server's decision about the client certificate. A TLS 1.3 client is done before the server
    /// has seen its certificate, or its absence. A session ticket shows that the server accepts. If the
    /// server stays silent, send `close_notify`, but only after waiting: a server that closes before reading
    /// it answers with a TCP reset, which can discard a pending alert.
    async fn part(&mut self) -> Result<(), End> {
        let whole = self.deadline;
        let before = self.server.facts().encrypted_records;
        self.deadline = whole.min(Instant::now() + OBJECTION);
        let has_spoken = |driver: &Self| driver.server.facts().encrypted_records > before;
        let heard = self.read_until(has_spoken).await;
        if !is_late(&heard) {
            return heard;
        }
        self.deadline = whole;
        let _ = self.tls.shutdown();
        match self.read_until(has_spoken).await {
            // Up to TLS 1.2 the server's Finished follows its decision, and no handshake is complete without
            // it.
            end if is_late(&end) => {
                self.undecided = self.is_13();
                Ok(())
            }
            end => end,
        }
    }

    /// Sends a request, so that the gateway logs a record with this server name, and waits for the first
    /// bytes of the response.
    async fn send_marker_request(&mut self, hello: &ClientHelloOptions) -> Result<(), End> {
        let host = hello.server_name.as_deref().unwrap_or("probe").trim_end_matches('.');
        let agent = concat!("kubectl-apigee-tls/", env!("CARGO_PKG_VERSION"));
        let request = format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n");
        // The pipe accepts everything at once.
        let _ = self.tls.ssl_write(request.as_bytes());
        match self.read_until(|_| false).await {
            // Once the handshake is complete, the outcome of the request does not matter.
            Err(End::Stream(_)) => Ok(()),
            end => end,
        }
    }

    /// Reads until the peer sends `close_notify`, or until enough bytes came. The end of the stream alone is
    /// not a rejection.
    async fn read_until(&mut self, is_enough: impl Fn(&Self) -> bool) -> Result<(), End> {
        // Boxed: every future that waits for a handshake would otherwise contain the buffer.
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = self.tls.ssl_read(&mut buffer);
            self.send().await?;
            let error = match read {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    let room = MAX_RESPONSE.saturating_sub(self.response.len());
                    self.response.extend_from_slice(&buffer[..count.min(room)]);
                    continue;
                }
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => return Ok(()),
                Err(error) => error,
            };
            if error.code() == ErrorCode::WANT_READ && is_enough(self) {
                return Ok(());
            }
            match self.want(error).await {
                Err(End::Stream(Ended { by: Party::Server, how: How::Closed })) => return Ok(()),
                step => step?,
            }
        }
    }

    /// Receives the bytes that OpenSSL waits for, or returns why there are no more.
    async fn want(&mut self, error: openssl::ssl::Error) -> Result<(), End> {
        match error.code() {
            ErrorCode::WANT_READ => self.receive().await,
            ErrorCode::WANT_WRITE => Ok(()),
            _ => match error.into_io_error() {
                Ok(_) => Err(End::Stream(match &self.ended {
                    Some(ended) => ended.clone(),
                    None => self.stream.ended(None),
                })),
                Err(error) => {
                    let stack = error.ssl_error().cloned().unwrap_or_else(ErrorStack::get);
                    // OpenSSL reports the end of the stream as an error of its own, without knowing how the
                    // stream ended.
                    match &self.ended {
                        Some(ended) if peer_alert(&stack).is_none() && is_unexpected_end(&stack) => {
                            Err(End::Stream(ended.clone()))
                        }
                        _ => Err(End::Library(stack)),
                    }
                }
            },
        }
    }

    async fn send(&mut self) -> Result<(), End> {
        let outgoing = std::mem::take(&mut self.tls.get_mut().outgoing);
        if outgoing.is_empty() {
            return Ok(());
        }
        self.client.push(&outgoing);
        let written = tokio::time::timeout_at(self.deadline, self.stream.write_all(&outgoing)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Err(_) => Err(End::Stream(self.late())),
            // A peer that resets may have sent an alert before: read the received bytes first.
            Ok(Err(error)) => {
                while self.ended.is_none() {
                    self.receive().await?;
                }
                self.ended = Some(self.stream.ended(Some(&error)));
                Ok(())
            }
        }
    }

    /// Reads more bytes for OpenSSL, or the end of the stream. After that, returns why there are none.
    async fn receive(&mut self) -> Result<(), End> {
        if let Some(ended) = &self.ended {
            return Err(End::Stream(ended.clone()));
        }
        let mut chunk = vec![0; CHUNK];
        let ended = match tokio::time::timeout_at(self.deadline, self.stream.read(&mut chunk)).await {
            Err(_) => return Err(End::Stream(self.late())),
            Ok(Err(error)) => self.stream.ended(Some(&error)),
            Ok(Ok(0)) => self.stream.ended(None),
            Ok(Ok(count)) => {
                self.server.push(&chunk[..count]);
                if self.server.facts().bytes > MAX_RECEIVED {
                    let what = format!("more than {} KiB, and no end of the handshake", MAX_RECEIVED >> 10);
                    return Err(End::Stream(Ended { by: Party::Server, how: How::Malformed(what) }));
                }
                self.tls.get_mut().incoming.extend_from_slice(&chunk[..count]);
                return Ok(());
            }
        };
        self.server.end();
        self.tls.get_mut().ended = true;
        self.ended = Some(ended);
        Ok(())
    }

    fn late(&self) -> Ended {
        if !self.stream.has_begun() {
            let words = format!("the port-forward did not begin within {:.1} s", self.allowed.as_secs_f64());
            return Ended { by: Party::Transport, how: How::Other(words) };
        }
        let milliseconds = u64::try_from(self.allowed.as_millis()).unwrap_or(u64::MAX);
        Ended { by: Party::Nobody, how: How::TimedOut { milliseconds } }
    }

    /// Returns the server's alert that ended the handshake, in clear or as OpenSSL decrypted it.
    fn alert(&self) -> Option<(u8, u8)> {
        self.server.facts().alert.filter(|(level, number)| *level == 2 || *number == 0)
    }

    fn failure(&self, end: End) -> Failure {
        let facts = self.server.facts();
        if let End::Stream(Ended { by, how: how @ How::Refused }) = end {
            return Failure { stage: Stage::Connect, by, how };
        }
        let stage = if self.established {
            Stage::Established
        } else if self.client.encrypted_records() > 0 {
            Stage::ClientFlight
        } else if facts.hello.is_some() || facts.bytes > 0 && facts.alert.is_none() && facts.not_tls.is_none() {
            Stage::ServerFlight
        } else {
            Stage::ClientHello
        };
        let from_server = |how| Failure { stage, by: Party::Server, how };
        if let Some((speaks, sample)) = &facts.not_tls {
            return from_server(How::NotTls { speaks: *speaks, sample: sample.clone() });
        }
        let alert = self.alert().or_else(|| match &end {
            End::Library(stack) => peer_alert(stack).map(|number| (2, number)),
            End::Stream(_) => None,
        });
        if let Some((level, number)) = alert {
            return from_server(How::Alert { level, number });
        }
        match end {
            End::Stream(Ended { by, how }) => Failure { stage, by, how },
            End::Library(stack) => match &facts.malformed {
                Some(what) => from_server(How::Malformed(what.to_string())),
                None => Failure { stage, by: Party::Client, how: How::Local(words(&stack)) },
            },
        }
    }

    /// Whether the server requested a client certificate. Up to TLS 1.2 the CertificateRequest is in clear.
    /// In TLS 1.3 more than one encrypted record of the client shows it: without a request its second flight
    /// holds only the Finished message.
    fn was_asked(&self) -> bool {
        self.is_asked.unwrap_or_else(|| {
            self.server.facts().certificate_request.is_some() || self.is_13() && self.client.encrypted_records() > 1
        })
    }

    fn is_13(&self) -> bool {
        self.server.facts().hello.as_ref().is_some_and(|hello| hello.version == Version::Tls13)
    }

    fn speaks_http1(&self) -> bool {
        self.tls.ssl().selected_alpn_protocol().is_none_or(|chosen| chosen == b"http/1.1")
    }

    fn describe(&self, made: &mut Handshake) {
        let ssl = self.tls.ssl();
        let facts = self.server.facts();
        if let Some(hello) = facts.hello.as_ref().filter(|hello| !hello.retry) {
            let alpn = ssl.selected_alpn_protocol().map(|chosen| String::from_utf8_lossy(chosen).into_owned());
            made.session = Some(Session {
                protocol: hello.version.name().to_owned(),
                cipher: tls::suites::name(hello.suite),
                alpn: alpn.or_else(|| hello.alpn.clone()),
                group: hello.group.map(tls::groups::name).or_else(|| group_of_key(ssl)),
                stapled: self.established.then(|| ssl.ocsp_status().is_some()),
            });
        }
        let chain = ssl.peer_cert_chain();
        made.certificates = certificate::describe(chain.iter().flat_map(|chain| chain.iter()));
        if let Some(chain) = chain {
            made.verification = self.prober.verify(chain);
        }
        made.undecided = self.undecided;
        made.warning = facts.alert.filter(|(level, number)| *level == 1 && *number != 0).map(|(_, number)| number);
        made.client_certificate = if self.was_asked() {
            ClientCertificate::Requested(facts.certificate_request.clone())
        } else if self.established || facts.done {
            ClientCertificate::NotRequested
        } else {
            ClientCertificate::Unknown
        };
    }
}

impl Prober {
    fn session(&self, hello: &ClientHelloOptions) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        if let Some(name) = &hello.server_name {
            ssl.set_hostname(name)?;
        }
        ssl.set_status_type(StatusType::OCSP)?;
        if hello.is_marker {
            ssl.set_alpn_protos(b"\x08http/1.1")?;
        }
        ssl.set_min_proto_version(self.min_version.map(library_version))?;
        ssl.set_max_proto_version(self.max_version.map(library_version))?;
        Ok(ssl)
    }
}

fn library_version(version: Version) -> SslVersion {
    match version {
        Version::Ssl3 => SslVersion::SSL3,
        Version::Tls10 => SslVersion::TLS1,
        Version::Tls11 => SslVersion::TLS1_1,
        Version::Tls12 => SslVersion::TLS1_2,
        Version::Tls13 => SslVersion::TLS1_3,
    }
}

/// Up to TLS 1.2 the group is in ServerKeyExchange, which [`ServerFlight`] does not parse.
fn group_of_key(ssl: &openssl::ssl::SslRef) -> Option<String> {
    let key = ssl.peer_tmp_key().ok()?;
    let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
    Some(match (key.id(), curve.and_then(|curve| curve.short_name().ok())) {
        (openssl::pkey::Id::X25519, _) => "X25519".into(),
        (openssl::pkey::Id::X448, _) => "X448".into(),
        (_, Some("prime256v1")) => "P-256".into(),
        (_, Some("secp384r1")) => "P-384".into(),
        (_, Some("secp521r1")) => "P-521".into(),
        (_, Some(curve)) => curve.to_owned(),
        (openssl::pkey::Id::DH, None) => format!("DH {} bits", key.bits()),
        (_, None) => return None,
    })
}

fn is_late(end: &Result<(), End>) -> bool {
    matches!(end, Err(End::Stream(Ended { how: How::TimedOut { .. }, .. })))
}

/// Returns the number of the peer's alert, if the error is an alert.
fn peer_alert(stack: &ErrorStack) -> Option<u8> {
    stack.errors().iter().find_map(|error| u8::try_from(error.reason_code().checked_sub(ALERT_REASON)?).ok())
}

fn is_unexpected_end(stack: &ErrorStack) -> bool {
    stack.errors().is_empty()
        || stack.errors().iter().any(|error| error.reason() == Some("unexpected eof while reading"))
}

/// Returns OpenSSL's reason texts without their codes.
fn words(stack: &ErrorStack) -> String {
    let reasons: Vec<&str> = stack.errors().iter().filter_map(openssl::error::Error::reason).collect();
    if reasons.is_empty() { "the TLS library gave no reason".into() } else { reasons.join(": ") }
}
