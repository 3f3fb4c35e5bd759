//! AT217: routes use one port of the same pods for different protocols.

use std::collections::BTreeMap;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::hybrid::{Port, Protocol, Route};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT217"),
    name: "port-protocol-conflict",
    level: Level::Warning,
    summary: "ApigeeRoutes use one port of the same pods for different protocols",
    explanation: Explanation {
        looks_for: "spec.ports of ApigeeRoutes that select a common pod, and of each ApigeeRoute alone: one \
            number with HTTP (HTTP, HTTP2, GRPC) and TLS (HTTPS, TLS), or with TCP and any other port. \
            Internal-chaining routes are left out.",
        matters: "A port of the gateway serves either plain HTTP, or TLS, or one TCP route. The gateway keeps \
            the route that was created first and drops that port of the other one. If the dropped port is \
            HTTPS, every handshake for its hostnames fails.",
        fix: "Give each protocol a port of its own, such as 80 for HTTP and 443 for HTTPS, in the ApigeeRoutes \
            and in the Service.",
    },
    reference: "Istio pilot/pkg/model/gateway.go, MergeGateways: servers on one port are merged if both are \
        plain HTTP, or both TLS",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::by_age(facts::routes(evidence)?);
    let mut users: BTreeMap<u16, Vec<(&Route, Protocol, &Port)>> = BTreeMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    let mut unknown = None;
    for &route in &routes {
        for port in &route.ports {
            let (Some(number), Some(protocol)) = (port.number, port.protocol()) else { continue };
            let known = users.entry(number).or_default();
            let mut rivals: Vec<&(&Route, Protocol, &Port)> =
                known.iter().filter(|(other, kept, _)| !can_share(*kept, protocol, other.name == route.name)).collect();
            rivals.sort_by_key(|(other, ..)| other.name != route.name);
            let mut is_dropped = false;
            for (kept, _, with) in rivals {
                match facts::known_to_share_pods(evidence, kept, route) {
                    Some(true) => {
                        findings.push(finding(number, (kept, with), (route, port)));
                        is_dropped = true;
                        break;
                    }
                    Some(false) => {}
                    None => unknown = Some((*kept, route)),
                }
            }
            if !is_dropped {
                known.push((route, protocol, port));
            }
        }
    }
    if let (true, Some((kept, route))) = (findings.is_empty(), unknown) {
        let what = format!("whether ApigeeRoutes {} and {} select a common pod", kept.name, route.name);
        return Err(Unavailable::new(what, Reason::Missing("no ingress pod was seen".into())));
    }
    Ok(Outcome::of(findings, "every port has one protocol"))
}

/// Returns whether one listener can serve both. Two TCP ports of one route are the same port.
fn can_share(one: Protocol, other: Protocol, is_same_route: bool) -> bool {
    one == other && (one != Protocol::Tcp || is_same_route)
}

fn finding(number: u16, (kept, with): (&Route, &Port), (dropped, port): (&Route, &Port)) -> Finding {
    let protocol = |port: &Port| port.protocol.clone().unwrap_or_default();
    let (kept_for, dropped_for) = (protocol(with), protocol(port));
    let message = if kept.name == dropped.name {
        format!("ApigeeRoute {} has port {number} for {kept_for} and for {dropped_for}", kept.name)
    } else {
        let which = if facts::is_older(kept, dropped) {
            format!("only that of the older, {}, is served", kept.name)
        } else {
            "only one of them is served".to_owned()
        };
        format!(
            "ApigeeRoute {} has port {number} for {kept_for}, ApigeeRoute {} for {dropped_for}: {which}",
            kept.name, dropped.name
        )
    };
    Finding::new(
        Object::new(Kind::ApigeeRoute, &dropped.name),
        Location::field("spec.ports"),
        message,
        format!("port {number} for {kept_for} and {dropped_for}"),
        "one protocol for each port",
    )
}
