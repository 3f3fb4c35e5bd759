//! AT528: TLS versions or cipher suites of the gateway differ from those of an ApigeeRoute.

use crate::checks::facts::{self, envoy, probed, protocol_limits};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::handshake::Endpoint;
use crate::evidence::hybrid::{Route, Tls, selects};
use crate::evidence::{Evidence, Seen, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT528"),
    name: "protocol-limits-unmet",
    level: Level::Warning,
    summary: "TLS versions or cipher suites of the gateway differ from those of an ApigeeRoute",
    explanation: Explanation {
        looks_for: "minProtocolVersion, maxProtocolVersion and cipherSuites of each ApigeeRoute. They are \
            compared with the filter chain of its hostnames in each pod's Envoy, if that states any. They \
            are also compared with the versions that handshakes negotiated or a scan (--full) found.",
        matters: "Clients get more or less than the virtual host allows. Either old clients are refused that \
            should be served, or a version is open that should be closed.",
        fix: "Check that the route matches the virtual host (AT307, AT308). Then check that the gateway has \
            the route: see apigee-ingressgateway-manager.",
    },
    reference: "Apigee hybrid configuration property reference: minTLSProtocolVersion, \
        maxTLSProtocolVersion, cipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    // One of the two sources is enough. Without both, nothing is known.
    if let (Err(why), Err(_)) = (envoy::gateways(evidence), evidence.probes.seen()) {
        return Err(why);
    }
    let routes = facts::routes(evidence)?;
    let limited: Vec<(&Route, &Tls)> = routes
        .iter()
        .flat_map(|route| route.ports.iter().filter_map(|port| Some((*route, port.tls.as_ref()?))))
        .filter(|(_, tls)| protocol_limits::has_any(tls))
        .collect();
    if limited.is_empty() {
        return Ok(Outcome::Passed("no ApigeeRoute limits versions or cipher suites".into()));
    }
    let mut findings = Vec::new();
    for (route, tls) in &limited {
        findings.extend(in_gateways(evidence, route, tls));
        findings.extend(in_handshakes(evidence, route, tls));
    }
    if findings.is_empty() {
        limited.iter().try_for_each(|(route, _)| was_looked_at(evidence, route))?;
    }
    Ok(Outcome::of(findings, "the gateways keep to the versions and cipher suites of the ApigeeRoutes"))
}

fn in_gateways(evidence: &Evidence, route: &Route, tls: &Tls) -> Vec<Finding> {
    let mut found: Vec<((String, String), Vec<&str>)> = Vec::new();
    for (pod, gateway) in envoy::of_pods(evidence).unwrap_or_default() {
        let (true, Seen::Seen(listeners)) = (selects(&route.selector, &pod.labels), &gateway.listeners) else {
            continue;
        };
        let chains = envoy::chains(evidence, listeners);
        let met = route.hostnames.iter().filter_map(|hostname| protocol_limits::chain_of(&chains, hostname));
        for difference in met.flat_map(|chain| protocol_limits::in_chain(tls, chain)) {
            match found.iter_mut().find(|(known, _)| *known == difference) {
                Some((_, pods)) if pods.contains(&pod.name.as_str()) => {}
                Some((_, pods)) => pods.push(&pod.name),
                None => found.push((difference, vec![&pod.name])),
            }
        }
    }
    found
        .into_iter()
        .map(|((has, says), pods)| {
            let pod_names = facts::some_of(&pods);
            finding(
                route,
                format!("Envoy has {has}, but ApigeeRoute {} has {says}: {pod_names}", route.name),
                has,
                says,
            )
            .concerning(pods)
        })
        .collect()
}

/// Nothing, where the Envoys of all pods of the route were seen, or a handshake or a whole scan of one of its
/// names.
fn was_looked_at(evidence: &Evidence, route: &Route) -> Result<(), Unavailable> {
    let Err(why) = envoy::every_envoy_queried(evidence) else { return Ok(()) };
    let Seen::Seen(probes) = &evidence.probes else { return Err(why) };
    let is_scanned = |endpoint: &Endpoint| match &endpoint.scan {
        Seen::Seen(scan) => scan.versions.iter().all(|version| version.cut.is_none()),
        Seen::Unavailable(_) => true,
    };
    let is_seen = probed::all(probes).any(|(endpoint, handshake)| {
        let of_route = handshake.server_name.as_deref().is_some_and(|name| facts::declares(route, name));
        of_route && handshake.session.is_some() && is_scanned(endpoint)
    });
    if is_seen { Ok(()) } else { Err(why) }
}

fn in_handshakes(evidence: &Evidence, route: &Route, tls: &Tls) -> Vec<Finding> {
    let Seen::Seen(probes) = &evidence.probes else { return Vec::new() };
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for endpoint in &probes.endpoints {
        let beyond = protocol_limits::beyond(route, tls, endpoint).join(", ");
        match found.iter_mut().find(|(known, _)| *known == beyond) {
            _ if beyond.is_empty() => {}
            Some((_, endpoints)) => endpoints.push(endpoint.name()),
            None => found.push((beyond, vec![endpoint.name()])),
        }
    }
    found
        .into_iter()
        .map(|(beyond, endpoints)| {
            let (says, endpoints) = (protocol_limits::versions(tls), probed::names(endpoints.into_iter()));
            let message = format!("{endpoints}: {beyond} is accepted, but ApigeeRoute {} has {says}", route.name);
            finding(route, message, beyond, says)
        })
        .collect()
}

fn finding(route: &Route, message: String, observed: String, expected: String) -> Finding {
    Finding::new(
        Object::new(Kind::ApigeeRoute, &route.name),
        Location::field("spec.ports[].tls"),
        message,
        observed,
        expected,
    )
}
