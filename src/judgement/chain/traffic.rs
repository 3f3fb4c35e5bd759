//! The links that a connection passes: client, DNS, load balancer, Service, pod and filter chain.

use super::{Link, LinkKey, Path};
use crate::checks::Kind;
use crate::checks::facts::{self, envoy, probed, without_sni};
use crate::evidence::access_log::Span;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, EndpointOrigin, Handshake, Stage};
use crate::evidence::hybrid::IngressPod;
use crate::evidence::{Evidence, Seen};
use crate::text::{count, ending, moment, some_of};

/// The port of clients.
const HTTPS: u16 = 443;

/// What the logs have of such clients: broken where they are reset. That follows from another link, so that
/// this one is never the link to fix.
pub(super) fn client(path: Path<'_>) -> Link {
    let logs: Vec<_> = facts::logs(path.evidence).map(|(_, log)| log).collect();
    let mut resets = Span::default();
    let mut served = Span::default();
    for log in &logs {
        match path.server_name {
            Some(name) => log.reset_with_sni.server_names.get(name).into_iter().for_each(|span| resets.merge(span)),
            None => {
                for (sum, tally) in [(&mut resets, &log.reset_without_sni), (&mut served, &log.served_without_sni)] {
                    sum.merge(&Span { count: tally.count, first: tally.first, last: tally.last });
                }
            }
        }
    }
    let mut facts = Vec::new();
    for (span, what) in [(&resets, "reset"), (&served, "request")] {
        if span.count > 0 {
            let when = match (span.first, span.last) {
                (Some(first), Some(last)) => format!(", first {}, last {}", moment(first), moment(last)),
                _ => String::new(),
            };
            let end = if what == "request" { " that were served" } else { "" };
            facts.push(format!("{} {}{end} in the access logs{when}", count(span.count, what), path.sni()));
        }
    }
    if facts.is_empty() {
        match facts::require_conclusive_logs(path.evidence) {
            Ok(()) => facts.push(format!("no reset {} in the access logs", path.sni())),
            Err(why) => return Link::unseen(LinkKey::Client, &why),
        }
    }
    let is_over = || match path.server_name {
        Some(_) => at_pods(path).iter().any(|(_, made)| made.succeeded()),
        None => without_sni::resets_are_over(path.evidence) || without_sni::is_served_where_it_was_reset(path.evidence),
    };
    if resets.count > 0 && !is_over() {
        let why = facts.remove(0);
        return Link::broken(LinkKey::Client, why).with_facts(facts);
    }
    Link::ok(LinkKey::Client, facts)
}

pub(super) fn dns(path: Path<'_>) -> Link {
    let Some(name) = path.server_name else {
        return Link::not_applicable(LinkKey::Dns, "clients without SNI may use any name or address");
    };
    let endpoints: Vec<&Endpoint> = endpoints(path.evidence)
        .iter()
        .filter(|endpoint| endpoint.place == EndpointOrigin::Dns && endpoint.host.as_deref() == Some(name))
        .collect();
    let addresses: Vec<String> =
        endpoints.iter().filter_map(|endpoint| endpoint.address).map(|address| address.to_string()).collect();
    if !addresses.is_empty() {
        let mut facts = vec![format!("{name} has {}", some_of(&addresses))];
        let services = facts::services(path.evidence).unwrap_or_default();
        let known: Vec<&String> = services.iter().flat_map(|service| &service.addresses).collect();
        let elsewhere: Vec<&String> = addresses.iter().filter(|address| !known.contains(address)).collect();
        if !known.is_empty() && !elsewhere.is_empty() {
            let names: Vec<&str> = elsewhere.iter().map(|address| address.as_str()).collect();
            facts.push(format!("not an address of a Service of the ingress: {}", some_of(&names)));
        }
        return Link::ok(LinkKey::Dns, facts);
    }
    let failure = endpoints
        .iter()
        .flat_map(|endpoint| &endpoint.handshakes)
        .filter_map(|handshake| handshake.failure.as_ref())
        .find(|failure| failure.stage == Stage::Lookup);
    match failure {
        // Clients may have another resolver.
        Some(failure) => Link::unknown(LinkKey::Dns, format!("{name} looked up from here: {failure}")),
        None => Link::not_applicable(LinkKey::Dns, format!("{name} was not looked up")),
    }
}

pub(super) fn load_balancer(path: Path<'_>) -> Link {
    let key = LinkKey::LoadBalancer;
    let services = match facts::services(path.evidence) {
        Ok(services) => services,
        Err(why) => return Link::unseen(key, &why),
    };
    let balanced: Vec<_> = services.into_iter().filter(|service| service.kind == "LoadBalancer").collect();
    if balanced.is_empty() {
        return Link::not_applicable(key, "no Service of the ingress has type LoadBalancer");
    }
    let names = || balanced.iter().map(|service| service.name.as_str());
    if balanced.iter().all(|service| service.addresses.is_empty()) {
        let why = format!("Service {} has no address of a load balancer", some_of(&names().collect::<Vec<_>>()));
        // Clients may come another way, as those of an internal address or a NodePort do.
        return Link::unknown(key, why).at(path, Kind::Service, names());
    }
    let made: Vec<(&Endpoint, &Handshake)> = handshakes(path)
        .into_iter()
        .filter(|(endpoint, _)| matches!(endpoint.place, EndpointOrigin::Service { .. }))
        .collect();
    let facts: Vec<String> =
        made.iter().map(|(endpoint, made)| format!("{}: {}", endpoint.name(), end_of(made))).collect();
    let link = if made.is_empty() {
        Link::not_applicable(key, format!("no handshake {} was made with it", path.sni()))
    } else if made.iter().any(|(_, made)| made.succeeded()) {
        Link::ok(key, facts.clone())
    } else if made.iter().all(|(_, made)| is_unreached(made)) {
        Link::unknown(key, "it cannot be reached from here")
    } else if at_pods(path).iter().any(|(_, made)| made.succeeded()) {
        Link::broken(key, "it does not serve what the ingress pods serve")
    } else {
        Link::ok(key, facts.clone())
    };
    link.with_facts(facts).at(path, Kind::Service, names())
}

pub(super) fn service(path: Path<'_>) -> Link {
    let key = LinkKey::Service;
    let services = match facts::services(path.evidence) {
        Ok(services) => services,
        Err(why) => return Link::unseen(key, &why),
    };
    let names = || services.iter().map(|service| service.name.as_str());
    let facts = services
        .iter()
        .map(|service| {
            let port = service.ports.iter().find(|port| port.number == HTTPS);
            let port = port.map_or_else(|| "no port 443".into(), |port| format!("port 443 to {}", port.target));
            let policy = service.external_traffic_policy.as_deref();
            let policy = policy.map_or_else(String::new, |policy| format!(", externalTrafficPolicy {policy}"));
            format!("{} {}, {port}{policy}", service.kind, service.name)
        })
        .collect();
    let has_port = services.iter().any(|service| service.ports.iter().any(|port| port.number == HTTPS));
    let link = match services.is_empty() {
        true => Link::broken(key, "no Service selects the ingress pods"),
        false if !has_port => Link::broken(key, "no Service of the ingress has port 443"),
        false => Link::ok(key, Vec::new()),
    };
    link.with_facts(facts).at(path, Kind::Service, names())
}

pub(super) fn pod(path: Path<'_>) -> Link {
    let key = LinkKey::Pod;
    let pods = match facts::pods(path.evidence) {
        Ok(pods) => pods,
        Err(why) => return Link::unseen(key, &why),
    };
    let names = || pods.iter().map(|pod| pod.name.as_str());
    let running = pods.iter().filter(|pod| pod.is_running()).count();
    let link = match (pods.len(), running) {
        (0, _) => Link::broken(key, format!("no pod has {}", path.evidence.question.selector())),
        (_, 0) => Link::broken(key, "no ingress pod is running and ready"),
        (all, running) => {
            Link::ok(key, vec![format!("{running} of {all} running: {}", endings(path, &names().collect::<Vec<_>>()))])
        }
    };
    link.at(path, Kind::Pod, names())
}

/// What Envoy has for such clients, and what handshakes of this run met.
pub(super) fn filter_chain(path: Path<'_>) -> Link {
    let key = LinkKey::FilterChain;
    let pods: Vec<&IngressPod> = match facts::pods(path.evidence) {
        Ok(pods) => pods.into_iter().filter(|pod| pod.is_running()).collect(),
        Err(why) => return Link::unseen(key, &why),
    };
    if pods.is_empty() {
        return Link::not_applicable(key, "no ingress pod is running");
    }
    let made = at_pods(path);
    let envoys = envoy::of_pods(path.evidence).unwrap_or_default();
    let (mut without, mut refusing, mut unseen, mut served) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut chains: Vec<String> = Vec::new();
    for pod in &pods {
        let listeners = envoys.iter().find(|(known, _)| known.name == pod.name).map(|(_, envoy)| &envoy.listeners);
        let mut has_condition = false;
        let chain = match listeners {
            Some(Seen::Seen(listeners)) => {
                let all = envoy::chains(path.evidence, listeners);
                let found = all.iter().find(|chain| match path.server_name {
                    Some(name) => chain.matches(name),
                    None => chain.matches_without_sni(),
                });
                chains.extend(found.and_then(|chain| chain.name.clone()));
                // A chain with a condition may serve this machine and not all clients.
                has_condition = all.iter().any(|chain| chain.conditional);
                Some(found.is_some())
            }
            Some(Seen::Unavailable(_)) | None => None,
        };
        let handshake = made.iter().find(|(name, made)| *name == pod.name && !made.was_lost()).map(|(_, made)| *made);
        match (chain, handshake) {
            // A handshake that was served has had a filter chain, whatever Envoy reported.
            (Some(false), Some(made)) if made.succeeded() && !has_condition => served += 1,
            (Some(false), _) => without.push(pod.name.as_str()),
            (_, Some(made)) if made.succeeded() || is_as_declared(path, made) => served += 1,
            (_, Some(made)) if !is_unreached(made) => refusing.push((pod.name.as_str(), made)),
            (Some(true), _) => {}
            (None, _) => unseen.push(pod.name.as_str()),
        }
    }
    chains.sort();
    chains.dedup();
    let all = pods.len();
    let mut facts = Vec::new();
    if !chains.is_empty() {
        facts.push(format!("filter chain {}", some_of(&chains)));
    }
    if !made.is_empty() {
        let refused = made.iter().filter(|(_, made)| !made.succeeded()).map(|(_, made)| end_of(made)).next();
        let rest = refused.map_or_else(String::new, |how| format!("; otherwise {how}"));
        facts.push(format!("handshakes of this run {}: {served} of {} served{rest}", path.sni(), made.len()));
    }
    let of_all =
        |some: usize| if some == all { format!("{all} of {all} pods") } else { format!("{some} of {all} pods") };
    let link = if !without.is_empty() {
        let which = if without.len() == all { String::new() } else { format!(": {}", endings(path, &without)) };
        let why = format!("none {} in {}{which}", path.sni(), of_all(without.len()));
        Link::broken(key, why).at(path, Kind::Pod, without)
    } else if let Some((_, made)) = refusing.first() {
        let names: Vec<&str> = refusing.iter().map(|(name, _)| *name).collect();
        let why = format!("handshakes {} are {} at {}", path.sni(), end_of(made), of_all(names.len()));
        Link::broken(key, why).at(path, Kind::Pod, names)
    } else if !unseen.is_empty() {
        let why = format!("neither Envoy's listeners nor a handshake were seen at {}", endings(path, &unseen));
        Link::unknown(key, why).at(path, Kind::Pod, unseen)
    } else {
        Link::ok(key, Vec::new())
    };
    link.with_facts(facts)
}

/// Lists pods by the ends of their names.
fn endings(path: Path<'_>, pods: &[&str]) -> String {
    let known = facts::pods(path.evidence).unwrap_or_default();
    let known: Vec<&str> = known.iter().map(|pod| pod.name.as_str()).collect();
    some_of(&pods.iter().map(|pod| ending(pod, &known)).collect::<Vec<_>>())
}

/// The server demands a client certificate, as the route declares, and this run has none.
fn is_as_declared(path: Path<'_>, made: &Handshake) -> bool {
    let Seen::Seen(probes) = &path.evidence.probes else { return false };
    let demanded = probed::all(probes).any(|probe| {
        std::ptr::eq(probe.1, made) && probed::ending_of(probes, probe) == probed::Ending::CertificateDemanded
    });
    demanded && probed::is_declared_mutual(path.evidence, made)
}

fn endpoints(evidence: &Evidence) -> &[Endpoint] {
    match &evidence.probes {
        Seen::Seen(probes) => &probes.endpoints,
        Seen::Unavailable(_) => &[],
    }
}

/// The handshakes of this run with the client's SNI.
fn handshakes(path: Path<'_>) -> Vec<(&Endpoint, &Handshake)> {
    let has_sni = |made: &Handshake| match path.server_name {
        Some(name) => made.kind == ClientHelloKind::Named && made.server_name.as_deref() == Some(name),
        None => made.kind == ClientHelloKind::WithoutSni,
    };
    let all = endpoints(path.evidence).iter();
    all.flat_map(|endpoint| endpoint.handshakes.iter().map(move |made| (endpoint, made)))
        .filter(|(_, made)| has_sni(made))
        .collect()
}

fn at_pods(path: Path<'_>) -> Vec<(&str, &Handshake)> {
    let made = handshakes(path).into_iter();
    made.filter_map(|(endpoint, made)| match &endpoint.place {
        EndpointOrigin::Pod { pod } => Some((pod.as_str(), made)),
        EndpointOrigin::Dns | EndpointOrigin::Given | EndpointOrigin::Service { .. } => None,
    })
    .collect()
}

/// Neither the connection nor a proxy got as far as TLS, or the way broke: nothing is known of the other end.
fn is_unreached(made: &Handshake) -> bool {
    made.was_lost() || made.failure.as_ref().is_some_and(|failure| failure.stage <= Stage::Proxy)
}

fn end_of(made: &Handshake) -> String {
    made.failure.as_ref().map_or_else(|| "served".into(), ToString::to_string)
}
