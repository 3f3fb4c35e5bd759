//! AT504: a server name that should be served is refused in answer to the ClientHello.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, Probes};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT504"),
    name: "server-name-refused",
    level: Level::Error,
    summary: "A server name that should be served is refused",
    explanation: Explanation {
        looks_for: "A handshake with the hostname of a route, or with the requested name, that the server \
            ended before any certificate: by a reset, by closing or by the alert unrecognized_name (112). \
            Handshakes without SNI and with an unknown name show whether only this name is refused, or any \
            name.",
        matters: "The gateway has no filter chain for that name. Every client that requests it is reset. If \
            any name is refused, the address belongs to another gateway, or a device in between ends \
            connections.",
        fix: "Check the ApigeeRoute of that name: its selector, Secret and state (AT207, AT209, AT210, \
            AT211, AT212), and whether the gateway has it (AT526). If there is no route, declare the \
            hostname in an environment group, or correct the address.",
    },
    reference: "Istio's filter chains per HTTPS server of a Gateway; RFC 6066 §3 (unrecognized_name)",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::ended(probes, Ending::ServerNameRefused)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("{} is refused, {failure}{}", probed::describe_sni(probe.1), compared(probes, probe.0)),
            observed: format!("{failure}{}", probed::resets_confirmed(evidence, probe.0)),
            expected: format!("a certificate for {}", probe.1.server_name.as_deref().unwrap_or("this name")),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "no requested server name is refused")
}

/// Compares with handshakes with other SNI at the same peer, as the end of a sentence.
fn compared(probes: &Probes, endpoint: &Endpoint) -> &'static str {
    let others = [ClientHelloKind::WithoutSni, ClientHelloKind::Unknown]
        .map(|kind| probed::other_handshake(probes, endpoint, kind));
    let known: Vec<_> = others.into_iter().flatten().collect();
    let other_name = probed::all(probes).any(|(other, handshake)| {
        probed::is_same_peer(other, endpoint) && handshake.kind == ClientHelloKind::Named && handshake.succeeded()
    });
    if other_name {
        "; other names are served"
    } else if known.iter().any(|handshake| handshake.succeeded()) {
        "; handshakes without this name are served"
    } else if !known.is_empty() && known.iter().all(|handshake| handshake.was_refused()) {
        "; so is every ClientHello: this is not a gateway for this name, or a device in between ends the \
         connection"
    } else {
        ""
    }
}
