//! Reads ApigeeRoutes and ApigeeRouteConfigs.
//!
//! Parses both as untyped JSON, because their schemas differ between releases and are not all published.

use serde_json::Value;

use crate::evidence::Unavailable;
use crate::evidence::hybrid::{Port, Route, RouteConfig, RouteConfigs, RouteStatus, Routes, Tls};
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::discovery::Resource;
use crate::gather::kubernetes::fault::Access;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::list::{Listing, list};
use crate::plan::GROUP;

/// Lists all ApigeeRoutes of the namespace, sorted by name.
pub(in crate::gather) async fn routes(api: &Api, resource: Resource, namespace: &str) -> Result<Routes, Unavailable> {
    let mut items = custom_resources(api, &resource, namespace, "ApigeeRoutes", route).await?;
    items.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Routes { api_version: resource.api_version, served_versions: resource.served_versions, items, partial: false })
}

/// Lists all ApigeeRouteConfigs of the namespace, sorted by name.
pub(in crate::gather) async fn route_configs(
    api: &Api,
    resource: Resource,
    namespace: &str,
) -> Result<RouteConfigs, Unavailable> {
    let mut items = custom_resources(api, &resource, namespace, "ApigeeRouteConfigs", route_config).await?;
    items.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(RouteConfigs { api_version: resource.api_version, items, partial: false })
}

/// Lists all objects of a custom resource.
pub(in crate::gather) async fn custom_resources<T>(
    api: &Api,
    resource: &Resource,
    namespace: &str,
    what: &str,
    reduce: impl Fn(&Value) -> T,
) -> Result<Vec<T>, Unavailable> {
    let path = format!("/apis/{}/namespaces/{namespace}/{}", resource.api_version, resource.plural);
    let access = Access { verb: "list", resource: &resource.plural, group: GROUP, namespace };
    let listing = Listing { path: &path, selector: "", accept: JSON, kind: None };
    list(api, listing, reduce).await.map_err(|fault| fault.of_listed().unavailable(what, access))
}

pub(in crate::gather) fn route(object: &Value) -> Route {
    let owners = json::items(object, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|owner| json::text(owner, &["kind"]).as_deref() == Some("ApigeeRouteConfig"));
    Route {
        name: json::text(object, &["metadata", "name"]).unwrap_or_default(),
        labels: json::texts_by_key(object, &["metadata", "labels"]),
        owner: owner.and_then(|owner| json::text(owner, &["name"])),
        created_at: json::time(object, &["metadata", "creationTimestamp"]),
        generation: json::number(object, &["metadata", "generation"]),
        hostnames: json::texts(object, &["spec", "hostnames"]),
        selector: json::texts_by_key(object, &["spec", "selector"]),
        enable_non_sni_client: json::truth(object, &["spec", "enableNonSniClient"]),
        additional_gateways: json::texts(object, &["spec", "additionalGateways"]),
        ports: json::items(object, &["spec", "ports"]).iter().map(port).collect(),
        status: status(object),
    }
}

fn port(port: &Value) -> Port {
    Port {
        number: json::number(port, &["number"]),
        protocol: json::text(port, &["protocol"]),
        tls: json::at(port, &["tls"]).filter(|tls| tls.is_object()).map(tls),
    }
}

fn tls(tls: &Value) -> Tls {
    Tls {
        mode: json::text(tls, &["mode"]),
        credential_name: json::text(tls, &["credentialName"]),
        from_files: json::text(tls, &["serverCertificate"]).is_some() || json::text(tls, &["privateKey"]).is_some(),
        min_protocol_version: json::text(tls, &["minProtocolVersion"]),
        max_protocol_version: json::text(tls, &["maxProtocolVersion"]),
        cipher_suites: json::texts(tls, &["cipherSuites"]),
    }
}

pub(in crate::gather) fn route_config(object: &Value) -> RouteConfig {
    RouteConfig {
        name: json::text(object, &["metadata", "name"]).unwrap_or_default(),
        labels: json::texts_by_key(object, &["metadata", "labels"]),
        created_at: json::time(object, &["metadata", "creationTimestamp"]),
        helm_release: json::text(object, &["metadata", "annotations", "meta.helm.sh/release-name"]),
        generation: json::number(object, &["metadata", "generation"]),
        selector: json::texts_by_key(object, &["spec", "selector"]),
        enable_non_sni_client: json::truth(object, &["spec", "enableNonSniClient"]),
        additional_gateways: json::texts(object, &["spec", "additionalGateways"]),
        // `namespace/secret` was the notation while the ingress was Anthos Service Mesh.
        secret_name: json::text(object, &["spec", "tls", "secretNameRef"])
            .map(|name| name.rsplit_once('/').map_or(name.clone(), |(_, name)| name.to_owned())),
        tls: json::at(object, &["spec", "tls"]).filter(|tls| tls.is_object()).map(tls),
        status: status(object),
    }
}

fn status(object: &Value) -> RouteStatus {
    RouteStatus {
        state: json::text(object, &["status", "state"]),
        last_applied_generation: json::number(object, &["status", "lastAppliedGeneration"]),
        errors: json::items(object, &["status", "errors"])
            .iter()
            .filter_map(|error| json::text(error, &["message"]).or_else(|| json::text(error, &[])))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    #[test]
    fn parses_a_route() {
        let route = route(&json!({
            "metadata": {"name": "non-sni", "generation": 3, "creationTimestamp": "2025-05-19T04:00:00Z",
                "ownerReferences": [{"kind": "Other", "name": "x"}, {"kind": "ApigeeRouteConfig", "name": "myorg-dev"}]},
            "spec": {
                "hostnames": ["*"], "enableNonSniClient": true, "selector": {"app": "apigee-ingressgateway"},
                "additionalGateways": ["g"],
                "ports": [{"number": 443, "protocol": "HTTPS", "tls": {"mode": "SIMPLE", "credentialName": "cred",
                    "minProtocolVersion": "TLS_AUTO", "cipherSuites": ["A"]}}],
            },
            "status": {"state": "running", "lastAppliedGeneration": 2,
                "errors": [{"generation": 3, "message": "bad"}, "worse", 7]},
        }));
        assert_eq!(route.owner.as_deref(), Some("myorg-dev"));
        assert_eq!(route.enable_non_sni_client, Some(true));
        assert_eq!(route.ports[0].number, Some(443));
        let tls = route.ports[0].tls.as_ref().unwrap();
        assert_eq!((tls.credential_name.as_deref(), tls.from_files), (Some("cred"), false));
        assert_eq!(route.status.errors, ["bad", "worse"]);
        assert_eq!(route.status.last_applied_generation, Some(2));
    }

    #[test]
    fn wrong_types_still_yield_a_route() {
        let wrong = json!({
            "metadata": {"name": "r", "labels": "x", "ownerReferences": {"kind": 1}, "generation": "3"},
            "spec": {"hostnames": "*", "selector": ["app"], "enableNonSniClient": "true", "additionalGateways": {"a": 1},
                "ports": [443, {"number": "443", "protocol": 1, "tls": "SIMPLE"}, {"tls": {"mode": {}, "cipherSuites": "A"}}]},
            "status": "running",
        });
        let found = route(&wrong);
        assert_eq!((found.hostnames.len(), found.enable_non_sni_client, found.ports.len()), (0, None, 3));
        assert_eq!(found.ports[1], Port::default());
        assert_eq!(found.ports[2].tls, Some(Tls::default()));
        assert_eq!(route_config(&wrong).enable_non_sni_client, None);
        assert_eq!(route(&json!(null)), Route::default());
        assert_eq!(route_config(&json!([])), RouteConfig::default());
    }

    #[test]
    fn a_secret_reference_loses_its_namespace() {
        let limited =
            json!({"spec": {"tls": {"mode": "SIMPLE", "minProtocolVersion": "TLSV1_1", "cipherSuites": ["A"]}}});
        let tls = route_config(&limited).tls.unwrap();
        assert_eq!((tls.min_protocol_version.as_deref(), tls.cipher_suites.len()), (Some("TLSV1_1"), 1));
        let named = |name: &str| route_config(&json!({"spec": {"tls": {"secretNameRef": name}}})).secret_name;
        assert_eq!(named("istio-system/cert").as_deref(), Some("cert"));
        assert_eq!(named("cert").as_deref(), Some("cert"));
        assert_eq!(named(""), None);
    }
}
