//! The wildcard route as it should be, made from the cluster's own names.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::checks::facts;
use crate::evidence::cluster::{Route, selects};
use crate::evidence::{Evidence, Seen};

/// The name of the wildcard route in the playbook and the documentation.
const USUAL_NAME: &str = "non-sni";

/// Version of the documentation's manifest, for when the cluster could not be asked.
const DOCUMENTED_VERSION: &str = "apigee.cloud.google.com/v1alpha1";

/// A wildcard route that accepts clients without SNI.
pub(super) struct WildcardRoute {
    pub(super) name: String,
    /// The Secret chosen; a placeholder where no route names one.
    pub(super) credential: String,
    /// Other Secrets that the environment groups use.
    pub(super) other_credentials: Vec<String>,
    /// `apiVersion: …` and so on, ending with a line end.
    pub(super) yaml: String,
}

/// The manifest for the wildcard route `existing`, or for a new one.
pub(super) fn wildcard_route(evidence: &Evidence, existing: Option<&Route>) -> WildcardRoute {
    let groups = facts::group_routes(evidence).unwrap_or_default();
    let name = existing.map_or_else(|| free_name(evidence), |route| route.name.clone());
    let mut credentials = credentials(evidence, existing.into_iter().chain(groups.iter().copied()));
    let credential = if credentials.is_empty() { "SECRET_NAME".into() } else { credentials.remove(0) };
    let manifest = Manifest {
        api_version: match &evidence.routes {
            Seen::Seen(routes) if !routes.api_version.is_empty() => &routes.api_version,
            _ => DOCUMENTED_VERSION,
        },
        kind: "ApigeeRoute",
        metadata: Metadata { name: &name, namespace: &evidence.question.namespace },
        spec: Spec {
            enable_non_sni_client: true,
            hostnames: ["*"],
            ports: [ManifestPort {
                number: 443,
                protocol: "HTTPS",
                tls: ManifestTls { credential_name: &credential, mode: mode(existing) },
            }],
            selector: selector(evidence, existing, &groups),
        },
    };
    // Plain strings, numbers and maps of strings always have a YAML form.
    let yaml = serde_yaml::to_string(&manifest).unwrap_or_default();
    WildcardRoute { name, credential, other_credentials: credentials, yaml }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    enable_non_sni_client: bool,
    hostnames: [&'a str; 1],
    ports: [ManifestPort<'a>; 1],
    selector: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct ManifestPort<'a> {
    number: u16,
    protocol: &'a str,
    tls: ManifestTls<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestTls<'a> {
    credential_name: &'a str,
    mode: &'a str,
}

/// The usual name, or one with a number behind it where a route has that name already.
fn free_name(evidence: &Evidence) -> String {
    let routes = facts::routes(evidence).unwrap_or_default();
    let taken = |name: &str| routes.iter().any(|route| route.name == name);
    if !taken(USUAL_NAME) {
        return USUAL_NAME.into();
    }
    (2..).map(|number| format!("{USUAL_NAME}-{number}")).find(|name| !taken(name)).unwrap_or_default()
}

/// The Secrets that the routes name, those that exist first, each once, in the order of the routes.
fn credentials<'a>(evidence: &Evidence, routes: impl Iterator<Item = &'a Route>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in routes
        .flat_map(|route| &route.ports)
        .filter_map(|port| port.tls.as_ref().and_then(|tls| tls.credential_name.as_ref()))
    {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.retain(|name| !facts::secret_is_missing(evidence, name));
    names
}

/// A route that demands client certificates keeps demanding them.
fn mode(existing: Option<&Route>) -> &'static str {
    let mutual = existing
        .into_iter()
        .flat_map(|route| &route.ports)
        .any(|port| port.tls.as_ref().and_then(|tls| tls.mode.as_deref()) == Some("MUTUAL"));
    if mutual { "MUTUAL" } else { "SIMPLE" }
}

/// The selector of the existing route if it selects a pod; else what all environment groups' selectors have in common;
/// else the documentation's.
fn selector(evidence: &Evidence, existing: Option<&Route>, groups: &[&Route]) -> BTreeMap<String, String> {
    let pods = facts::pods(evidence).unwrap_or_default();
    if let Some(route) = existing
        && pods.iter().any(|pod| selects(&route.selector, &pod.labels))
    {
        return route.selector.clone();
    }
    let mut selectors = groups
        .iter()
        .map(|route| &route.selector)
        .filter(|selector| pods.iter().any(|pod| selects(selector, &pod.labels)));
    let mut common = selectors.next().cloned().unwrap_or_default();
    for selector in selectors {
        common.retain(|key, value| selector.get(key) == Some(value));
    }
    if common.is_empty() {
        common.insert("app".into(), "apigee-ingressgateway".into());
    }
    common
}
