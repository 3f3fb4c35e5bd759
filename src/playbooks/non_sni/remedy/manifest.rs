//! The wildcard route as it must be, made from the cluster's own names: a new one, or an existing one without
//! its faults.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::Flow;
use crate::checks::facts;
use crate::evidence::hybrid::{Port, Route, RouteStatus, Tls, selects};
use crate::evidence::overrides::Positioned;
use crate::evidence::{Evidence, Seen};
use crate::verdict::Target;

/// The name of the wildcard route in the playbook and the documentation.
const USUAL_NAME: &str = "non-sni";

/// `apiVersion` of the documentation's manifest, used where the cluster could not be asked.
const DOCUMENTED_VERSION: &str = "apigee.cloud.google.com/v1alpha1";

/// Label of the ingress pods with the name of their gateway, `ingressGateways[].name`.
const INGRESS_NAME_LABEL: &str = "ingress_name";

/// In place of the name of an ingress gateway that nothing tells.
const UNKNOWN_INGRESS: &str = "INGRESS_NAME";

/// Returns a new wildcard route with the certificate of this Secret.
pub(super) fn new_route(evidence: &Evidence, secret: &str) -> Route {
    Route {
        name: free_name(evidence),
        generation: Some(1),
        hostnames: vec!["*".into()],
        selector: selector(evidence, None),
        enable_non_sni_client: Some(true),
        ports: vec![https_port("SIMPLE", secret)],
        status: running(1),
        ..Route::default()
    }
}

/// Returns the wildcard route without the faults of its flag, selector, port and Secret. `secret` replaces a
/// Secret that is missing.
pub(super) fn corrected(evidence: &Evidence, route: &Route, secret: &str) -> Route {
    let generation = route.generation.map_or(1, |generation| generation.saturating_add(1));
    let mut corrected = Route {
        selector: selector(evidence, Some(route)),
        enable_non_sni_client: Some(true),
        generation: Some(generation),
        status: running(generation),
        ..route.clone()
    };
    let mode = mode(route);
    let Some(port) = corrected.ports.iter_mut().find(|port| port.number == Some(443)) else {
        corrected.ports.push(https_port(mode, secret));
        return corrected;
    };
    port.protocol = Some("HTTPS".into());
    let tls = port.tls.get_or_insert_with(Tls::default);
    if !matches!(tls.mode.as_deref(), Some("SIMPLE" | "MUTUAL")) {
        tls.mode = Some(mode.into());
    }
    let is_missing = tls.credential_name.as_ref().is_none_or(|name| facts::secret_is_missing(evidence, name));
    if is_missing && !tls.from_files {
        tls.credential_name = Some(secret.to_owned());
    }
    corrected
}

/// Returns the manifest of a route, several lines of YAML.
pub(super) fn manifest(evidence: &Evidence, route: &Route) -> String {
    let api_version = match &evidence.routes {
        Seen::Seen(routes) if !routes.api_version.is_empty() => &routes.api_version,
        _ => DOCUMENTED_VERSION,
    };
    let metadata =
        Flow::map([("name", Flow::text(&route.name)), ("namespace", Flow::text(evidence.question.namespace()))]);
    let flag = route.enable_non_sni_client.map(|flag| format!("  enableNonSniClient: {flag}\n")).unwrap_or_default();
    format!(
        "apiVersion: {}\nkind: ApigeeRoute\nmetadata: {metadata}\nspec:\n  hostnames: {}\n{flag}  selector: {}\n  \
         ports: {}\n",
        Flow::text(api_version),
        Flow::texts(&route.hostnames),
        labels(&route.selector),
        Flow::List(route.ports.iter().map(port).collect())
    )
}

pub(super) fn labels(labels: &BTreeMap<String, String>) -> Flow {
    Flow::Map(labels.iter().map(|(key, value)| (key.clone(), Flow::text(value))).collect())
}

pub(super) fn port(port: &Port) -> Flow {
    Flow::known([
        ("number", port.number.map(Flow::Number)),
        ("protocol", port.protocol.as_ref().map(Flow::text)),
        ("tls", port.tls.as_ref().map(tls)),
    ])
}

pub(super) fn tls(tls: &Tls) -> Flow {
    let text = |value: &Option<String>| value.as_ref().map(Flow::text);
    Flow::known([
        ("mode", text(&tls.mode)),
        ("credentialName", text(&tls.credential_name)),
        ("minProtocolVersion", text(&tls.min_protocol_version)),
        ("maxProtocolVersion", text(&tls.max_protocol_version)),
        ("cipherSuites", (!tls.cipher_suites.is_empty()).then(|| Flow::texts(&tls.cipher_suites))),
    ])
}

fn https_port(mode: &str, secret: &str) -> Port {
    let tls = Tls { mode: Some(mode.into()), credential_name: Some(secret.to_owned()), ..Tls::default() };
    Port { number: Some(443), protocol: Some("HTTPS".into()), tls: Some(tls) }
}

/// The status after the controller has applied this generation.
fn running(generation: i64) -> RouteStatus {
    RouteStatus { state: Some("running".into()), last_applied_generation: Some(generation), errors: Vec::new() }
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

/// TLS mode of port 443. A route that requires client certificates keeps requiring them.
fn mode(route: &Route) -> &'static str {
    let is_mutual = |port: &Port| port.tls.as_ref().and_then(|tls| tls.mode.as_deref()) == Some("MUTUAL");
    if route.ports.iter().any(is_mutual) { "MUTUAL" } else { "SIMPLE" }
}

/// Returns the selector of the existing route if it selects a pod; else the labels that the selectors of all
/// environment groups share; else the label of the documentation.
fn selector(evidence: &Evidence, existing: Option<&Route>) -> BTreeMap<String, String> {
    let pods = facts::pods(evidence).unwrap_or_default();
    if let Some(route) = existing
        && (pods.is_empty()
            || facts::pods_are_narrowed(evidence)
            || pods.iter().any(|pod| selects(&route.selector, &pod.labels)))
        && !route.selector.is_empty()
    {
        return route.selector.clone();
    }
    let groups = facts::serving_routes(evidence).unwrap_or_default();
    let configs = evidence.route_configs.seen().map_or(&[][..], |configs| &configs.items);
    let of_configs = configs.iter().filter(|_| groups.is_empty()).map(|config| &config.selector);
    // Without pods, as in files alone, the selectors of the groups are all that is known.
    let mut selectors = groups
        .iter()
        .map(|route| &route.selector)
        .chain(of_configs)
        .filter(|selector| pods.is_empty() || pods.iter().any(|pod| selects(selector, &pod.labels)));
    let mut common = selectors.next().cloned().unwrap_or_default();
    for selector in selectors {
        common.retain(|key, value| selector.get(key) == Some(value));
    }
    if common.is_empty() {
        common.insert("app".into(), "apigee-ingressgateway".into());
        common.extend(ingress_name(evidence).map(|name| (INGRESS_NAME_LABEL.to_owned(), name)));
    }
    common
}

/// Returns the name of the one ingress gateway, by the labels of the pods or the overrides files; `None`
/// where there are several, which the label `app` selects together. A placeholder if nothing tells.
fn ingress_name(evidence: &Evidence) -> Option<String> {
    let of_pods = facts::pods(evidence).unwrap_or_default().into_iter();
    let of_pods: BTreeSet<&str> =
        of_pods.filter_map(|pod| pod.labels.get(INGRESS_NAME_LABEL)).map(String::as_str).collect();
    let files = facts::overrides(evidence).unwrap_or_default();
    let hosts = files.iter().flat_map(|(_, content)| &content.virtual_hosts);
    let of_hosts = values(hosts.filter_map(|host| host.ingress_name.as_ref()));
    let of_gateways = values(files.iter().flat_map(|(_, content)| &content.ingress_gateways));
    let known = [of_pods, of_hosts, of_gateways].into_iter().find(|names| !names.is_empty());
    match known {
        None => Some(UNKNOWN_INGRESS.to_owned()),
        Some(names) if names.len() == 1 => names.first().map(|name| (*name).to_owned()),
        Some(_) => None,
    }
}

fn values<'a>(values: impl Iterator<Item = &'a Positioned<String>>) -> BTreeSet<&'a str> {
    values.filter(|value| facts::is_filled(value)).map(|value| value.value.as_str()).collect()
}

/// Says how to find the name of the ingress gateway, where the route has a placeholder for it.
pub(super) fn placeholder_note(target: &Target, route: &Route) -> Option<String> {
    (route.selector.get(INGRESS_NAME_LABEL).map(String::as_str) == Some(UNKNOWN_INGRESS)).then(|| {
        let show = target.kubectl_in_namespace("get pods -l app=apigee-ingressgateway -L ingress_name");
        format!("Put the name of your ingress gateway in place of {UNKNOWN_INGRESS}; this shows it: {show}")
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::evidence::HybridQuestion;
    use crate::evidence::hybrid::{RouteConfig, RouteConfigs, Routes};
    use crate::evidence::overrides::{Overrides, OverridesFile, Position};

    fn ingress(routes: Vec<Route>, configs: Vec<RouteConfig>, names: &[&str]) -> Option<String> {
        let question = HybridQuestion { offline: true, ..HybridQuestion::default() };
        let mut evidence = Evidence::not_gathered(question, Timestamp::UNIX_EPOCH, "--offline");
        evidence.routes = Seen::Seen(Routes { items: routes, ..Routes::default() });
        evidence.route_configs = Seen::Seen(RouteConfigs { items: configs, ..RouteConfigs::default() });
        if !names.is_empty() {
            let place = Position { line: 1, column: 1 };
            let gateways = names.iter().map(|name| Positioned { value: (*name).to_owned(), place });
            let content = Overrides { ingress_gateways: gateways.collect(), ..Overrides::default() };
            evidence.overrides = vec![OverridesFile { name: "overrides.yaml".into(), content: Seen::Seen(content) }];
        }
        new_route(&evidence, "shop").selector.get(INGRESS_NAME_LABEL).cloned()
    }

    #[test]
    fn without_pods_the_gateway_is_that_of_groups_or_overrides_and_else_a_placeholder() {
        let labels = |name: &str| {
            BTreeMap::from(
                [("app", "apigee-ingressgateway"), (INGRESS_NAME_LABEL, name)]
                    .map(|(key, value)| (key.to_owned(), value.to_owned())),
            )
        };
        let route = Route {
            name: "acme-shop-000-1".into(),
            owner: Some("acme-shop".into()),
            hostnames: vec!["shop.example".into()],
            selector: labels("gate-a"),
            ..Route::default()
        };
        let config = RouteConfig { name: "acme-shop".into(), selector: labels("gate-b"), ..RouteConfig::default() };
        assert_eq!(ingress(vec![route], Vec::new(), &["gate-c"]).as_deref(), Some("gate-a"));
        assert_eq!(ingress(Vec::new(), vec![config], &["gate-c"]).as_deref(), Some("gate-b"));
        assert_eq!(ingress(Vec::new(), Vec::new(), &["gate-c"]).as_deref(), Some("gate-c"));
        assert_eq!(ingress(Vec::new(), Vec::new(), &["gate-c", "gate-d"]), None);
        assert_eq!(ingress(Vec::new(), Vec::new(), &[]).as_deref(), Some(UNKNOWN_INGRESS));
    }

    #[test]
    fn a_placeholder_says_how_to_find_its_value() {
        let route = Route {
            selector: BTreeMap::from([(INGRESS_NAME_LABEL.to_owned(), UNKNOWN_INGRESS.to_owned())]),
            ..Route::default()
        };
        let note = placeholder_note(&Target::default(), &route).unwrap_or_default();
        assert!(note.contains("INGRESS_NAME") && note.contains("get pods"), "{note}");
        assert!(crate::text::has_placeholder(UNKNOWN_INGRESS));
        assert_eq!(placeholder_note(&Target::default(), &Route::default()), None);
    }
}
