//! AT526: the Envoy of an ingress pod lacks a filter chain for an ApigeeRoute.

use crate::checks::facts::{self, envoy, loaded};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::gateway::FilterChain;
use crate::evidence::handshake::ClientHelloKind;
use crate::evidence::hybrid::{IngressPod, Route, selects};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT526"),
    name: "route-not-in-gateway",
    level: Level::Error,
    summary: "The Envoy of an ingress pod has no filter chain for an ApigeeRoute that selects the pod",
    explanation: Explanation {
        looks_for: "The listeners of each running pod's Envoy, compared with the ApigeeRoutes that select \
            the pod. No filter chain accepts a hostname of the route. Or the route has hostname * and no \
            known obstacle, and no filter chain accepts connections without SNI.",
        matters: "Envoy's listeners decide what clients get: they are reset for that name, or without SNI. \
            The route was not distributed to this pod yet, or not at all.",
        fix: "Check apigee-ingressgateway-manager: its pods, their logs, and the state of the ApigeeRoute. \
            If only one pod is behind, delete it so that it is recreated.",
    },
    reference: "Istio: each HTTPS server of a Gateway becomes a filter chain, and hosts with * one without \
        server_names",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    envoy::gateways(evidence)?;
    let routes = facts::routes(evidence)?;
    let mut lacking: Vec<(&Route, String, Vec<&str>)> = Vec::new();
    let mut contradicted = None;
    let mut judged = 0;
    for (pod, gateway) in envoy::of_pods(evidence)? {
        let Ok(listeners) = gateway.listeners.seen() else { continue };
        let chains = envoy::chains(evidence, listeners);
        for route in routes.iter().filter(|route| selects(&route.selector, &pod.labels)) {
            for hostname in route.hostnames.iter().filter(|_| route.ports.iter().any(facts::terminates_https)) {
                judged += 1;
                if has_chain(evidence, route, hostname, &chains) {
                    continue;
                }
                if is_served(evidence, pod, hostname) && !chains.iter().any(|chain| chain.conditional) {
                    contradicted.get_or_insert_with(|| contradiction(pod, hostname));
                    continue;
                }
                match lacking.iter_mut().find(|(known, name, _)| known.name == route.name && name == hostname) {
                    Some((_, _, pods)) => pods.push(&pod.name),
                    None => lacking.push((route, hostname.clone(), vec![&pod.name])),
                }
            }
        }
    }
    let findings: Vec<Finding> = lacking.iter().map(|(route, hostname, pods)| finding(route, hostname, pods)).collect();
    if findings.is_empty() {
        envoy::every_envoy_queried(evidence)?;
        if let Some(why) = contradicted {
            return Err(why);
        }
        if judged == 0 {
            return Ok(Outcome::NotApplicable("no ApigeeRoute selects a running ingress pod".into()));
        }
    }
    Ok(Outcome::of(findings, "the Envoy of every ingress pod has a filter chain for each route that selects it"))
}

fn has_chain(evidence: &Evidence, route: &Route, hostname: &str, chains: &[&FilterChain]) -> bool {
    if hostname == "*" {
        // Other checks report obstacles of the wildcard route.
        return chains.iter().any(|chain| chain.matches_without_sni())
            || !facts::wildcard_obstacles(evidence, route).is_empty();
    }
    let name = envoy::server_name(hostname);
    chains.iter().any(|chain| chain.matches(&name))
}

/// Whether the pod served a client of this hostname in this run: then it has a filter chain for it, whatever
/// Envoy reported.
fn is_served(evidence: &Evidence, pod: &IngressPod, hostname: &str) -> bool {
    loaded::handshakes(evidence, pod).filter(|handshake| handshake.succeeded()).any(|handshake| match hostname {
        "*" => handshake.kind == ClientHelloKind::WithoutSni,
        name => handshake.server_name.as_ref().is_some_and(|sent| sent.eq_ignore_ascii_case(name)),
    })
}

fn contradiction(pod: &IngressPod, hostname: &str) -> Unavailable {
    let without = match hostname {
        "*" => "connections without SNI, and a handshake without SNI was served".to_owned(),
        name => format!("{name}, and a handshake with this name was served"),
    };
    let why = Reason::Broken(format!("they have no filter chain for {without}"));
    Unavailable::new(format!("the listeners of Envoy in pod {}", pod.name), why)
}

fn finding(route: &Route, hostname: &str, pods: &[&str]) -> Finding {
    let (what, expected) = match hostname {
        "*" => ("connections without SNI", "a filter chain without server_names"),
        name => (name, "a filter chain with this name"),
    };
    Finding::new(
        Object::new(Kind::ApigeeRoute, &route.name),
        Location::Listeners { pods: pods.iter().map(ToString::to_string).collect() },
        format!(
            "Envoy has no filter chain for {what}, which ApigeeRoute {} requires: {}",
            route.name,
            facts::some_of(pods)
        ),
        format!("none in {}", facts::count(pods.len() as u64, "pod")),
        expected,
    )
    .concerning(pods.iter().copied())
}
