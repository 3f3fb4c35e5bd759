//! AT502: no address of a host can be reached, so that no handshake begins.
//!
//! If another address of the host answers, AT523 reports the difference.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{Endpoint, EndpointOrigin, Failure, How, Probes, Stage};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT502"),
    name: "endpoint-unreachable",
    level: Level::Error,
    summary: "An endpoint cannot be reached, so that no handshake begins",
    explanation: Explanation {
        looks_for: "Handshakes with an endpoint of `probe`, or with a pod, that ended before any TLS byte. \
            The name was not found or has no address; the connection was refused, reset or not answered; or \
            a proxy opened no tunnel. A host with several addresses is reported only if none can be reached.",
        matters: "Clients in the place where this program ran cannot connect at all. This is not a TLS \
            fault: certificates and SNI are not involved yet.",
        fix: "Correct the DNS name, the firewall, the port of the Service, or the proxy. For a pod, check \
            that the gateway listens on that port.",
    },
    reference: "RFC 9293 (TCP); Apigee Edge \"TLS/SSL handshake failures\": no answer to the TCP connection \
        is no handshake",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::once_per_endpoint(probed::ended(probes, Ending::Unreachable))
        .filter(|((endpoint, _), _)| is_judged(&endpoint.place))
        .filter(|((endpoint, _), _)| !another_address_answers(probes, endpoint))
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("cannot be reached: {}", reason(probes, failure)),
            observed: failure.to_string(),
            expected: "a connection".into(),
        })
        .collect();
    let tried: Vec<&EndpointOrigin> =
        probed::requested(probes).map(|(endpoint, _)| &endpoint.place).filter(|place| is_judged(place)).collect();
    let nothing = if tried.is_empty() { Some("no handshake with a pod was requested") } else { None };
    let seen =
        if tried.contains(&&EndpointOrigin::Given) { "every host is reachable" } else { "every pod is reachable" };
    probed::judgement_if_seen(probes, probed::by_host(faults), seen, nothing)
}

/// Services and DNS names are judged by AT529: clients may be elsewhere and reach what this machine cannot.
fn is_judged(place: &EndpointOrigin) -> bool {
    matches!(place, EndpointOrigin::Given | EndpointOrigin::Pod { .. })
}

/// Returns whether another address of the same host answers: of the same Service, DNS name or command-line
/// host.
fn another_address_answers(probes: &Probes, endpoint: &Endpoint) -> bool {
    !matches!(endpoint.place, EndpointOrigin::Pod { .. })
        && probed::all(probes).any(|(other, handshake)| {
            (&other.place, &other.host, other.port) == (&endpoint.place, &endpoint.host, endpoint.port)
                && other.address != endpoint.address
                && !matches!(probed::ending_of(probes, (other, handshake)), Ending::Lost | Ending::Unreachable)
        })
}

fn reason(probes: &Probes, failure: &Failure) -> String {
    match (&failure.how, failure.stage) {
        (How::TimedOut { .. }, Stage::Connect) => {
            format!("{failure}; a firewall may drop the packets, or no way leads back")
        }
        (How::ProxyRefused { .. } | How::TimedOut { .. }, Stage::Proxy) => match &probes.question.via_proxy {
            Some(proxy) => format!("{failure} (proxy {proxy})"),
            None => failure.to_string(),
        },
        _ => failure.to_string(),
    }
}
