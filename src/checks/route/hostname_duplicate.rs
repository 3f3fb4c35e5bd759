//! AT216: two routes have the same hostname on the same port and pods.

use std::collections::BTreeMap;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::hybrid::Route;
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT216"),
    name: "hostname-duplicate",
    level: Level::Warning,
    summary: "Two ApigeeRoutes have the same hostname on the same port and pods",
    explanation: Explanation {
        looks_for: "A hostname, exact or such as *.example.com, that two ApigeeRoutes have on one TLS port, \
            and that select a common pod: routes of two organizations, or a route made by hand beside that \
            of an environment group. Routes of one environment group share its hostnames. AT206 judges the \
            hostname *.",
        matters: "The gateway has one filter chain for a server name. It serves the route that was created \
            first, with the certificate and the TLS settings of that route. The other route is never used: \
            its clients get the wrong certificate, or 404.",
        fix: "Keep the hostname in one of the two routes. Remove it from the environment group of the other \
            one, or delete that route if it was made by hand. If both must have it, give each an ingress \
            gateway of its own and a selector for that.",
    },
    reference: "Istio pilot/pkg/model/gateway.go, MergeGateways: of two TLS servers with one host on one \
        port, that of the older Gateway is kept",
    judge,
};

/// A route that is not used for some hostnames, and the one that is used.
struct Pair<'a> {
    kept: &'a Route,
    dropped: &'a Route,
    hostnames: Vec<String>,
}

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::by_age(facts::routes(evidence)?);
    let mut users: BTreeMap<(u16, String), Vec<&Route>> = BTreeMap::new();
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let mut unknown = None;
    for &route in &routes {
        for hostname in route.hostnames.iter().filter(|hostname| *hostname != "*") {
            for number in facts::tls_ports(route) {
                let hostname = hostname.to_ascii_lowercase();
                let known = users.entry((number, hostname.clone())).or_default();
                // apigee-watcher spreads the base paths of a large group over several routes.
                for &kept in known.iter().filter(|kept| kept.group() != route.group()) {
                    match facts::known_to_share_pods(evidence, kept, route) {
                        Some(true) => note(&mut pairs, kept, route, &hostname),
                        Some(false) => {}
                        None => unknown = Some((kept, route)),
                    }
                }
                known.push(route);
            }
        }
    }
    if let (true, Some((kept, route))) = (pairs.is_empty(), unknown) {
        let what = format!("whether ApigeeRoutes {} and {} select a common pod", kept.name, route.name);
        return Err(Unavailable::new(what, Reason::Missing("no ingress pod was seen".into())));
    }
    Ok(Outcome::of(pairs.iter().map(finding).collect(), "every hostname belongs to one route on its pods"))
}

fn note<'a>(pairs: &mut Vec<Pair<'a>>, kept: &'a Route, dropped: &'a Route, hostname: &str) {
    match pairs.iter_mut().find(|pair| pair.kept.name == kept.name && pair.dropped.name == dropped.name) {
        Some(pair) if pair.hostnames.iter().any(|known| known == hostname) => {}
        Some(pair) => pair.hostnames.push(hostname.to_owned()),
        None => pairs.push(Pair { kept, dropped, hostnames: vec![hostname.to_owned()] }),
    }
}

fn finding(pair: &Pair<'_>) -> Finding {
    let Pair { kept, dropped, hostnames } = pair;
    let names = facts::some_of(&hostnames.iter().map(String::as_str).collect::<Vec<_>>());
    let secrets = |route: &Route| {
        let of_ports = route.ports.iter().filter_map(|port| port.tls.as_ref()?.credential_name.clone());
        let mut secrets: Vec<String> = of_ports.collect();
        secrets.dedup();
        secrets
    };
    let certificates = match (secrets(kept).as_slice(), secrets(dropped).as_slice()) {
        (one, other) if one == other => String::new(),
        (one, other) => format!(" with different certificates (Secrets {} and {})", one.join(", "), other.join(", ")),
    };
    let which = if facts::is_older(kept, dropped) {
        format!("only that of the older, {}, is served", kept.name)
    } else {
        "only one of them is served".to_owned()
    };
    Finding::new(
        Object::new(Kind::ApigeeRoute, &dropped.name),
        Location::field("spec.hostnames"),
        format!("ApigeeRoutes {} and {} both have hostname {names}{certificates}: {which}", kept.name, dropped.name),
        format!("{names} in two routes"),
        "one route for each hostname",
    )
}
