//! What the Envoys of the ingress pods say of themselves, as checks ask it.

use super::pods;
use crate::evidence::cluster::IngressPod;
use crate::evidence::gateway::{FilterChain, Gateway, Listener};
use crate::evidence::{Evidence, Reason, Seen, Unavailable};

/// The Envoys of pods that clients outside the cluster can reach.
pub(crate) fn gateways(evidence: &Evidence) -> Result<Vec<&Gateway>, Unavailable> {
    let is_internal = |pod: &str| match &evidence.pods {
        Seen::Seen(pods) => pods.iter().any(|known| known.name == pod && known.is_internal_chaining()),
        Seen::Unavailable(_) => false,
    };
    Ok(evidence.gateways.seen()?.iter().filter(|gateway| !is_internal(&gateway.pod)).collect())
}

/// Running pods, each with its Envoy.
pub(crate) fn of_pods(evidence: &Evidence) -> Result<Vec<(&IngressPod, &Gateway)>, Unavailable> {
    let pods = pods::pods(evidence)?;
    let gateways = gateways(evidence)?;
    Ok(pods
        .into_iter()
        .filter(|pod| pod.is_running())
        .filter_map(|pod| Some((pod, *gateways.iter().find(|gateway| gateway.pod == pod.name)?)))
        .collect())
}

/// Nothing, where the Envoy of every running pod was asked; else the first that was not.
pub(crate) fn every_pod_was_asked(evidence: &Evidence) -> Result<(), Unavailable> {
    let gateways = gateways(evidence)?;
    for pod in pods::pods(evidence)?.into_iter().filter(|pod| pod.is_running()) {
        if !gateways.iter().any(|gateway| gateway.pod == pod.name) {
            let why = Reason::Missing("it was not asked".into());
            return Err(Unavailable::new(format!("the Envoy of pod {}", pod.name), why));
        }
    }
    gateways.iter().try_for_each(|gateway| gateway.listeners.seen().map(|_| ()))
}

/// The filter chains that clients meet: those of the listener behind port 443 of the Services, where its number is
/// known, else those of every listener; only chains that end TLS.
pub(crate) fn chains<'a>(evidence: &Evidence, listeners: &'a [Listener]) -> Vec<&'a FilterChain> {
    let services = pods::services(evidence).unwrap_or_default();
    let targets: Vec<u16> = services
        .iter()
        .flat_map(|service| &service.ports)
        .filter(|port| port.number == 443)
        .filter_map(|port| port.target.parse().ok())
        .collect();
    let behind: Vec<&Listener> = listeners.iter().filter(|listener| targets.contains(&listener.port)).collect();
    let met = if behind.is_empty() { listeners.iter().collect() } else { behind };
    met.into_iter().flat_map(|listener| &listener.chains).filter(|chain| chain.tls).collect()
}

/// A server name that the hostname of a route stands for: its own, or one below `*.`.
pub(crate) fn server_name(hostname: &str) -> String {
    match hostname.strip_prefix("*.") {
        Some(parent) => format!("apigee-tls.{parent}"),
        None => hostname.to_owned(),
    }
}
