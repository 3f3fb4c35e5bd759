//! The ingress pods and the Services in front of them.

use std::collections::BTreeMap;

use crate::evidence::hybrid::{IngressPod, Service};
use crate::evidence::{Evidence, Unavailable};

/// Selector that matches every ingress pod. Any other selector may leave pods out.
const ALL_INGRESS_PODS: &str = "app=apigee-ingressgateway";

/// Returns the ingress pods that clients outside the cluster can reach.
pub(crate) fn pods(evidence: &Evidence) -> Result<Vec<&IngressPod>, Unavailable> {
    Ok(evidence.pods.seen()?.iter().filter(|pod| !pod.is_internal_chaining()).collect())
}

/// Returns whether `-l` may leave ingress pods out, so that "no pod" refers only to the pods listed.
pub(crate) fn pods_are_narrowed(evidence: &Evidence) -> bool {
    evidence.question.selector() != ALL_INGRESS_PODS
}

/// Returns the Services of the ingress pods that clients outside the cluster can use.
pub(crate) fn services(evidence: &Evidence) -> Result<Vec<&Service>, Unavailable> {
    Ok(evidence.services.seen()?.iter().filter(|service| !service.is_internal_chaining()).collect())
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
