//! The ingress pods and the Services in front of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::evidence::hybrid::{IngressPod, Route, Service};
use crate::evidence::{Evidence, Seen, Unavailable};

/// Selector that matches every ingress pod. Any other selector may leave pods out.
const ALL_INGRESS_PODS: &str = "app=apigee-ingressgateway";

/// Returns the ingress pods that clients outside the cluster can reach.
pub(crate) fn pods(evidence: &Evidence) -> Result<Vec<&IngressPod>, Unavailable> {
    let routes = all_routes(evidence);
    Ok(evidence.pods.seen()?.iter().filter(|pod| !pod.is_internal_chaining(routes)).collect())
}

/// Returns the names of the pods of internal chaining, as far as the pods were seen.
pub(super) fn internal_pods(evidence: &Evidence) -> impl Iterator<Item = &str> {
    let (pods, routes) = match &evidence.pods {
        Seen::Seen(pods) => (pods.as_slice(), all_routes(evidence)),
        Seen::Unavailable(_) => (&[][..], &[][..]),
    };
    pods.iter().filter(|pod| pod.is_internal_chaining(routes)).map(|pod| pod.name.as_str())
}

/// Returns whether `-l` may leave ingress pods out, so that "no pod" refers only to the pods listed.
pub(crate) fn pods_are_narrowed(evidence: &Evidence) -> bool {
    evidence.question.selector() != ALL_INGRESS_PODS
}

/// Returns whether the address is that of a node of an ingress pod: the kubelet probes from it, and a Service
/// may put it in place of a client's.
pub(crate) fn is_of_node(evidence: &Evidence, address: &str) -> bool {
    let Ok(address) = address.parse::<IpAddr>().map(|address| address.to_canonical()) else { return false };
    let pods = evidence.pods.seen().map_or(&[][..], Vec::as_slice);
    pods.iter().flat_map(|pod| &pod.node_addresses).any(|node| node.to_canonical() == address)
}

/// Returns the Services of the ingress pods that clients outside the cluster can use.
pub(crate) fn services(evidence: &Evidence) -> Result<Vec<&Service>, Unavailable> {
    let routes = all_routes(evidence);
    Ok(evidence.services.seen()?.iter().filter(|service| !service.is_internal_chaining(routes)).collect())
}

fn all_routes(evidence: &Evidence) -> &[Route] {
    match &evidence.routes {
        Seen::Seen(routes) => &routes.items,
        Seen::Unavailable(_) => &[],
    }
}

/// Returns the labels that are documented for ingress pods.
pub(crate) fn known_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(key, _)| matches!(key.as_str(), "app" | "ingress_name" | "org"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Returns whether the namespace has neither ingress pods nor ApigeeRoutes: it may not be the namespace of
/// Apigee hybrid.
pub(crate) fn is_empty_namespace(evidence: &Evidence) -> bool {
    let has_no_pods = evidence.pods.seen().is_ok_and(Vec::is_empty);
    has_no_pods && evidence.routes.seen().is_ok_and(|routes| routes.items.is_empty())
}
