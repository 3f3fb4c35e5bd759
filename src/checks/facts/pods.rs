//! The ingress pods, and the Services in front of them.

use std::collections::BTreeMap;

use crate::evidence::cluster::{IngressPod, Service};
use crate::evidence::{Evidence, Unavailable};

/// The selector that every ingress pod matches; any other may leave pods out.
const ALL_INGRESS_PODS: &str = "app=apigee-ingressgateway";

/// Pods that clients outside the cluster can reach.
pub(crate) fn pods(evidence: &Evidence) -> Result<Vec<&IngressPod>, Unavailable> {
    Ok(evidence.pods.seen()?.iter().filter(|pod| !pod.is_internal_chaining()).collect())
}

/// With `-l` only some of the ingress pods were listed: "no pod" then speaks of these alone.
pub(crate) fn pods_are_narrowed(evidence: &Evidence) -> bool {
    evidence.question.selector() != ALL_INGRESS_PODS
}

/// Services in front of the ingress pods that clients outside the cluster can use.
pub(crate) fn services(evidence: &Evidence) -> Result<Vec<&Service>, Unavailable> {
    Ok(evidence.services.seen()?.iter().filter(|service| !service.is_internal_chaining()).collect())
}

/// The labels that ingress pods are documented to carry.
pub(crate) fn known_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(key, _)| matches!(key.as_str(), "app" | "ingress_name" | "org"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Neither an ingress pod nor an ApigeeRoute is there: what is looked at may not be the namespace of Apigee hybrid.
pub(crate) fn is_empty_namespace(evidence: &Evidence) -> bool {
    let has_no_pods = evidence.pods.seen().is_ok_and(Vec::is_empty);
    has_no_pods && evidence.routes.seen().is_ok_and(|routes| routes.items.is_empty())
}
