//! Explains why an SNI that a route declares is refused: a fault of the route or its Secret, pods of another
//! gateway, a load balancer that leads elsewhere, or a gateway that lags behind.

use std::collections::BTreeMap;

use super::super::relations::{NAME_REFUSED, leaves_no_record};
use super::all_of;
use super::facts_on::{Facts, facts_on};
use crate::checks::facts::probed::{self, Ending};
use crate::checks::facts::{self, captured};
use crate::checks::{CheckResult, codes};
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Failure};
use crate::evidence::hybrid::{Route, selects};
use crate::evidence::{Evidence, LogOrigin, Seen};
use crate::verdict::{Cause, Certainty};

/// The endpoints where probes with one SNI were refused.
#[derive(Default)]
struct Refusals<'a> {
    pods: Vec<&'a str>,
    in_front: Vec<String>,
    how: Option<&'a Failure>,
    /// Clients were reset too, according to an access log or a capture.
    seen_of_clients: bool,
}

/// Returns one cause for each declared SNI that was refused, to clients or to probes.
pub(super) fn refused(evidence: &Evidence, all: &[CheckResult]) -> Vec<Cause> {
    let routes = facts::routes(evidence).unwrap_or_default();
    let mut names: BTreeMap<&str, Refusals<'_>> = reproduced(evidence);
    for name in facts::reset_names(evidence).into_keys().chain(captured::refused_names(evidence)) {
        names.entry(name).or_default().seen_of_clients = true;
    }
    let of_routes = names.into_iter().filter_map(|(name, refusals)| {
        Some((name, *routes.iter().find(|route| facts::declares(route, name))?, refusals))
    });
    of_routes.map(|(name, route, refusals)| cause(evidence, name, route, &refusals, all)).collect()
}

fn cause(evidence: &Evidence, name: &str, route: &Route, refusals: &Refusals<'_>, all: &[CheckResult]) -> Cause {
    let mut seen = Vec::new();
    if let (Some(how), false) = (refusals.how, refusals.pods.is_empty()) {
        let pods = facts::some_of(&refusals.pods);
        seen.push(format!("reproduced: a handshake with SNI {name} at {pods} is {how}"));
    }
    let Facts { mut codes, mut reasons, messages } = facts_on(all, route, &NAME_REFUSED, &refusals.pods);
    seen.extend(messages);
    let pods = facts::pods(evidence).unwrap_or_default();
    let elsewhere: Vec<&str> = pods
        .iter()
        .filter(|pod| !route.selector.is_empty() && !selects(&route.selector, &pod.labels))
        .map(|pod| pod.name.as_str())
        .filter(|pod| was_reset_at(evidence, pod, name))
        .collect();
    let served = is_served_at_pods(evidence, name);
    let (certainty, verb, why) = if !codes.is_empty() {
        // An Envoy without the route is what the other faults lead to.
        let lacking = codes.iter().position(|code| *code == codes::ROUTE_NOT_IN_GATEWAY);
        if let (Some(i), true) = (lacking, reasons.len() > 1) {
            reasons.remove(i);
        }
        (Certainty::Established, "are reset", all_of(&reasons))
    } else if !elsewhere.is_empty() {
        seen.push(format!("{} not selected: {}", facts::count(elsewhere.len() as u64, "pod"), elsewhere.join(", ")));
        let pods = facts::some_of(&elsewhere);
        (Certainty::Established, "are reset", format!("ApigeeRoute {} does not select {pods}", route.name))
    } else if served && !refusals.in_front.is_empty() {
        let places = refusals.in_front.join(", ");
        codes.push(codes::LOAD_BALANCER_DIFFERS);
        seen.push(format!("the pods serve SNI {name}; it is refused at {places}"));
        (Certainty::Established, "are refused", format!("{places} does not lead to the ingress pods"))
    } else if served {
        seen.push(format!("a handshake of this run with SNI {name} is served by the pods"));
        (
            Certainty::Likely,
            "were reset",
            format!("the gateway lacked ApigeeRoute {} then; it serves it now", route.name),
        )
    } else {
        (Certainty::Likely, "are reset", format!("the gateway lacks ApigeeRoute {}", route.name))
    };
    let verb = match refusals.seen_of_clients {
        true => verb,
        // No log can show the clients: what the probe met is what they meet.
        false if leaves_no_record(&codes) => "are refused",
        false => "would be refused",
    };
    Cause {
        symptom: None,
        codes,
        certainty,
        statement: format!("Clients for {name} {verb}, because {why}"),
        evidence: seen,
    }
}

/// Returns the SNI of probes that were refused.
fn reproduced(evidence: &Evidence) -> BTreeMap<&str, Refusals<'_>> {
    let Seen::Seen(probes) = &evidence.probes else { return BTreeMap::new() };
    let mut names: BTreeMap<&str, Refusals<'_>> = BTreeMap::new();
    for ((endpoint, handshake), failure) in probed::ended(probes, Ending::ServerNameRefused) {
        let Some(name) = handshake.server_name.as_deref() else { continue };
        let refusals = names.entry(name).or_default();
        match &endpoint.place {
            EndpointOrigin::Pod { pod } => {
                refusals.how = refusals.how.or(Some(failure));
                refusals.pods.push(pod);
            }
            _ => refusals.in_front.push(endpoint.name()),
        }
    }
    names
}

/// The pods served every probe with this SNI, and there was at least one.
fn is_served_at_pods(evidence: &Evidence, name: &str) -> bool {
    let Seen::Seen(probes) = &evidence.probes else { return false };
    let mut at_pods = probed::all(probes)
        .filter(|(endpoint, handshake)| {
            matches!(endpoint.place, EndpointOrigin::Pod { .. })
                && handshake.kind == ClientHelloKind::Named
                && handshake.server_name.as_deref() == Some(name)
        })
        .peekable();
    at_pods.peek().is_some() && at_pods.all(|(_, handshake)| handshake.succeeded())
}

fn was_reset_at(evidence: &Evidence, pod: &str, name: &str) -> bool {
    facts::logs(evidence).any(|(origin, log)| {
        matches!(origin, LogOrigin::Container { pod: known, .. } if known == pod)
            && log.reset_with_sni.server_names.contains_key(name)
    })
}
