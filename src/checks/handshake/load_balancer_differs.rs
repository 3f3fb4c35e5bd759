//! AT525: the address of a Service or DNS name answers differently from the pods.

use crate::checks::facts::answers;
use crate::checks::facts::probed::{self, Fault, Probe};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, EndpointOrigin, Probes};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT525"),
    name: "load-balancer-differs",
    level: Level::Warning,
    summary: "The load balancer or DNS address answers differently from the pods",
    explanation: Explanation {
        looks_for: "The same ClientHello, with and without SNI, at an address of the Service or of DNS and \
            at the pods. The pods agree, but the address ends the handshake differently or serves another \
            certificate.",
        matters: "Clients do not get what the ApigeeRoutes and the pods show. Either the address belongs to \
            another cluster or gateway, or a load balancer terminates TLS itself, with its own certificates \
            and limits.",
        fix: "Correct the DNS name or the address of the load balancer. If the load balancer is meant to \
            terminate TLS, check its own certificate and TLS policy, not those of the ingress.",
    },
    reference: "Apigee hybrid \"Exposing Apigee ingress\": the Service passes TLS through to the pods",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let answered: Vec<Probe<'_>> = probed::all(probes)
        .filter(|said| {
            is_in_front(said.0) && said.1.kind != ClientHelloKind::Unknown && answers::is_answer(probes, *said)
        })
        .collect();
    let compared: Vec<(Probe<'_>, Probe<'_>)> =
        answered.iter().filter_map(|probe| Some((*probe, at_pods(probes, *probe)?))).collect();
    let nothing = match (answered.is_empty(), compared.is_empty()) {
        (true, _) => Some("no address of a Service or DNS name answered"),
        (false, true) => Some("the pods gave no answer to the same ClientHello, or different ones"),
        (false, false) => None,
    };
    let faults = compared
        .into_iter()
        .filter(|(probe, pods)| answers::of(probes, *probe) != answers::of(probes, *pods))
        .map(|(probe, (_, pods))| {
            let (here, there) = (answers::describe(probe.1), answers::describe(pods));
            Fault {
                probe,
                what: format!("answers differently from the pods: here {here}, there {there}"),
                observed: here,
                expected: there,
            }
        })
        .collect();
    let seen = "the addresses of Services and DNS answer like the pods";
    probed::judgement_if_seen(probes, probed::by_host(faults), seen, nothing)
}

fn is_in_front(endpoint: &Endpoint) -> bool {
    matches!(endpoint.place, EndpointOrigin::Service { .. } | EndpointOrigin::Dns)
}

/// Returns the answer of the pods to the same ClientHello, if all agree. If it was requested at some pods,
/// only those count.
fn at_pods<'a>(probes: &'a Probes, probe: Probe<'_>) -> Option<Probe<'a>> {
    let all: Vec<Probe<'_>> = probed::all(probes)
        .filter(|other| {
            matches!(other.0.place, EndpointOrigin::Pod { .. }) && answers::is_same_client_hello(other.1, probe.1)
        })
        .filter(|other| answers::is_answer(probes, *other))
        .collect();
    let requested: Vec<Probe<'_>> = all.iter().copied().filter(|(_, handshake)| handshake.requested).collect();
    let answers = answers::by_answer(probes, if requested.is_empty() { &all } else { &requested });
    match answers.as_slice() {
        [one] => one.first().copied(),
        _ => None,
    }
}
