//! Reads the Services that select the ingress pods, whatever their names.

use std::collections::BTreeSet;

use kube::core::Selector;
use serde_json::Value;

use crate::evidence::Unavailable;
use crate::evidence::hybrid::{IngressPod, Service, ServicePort};
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::fault::Access;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::list::{Listing, list};
use crate::gather::kubernetes::selector::fulfils;

/// Lists all Services of the namespace, sorted by name.
pub(in crate::gather) async fn services(api: &Api, namespace: &str) -> Result<Vec<Service>, Unavailable> {
    let path = format!("/api/v1/namespaces/{namespace}/services");
    let access = Access { verb: "list", resource: "services", group: "", namespace };
    let listing = Listing { path: &path, selector: "", accept: JSON, kind: None };
    let mut services = list(api, listing, service).await.map_err(|fault| fault.unavailable("Services", access))?;
    services.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(services)
}

/// Returns those whose selector matches an ingress pod. Without pods, returns those whose selector selects
/// what the user's selector selects.
pub(in crate::gather) fn leading_to(
    mut services: Vec<Service>,
    pods: &[IngressPod],
    selector: &Selector,
) -> Vec<Service> {
    services.retain(|service| {
        let selects = |pod: &IngressPod| service.selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value));
        // A Service without a selector selects nothing.
        !service.selector.is_empty()
            && if pods.is_empty() { fulfils(&service.selector, selector) } else { pods.iter().any(selects) }
    });
    services
}

fn service(object: &Value) -> Service {
    let ingress = json::items(object, &["status", "loadBalancer", "ingress"]);
    let mut addresses: Vec<String> = ingress
        .iter()
        .filter_map(|ingress| json::text(ingress, &["ip"]).or_else(|| json::text(ingress, &["hostname"])))
        .collect();
    addresses.extend(json::texts(object, &["spec", "externalIPs"]));
    Service {
        name: json::text(object, &["metadata", "name"]).unwrap_or_default(),
        labels: json::texts_by_key(object, &["metadata", "labels"]),
        kind: json::text(object, &["spec", "type"]).unwrap_or_else(|| "ClusterIP".into()),
        selector: json::texts_by_key(object, &["spec", "selector"]),
        ports: json::items(object, &["spec", "ports"]).iter().filter_map(port).collect(),
        addresses,
        cluster_addresses: json::texts(object, &["spec", "clusterIPs"])
            .into_iter()
            .chain(json::text(object, &["spec", "clusterIP"]))
            .filter_map(|address| address.parse().ok())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        external_traffic_policy: json::text(object, &["spec", "externalTrafficPolicy"]),
    }
}

fn port(port: &Value) -> Option<ServicePort> {
    let number: u16 = json::number(port, &["port"])?;
    // An absent `targetPort` equals the port itself.
    let target = json::scalar(port, &["targetPort"]).unwrap_or_else(|| number.to_string());
    Some(ServicePort { number, target })
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    use crate::gather::kubernetes::selector::parse;

    fn pod(labels: &Value) -> IngressPod {
        IngressPod { labels: json::texts_by_key(&json!({ "l": labels }), &["l"]), ..IngressPod::default() }
    }

    fn named(name: &str, selector: &Value) -> Service {
        service(&json!({"metadata": {"name": name}, "spec": {"selector": selector}}))
    }

    fn names(services: Vec<Service>) -> Vec<String> {
        services.into_iter().map(|service| service.name).collect()
    }

    #[test]
    fn parses_a_service() {
        let service = service(&json!({
            "metadata": {"name": "s"},
            "spec": {"type": "LoadBalancer", "externalIPs": ["192.0.2.1"],
                "clusterIP": "10.8.0.1", "clusterIPs": ["10.8.0.1", "None"], "externalTrafficPolicy": "Local",
                "ports": [{"port": 443, "targetPort": 8443}, {"port": 80}, {"port": 15021, "targetPort": "status"}, {"port": "x"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}, {"hostname": "lb.example.com"}, 7]}},
        }));
        let ports: Vec<(u16, &str)> = service.ports.iter().map(|port| (port.number, port.target.as_str())).collect();
        assert_eq!(ports, [(443, "8443"), (80, "80"), (15021, "status")]);
        assert_eq!(service.addresses, ["203.0.113.7", "lb.example.com", "192.0.2.1"]);
        assert_eq!(service.cluster_addresses, ["10.8.0.1".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(service.external_traffic_policy.as_deref(), Some("Local"));
    }

    #[test]
    fn a_service_is_found_by_its_selector_whatever_its_name() {
        let all = || {
            vec![
                named("custom", &json!({"app": "apigee-ingressgateway", "ingress_name": "ext"})),
                named("other-ingress", &json!({"app": "apigee-ingressgateway", "ingress_name": "int"})),
                named("runtime", &json!({"app": "apigee-runtime"})),
                named("headless", &json!(null)),
            ]
        };
        let selector = parse("app=apigee-ingressgateway").unwrap();
        let pods = [pod(&json!({"app": "apigee-ingressgateway", "ingress_name": "ext", "org": "myorg"}))];
        assert_eq!(names(leading_to(all(), &pods, &selector)), ["custom"]);
        assert_eq!(names(leading_to(all(), &[], &selector)), ["custom", "other-ingress"]);
    }
}
