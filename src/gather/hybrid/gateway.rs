//! The probes of one run of `diagnose`: at each ingress pod, at the addresses of the Services, and where DNS leads.
//!
//! ```text
//! pods ─ counters ─ knock ┬ a hello without a name ──────────┬ handshakes with names ─ counters
//!                         └ logs, until the knock is in them ┘
//! ```
//!
//! The knock is a handshake with a server name that nobody has. It comes first, and the log is read no further than to its
//! line, as far as the pieces allow in which it comes. The hello without a name follows at once, for a reset that it leaves is
//! told from those of clients by the knock before it, in this run and in later ones (`wire::access_log::own`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;

use super::gateway_options::{GatewayProbe, HTTPS, POD_CONNECTIONS, nameless};
use super::greeting::{Greeted, is_unreached};
use crate::evidence::cluster::{IngressPod, Route, Service, selects};
use crate::evidence::gateway::{Counters, Gateway};
use crate::evidence::handshake::{Endpoint, Handshake, HelloKind, Place, Probes, Scan};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::gather::hybrid::envoy;
use crate::gather::kubernetes::api::Api;
use crate::gather::probe::handshake::{Hello, handshake, handshake_within};
use crate::gather::probe::prober::Prober;
use crate::gather::probe::transport::Way;
use crate::gather::probe::{self, Family, lookup, name_authorities, nowhere, scan};

/// Hostnames that are probed at one place; more are named as not probed.
pub(in crate::gather) const MAX_HOSTS: usize = 50;
/// Connections to load balancers at the same time.
const CONNECTIONS: usize = 16;
/// Routes with limits on versions or suites whose endpoint is scanned.
const MAX_SCANS: usize = 4;
/// What a scan tells.
const SCANNED: &str = "versions and cipher suites";
/// What stands for the asterisk of a hostname like `*.example.com`.
const SOME_LABEL: &str = "apigee-tls-probe";

/// Everything else, when the logs have been read.
pub(in crate::gather) async fn probes(
    api: &Api,
    namespace: &str,
    probe: &GatewayProbe,
    greeted: Vec<Greeted>,
    pods: &[IngressPod],
    services: &[Service],
    routes: &[Route],
) -> (Probes, Vec<Gateway>) {
    let routes: Vec<&Route> = routes.iter().filter(|route| !route.is_internal_chaining()).collect();
    let mut unprobed = Vec::new();
    let mut scans = scanned_hosts(&routes);
    let mut closed = Vec::new();
    let at_pods: Vec<PodPlan> = greeted
        .into_iter()
        .filter_map(|greeted| {
            let closed_way = greeted.closed_way();
            let Greeted { pod: name, port, knock, before, nameless } = greeted;
            let knock = match (closed_way, knock) {
                (None, Ok(knock)) => knock,
                (Some(reason), _) | (None, Err(reason)) => {
                    unprobed.push(Unavailable::new(format!("handshakes with pod {name}"), reason.clone()));
                    closed.push(unseen(&name, &before, &reason));
                    return None;
                }
            };
            let pod = pods.iter().find(|pod| pod.name == name);
            let of_pod: Vec<&Route> = routes
                .iter()
                .copied()
                .filter(|route| pod.is_some_and(|pod| selects(&route.selector, &pod.labels)))
                .collect();
            let hosts = hosts(&of_pod, &probe.hosts, &format!("Pod {name}"), &mut unprobed);
            let scanned: Vec<String> = hosts.iter().filter(|host| scans.remove(*host)).cloned().collect();
            let nameless_asked = probe.expect_nameless || promises_nameless(&of_pod);
            Some(PodPlan { pod: name, port, knock, before, nameless, hosts, scanned, nameless_asked })
        })
        .collect();
    let all_hosts = hosts(&routes, &probe.hosts, "load balancers", &mut unprobed);
    let nameless_asked = probe.expect_nameless || promises_nameless(&routes);
    let permits = Semaphore::new(POD_CONNECTIONS);
    let at_pods = join_all(at_pods.into_iter().map(|plan| pod(api, namespace, &probe.prober, &permits, plan))).await;
    let nameless = Nameless { asked: nameless_asked, pods: &at_pods };
    let at_addresses = futures::future::join(
        async {
            if !probe.places.services {
                return Vec::new();
            }
            at_services(&probe.prober, services, &all_hosts, nameless).await
        },
        async {
            if !probe.places.dns {
                return Vec::new();
            }
            by_name(&probe.prober, &all_hosts, nameless).await
        },
    );
    // Connections that are none of the API server's do not end with the run by themselves; what is missing is told below.
    let (at_services, by_name) = api.stop().bound(Box::pin(at_addresses)).await.unwrap_or_default();
    let in_front = services.iter().filter(|service| !service.is_internal_chaining()).collect::<Vec<_>>();
    if probe.places.services && !in_front.is_empty() && in_front.iter().all(|service| service.addresses.is_empty()) {
        let reason = Reason::NotRequested("not tested, no Service has an address".into());
        unprobed.push(Unavailable::new("the way from outside", reason));
    }
    let mut endpoints = Vec::new();
    let mut gateways = closed;
    for (found, gateway) in at_pods {
        endpoints.extend(found);
        gateways.push(gateway);
    }
    endpoints.extend(at_services);
    endpoints.extend(by_name);
    if let Some(reason) = api.stop().reason() {
        unprobed.push(Unavailable::new("some of the handshakes", reason));
    }
    (Probes { question: probe.prober.question(None), endpoints, unprobed }, gateways)
}

/// Envoy's account of a pod where there is no way to it.
fn unseen(pod: &str, before: &Seen<Counters>, reason: &Reason) -> Gateway {
    let why = |part: &str| Unavailable::new(format!("the {part} of Envoy in pod {pod}"), reason.clone());
    Gateway {
        pod: pod.to_owned(),
        listeners: Seen::Unavailable(why("listeners")),
        certificates: Seen::Unavailable(why("certificates")),
        before: before.clone(),
        after: before.clone(),
    }
}

struct PodPlan {
    pod: String,
    port: u16,
    knock: Handshake,
    before: Seen<Counters>,
    nameless: Option<Handshake>,
    hosts: Vec<String>,
    /// Hosts whose versions and suites are wanted too.
    scanned: Vec<String>,
    nameless_asked: bool,
}

async fn pod(
    api: &Api,
    namespace: &str,
    prober: &Arc<Prober>,
    permits: &Semaphore,
    plan: PodPlan,
) -> (Vec<Endpoint>, Gateway) {
    let PodPlan { pod, port, knock, before, nameless, hosts, scanned, nameless_asked } = plan;
    let stop = api.stop();
    let endpoint = |host: Option<String>, handshakes, scan| Endpoint {
        place: Place::Pod { pod: pod.clone() },
        host,
        port,
        named_port: None,
        address: None,
        handshakes,
        scan,
    };
    let account = async {
        let Seen::Unavailable(why) = &before else {
            let _permit = permits.acquire().await;
            return envoy::account(api, namespace, &pod).await;
        };
        // What does not answer is not asked again and again.
        let Gateway { listeners, certificates, .. } = unseen(&pod, &before, &why.reason);
        (listeners, certificates)
    };
    // Nothing listens at the gateway's port.
    if is_unreached(&knock) {
        let (listeners, certificates) = account.await;
        let gateway = Gateway { pod: pod.clone(), listeners, certificates, after: before.clone(), before };
        // What was to be asked for ended as the first look did.
        let tried = Handshake { kind: HelloKind::Nameless, server_name: None, asked: true, ..knock };
        return (vec![endpoint(hosts.into_iter().next(), vec![tried], probe::not_scanned())], gateway);
    }
    let way = Way::Pod { api: api.clone(), namespace: namespace.to_owned(), pod: pod.clone(), port };
    let made = join_all(hosts.iter().map(|host| async {
        let _permit = permits.acquire().await;
        handshake_within(stop, prober, &way, &named(host)).await
    }));
    let (made, (listeners, certificates)) = futures::join!(made, account);
    let mut endpoints = Vec::new();
    for (host, made) in hosts.iter().zip(made) {
        // That the run ended is said once for all of its handshakes.
        let Ok(mut handshake) = made else { continue };
        let _permit = permits.acquire().await;
        // Names that do not come in time are not seen, as in TLS 1.3.
        let _ = stop.bound(name_authorities(prober, &way, std::slice::from_mut(&mut handshake), None)).await;
        let scan = if scanned.contains(host) {
            let whole = stop.bound(scan::scan(prober, &way, Some(host))).await;
            match whole.and_then(|(scan, _)| stop.reason().map_or(Ok(scan), Err)) {
                Ok(scan) => Seen::Seen(scan),
                Err(reason) => Seen::Unavailable(Unavailable::new(SCANNED, reason)),
            }
        } else {
            not_wanted()
        };
        endpoints.push(endpoint(Some(host.clone()), vec![handshake], scan));
    }
    if endpoints.is_empty() {
        endpoints.push(endpoint(None, Vec::new(), not_wanted()));
    }
    if let Some(first) = endpoints.first_mut() {
        first.handshakes.extend(nameless.map(|made| Handshake { asked: nameless_asked, ..made }));
        first.handshakes.push(knock);
    }
    let after = if let Seen::Seen(_) = &before {
        let _permit = permits.acquire().await;
        envoy::counters(api, namespace, &pod).await
    } else {
        before.clone()
    };
    (endpoints, Gateway { pod, listeners, certificates, before, after })
}

/// What decides whether an address is sent a hello without a name.
#[derive(Clone, Copy)]
struct Nameless<'a> {
    asked: bool,
    pods: &'a [(Vec<Endpoint>, Gateway)],
}

impl Nameless<'_> {
    /// Where it only serves to compare, and the address leads to pods that are known to reset it, the answer is known, and a
    /// client would seem to have been reset: behind a load balancer the knock before it may have gone to another pod, whose
    /// log tells nothing of this one. What serves other certificates than the pods is not they.
    fn is_wanted(self, at_address: &[Handshake]) -> bool {
        let all = || self.pods.iter().flat_map(|(endpoints, _)| endpoints).flat_map(|endpoint| &endpoint.handshakes);
        let is_refused = all().any(|made| made.kind == HelloKind::Nameless && made.was_refused());
        let leaf = |made: &Handshake| made.certificates.first().map(|leaf| leaf.fingerprint.clone());
        let known: BTreeSet<String> = all().filter_map(leaf).collect();
        let leads_elsewhere = at_address.iter().filter_map(leaf).any(|leaf| !known.contains(&leaf));
        self.asked || !is_refused || leads_elsewhere
    }
}

async fn at_services(
    prober: &Arc<Prober>,
    services: &[Service],
    hosts: &[String],
    nameless: Nameless<'_>,
) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for service in services.iter().filter(|service| !service.is_internal_chaining()) {
        let Some(port) = service.ports.iter().find(|port| port.number == HTTPS) else { continue };
        for address in &service.addresses {
            let place = Place::Service { service: service.name.clone() };
            match lookup::addresses(address, Family::Any, prober.options.timeout).await {
                Ok(addresses) => {
                    for address in addresses {
                        let target = Reached { place: &place, address, port: port.number };
                        found.extend(at_address(prober, target, hosts, nameless).await);
                    }
                }
                Err(failure) => found.push(nowhere(place, address, port.number, None, failure)),
            }
        }
    }
    found
}

async fn by_name(prober: &Arc<Prober>, hosts: &[String], nameless: Nameless<'_>) -> Vec<Endpoint> {
    let looked_up = hosts
        .iter()
        .map(|host| async move { (host, lookup::addresses(host, Family::Any, prober.options.timeout).await) });
    let looked_up: Vec<_> = stream::iter(looked_up).buffered(CONNECTIONS).collect().await;
    // Several hosts share an address as a rule, and are asked for there together: the hellos without a host are for an
    // address, and one that cannot be reached is not tried once more for each.
    let mut by_address: BTreeMap<IpAddr, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for (host, addresses) in looked_up {
        match addresses {
            Ok(addresses) => {
                for address in addresses {
                    by_address.entry(address).or_default().push(host.clone());
                }
            }
            Err(failure) => found.push(nowhere(Place::Dns, host, HTTPS, Some(host.clone()), failure)),
        }
    }
    for (address, hosts) in by_address {
        let target = Reached { place: &Place::Dns, address, port: HTTPS };
        found.extend(at_address(prober, target, &hosts, nameless).await);
    }
    let place = |endpoint: &Endpoint| hosts.iter().position(|host| Some(host) == endpoint.host.as_ref());
    found.sort_by_key(|endpoint| (place(endpoint), endpoint.address));
    found
}

#[derive(Clone, Copy)]
struct Reached<'a> {
    place: &'a Place,
    address: IpAddr,
    port: u16,
}

/// The handshakes with all hosts at one address, and those without a host.
async fn at_address(
    prober: &Arc<Prober>,
    target: Reached<'_>,
    hosts: &[String],
    nameless: Nameless<'_>,
) -> Vec<Endpoint> {
    let Reached { place, address, port } = target;
    let way = Way::Tcp(SocketAddr::new(address, port));
    let endpoint = |host: Option<&String>, handshakes| Endpoint {
        place: place.clone(),
        host: host.cloned(),
        port,
        named_port: None,
        address: Some(address),
        handshakes,
        scan: not_wanted(),
    };
    let made = at_hosts(prober, &way, hosts).await;
    let mut others = Vec::new();
    if !made.first().is_some_and(is_unreached) {
        let name = prober.unknown_name().to_owned();
        // One after the other and in this order, by which access logs tell that the second is ours too.
        let unknown = Hello { kind: HelloKind::Unknown, server_name: Some(name), asked: false, knock: false };
        others.push(handshake(prober, &way, &unknown).await);
        if nameless.is_wanted(&made) {
            others.push(handshake(prober, &way, &self::nameless(nameless.asked)).await);
        }
    }
    let mut found: Vec<Endpoint> =
        hosts.iter().zip(made).map(|(host, handshake)| endpoint(Some(host), vec![handshake])).collect();
    if found.is_empty() && !others.is_empty() {
        found.push(endpoint(None, Vec::new()));
    }
    if let Some(first) = found.first_mut() {
        first.handshakes.extend(others);
    }
    found
}

/// A handshake for each host. Where the first does not get as far as TLS, the others would not either, each after a
/// time-out of its own: they end as it did.
async fn at_hosts(prober: &Arc<Prober>, way: &Way, hosts: &[String]) -> Vec<Handshake> {
    let Some((first, rest)) = hosts.split_first() else { return Vec::new() };
    let first = handshake(prober, way, &named(first)).await;
    if is_unreached(&first) {
        return hosts.iter().map(|host| Handshake { server_name: Some(host.clone()), ..first.clone() }).collect();
    }
    let mut made = vec![first];
    let rest = rest.iter().map(|host| async move { handshake(prober, way, &named(host)).await });
    made.extend(stream::iter(rest).buffered(CONNECTIONS).collect::<Vec<_>>().await);
    made
}

fn named(host: &str) -> Hello {
    Hello { kind: HelloKind::Named, server_name: Some(host.to_owned()), asked: true, knock: false }
}

fn not_wanted() -> Seen<Scan> {
    let reason = Reason::NotRequested("only where a route limits them; `kubectl apigee-tls probe --full` scans".into());
    Seen::Unavailable(Unavailable::new(SCANNED, reason))
}

/// A route with the hostname `*` and `enableNonSniClient` says that clients without a server name are served.
fn promises_nameless(routes: &[&Route]) -> bool {
    routes.iter().any(|route| route.is_wildcard() && route.enable_non_sni_client == Some(true))
}

/// The names to send for these routes: each once, those that the user adds first.
fn hosts(routes: &[&Route], more: &[String], place: &str, unprobed: &mut Vec<Unavailable>) -> Vec<String> {
    let own = routes.iter().flat_map(|route| &route.hostnames).filter(|name| *name != "*").map(|name| concrete(name));
    let mut hosts: Vec<String> = Vec::new();
    for host in more.iter().cloned().chain(own) {
        if !hosts.contains(&host) && probe::server_name(&host).is_ok() {
            hosts.push(host);
        }
    }
    if hosts.len() > MAX_HOSTS {
        let reason =
            Reason::NotRequested(format!("at most {MAX_HOSTS} hostnames are probed; --probe-host NAME puts one first"));
        unprobed.push(Unavailable::new(format!("{} more hostnames at {place}", hosts.len() - MAX_HOSTS), reason));
        hosts.truncate(MAX_HOSTS);
    }
    hosts
}

/// A name that a hostname covers.
fn concrete(hostname: &str) -> String {
    hostname
        .strip_prefix("*.")
        .map_or_else(|| hostname.to_ascii_lowercase(), |rest| format!("{SOME_LABEL}.{}", rest.to_ascii_lowercase()))
}

/// One host of each route that limits versions or suites.
fn scanned_hosts(routes: &[&Route]) -> BTreeSet<String> {
    let limited = |route: &&&Route| {
        route.ports.iter().filter_map(|port| port.tls.as_ref()).any(|tls| {
            let set = |version: &Option<String>| version.as_deref().is_some_and(|version| version != "TLS_AUTO");
            set(&tls.min_protocol_version) || set(&tls.max_protocol_version) || !tls.cipher_suites.is_empty()
        })
    };
    let first = |route: &&Route| route.hostnames.iter().find(|name| *name != "*").map(|name| concrete(name));
    routes.iter().filter(limited).filter_map(first).take(MAX_SCANS).collect()
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
