//! Probes endpoints with TLS handshakes: with the right SNI, without SNI and with an unknown name.
//!
//! ```text
//! target ─ lookup ─ transport (TCP, tunnel, port-forward) ─┬ handshake: OpenSSL, both directions parsed
//!                                                          └ scan: ClientHellos built by this program
//! ```
//!
//! It returns facts. Only files of the command line can be an error; network failures are evidence.

pub(in crate::gather) mod handshake;
mod identity;
pub(in crate::gather) mod lookup;
pub(in crate::gather) mod prober;
mod proxy;
pub(in crate::gather) mod scan;
mod target;
mod tcp;
pub(in crate::gather) mod transport;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::handshake::{ClientHelloOptions, handshake};
use self::transport::Transport;
use crate::evidence::handshake::{
    ClientCertificate, ClientHelloKind, Endpoint, EndpointOrigin, Failure, Handshake, Probes, Scan, socket,
};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::run::stop::Stop;

pub use self::lookup::Family;
pub use self::prober::{ProbeOptions, Prober, ProberError};
pub use self::proxy::{Proxy, ProxyError};
pub use self::target::{Target, TargetError, server_name, shown, target};

/// The server name that the clients in question send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sni {
    /// The host itself; no SNI if the host is an address, as RFC 6066 requires.
    Host,
    Name(String),
    None,
}

/// The endpoints to probe, and how to connect to them.
#[derive(Clone, Debug)]
pub struct Given {
    pub targets: Vec<Target>,
    pub sni: Sni,
    /// Connects to this address instead of the addresses of the host.
    pub connect_to: Option<(IpAddr, Option<u16>)>,
    pub family: Family,
    /// One entry for each target, in the same order; empty if no target is reached through a proxy.
    pub proxies: Vec<Option<Proxy>>,
    /// Also scans versions and cipher suites.
    pub full: bool,
    /// Number of endpoints that are probed at the same time.
    pub parallel: usize,
}

/// Probes the endpoints that the user names. Endpoints not reached before the end of the run are listed in
/// `unprobed`.
pub async fn given(prober: Arc<Prober>, given: &Given, stop: &Stop, done: impl Fn(&Target)) -> Probes {
    let turn = Arc::new(Semaphore::new(given.parallel.max(1)));
    let mut running = JoinSet::new();
    for (position, target) in given.targets.iter().enumerate() {
        let job = Job {
            target: target.clone(),
            sni: given.sni.clone(),
            connect_to: given.connect_to,
            family: given.family,
            proxy: given.proxies.get(position).cloned().flatten(),
            full: given.full,
        };
        let (prober, turn) = (prober.clone(), turn.clone());
        running.spawn(async move {
            // Nobody closes the semaphore, so every permit is granted eventually.
            let _turn = turn.acquire().await;
            (position, job.run(&prober).await)
        });
    }
    let mut found: Vec<Option<Vec<Endpoint>>> = given.targets.iter().map(|_| None).collect();
    let mut ended = None;
    loop {
        match stop.bound(running.join_next()).await {
            Ok(None) => break,
            Ok(Some(Ok((position, endpoints)))) => {
                done(&given.targets[position]);
                found[position] = Some(endpoints);
            }
            Ok(Some(Err(_))) => {}
            Err(reason) => {
                ended = Some(reason);
                break;
            }
        }
    }
    let fault = || Reason::Broken("probing it failed by a fault of this program; please report it".into());
    let mut all = Probes { question: prober.question(via(given)), ..Probes::default() };
    for (target, endpoints) in given.targets.iter().zip(found) {
        if let Some(endpoints) = endpoints {
            all.endpoints.extend(endpoints);
        } else {
            let reason = ended.clone().unwrap_or_else(fault);
            all.unprobed.push(Unavailable::new(socket(&target.host, target.port), reason));
        }
    }
    all
}

fn via(given: &Given) -> Option<String> {
    let mut names: Vec<String> = given.proxies.iter().flatten().map(Proxy::address).collect();
    names.sort();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Probes one target.
struct Job {
    target: Target,
    sni: Sni,
    connect_to: Option<(IpAddr, Option<u16>)>,
    family: Family,
    proxy: Option<Proxy>,
    full: bool,
}

impl Job {
    async fn run(&self, prober: &Arc<Prober>) -> Vec<Endpoint> {
        let Target { host, port } = &self.target;
        let name = match &self.sni {
            Sni::Host if self.target.address().is_some() => None,
            Sni::Host => Some(host.clone()),
            Sni::Name(name) => Some(name.clone()),
            Sni::None => None,
        };
        if let Some(proxy) = &self.proxy {
            let (host, port) = match self.connect_to {
                Some((address, other)) => (address.to_string(), other.unwrap_or(*port)),
                None => (host.clone(), *port),
            };
            let transport = Transport::Tunnel { proxy: proxy.clone(), host, port };
            return vec![
                self.endpoint(prober, transport, self.connect_to.map(|(address, _)| address), name.as_deref(), true)
                    .await,
            ];
        }
        let addresses = match self.connect_to {
            Some((address, _)) => Ok(vec![address]),
            None => lookup::addresses(host, self.family, prober.options.timeout).await,
        };
        let port = self.connect_to.and_then(|(_, port)| port).unwrap_or(*port);
        match addresses {
            // Only a lookup can fail, and without `connect_to` the port is the one in the target.
            Err(failure) => vec![nowhere(EndpointOrigin::Given, host, port, name, failure)],
            Ok(addresses) => {
                let endpoints = addresses.iter().enumerate().map(|(position, address)| {
                    let transport = Transport::Tcp(SocketAddr::new(*address, port));
                    self.endpoint(prober, transport, Some(*address), name.as_deref(), position == 0)
                });
                join_all(endpoints).await
            }
        }
    }

    /// Probes one address: with all handshakes if it is the first one. The others get only the requested
    /// handshake, for comparison.
    async fn endpoint(
        &self,
        prober: &Arc<Prober>,
        transport: Transport,
        address: Option<IpAddr>,
        name: Option<&str>,
        first: bool,
    ) -> Endpoint {
        let hello = |kind, server_name: Option<&str>, requested| ClientHelloOptions {
            kind,
            server_name: server_name.map(str::to_owned),
            requested,
            is_marker: false,
        };
        let mut hellos = Vec::new();
        if let Some(name) = name {
            hellos.push(hello(ClientHelloKind::Named, Some(name), true));
            if first {
                hellos.push(hello(ClientHelloKind::WithoutSni, None, false));
            }
        } else {
            hellos.push(hello(ClientHelloKind::WithoutSni, None, true));
            // A handshake with the right name, if there is one, shows whether missing SNI is the only
            // problem.
            if first && self.target.address().is_none() {
                hellos.push(hello(ClientHelloKind::Named, Some(&self.target.host), false));
            }
        }
        if first {
            hellos.push(hello(ClientHelloKind::Unknown, Some(prober.unknown_name()), false));
        }
        let scanning = async {
            if !(self.full && first) {
                return None;
            }
            Some(scan::scan(prober, &transport, name).await)
        };
        let (mut handshakes, scanned) = futures::join!(all(prober, &transport, hellos), scanning);
        let (scan, authorities) = match scanned {
            Some((scan, authorities)) => (Seen::Seen(scan), authorities),
            None => (not_scanned(), None),
        };
        name_authorities(prober, &transport, &mut handshakes, authorities).await;
        let port = self.connect_to.and_then(|(_, port)| port).unwrap_or(self.target.port);
        Endpoint {
            place: EndpointOrigin::Given,
            host: Some(self.target.host.clone()),
            port,
            named_port: (port != self.target.port).then_some(self.target.port),
            address,
            handshakes,
            scan,
        }
    }
}

/// Describes a host without an address: the requested handshake, and why it failed.
pub(in crate::gather) fn nowhere(
    place: EndpointOrigin,
    host: &str,
    port: u16,
    name: Option<String>,
    failure: Failure,
) -> Endpoint {
    #[expect(clippy::disallowed_methods, reason = "the time of a handshake is evidence")]
    let started_at = jiff::Timestamp::now();
    let kind = if name.is_some() { ClientHelloKind::Named } else { ClientHelloKind::WithoutSni };
    let handshake = Handshake { failure: Some(failure), ..Handshake::begun(kind, name, true, started_at) };
    Endpoint {
        place,
        host: Some(host.to_owned()),
        port,
        named_port: None,
        address: None,
        handshakes: vec![handshake],
        scan: not_scanned(),
    }
}

pub(in crate::gather) fn not_scanned() -> Seen<Scan> {
    Seen::Unavailable(Unavailable::new("versions and cipher suites", Reason::NotRequested("--full".into())))
}

/// Performs several handshakes at once, each on its own connection, and returns them in the order of
/// `hellos`. The one without SNI waits for the one with the unknown name, whose record in an access log marks
/// the next as probe traffic.
async fn all(prober: &Arc<Prober>, transport: &Transport, hellos: Vec<ClientHelloOptions>) -> Vec<Handshake> {
    let numbered = hellos.into_iter().enumerate();
    let (mut in_turn, alone): (Vec<_>, Vec<_>) = numbered.partition(|(_, hello)| hello.kind != ClientHelloKind::Named);
    in_turn.sort_by_key(|(_, hello)| hello.kind != ClientHelloKind::Unknown);
    let sequences = alone.into_iter().map(|hello| vec![hello]).chain([in_turn]);
    let tasks: Vec<_> = sequences
        .map(|sequence| {
            let (prober, transport) = (prober.clone(), transport.clone());
            tokio::spawn(async move {
                let mut made = Vec::new();
                for (position, hello) in sequence {
                    made.push((position, handshake(&prober, &transport, &hello).await));
                }
                made
            })
        })
        .collect();
    let mut made: Vec<(usize, Handshake)> = join_all(tasks).await.into_iter().flatten().flatten().collect();
    made.sort_by_key(|(position, _)| *position);
    made.into_iter().map(|(_, handshake)| handshake).collect()
}

/// TLS 1.3 encrypts the list of CAs in a CertificateRequest; with TLS 1.2 it is in clear.
pub(in crate::gather) async fn name_authorities(
    prober: &Prober,
    transport: &Transport,
    handshakes: &mut [Handshake],
    known: Option<Vec<String>>,
) {
    let unnamed =
        |handshake: &&mut Handshake| matches!(handshake.client_certificate, ClientCertificate::Requested(None));
    let mut known = known;
    for handshake in handshakes.iter_mut().filter(unnamed) {
        if known.is_none() {
            known = scan::authorities(prober, transport, handshake.server_name.as_deref()).await;
        }
        handshake.client_certificate = ClientCertificate::Requested(known.clone());
    }
}
