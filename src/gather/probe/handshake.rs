//! One TLS handshake by OpenSSL, over any stream, watched byte by byte.
//!
//! ```text
//! stream ⇄ Pipe ⇄ OpenSSL
//!    └─────┴─ ServerFlight, ClientFlight: what each side said, as far as it is in clear
//! ```
//!
//! OpenSSL alone does not tell who ended a handshake and when, nor whether TLS 1.3 asked for a certificate; the watchers do.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, Ssl, SslStream, SslVersion, StatusType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::prober::Prober;
use super::tcp::plain;
use super::transport::{Connection, Way};
use crate::evidence::Reason;
use crate::evidence::handshake::{ClientCertificate, Failure, Handshake, HelloKind, How, Party, Session, Stage};
use crate::run::stop::Stop;
use crate::wire::certificate;
use crate::wire::tls::{self, ClientFlight, ServerFlight, Version};

/// A handshake of more bytes from the server does not end by itself. Certificates alone may have 100 KiB in OpenSSL.
const MAX_RECEIVED: u64 = 1 << 20;
/// How long a server may take to object to a client's certificate, or to none, before the client says goodbye. From then on it
/// may take all the time that there is: some verify certificates elsewhere, which takes seconds.
const OBJECTION: Duration = Duration::from_millis(200);
const CHUNK: usize = 16 << 10;
/// Reason codes of OpenSSL for an alert of the peer begin here, the alert's number added. Source: `ssl/sslerr.h`.
const ALERT_REASON: i32 = 1000;

/// What to say.
#[derive(Clone, Debug)]
pub(in crate::gather) struct Hello {
    pub kind: HelloKind,
    pub server_name: Option<String>,
    pub asked: bool,
    /// After a handshake that succeeds, ask for this host by HTTP, so that the gateway writes a line about it.
    pub knock: bool,
}

/// Between OpenSSL and the stream: what was read and not yet taken, what was written and not yet sent.
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

/// One handshake under way.
struct Talk<'a> {
    tls: SslStream<Pipe>,
    stream: Box<dyn Connection>,
    server: ServerFlight,
    client: ClientFlight,
    /// OpenSSL has said that the handshake is complete.
    established: bool,
    /// The server has not said what it thinks of the client's certificate, or of getting none.
    undecided: bool,
    /// How the stream ended; what came before is still for OpenSSL to read.
    ended: Option<How>,
    deadline: Instant,
    allowed: Duration,
    prober: &'a Prober,
}

/// What ended the exchange of bytes before OpenSSL was content.
enum End {
    /// OpenSSL's own words.
    Library(ErrorStack),
    Stream(How),
}

/// Makes a handshake and describes it. It takes as long as the prober's options allow, and no longer.
pub(in crate::gather) async fn handshake(prober: &Prober, way: &Way, hello: &Hello) -> Handshake {
    #[expect(clippy::disallowed_methods, reason = "when a handshake was made is a part of what was seen")]
    let started_at = Timestamp::now();
    let begun = Instant::now();
    let mut made = Handshake::begun(hello.kind, hello.server_name.clone(), hello.asked, started_at);
    let allowed = prober.options.timeout;
    let talk = match way.open(allowed, prober.options.proxy_protocol).await {
        Err(failure) => Err(failure),
        Ok(stream) => prober.session(hello).map_err(|error| local(&error)).map(|ssl| (ssl, stream)),
    };
    match talk {
        Err(failure) => made.failure = Some(failure),
        Ok((ssl, stream)) => match SslStream::new(ssl, Pipe::default()) {
            Err(error) => made.failure = Some(local(&error)),
            Ok(tls) => {
                let deadline = begun + allowed;
                let server = ServerFlight::default();
                let client = ClientFlight::default();
                let mut talk = Talk {
                    tls,
                    stream,
                    server,
                    client,
                    established: false,
                    undecided: false,
                    ended: None,
                    deadline,
                    allowed,
                    prober,
                };
                made.failure = talk.run(hello).await;
                talk.describe(&mut made);
            }
        },
    }
    made.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    made
}

/// The same, unless the run ends first: then nobody knows what the peer would have said, and its reason is all there is.
pub(in crate::gather) async fn handshake_within(
    stop: &Stop,
    prober: &Prober,
    way: &Way,
    hello: &Hello,
) -> Result<Handshake, Reason> {
    let made = stop.bound(handshake(prober, way, hello)).await?;
    match stop.reason() {
        // What the handshake rests on, as a port-forward, ends with the run too, and may have been seen to end first.
        Some(reason) if !made.succeeded() => Err(reason),
        _ => Ok(made),
    }
}

/// The library could not even begin.
fn local(error: &ErrorStack) -> Failure {
    Failure { stage: Stage::ClientHello, by: Party::Client, how: How::Local(words(error)) }
}

impl Talk<'_> {
    async fn run(&mut self, hello: &Hello) -> Option<Failure> {
        if let Err(end) = self.shake().await {
            return Some(self.failure(end));
        }
        self.established = true;
        let judged = if hello.knock && self.speaks_http1() {
            self.knock(hello).await
        } else if self.was_asked() {
            self.part().await
        } else {
            Ok(())
        };
        judged.err().map(|end| self.failure(end))
    }

    /// Until the client has all it needs, and has sent all it has to.
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

    /// Reads once more. In TLS 1.3 a client is done before the server has seen its certificate, or that it has none: what the
    /// server thinks of that comes after the handshake. A ticket is its consent. Who says nothing is asked by a goodbye, which
    /// must not come first: a server that closes before reading it resets, and a reset wipes out the alert.
    async fn part(&mut self) -> Result<(), End> {
        let whole = self.deadline;
        let before = self.server.facts().encrypted_records;
        self.deadline = whole.min(Instant::now() + OBJECTION);
        let has_spoken = |talk: &Self| talk.server.facts().encrypted_records > before;
        let heard = self.read_until(has_spoken).await;
        if !matches!(heard, Err(End::Stream(How::TimedOut { .. }))) {
            return heard;
        }
        self.deadline = whole;
        let _ = self.tls.shutdown();
        match self.read_until(has_spoken).await {
            // Up to TLS 1.2 the server's Finished, without which this is no handshake, comes after its decision.
            Err(End::Stream(How::TimedOut { .. })) => {
                self.undecided = self.is_13();
                Ok(())
            }
            end => end,
        }
    }

    /// Sends a request, so that the gateway's log has a line with this server name, and waits for the answer to begin.
    async fn knock(&mut self, hello: &Hello) -> Result<(), End> {
        let host = hello.server_name.as_deref().unwrap_or("probe").trim_end_matches('.');
        let agent = concat!("kubectl-apigee-tls/", env!("CARGO_PKG_VERSION"));
        let request = format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n");
        // Everything goes into the pipe at once.
        let _ = self.tls.ssl_write(request.as_bytes());
        match self.read_until(|_| false).await {
            // What becomes of the request does not matter, once there is one.
            Err(End::Stream(_)) => Ok(()),
            end => end,
        }
    }

    /// Reads until the peer says goodbye, or what came is enough. The end of the stream alone is no objection.
    async fn read_until(&mut self, is_enough: impl Fn(&Self) -> bool) -> Result<(), End> {
        // On the heap: every future that waits for a handshake would have it in itself.
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = self.tls.ssl_read(&mut buffer);
            self.send().await?;
            let error = match read {
                Ok(0) => return Ok(()),
                Ok(_) => continue,
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => return Ok(()),
                Err(error) => error,
            };
            if error.code() == ErrorCode::WANT_READ && is_enough(self) {
                return Ok(());
            }
            match self.want(error).await {
                Err(End::Stream(How::Closed)) => return Ok(()),
                step => step?,
            }
        }
    }

    /// Gets what OpenSSL waits for, or says why there is no more of it.
    async fn want(&mut self, error: openssl::ssl::Error) -> Result<(), End> {
        match error.code() {
            ErrorCode::WANT_READ => self.receive().await,
            ErrorCode::WANT_WRITE => Ok(()),
            _ => match error.into_io_error() {
                Ok(_) => Err(End::Stream(self.ended.clone().unwrap_or(How::Closed))),
                Err(error) => {
                    let stack = error.ssl_error().cloned().unwrap_or_else(ErrorStack::get);
                    // The end of the stream is an error of its own to OpenSSL, which does not know how it ended.
                    match &self.ended {
                        Some(how) if peer_alert(&stack).is_none() && is_unexpected_end(&stack) => {
                            Err(End::Stream(how.clone()))
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
            // Who resets may have said why before: what is there is read first.
            Ok(Err(error)) => {
                while self.ended.is_none() {
                    self.receive().await?;
                }
                self.ended = Some(stream_end(&error));
                Ok(())
            }
        }
    }

    /// More bytes for OpenSSL, or their end; beyond that why there are none.
    async fn receive(&mut self) -> Result<(), End> {
        if let Some(how) = &self.ended {
            return Err(End::Stream(how.clone()));
        }
        let mut chunk = vec![0; CHUNK];
        let ended = match tokio::time::timeout_at(self.deadline, self.stream.read(&mut chunk)).await {
            Err(_) => return Err(End::Stream(self.late())),
            Ok(Err(error)) => stream_end(&error),
            Ok(Ok(0)) => self.stream.end(),
            Ok(Ok(count)) => {
                self.server.push(&chunk[..count]);
                if self.server.facts().bytes > MAX_RECEIVED {
                    let what = format!("more than {} KiB, and no end of the handshake", MAX_RECEIVED >> 10);
                    return Err(End::Stream(How::Malformed(what)));
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

    fn late(&self) -> How {
        How::TimedOut { milliseconds: u64::try_from(self.allowed.as_millis()).unwrap_or(u64::MAX) }
    }

    /// The alert of the server that ended it: in clear, or as OpenSSL decrypted it.
    fn alert(&self) -> Option<(u8, u8)> {
        self.server.facts().alert.filter(|(level, number)| *level == 2 || *number == 0)
    }

    fn failure(&self, end: End) -> Failure {
        let facts = self.server.facts();
        if let End::Stream(how @ How::Refused) = end {
            return Failure { stage: Stage::Connect, by: Party::Server, how };
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
            End::Stream(how @ How::TimedOut { .. }) => Failure { stage, by: Party::Nobody, how },
            End::Stream(how) => from_server(how),
            End::Library(stack) => match &facts.malformed {
                Some(what) => from_server(How::Malformed(what.to_string())),
                None => Failure { stage, by: Party::Client, how: How::Local(words(&stack)) },
            },
        }
    }

    /// Whether the server asked for a client certificate: up to TLS 1.2 it does so in clear; in TLS 1.3 the client's second
    /// flight shows it, which without a request is the Finished alone.
    fn was_asked(&self) -> bool {
        self.server.facts().certificate_request.is_some() || self.is_13() && self.client.encrypted_records() > 1
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
        made.client_certificate = if self.was_asked() {
            ClientCertificate::Asked(facts.certificate_request.clone())
        } else if self.established || facts.done {
            ClientCertificate::NotAsked
        } else {
            ClientCertificate::Unknown
        };
    }
}

impl Prober {
    fn session(&self, hello: &Hello) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        if let Some(name) = &hello.server_name {
            ssl.set_hostname(name)?;
        }
        ssl.set_status_type(StatusType::OCSP)?;
        if hello.knock {
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

/// Up to TLS 1.2 the group stands in a message that the watcher does not look into.
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

fn stream_end(error: &io::Error) -> How {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => How::Reset,
        ErrorKind::UnexpectedEof => How::Closed,
        _ => How::Other(plain(error)),
    }
}

/// The number of the peer's alert, where that is the error.
fn peer_alert(stack: &ErrorStack) -> Option<u8> {
    stack.errors().iter().find_map(|error| u8::try_from(error.reason_code().checked_sub(ALERT_REASON)?).ok())
}

fn is_unexpected_end(stack: &ErrorStack) -> bool {
    stack.errors().is_empty()
        || stack.errors().iter().any(|error| error.reason() == Some("unexpected eof while reading"))
}

/// OpenSSL's reasons without their numbers.
fn words(stack: &ErrorStack) -> String {
    let reasons: Vec<&str> = stack.errors().iter().filter_map(openssl::error::Error::reason).collect();
    if reasons.is_empty() { "the TLS library gave no reason".into() } else { reasons.join(": ") }
}
