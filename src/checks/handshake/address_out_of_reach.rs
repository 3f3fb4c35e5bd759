//! AT529: a load balancer or DNS name cannot be reached from this machine.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::EndpointOrigin;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT529"),
    name: "address-out-of-reach",
    level: Level::Notice,
    summary: "A load balancer or DNS name cannot be reached from this machine",
    explanation: Explanation {
        looks_for: "Handshakes with the addresses of Services and the DNS names of routes that ended before \
            any TLS byte: no such name, no address, connection refused, or no answer.",
        matters: "Clients may be elsewhere, where the name is known and the network is open: an internal \
            load balancer, or split DNS. So this is not a fault by itself, but what the address serves is \
            unknown.",
        fix: "Run `kubectl apigee-tls probe HOST` from where the clients are. With --probe pods, only the \
            pods are probed.",
    },
    reference: "RFC 9293 (TCP), RFC 1035 (DNS)",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::once_per_endpoint(probed::ended(probes, Ending::Unreachable))
        .filter(|((endpoint, _), _)| is_judged(&endpoint.place))
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("cannot be reached from this machine: {failure}"),
            observed: failure.to_string(),
            expected: "a connection from where the clients are".into(),
        })
        .collect();
    let is_tried = probed::requested(probes).any(|(endpoint, _)| is_judged(&endpoint.place));
    let nothing = if is_tried { None } else { Some("no Service address and no DNS name was tried") };
    let seen = "every load balancer and DNS name that was tried is reachable";
    probed::judgement_if_seen(probes, probed::by_host(faults), seen, nothing)
}

fn is_judged(place: &EndpointOrigin) -> bool {
    matches!(place, EndpointOrigin::Service { .. } | EndpointOrigin::Dns)
}
