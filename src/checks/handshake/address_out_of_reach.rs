//! AT529: a load balancer or a name in DNS cannot be reached from where this program runs.

use crate::checks::probed::{self, Ending, Fault};
use crate::checks::{Check, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;
use crate::evidence::handshake::Place;

pub(super) const CHECK: Check = Check {
    code: "AT529",
    name: "address-out-of-reach",
    level: Level::Notice,
    step: Step::Probe,
    summary: "A load balancer or a name in DNS cannot be reached from here",
    explanation: Explanation {
        looks_for: "Handshakes at the addresses of Services and at the names of routes that ended before any byte of TLS: no \
            such name, no address, refused, or no answer.",
        matters: "Clients may stand elsewhere, where the name is known and the way is open: an internal load balancer, a \
            split DNS. So it is no fault by itself; but what such an address serves was not seen.",
        fix: "Run `kubectl apigee-tls probe HOST` from where the clients are. With --probe pods only the pods are asked.",
    },
    reference: "RFC 9293 (TCP), RFC 1035 (DNS)",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::once_each(probed::ended(probes, Ending::Unreachable))
        .filter(|((endpoint, _), _)| matches!(endpoint.place, Place::Service { .. } | Place::Dns))
        .map(|(said, failure)| Fault {
            said,
            what: format!("cannot be reached from here: {failure}"),
            observed: failure.to_string(),
            expected: "a connection, where clients are".into(),
        })
        .collect();
    probed::settle(probes, probed::by_host(faults), "every load balancer and every name could be connected to")
}
