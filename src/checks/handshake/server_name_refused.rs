//! AT504: a server name that should be served is refused in answer to the ClientHello.

use crate::checks::facts::envoy;
use crate::checks::facts::probed::{self, Ending, Fault, Probe};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Failure, Probes};
use crate::evidence::{Evidence, Seen};

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
        matters: "The gateway has no filter chain for that name, or has no certificate for the filter chain. \
            Every client that requests the name is reset. If any name is refused, the address belongs to \
            another gateway, a device in between ends connections, or the server expects a PROXY protocol \
            header first.",
        fix: "Check the ApigeeRoute of that name: its selector, Secret and state (AT207, AT209, AT210, \
            AT211, AT212), and whether the gateway has it and its certificate (AT526, AT414). If there is no route, declare the \
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
            what: format!(
                "{} is refused, {failure}{}",
                probed::describe_sni(probe.1),
                compared(evidence, probe, failure)
            ),
            observed: format!("{failure}{}", probed::resets_confirmed(evidence, probe.0)),
            expected: format!("a certificate for {}", probe.1.server_name.as_deref().unwrap_or("this name")),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "no requested server name is refused")
}

/// Compares with handshakes with other SNI at the same peer, and with the pods, as the end of a sentence.
fn compared(evidence: &Evidence, (endpoint, made): Probe<'_>, failure: &Failure) -> String {
    let Seen::Seen(probes) = &evidence.probes else { return String::new() };
    let name = made.server_name.as_deref().unwrap_or_default();
    let others = [ClientHelloKind::WithoutSni, ClientHelloKind::Unknown]
        .map(|kind| probed::other_handshake(probes, endpoint, kind));
    let known: Vec<_> = others.into_iter().flatten().collect();
    let other_name = probed::all(probes).any(|(other, handshake)| {
        probed::is_same_peer(other, endpoint) && handshake.kind == ClientHelloKind::Named && handshake.succeeded()
    });
    if other_name {
        return "; other names are served".into();
    }
    if known.iter().any(|handshake| handshake.succeeded()) {
        return "; handshakes without this name are served".into();
    }
    match &endpoint.place {
        EndpointOrigin::Pod { pod } if has_chain(evidence, pod, name) => {
            return "; its Envoy has a filter chain for this name, but cannot complete a handshake with it".into();
        }
        EndpointOrigin::Service { .. } | EndpointOrigin::Dns if is_refused_at_a_pod(probes, name) => {
            return "; the ingress pods refuse it too".into();
        }
        _ => {}
    }
    // The configuration of an ingress pod is known; that of anything else is not.
    let is_pod = matches!(endpoint.place, EndpointOrigin::Pod { .. });
    let reading = probed::proxy_protocol_reading(probes, failure).filter(|_| !is_pod);
    let reading = reading.map_or_else(String::new, |text| format!(", {text}"));
    if !known.is_empty() && known.iter().all(|handshake| handshake.was_refused()) {
        return format!(
            "; so is every ClientHello of this run: another server may listen there{reading}, or a device in between \
             ends the connection"
        );
    }
    String::new()
}

/// Returns whether the Envoy of this pod has a filter chain with this server name.
fn has_chain(evidence: &Evidence, pod: &str, name: &str) -> bool {
    let gateways = envoy::gateways(evidence).unwrap_or_default();
    let Some(gateway) = gateways.iter().find(|gateway| gateway.pod == pod) else { return false };
    let Seen::Seen(listeners) = &gateway.listeners else { return false };
    envoy::chains(evidence, listeners).iter().any(|chain| chain.matches(name))
}

fn is_refused_at_a_pod(probes: &Probes, name: &str) -> bool {
    probed::ended(probes, Ending::ServerNameRefused).any(|((endpoint, made), _)| {
        matches!(endpoint.place, EndpointOrigin::Pod { .. }) && made.server_name.as_deref() == Some(name)
    })
}
