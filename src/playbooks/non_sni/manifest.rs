//! Makes the manifest of the wildcard route from the cluster's own names.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_saphyr::{SingleQuoted, ser_options};

use crate::checks::facts;
use crate::evidence::hybrid::{Port, Route, Tls, selects};
use crate::evidence::{Evidence, Seen};

/// The name of the wildcard route in the playbook and the documentation.
const USUAL_NAME: &str = "non-sni";

/// `apiVersion` of the documentation's manifest, used where the cluster could not be asked.
const DOCUMENTED_VERSION: &str = "apigee.cloud.google.com/v1alpha1";

/// A wildcard route that accepts clients without SNI.
pub(super) struct WildcardRoute {
    pub(super) name: String,
    /// The Secret chosen; a placeholder where no route names one.
    pub(super) credential: String,
    /// Other Secrets that the environment groups use.
    pub(super) other_credentials: Vec<String>,
    /// The whole manifest, which ends with a line end.
    pub(super) yaml: String,
}

/// Returns the manifest that corrects the wildcard route `existing`, or creates a new one.
pub(super) fn wildcard_route(evidence: &Evidence, existing: Option<&Route>) -> WildcardRoute {
    let mut groups = facts::group_routes(evidence).unwrap_or_default();
    if groups.is_empty() {
        // Routes made by hand show which Secret and which pods serve TLS as well.
        groups = facts::routes(evidence).unwrap_or_default();
        groups.retain(|route| !route.is_wildcard() && !route.is_without_tls());
    }
    let name = existing.map_or_else(|| free_name(evidence), |route| route.name.clone());
    let mut credentials = credentials(evidence, existing.into_iter().chain(groups.iter().copied()));
    let credential = if credentials.is_empty() { "SECRET_NAME".into() } else { credentials.remove(0) };
    let manifest = Manifest {
        api_version: match &evidence.routes {
            Seen::Seen(routes) if !routes.api_version.is_empty() => &routes.api_version,
            _ => DOCUMENTED_VERSION,
        },
        kind: "ApigeeRoute",
        metadata: Metadata { name: &name, namespace: evidence.question.namespace() },
        spec: Spec {
            enable_non_sni_client: true,
            hostnames: [SingleQuoted("*")],
            ports: ports(existing, &credential),
            selector: selector(evidence, existing, &groups),
        },
    };
    let yaml = yaml(&manifest);
    WildcardRoute { name, credential, other_credentials: credentials, yaml }
}

/// Writes YAML for kubectl, which reads YAML 1.1: there `yes`, `off` and `1_000` are no strings. serde-saphyr
/// quotes them; `serde_yaml` knows only YAML 1.2.
fn yaml(manifest: &impl Serialize) -> String {
    // No value has several lines, and the value of a selector must stay on the line of its key.
    let options = ser_options! { prefer_block_scalars: false };
    // Plain strings, numbers and maps of strings always have a YAML form.
    serde_saphyr::to_string_with_options(manifest, options).unwrap_or_default()
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
    hostnames: [SingleQuoted<&'a str>; 1],
    ports: Vec<ManifestPort<'a>>,
    selector: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct ManifestPort<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ManifestTls<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestTls<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cipher_suites: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_protocol_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_protocol_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'a str>,
}

impl<'a> From<&'a Tls> for ManifestTls<'a> {
    fn from(tls: &'a Tls) -> Self {
        Self {
            cipher_suites: &tls.cipher_suites,
            credential_name: tls.credential_name.as_deref(),
            max_protocol_version: tls.max_protocol_version.as_deref(),
            min_protocol_version: tls.min_protocol_version.as_deref(),
            mode: tls.mode.as_deref(),
        }
    }
}

/// Returns port 443 as it must be, with the versions and suites of the existing route, and every other port
/// unchanged: `kubectl apply` replaces the whole list.
fn ports<'a>(existing: Option<&'a Route>, credential: &'a str) -> Vec<ManifestPort<'a>> {
    let present: &[Port] = existing.map_or(&[], |route| &route.ports);
    let on_443 = present.iter().find(|port| port.number == Some(443)).and_then(|port| port.tls.as_ref());
    let tls = ManifestTls {
        credential_name: Some(credential),
        mode: Some(mode(existing)),
        ..on_443.map_or_else(ManifestTls::default, ManifestTls::from)
    };
    let others = present.iter().filter(|port| port.number != Some(443)).map(|port| ManifestPort {
        number: port.number,
        protocol: port.protocol.as_deref(),
        tls: port.tls.as_ref().map(ManifestTls::from),
    });
    std::iter::once(ManifestPort { number: Some(443), protocol: Some("HTTPS"), tls: Some(tls) }).chain(others).collect()
}

/// Returns the usual name, with a number behind it where a route has that name already.
fn free_name(evidence: &Evidence) -> String {
    let routes = facts::routes(evidence).unwrap_or_default();
    let taken = |name: &str| routes.iter().any(|route| route.name == name);
    // One more candidate than there are routes: one of them is free.
    std::iter::once(USUAL_NAME.to_owned())
        .chain((2..=routes.len() + 1).map(|number| format!("{USUAL_NAME}-{number}")))
        .find(|name| !taken(name))
        .unwrap_or_default()
}

/// Returns the Secrets that the routes name and that are not known to be missing, each once, in the order of
/// the routes.
fn credentials<'a>(evidence: &Evidence, routes: impl Iterator<Item = &'a Route>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in routes
        .flat_map(|route| &route.ports)
        .filter(|port| !port.passes_through())
        .filter_map(|port| port.tls.as_ref().and_then(|tls| tls.credential_name.as_ref()))
    {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.retain(|name| !facts::secret_is_missing(evidence, name));
    names
}

/// TLS mode of port 443. A route that requires client certificates keeps requiring them.
fn mode(existing: Option<&Route>) -> &'static str {
    let mutual = existing
        .into_iter()
        .flat_map(|route| &route.ports)
        .any(|port| port.tls.as_ref().and_then(|tls| tls.mode.as_deref()) == Some("MUTUAL"));
    if mutual { "MUTUAL" } else { "SIMPLE" }
}

/// Returns the selector of the existing route if it selects a pod; else the labels that the selectors of all
/// environment groups share; else the label of the documentation.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    #[test]
    fn quotes_strings_that_yaml_1_1_takes_for_something_else() {
        let values = ["yes", "Off", "n", "true", "null", "443", "1_000", "1:30", "0o7", "1e3", "1.2.3.4", "", "*"];
        for value in values {
            let expected = format!("app: \"{value}\"\n");
            assert_eq!(super::yaml(&BTreeMap::from([("app", value)])), expected);
        }
        for value in ["yesterday", "apigee-ingressgateway", "v1_000"] {
            assert_eq!(super::yaml(&BTreeMap::from([("app", value)])), format!("app: {value}\n"));
        }
    }
}
