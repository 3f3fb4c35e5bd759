//! TLS handshakes on purpose: what an endpoint does with the right server name, with none, and with one that nobody has.
//!
//! ```text
//! target ─ lookup ─ way (TCP, tunnel, port-forward) ─┬ handshake: OpenSSL, watched
//!                                                    └ scan: hellos made by hand
//! ```
//!
//! It returns facts. Only files of the command line can be an error; whatever a network does is evidence.

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

use self::handshake::{Hello, handshake};
use self::transport::Way;
use crate::evidence::handshake::{
    ClientCertificate, Endpoint, Failure, Handshake, HelloKind, Place, Probes, Scan, socket,
};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::run::stop::Stop;

pub use self::lookup::Family;
pub use self::prober::{ProbeOptions, Prober, ProberError};
pub use self::proxy::{Proxy, ProxyError};
pub use self::target::{Target, TargetError, server_name, shown, target};

/// Which server name the clients that are asked about send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sni {
    /// The host itself; none where it is an address, as RFC 6066 has it.
    Host,
    Name(String),
    None,
}

/// What to probe, and how to get there.
#[derive(Clone, Debug)]
pub struct Given {
    pub targets: Vec<Target>,
    pub sni: Sni,
    /// Connect there instead of to the addresses of the host.
    pub connect_to: Option<(IpAddr, Option<u16>)>,
    pub family: Family,
    /// By target, in their order; empty where none goes through a proxy.
    pub proxies: Vec<Option<Proxy>>,
    /// Scan versions and cipher suites too.
    pub full: bool,
    /// Endpoints that are probed at the same time.
    pub parallel: usize,
}

/// Probes the endpoints that the user names. What was not reached before the run had to end is said in `unprobed`.
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
            // A semaphore that nobody closes gives every permit in the end.
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

/// One target.
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
            let way = Way::Tunnel { proxy: proxy.clone(), host, port };
            return vec![
                self.endpoint(prober, way, self.connect_to.map(|(address, _)| address), name.as_deref(), true).await,
            ];
        }
        let addresses = match self.connect_to {
            Some((address, _)) => Ok(vec![address]),
            None => lookup::addresses(host, self.family, prober.options.timeout).await,
        };
        let port = self.connect_to.and_then(|(_, port)| port).unwrap_or(*port);
        match addresses {
            // Only a name that is looked up may lead nowhere, and then no other port stands in.
            Err(failure) => vec![nowhere(Place::Given, host, port, name, failure)],
            Ok(addresses) => {
                let endpoints = addresses.iter().enumerate().map(|(position, address)| {
                    let way = Way::Tcp(SocketAddr::new(*address, port));
                    self.endpoint(prober, way, Some(*address), name.as_deref(), position == 0)
                });
                join_all(endpoints).await
            }
        }
    }

    /// One address: all that is wanted of the first, and of the others the handshake that is asked about, to compare.
    async fn endpoint(
        &self,
        prober: &Arc<Prober>,
        way: Way,
        address: Option<IpAddr>,
        name: Option<&str>,
        first: bool,
    ) -> Endpoint {
        let hello = |kind, server_name: Option<&str>, asked| Hello {
            kind,
            server_name: server_name.map(str::to_owned),
            asked,
            knock: false,
        };
        let mut hellos = Vec::new();
        if let Some(name) = name {
            hellos.push(hello(HelloKind::Named, Some(name), true));
            if first {
                hellos.push(hello(HelloKind::Nameless, None, false));
            }
        } else {
            hellos.push(hello(HelloKind::Nameless, None, true));
            // The name that would be right, where there is one, shows whether the missing name is all that is wrong.
            if first && self.target.address().is_none() {
                hellos.push(hello(HelloKind::Named, Some(&self.target.host), false));
            }
        }
        if first {
            hellos.push(hello(HelloKind::Unknown, Some(prober.unknown_name()), false));
        }
        let scanning = async {
            if !(self.full && first) {
                return None;
            }
            Some(scan::scan(prober, &way, name).await)
        };
        let (mut handshakes, scanned) = futures::join!(all(prober, &way, hellos), scanning);
        let (scan, authorities) = match scanned {
            Some((scan, authorities)) => (Seen::Seen(scan), authorities),
            None => (not_scanned(), None),
        };
        name_authorities(prober, &way, &mut handshakes, authorities).await;
        let port = self.connect_to.and_then(|(_, port)| port).unwrap_or(self.target.port);
        Endpoint {
            place: Place::Given,
            host: Some(self.target.host.clone()),
            port,
            named_port: (port != self.target.port).then_some(self.target.port),
            address,
            handshakes,
            scan,
        }
    }
}

/// A host without an address: the handshake that was asked for, and why there was none.
pub(in crate::gather) fn nowhere(
    place: Place,
    host: &str,
    port: u16,
    name: Option<String>,
    failure: Failure,
) -> Endpoint {
    #[expect(clippy::disallowed_methods, reason = "when a handshake was tried is a part of what was seen")]
    let started_at = jiff::Timestamp::now();
    let kind = if name.is_some() { HelloKind::Named } else { HelloKind::Nameless };
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

/// Several handshakes at once, each on its own connection; they come back in the order of the hellos. The one without a
/// server name waits for the one with an unknown name, whose line in an access log marks the next as ours.
async fn all(prober: &Arc<Prober>, way: &Way, hellos: Vec<Hello>) -> Vec<Handshake> {
    let numbered = hellos.into_iter().enumerate();
    let (mut in_turn, alone): (Vec<_>, Vec<_>) = numbered.partition(|(_, hello)| hello.kind != HelloKind::Named);
    in_turn.sort_by_key(|(_, hello)| hello.kind != HelloKind::Unknown);
    let sequences = alone.into_iter().map(|hello| vec![hello]).chain([in_turn]);
    let tasks: Vec<_> = sequences
        .map(|sequence| {
            let (prober, way) = (prober.clone(), way.clone());
            tokio::spawn(async move {
                let mut made = Vec::new();
                for (position, hello) in sequence {
                    made.push((position, handshake(&prober, &way, &hello).await));
                }
                made
            })
        })
        .collect();
    let mut made: Vec<(usize, Handshake)> = join_all(tasks).await.into_iter().flatten().flatten().collect();
    made.sort_by_key(|(position, _)| *position);
    made.into_iter().map(|(_, handshake)| handshake).collect()
}

/// TLS 1.3 encrypts which authorities a server wants certificates of; a hello of TLS 1.2 shows them.
pub(in crate::gather) async fn name_authorities(
    prober: &Prober,
    way: &Way,
    handshakes: &mut [Handshake],
    known: Option<Vec<String>>,
) {
    let unnamed = |handshake: &&mut Handshake| matches!(handshake.client_certificate, ClientCertificate::Asked(None));
    let mut known = known;
    for handshake in handshakes.iter_mut().filter(unnamed) {
        if known.is_none() {
            known = scan::authorities(prober, way, handshake.server_name.as_deref()).await;
        }
        handshake.client_certificate = ClientCertificate::Asked(known.clone());
    }
}
