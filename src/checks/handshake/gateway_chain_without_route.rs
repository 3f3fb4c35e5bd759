//! AT527: Envoy serves server names that no ApigeeRoute has.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::facts::{self, envoy};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::{Evidence, Seen};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT527"),
    name: "gateway-chain-without-route",
    level: Level::Warning,
    summary: "The Envoy of an ingress pod serves names that no ApigeeRoute has",
    explanation: Explanation {
        looks_for: "The server names of the filter chains that terminate TLS, compared with the hostnames of \
            all ApigeeRoutes, including internal-chaining ones. Also a filter chain without server names, if \
            no ApigeeRoute has hostname *.",
        matters: "The gateway has an old configuration, or one from another source. Clients that depend on \
            it fail after the next configuration push or the next restart of the pod.",
        fix: "Check apigee-ingressgateway-manager. If the name should be served, declare it in an \
            environment group. Otherwise restart the pods and confirm that the filter chain is gone.",
    },
    reference: "Istio: each HTTPS server of a Gateway becomes a filter chain with server_names of its hosts",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let gateways = envoy::gateways(evidence)?;
    let routes = &evidence.routes.seen()?.items;
    let with_tls = routes.iter().filter(|route| !route.is_without_tls());
    let known: BTreeSet<String> =
        with_tls.flat_map(|route| &route.hostnames).map(|hostname| hostname.to_ascii_lowercase()).collect();
    let mut foreign: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for gateway in &gateways {
        let Seen::Seen(listeners) = &gateway.listeners else { continue };
        let chains = envoy::chains(evidence, listeners);
        let names = chains.iter().flat_map(|chain| &chain.server_names).map(|name| name.to_ascii_lowercase());
        let everybody = chains.iter().any(|chain| chain.matches_without_sni()).then(|| "*".to_owned());
        let distinct: BTreeSet<String> = names.chain(everybody).filter(|name| !known.contains(name)).collect();
        for name in distinct {
            foreign.entry(name).or_default().push(&gateway.pod);
        }
    }
    let findings: Vec<Finding> = foreign.iter().map(|(name, pods)| finding(name, pods)).collect();
    if findings.is_empty() {
        envoy::every_envoy_queried(evidence)?;
        if gateways.is_empty() {
            return Ok(Outcome::NotApplicable("no ingress pod's Envoy was queried".into()));
        }
    }
    Ok(Outcome::of(findings, "Envoy serves only names that an ApigeeRoute has"))
}

fn finding(name: &str, pods: &[&str]) -> Finding {
    let pod_names = facts::some_of(pods);
    let message = match name {
        "*" => format!("Envoy accepts clients without SNI, but no ApigeeRoute has hostname *: {pod_names}"),
        _ => format!("Envoy serves {name}, which no ApigeeRoute has: {pod_names}"),
    };
    Finding {
        objects: pods.iter().map(|pod| Object::new(Kind::Pod, *pod)).collect(),
        location: Location::Listeners { pods: Vec::new() },
        pods: pods.iter().map(ToString::to_string).collect(),
        message,
        observed: "a filter chain".into(),
        expected: "an ApigeeRoute with this hostname, or no such chain".into(),
    }
}
