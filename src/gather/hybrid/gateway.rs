//! Runs the probes of `diagnose`: at each ingress pod, at the addresses of the Services, and at the addresses
//! in DNS.
//!
//! ```text
//! pods ─ counters ─ marker probe ┬ a ClientHello without SNI ─────────────┬ handshakes with SNI ─ counters
//!                                └ logs, until the marker probe is in them ┘
//! ```
//!
//! The marker probe is a handshake with a server name that no route has. It comes first, and the log is read
//! only up to its record, as exactly as the pieces allow. The ClientHello without SNI follows at once: a
//! reset that it causes is distinguished from those of clients by the marker probe before it, in this run and
//! in later ones (`wire::access_log::own`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use tokio::sync::Semaphore;

use super::gateway_options::{GatewayProbe, HTTPS, POD_CONNECTIONS, without_sni};
use super::preflight::{Preflight, is_unreached};
use super::silence;
use crate::evidence::gateway::{Counters, Gateway};
use crate::evidence::handshake::{ClientHelloKind, Endpoint, EndpointOrigin, Handshake, Probes, Scan};
use crate::evidence::hybrid::{IngressPod, Route, Service, selects};
use crate::evidence::{Reason, Seen, Unavailable};
use crate::gather::hybrid::envoy;
use crate::gather::kubernetes::api::Api;
use crate::gather::probe::handshake::{ClientHelloOptions, handshake, handshake_within};
use crate::gather::probe::prober::Prober;
use crate::gather::probe::transport::Transport;
use crate::gather::probe::{self, Family, lookup, name_authorities, nowhere, scan};

/// Maximum number of hostnames probed at one place; further ones are listed as not probed.
pub(in crate::gather) const MAX_HOSTS: usize = 50;
/// Number of concurrent connections to load balancers.
const CONNECTIONS: usize = 16;
/// Maximum number of routes with limits on versions or suites whose endpoint is scanned.
const MAX_SCANS: usize = 4;
/// What a scan found.
const SCANNED: &str = "versions and cipher suites";
/// Replaces the asterisk of a hostname like `*.example.com`.
const SOME_LABEL: &str = "apigee-tls-probe";

/// Runs all other probes, after the logs have been read.
pub(in crate::gather) async fn probes(
    api: &Api,
    namespace: &str,
    probe: &GatewayProbe,
    preflights: Vec<Preflight>,
    pods: &[IngressPod],
    services: &[Service],
    routes: &[Route],
) -> (Probes, Vec<Gateway>) {
    let all_routes = routes;
    let routes: Vec<&Route> = routes.iter().filter(|route| !route.is_internal_chaining()).collect();
    let services: Vec<&Service> = services.iter().filter(|service| !service.is_internal_chaining(all_routes)).collect();
    let mut unprobed = Vec::new();
    let mut scans = scanned_hosts(&routes);
    let mut closed = Vec::new();
    let is_internal = |name: &str| pods.iter().any(|pod| pod.name == name && pod.is_internal_chaining(all_routes));
    let at_pods: Vec<PodPlan> = preflights
        .into_iter()
        .filter(|preflight| !is_internal(&preflight.pod))
        .filter_map(|preflight| {
            let unreachable_reason = preflight.unreachable_reason();
            let Preflight { pod: name, port, marker, before, without_sni } = preflight;
            let marker = match (unreachable_reason, marker) {
                (None, Ok(marker)) => marker,
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
            let without_sni_requested = probe.expect_without_sni || promises_without_sni(&of_pod);
            Some(PodPlan { pod: name, port, marker, before, without_sni, hosts, scanned, without_sni_requested })
        })
        .collect();
    let all_hosts = hosts(&routes, &probe.hosts, "load balancers", &mut unprobed);
    let without_sni_requested = probe.expect_without_sni || promises_without_sni(&routes);
    let permits = Semaphore::new(POD_CONNECTIONS);
    let at_pods = join_all(at_pods.into_iter().map(|plan| pod(api, namespace, &probe.prober, &permits, plan))).await;
    let without_sni = WithoutSniRule { requested: without_sni_requested, pods: &at_pods };
    let at_addresses = futures::future::join(
        async {
            if !probe.places.services {
                return Vec::new();
            }
            at_services(&probe.prober, &services, &all_hosts, without_sni).await
        },
        async {
            if !probe.places.dns {
                return Vec::new();
            }
            by_name(&probe.prober, &all_hosts, without_sni).await
        },
    );
    // Connections outside the API server do not end with the run by themselves. The missing probes are
    // reported below.
    let (at_services, by_name) = api.stop().bound(Box::pin(at_addresses)).await.unwrap_or_default();
    if probe.places.services && !services.is_empty() && services.iter().all(|service| service.addresses.is_empty()) {
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

/// Envoy's state for a pod that cannot be reached.
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
    marker: Handshake,
    before: Seen<Counters>,
    without_sni: Option<Handshake>,
    hosts: Vec<String>,
    /// Hosts whose versions and suites are scanned too.
    scanned: Vec<String>,
    without_sni_requested: bool,
}

async fn pod(
    api: &Api,
    namespace: &str,
    prober: &Arc<Prober>,
    permits: &Semaphore,
    plan: PodPlan,
) -> (Vec<Endpoint>, Gateway) {
    let PodPlan { pod, port, marker, before, without_sni, hosts, scanned, without_sni_requested } = plan;
    let stop = api.stop();
    let endpoint = |host: Option<String>, handshakes, scan| Endpoint {
        place: EndpointOrigin::Pod { pod: pod.clone() },
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
        // A pod that does not answer gets no further probes.
        let Gateway { listeners, certificates, .. } = unseen(&pod, &before, &why.reason);
        (listeners, certificates)
    };
    // Nothing listens at the gateway's port.
    if is_unreached(&marker) {
        let (listeners, certificates) = account.await;
        let gateway = Gateway { pod: pod.clone(), listeners, certificates, after: before.clone(), before };
        // The requested handshakes failed as the preflight did.
        let tried = Handshake { kind: ClientHelloKind::WithoutSni, server_name: None, requested: true, ..marker };
        return (vec![endpoint(hosts.into_iter().next(), vec![tried], probe::not_scanned())], gateway);
    }
    let transport = Transport::Pod { api: api.clone(), namespace: namespace.to_owned(), pod: pod.clone(), port };
    let made = join_all(hosts.iter().map(|host| async {
        let _permit = permits.acquire().await;
        handshake_within(stop, prober, &transport, &named(host)).await
    }));
    let (made, (listeners, certificates)) = futures::join!(made, account);
    let mut endpoints = Vec::new();
    for (host, made) in hosts.iter().zip(made) {
        // The end of the run is reported once for all handshakes of the pod.
        let Ok(mut handshake) = made else { continue };
        let _permit = permits.acquire().await;
        // CA names that do not come in time are missing, as in TLS 1.3.
        let _ = stop.bound(name_authorities(prober, &transport, std::slice::from_mut(&mut handshake), None)).await;
        let scan = if scanned.contains(host) {
            let whole = stop.bound(scan::scan(prober, &transport, Some(host))).await;
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
        first.handshakes.extend(without_sni.map(|made| Handshake { requested: without_sni_requested, ..made }));
        first.handshakes.push(marker);
    }
    let after = if let Seen::Seen(_) = &before {
        let _permit = permits.acquire().await;
        envoy::counters(api, namespace, &pod).await
    } else {
        before.clone()
    };
    let gateway = Gateway { pod, listeners, certificates, before, after };
    silence::doubt(&mut endpoints, port, &gateway);
    (endpoints, gateway)
}

/// Decides whether an address is sent a ClientHello without SNI.
#[derive(Clone, Copy)]
struct WithoutSniRule<'a> {
    requested: bool,
    pods: &'a [(Vec<Endpoint>, Gateway)],
}

impl WithoutSniRule<'_> {
    /// If the handshake only serves comparison, and the pods behind the address are known to reset it, the
    /// result is known. Sending it would also look like the reset of a client: behind a load balancer the
    /// marker probe may have reached another pod, whose log shows nothing of this one. An address that serves
    /// other certificates than the pods does not lead to them.
    fn is_wanted(self, at_address: &[Handshake]) -> bool {
        let all = || self.pods.iter().flat_map(|(endpoints, _)| endpoints).flat_map(|endpoint| &endpoint.handshakes);
        let is_refused = all().any(|made| made.kind == ClientHelloKind::WithoutSni && made.was_refused());
        let leaf = |made: &Handshake| made.certificates.first().map(|leaf| leaf.fingerprint.clone());
        let known: BTreeSet<String> = all().filter_map(leaf).collect();
        let leads_elsewhere = at_address.iter().filter_map(leaf).any(|leaf| !known.contains(&leaf));
        self.requested || !is_refused || leads_elsewhere
    }
}

async fn at_services(
    prober: &Arc<Prober>,
    services: &[&Service],
    hosts: &[String],
    without_sni: WithoutSniRule<'_>,
) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for service in services {
        let Some(port) = service.ports.iter().find(|port| port.number == HTTPS) else { continue };
        for address in &service.addresses {
            let place = EndpointOrigin::Service { service: service.name.clone() };
            match lookup::addresses(address, Family::Any, prober.options.timeout).await {
                Ok(addresses) => {
                    for address in addresses {
                        let target = Reached { place: &place, address, port: port.number };
                        found.extend(at_address(prober, target, hosts, without_sni).await);
                    }
                }
                Err(failure) => found.push(nowhere(place, address, port.number, None, failure)),
            }
        }
    }
    found
}

async fn by_name(prober: &Arc<Prober>, hosts: &[String], without_sni: WithoutSniRule<'_>) -> Vec<Endpoint> {
    let looked_up = hosts
        .iter()
        .map(|host| async move { (host, lookup::addresses(host, Family::Any, prober.options.timeout).await) });
    let looked_up: Vec<_> = stream::iter(looked_up).buffered(CONNECTIONS).collect().await;
    // Several hosts usually share an address, and are probed there together. The handshakes without one of
    // these hosts are performed once for each address, and an unreachable address is not tried for each host.
    let mut by_address: BTreeMap<IpAddr, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for (host, addresses) in looked_up {
        match addresses {
            Ok(addresses) => {
                for address in addresses {
                    by_address.entry(address).or_default().push(host.clone());
                }
            }
            Err(failure) => found.push(nowhere(EndpointOrigin::Dns, host, HTTPS, Some(host.clone()), failure)),
        }
    }
    for (address, hosts) in by_address {
        let target = Reached { place: &EndpointOrigin::Dns, address, port: HTTPS };
        found.extend(at_address(prober, target, &hosts, without_sni).await);
    }
    let place = |endpoint: &Endpoint| hosts.iter().position(|host| Some(host) == endpoint.host.as_ref());
    found.sort_by_key(|endpoint| (place(endpoint), endpoint.address));
    found
}

#[derive(Clone, Copy)]
struct Reached<'a> {
    place: &'a EndpointOrigin,
    address: IpAddr,
    port: u16,
}

/// Performs the handshakes with all hosts at one address, the one with an unknown name and the one without
/// SNI.
async fn at_address(
    prober: &Arc<Prober>,
    target: Reached<'_>,
    hosts: &[String],
    without_sni: WithoutSniRule<'_>,
) -> Vec<Endpoint> {
    let Reached { place, address, port } = target;
    let transport = Transport::Tcp(SocketAddr::new(address, port));
    let endpoint = |host: Option<&String>, handshakes| Endpoint {
        place: place.clone(),
        host: host.cloned(),
        port,
        named_port: None,
        address: Some(address),
        handshakes,
        scan: not_wanted(),
    };
    let made = at_hosts(prober, &transport, hosts).await;
    let mut others = Vec::new();
    if !made.first().is_some_and(is_unreached) {
        let name = prober.unknown_name().to_owned();
        // Sequential and in this order, because access logs recognise the second as probe traffic by the
        // first.
        let unknown = ClientHelloOptions {
            kind: ClientHelloKind::Unknown,
            server_name: Some(name),
            requested: false,
            is_marker: false,
        };
        others.push(handshake(prober, &transport, &unknown).await);
        if without_sni.is_wanted(&made) {
            others.push(handshake(prober, &transport, &self::without_sni(without_sni.requested)).await);
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

/// Performs a handshake for each host. If the first does not get as far as TLS, the others would fail the
/// same way, each after its own time-out. They are recorded with the same failure.
async fn at_hosts(prober: &Arc<Prober>, transport: &Transport, hosts: &[String]) -> Vec<Handshake> {
    let Some((first, rest)) = hosts.split_first() else { return Vec::new() };
    let first = handshake(prober, transport, &named(first)).await;
    if is_unreached(&first) {
        return hosts.iter().map(|host| Handshake { server_name: Some(host.clone()), ..first.clone() }).collect();
    }
    let mut made = vec![first];
    let rest = rest.iter().map(|host| async move { handshake(prober, transport, &named(host)).await });
    made.extend(stream::iter(rest).buffered(CONNECTIONS).collect::<Vec<_>>().await);
    made
}

fn named(host: &str) -> ClientHelloOptions {
    ClientHelloOptions {
        kind: ClientHelloKind::Named,
        server_name: Some(host.to_owned()),
        requested: true,
        is_marker: false,
    }
}

fn not_wanted() -> Seen<Scan> {
    let reason = Reason::NotRequested("only where a route limits them; `kubectl apigee-tls probe --full` scans".into());
    Seen::Unavailable(Unavailable::new(SCANNED, reason))
}

/// Whether a route with the hostname `*` for TLS and `enableNonSniClient` declares that clients without SNI
/// are served.
fn promises_without_sni(routes: &[&Route]) -> bool {
    let promises = |route: &&Route| route.is_tls_wildcard() && route.enable_non_sni_client == Some(true);
    routes.iter().any(promises)
}

/// Returns the server names to send for these routes: each once, those of the user first. Routes that serve
/// their hostnames without TLS promise no handshake.
fn hosts(routes: &[&Route], more: &[String], place: &str, unprobed: &mut Vec<Unavailable>) -> Vec<String> {
    let own = routes.iter().filter(|route| !route.is_without_tls());
    let own = own.flat_map(|route| &route.hostnames).filter(|name| *name != "*").map(|name| concrete(name));
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

/// Returns a name that a hostname covers.
fn concrete(hostname: &str) -> String {
    hostname
        .strip_prefix("*.")
        .map_or_else(|| hostname.to_ascii_lowercase(), |rest| format!("{SOME_LABEL}.{}", rest.to_ascii_lowercase()))
}

/// Returns one host of each route that limits versions or suites.
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
pub(in crate::gather) mod tests;
