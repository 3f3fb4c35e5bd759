//! The listeners and filter chains that the Envoys of the ingress pods report.

use std::collections::BTreeSet;

use super::pods;
use crate::evidence::gateway::{FilterChain, Gateway, Listener};
use crate::evidence::hybrid::IngressPod;
use crate::evidence::{Evidence, Reason, Unavailable};

/// Returns the Envoys of pods that clients outside the cluster can reach.
pub(crate) fn gateways(evidence: &Evidence) -> Result<Vec<&Gateway>, Unavailable> {
    let internal: BTreeSet<&str> = pods::internal_pods(evidence).collect();
    Ok(evidence.gateways.seen()?.iter().filter(|gateway| !internal.contains(gateway.pod.as_str())).collect())
}

/// Returns the running pods whose Envoy was queried, each with its Envoy.
pub(crate) fn of_pods(evidence: &Evidence) -> Result<Vec<(&IngressPod, &Gateway)>, Unavailable> {
    let pods = pods::pods(evidence)?;
    let gateways = gateways(evidence)?;
    Ok(pods
        .into_iter()
        .filter(|pod| pod.is_running())
        .filter_map(|pod| Some((pod, *gateways.iter().find(|gateway| gateway.pod == pod.name)?)))
        .collect())
}

/// Checks that the listeners of every running pod's Envoy were seen.
///
/// # Errors
///
/// Returns the first Envoy that was not queried or whose listeners are unavailable.
pub(crate) fn every_envoy_queried(evidence: &Evidence) -> Result<(), Unavailable> {
    let gateways = gateways(evidence)?;
    for pod in pods::pods(evidence)?.into_iter().filter(|pod| pod.is_running()) {
        if !gateways.iter().any(|gateway| gateway.pod == pod.name) {
            let why = Reason::Missing("it was not queried".into());
            return Err(Unavailable::new(format!("the Envoy of pod {}", pod.name), why));
        }
    }
    gateways.iter().try_for_each(|gateway| gateway.listeners.seen().map(|_| ()))
}

/// Returns the filter chains that terminate TLS for clients: those of the listener behind port 443 of the
/// Services. If its number is unknown, those of all listeners.
pub(crate) fn chains<'a>(evidence: &Evidence, listeners: &'a [Listener]) -> Vec<&'a FilterChain> {
    let services = pods::services(evidence).unwrap_or_default();
    let targets: Vec<u16> = services
        .iter()
        .flat_map(|service| &service.ports)
        .filter(|port| port.number == 443)
        .filter_map(|port| port.target.parse().ok())
        .collect();
    let behind: Vec<&Listener> = listeners.iter().filter(|listener| targets.contains(&listener.port)).collect();
    let reachable = if behind.is_empty() { listeners.iter().collect() } else { behind };
    reachable.into_iter().flat_map(|listener| &listener.chains).filter(|chain| chain.tls).collect()
}

/// Returns a server name that the hostname of a route matches: the hostname itself, or an example for `*.`.
pub(crate) fn server_name(hostname: &str) -> String {
    match hostname.strip_prefix("*.") {
        Some(parent) => format!("apigee-tls.{parent}"),
        None => hostname.to_owned(),
    }
}
