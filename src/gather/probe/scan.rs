//! Scans which versions and cipher suites an endpoint accepts, with ClientHellos built by this program.
//!
//! Each connection offers all remaining suites and removes the server's choice, until the server refuses.
//! This takes one connection more than the server has suites, and no cryptography. So it also finds versions
//! and suites that no TLS library supports any more.

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::prober::Prober;
use super::tcp::Ended;
use super::transport::{Connection, Transport};
use crate::evidence::handshake::{Failure, How, Party, Scan, Stage, VersionScan};
use crate::evidence::{Reason, Unavailable};
use crate::wire::tls::{self, ClientHello, FlightFacts, ServerFlight, Version};

/// Maximum number of suites of one version; a server with more does not keep to the offer.
const MAX_SUITES: usize = 128;
const CHUNK: usize = 4096;
/// Maximum number of bytes of a server's first flight; certificates are skipped.
const MAX_ANSWER: u64 = 256 << 10;

/// The result for one version.
struct Found {
    scan: VersionScan,
    connections: u32,
    /// Names of the CAs in a CertificateRequest, which TLS 1.2 sends in clear.
    authorities: Option<Vec<String>>,
}

/// Scans all versions at once.
pub(in crate::gather) async fn scan(
    prober: &Prober,
    transport: &Transport,
    server_name: Option<&str>,
) -> (Scan, Option<Vec<String>>) {
    let begun = Instant::now();
    let versions = Version::ALL.map(|version| version_scan(prober, transport, server_name, version));
    let found = join_all(versions).await;
    let authorities = found.iter().rev().find_map(|found| found.authorities.clone());
    let connections = found.iter().map(|found| found.connections).sum();
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    (Scan { versions: found.into_iter().map(|found| found.scan).collect(), connections, milliseconds }, authorities)
}

async fn version_scan(prober: &Prober, transport: &Transport, server_name: Option<&str>, version: Version) -> Found {
    let mut left: Vec<u16> = tls::suites::of(version).to_vec();
    let mut scan = VersionScan { version: version.name().to_owned(), suites: Vec::new(), refusal: None, cut: None };
    let mut connections = 0;
    let mut authorities = None;
    while !left.is_empty() {
        if scan.suites.len() >= MAX_SUITES {
            let reason = Reason::Broken(format!("it chose {MAX_SUITES} suites, and no end is in sight"));
            scan.cut = Some(Unavailable::new(format!("the suites of {}", version.name()), reason));
            break;
        }
        connections += 1;
        let facts = match ask(prober, transport, server_name, version, &left).await {
            Ok(facts) => facts,
            Err(failure) => {
                // A response that is not TLS reveals nothing about the remaining suites.
                let answered = matches!(failure.how, How::Alert { .. } | How::Reset | How::Closed);
                if !answered || !scan.suites.is_empty() && !matches!(failure.how, How::Alert { .. }) {
                    let reason = Reason::Broken(failure.to_string());
                    scan.cut = Some(Unavailable::new(format!("the suites of {}", version.name()), reason));
                }
                scan.refusal = Some(failure);
                break;
            }
        };
        if authorities.is_none() {
            authorities.clone_from(&facts.certificate_request);
        }
        let Some(hello) = facts.hello else { break };
        if hello.version != version {
            // An older version instead of an alert: the server does not offer the requested version.
            let how = How::Other(format!("the server chose {} instead", hello.version.name()));
            scan.refusal = Some(Failure { stage: Stage::ServerFlight, by: Party::Server, how });
            break;
        }
        let Some(position) = left.iter().position(|suite| *suite == hello.suite) else {
            let name = tls::suites::name(hello.suite);
            let reason = Reason::Broken(format!("the server chose {name}, which was not offered"));
            scan.cut = Some(Unavailable::new(format!("the suites of {}", version.name()), reason));
            break;
        };
        left.remove(position);
        scan.suites.push(tls::suites::name(hello.suite));
    }
    Found { scan, connections, authorities }
}

/// Opens one connection, sends the ClientHello, and reads the response as far as it is in clear and relevant.
async fn ask(
    prober: &Prober,
    transport: &Transport,
    server_name: Option<&str>,
    version: Version,
    suites: &[u16],
) -> Result<FlightFacts, Failure> {
    let allowed = prober.options.timeout;
    let deadline = Instant::now() + allowed;
    let mut stream = transport.open(allowed, prober.options.proxy_protocol).await?;
    let mut random = [0; 96];
    // Any bytes will do; new ones for each connection keep a server from detecting a replay.
    let _ = openssl::rand::rand_bytes(&mut random);
    let hello = ClientHello { version, server_name, suites, alpn: &[], random };
    let mut flight = ServerFlight::default();
    let bytes = hello.write();
    let exchange = exchange(&mut stream, &bytes, &mut flight);
    let ended = tokio::time::timeout_at(deadline, exchange).await;
    let facts = flight.facts();
    let fail = |by, how| {
        let stage = if facts.hello.is_some() { Stage::ServerFlight } else { Stage::ClientHello };
        Err(Failure { stage, by, how })
    };
    if let Some((speaks, sample)) = &facts.not_tls {
        return fail(Party::Server, How::NotTls { speaks: *speaks, sample: sample.clone() });
    }
    if facts.hello.is_some() {
        return Ok(facts.clone());
    }
    if let Some((level, number)) = facts.alert {
        return fail(Party::Server, How::Alert { level, number });
    }
    if let Some(what) = &facts.malformed {
        return fail(Party::Server, How::Malformed(what.to_string()));
    }
    let ended = match ended {
        Err(_) if !stream.has_begun() => {
            Ended { by: Party::Transport, how: How::Other("the port-forward did not begin in time".into()) }
        }
        Err(_) => {
            let milliseconds = u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX);
            Ended { by: Party::Nobody, how: How::TimedOut { milliseconds } }
        }
        Ok(Ok(())) => stream.ended(None),
        Ok(Err(error)) => stream.ended(Some(&error)),
    };
    fail(ended.by, ended.how)
}

/// Reads until the server's first flight has shown its choice and, up to TLS 1.2, whether it requests a
/// certificate.
async fn exchange(stream: &mut Box<dyn Connection>, hello: &[u8], flight: &mut ServerFlight) -> std::io::Result<()> {
    let sent = stream.write_all(hello).await;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match stream.read(&mut chunk).await {
            Ok(0) => {
                flight.end();
                return Ok(());
            }
            Ok(count) => count,
            // This also sees a peer that resets while bytes are still being written; the first error is more
            // precise.
            Err(error) => return sent.and(Err(error)),
        };
        flight.push(&chunk[..count]);
        let facts = flight.facts();
        let is_over = facts.alert.is_some_and(|(level, _)| level == 2)
            || facts.not_tls.is_some()
            || facts.malformed.is_some()
            || facts.done
            || facts.bytes > MAX_ANSWER
            || facts.hello.as_ref().is_some_and(|hello| hello.version == Version::Tls13);
        if is_over {
            return Ok(());
        }
    }
}

/// Returns the CAs that a server names in the CertificateRequest of a TLS 1.2 flight.
pub(in crate::gather) async fn authorities(
    prober: &Prober,
    transport: &Transport,
    server_name: Option<&str>,
) -> Option<Vec<String>> {
    let suites = tls::suites::of(Version::Tls12);
    ask(prober, transport, server_name, Version::Tls12, suites).await.ok()?.certificate_request
}
