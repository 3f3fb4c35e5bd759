//! The ApigeeRoutes of the cluster, and what prevents a wildcard route from accepting clients without SNI.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::pods::{pods, pods_are_narrowed};
use crate::checks::{Code, codes};
use crate::evidence::hybrid::{Port, Protocol, Route, RouteConfig, RouteStatus, selects};
use crate::evidence::{Evidence, Reason, Seen, Unavailable};

/// Age up to which a route counts as new: controllers apply new objects within seconds.
pub(crate) const NEW_ROUTE: SignedDuration = SignedDuration::from_mins(1);

/// Returns the routes that clients outside the cluster can use.
pub(crate) fn routes(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(evidence.routes.seen()?.items.iter().filter(|route| !route.is_internal_chaining()).collect())
}

/// Returns the wildcard routes: those with the hostname `*` for TLS. A route for HTTP clients also has this
/// hostname, but serves no handshake.
///
/// # Errors
///
/// Also returns an error if there is none among the routes of a file that may not hold all of them.
pub(crate) fn wildcards(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    let wildcards: Vec<&Route> = routes(evidence)?.into_iter().filter(|route| route.is_tls_wildcard()).collect();
    if wildcards.is_empty() {
        require_all_routes(evidence)?;
    }
    Ok(wildcards)
}

/// Returns an error if the namespace may have routes that were not seen, so that nothing can be concluded
/// from what seems absent.
pub(crate) fn require_all_routes(evidence: &Evidence) -> Result<(), Unavailable> {
    let is_partial = evidence.routes.seen()?.partial;
    if is_partial { Err(only_some("ApigeeRoutes", "apigeeroutes")) } else { Ok(()) }
}

/// Like [`require_all_routes`], for ApigeeRouteConfigs.
pub(crate) fn require_all_route_configs(evidence: &Evidence) -> Result<(), Unavailable> {
    let is_partial = evidence.route_configs.seen()?.partial;
    if is_partial { Err(only_some("ApigeeRouteConfigs", "apigeerouteconfigs")) } else { Ok(()) }
}

fn only_some(kind: &str, resource: &str) -> Unavailable {
    let how = format!("the files given hold single objects; kubectl get {resource} -o yaml lists all");
    Unavailable::new(format!("all {kind}"), Reason::NotRequested(how))
}

/// Returns the routes with the hostname `*` that terminate no TLS.
pub(crate) fn wildcards_without_tls(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(routes(evidence)?.into_iter().filter(|route| route.is_wildcard() && !route.is_tls_wildcard()).collect())
}

/// Returns the names of the wildcard routes.
pub(crate) fn wildcard_names(evidence: &Evidence) -> Result<Vec<&str>, Unavailable> {
    Ok(wildcards(evidence)?.into_iter().map(|route| route.name.as_str()).collect())
}

/// Returns the routes of environment groups. Other routes are made by hand: they have no virtual host, so no
/// wildcard route to list and no `helm upgrade`.
pub(crate) fn group_routes(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    let named = routes(evidence)?.into_iter().filter(|route| !route.is_wildcard());
    Ok(named.filter(|route| is_of_group(evidence, route)).collect())
}

/// Returns the routes that show which Secrets and pods serve TLS: those of environment groups; without any,
/// the other routes that terminate TLS for hostnames, as routes made by hand do.
pub(crate) fn serving_routes(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    let groups = group_routes(evidence)?;
    if !groups.is_empty() {
        return Ok(groups);
    }
    Ok(routes(evidence)?.into_iter().filter(|route| !route.is_wildcard() && !route.is_without_tls()).collect())
}

/// Returns whether apigee-watcher made the route for an environment group, by any sign of it. If the
/// ApigeeRouteConfigs were not seen, a route without a sign may also be of a group.
fn is_of_group(evidence: &Evidence, route: &Route) -> bool {
    route.owner.is_some()
        || route.group() != route.name
        || group_label(route).is_some()
        || match &evidence.route_configs {
            Seen::Seen(configs) => configs.items.iter().any(|config| may_be_of(route, config)),
            Seen::Unavailable(_) => true,
        }
}

/// Returns whether the route belongs to the config. A route without an owner is matched by name, because the
/// naming of apigee-watcher is not documented.
pub(crate) fn may_be_of(route: &Route, config: &RouteConfig) -> bool {
    let undecided = route.owner.is_none() && route.group() == route.name;
    route.group() == config.name || undecided && route.name.starts_with(&format!("{}-", config.name))
}

/// Returns the environment group of the route, by its label. Whether that is a name in all versions is not
/// documented.
pub(crate) fn group_label(route: &Route) -> Option<&str> {
    route.labels.get(GROUP_LABEL).map(String::as_str)
}

/// Label of the ApigeeRoutes of environment groups. Source: Google's upgrade scripts select them by it.
const GROUP_LABEL: &str = "envGroupId";

/// Returns the ApigeeRoutes that belong to an ApigeeRouteConfig.
pub(crate) fn routes_of<'a>(routes: &[&'a Route], config: &RouteConfig) -> Vec<&'a Route> {
    routes.iter().copied().filter(|route| route.group() == config.name).collect()
}

/// Returns whether the controller has not yet applied the last change of the object.
pub(crate) fn lags(generation: Option<i64>, status: &RouteStatus) -> bool {
    matches!((status.last_applied_generation, generation), (Some(applied), Some(generation)) if applied < generation)
}

/// Returns whether a hostname of the route covers the server name. The hostname `*` does not declare a name,
/// and a route without TLS declares none.
pub(crate) fn declares(route: &Route, server_name: &str) -> bool {
    !route.is_without_tls() && covers(route, server_name)
}

/// Returns whether a hostname of the route other than `*` covers the server name, with or without TLS.
pub(crate) fn covers(route: &Route, server_name: &str) -> bool {
    let hostnames = route.hostnames.iter().filter(|hostname| *hostname != "*").cloned().collect();
    Route { hostnames, ..Route::default() }.covers(server_name)
}

/// Returns whether both routes select a common pod. If no pods were seen, assumes that they do.
pub(crate) fn share_pods(evidence: &Evidence, one: &Route, other: &Route) -> bool {
    match pods(evidence) {
        Ok(pods) if !pods.is_empty() => {
            pods.iter().any(|pod| selects(&one.selector, &pod.labels) && selects(&other.selector, &pod.labels))
        }
        _ => true,
    }
}

/// Returns the routes of environment groups that share a pod with the wildcard route: those that list it in
/// additionalGateways, and those that do not.
pub(crate) fn attachment<'a>(
    evidence: &'a Evidence,
    wildcard: &Route,
) -> Result<(Vec<&'a Route>, Vec<&'a Route>), Unavailable> {
    Ok(group_routes(evidence)?
        .into_iter()
        .filter(|route| share_pods(evidence, route, wildcard))
        .partition(|route| route.additional_gateways.iter().any(|name| local_name(evidence, name) == wildcard.name)))
}

/// Returns the name of a gateway of additionalGateways without the namespace of the routes. Istio accepts
/// `namespace/name`; a gateway of another namespace keeps its prefix.
pub(crate) fn local_name<'a>(evidence: &Evidence, gateway: &'a str) -> &'a str {
    let name = gateway.split_once('/').filter(|(namespace, _)| *namespace == evidence.question.namespace());
    name.map_or(gateway, |(_, name)| name)
}

/// Returns whether this is the port for clients without SNI: HTTPS 443. Source: "Enable non-SNI clients",
/// step 1.
pub(crate) fn https_443(port: &Port) -> bool {
    port.number == Some(443) && port.protocol.as_deref() == Some("HTTPS")
}

/// Returns whether this is HTTPS port 443 and terminates TLS with a certificate of the route.
pub(crate) fn terminates_tls(port: &Port) -> bool {
    let mode = port.tls.as_ref().and_then(|tls| tls.mode.as_deref());
    https_443(port) && matches!(mode, Some("SIMPLE" | "MUTUAL"))
}

/// Returns whether this is an HTTPS or TLS port, with any number, on which the gateway terminates TLS instead
/// of passing it through.
pub(crate) fn terminates_https(port: &Port) -> bool {
    port.protocol() == Some(Protocol::Tls) && !port.passes_through()
}

/// Sorts routes by their age, the oldest first: of routes that cannot be served together, the gateway keeps
/// that one.
pub(crate) fn by_age(mut routes: Vec<&Route>) -> Vec<&Route> {
    routes.sort_by(|one, other| (one.created_at, &one.name).cmp(&(other.created_at, &other.name)));
    routes
}

/// Returns whether the route is known to be older than the other one.
pub(crate) fn is_older(route: &Route, other: &Route) -> bool {
    matches!((route.created_at, other.created_at), (Some(one), Some(other)) if one < other)
}

/// Returns the numbers of the ports that a route uses for TLS, each once.
pub(crate) fn tls_ports(route: &Route) -> BTreeSet<u16> {
    let ports = route.ports.iter().filter(|port| port.protocol() == Some(Protocol::Tls));
    ports.filter_map(|port| port.number).collect()
}

/// Formats a port as `443 HTTPS SIMPLE`.
pub(crate) fn describe_port(port: &Port) -> String {
    let number = port.number.map_or("no number".into(), |number| number.to_string());
    let protocol = port.protocol.as_deref().unwrap_or("no protocol");
    let mode = port.tls.as_ref().and_then(|tls| tls.mode.as_deref()).unwrap_or("no TLS mode");
    format!("{number} {protocol} {mode}")
}

/// Formats the ports of a route with hostname `*` that terminates no TLS: `HTTP on port 80`, `TLS passed
/// through on port 443`.
pub(crate) fn without_tls(route: &Route) -> String {
    let ports = route.ports.iter().map(|port| {
        let protocol = port.protocol.as_deref().unwrap_or("no protocol");
        let number = port.number.map_or_else(String::new, |number| format!(" on port {number}"));
        if port.passes_through() { format!("TLS passed through{number}") } else { format!("{protocol}{number}") }
    });
    ports.collect::<Vec<_>>().join(", ")
}

/// Returns whether both routes select a common pod. Without pods, only equal selectors decide; `None` if that
/// is unknown.
pub(crate) fn known_to_share_pods(evidence: &Evidence, one: &Route, other: &Route) -> Option<bool> {
    match pods(evidence) {
        Ok(pods) if !pods.is_empty() => Some(share_pods(evidence, one, other)),
        _ => (one.selector == other.selector).then_some(true),
    }
}

/// Returns the obstacles that prevent a wildcard route from accepting clients without SNI, as codes of the
/// checks that report them. Empty if none was seen.
pub(crate) fn wildcard_obstacles(evidence: &Evidence, route: &Route) -> Vec<Code> {
    let mut found = Vec::new();
    if route.enable_non_sni_client != Some(true) {
        found.push(codes::WILDCARD_ROUTE_FLAG_OFF);
    }
    if let Ok(pods) = pods(evidence)
        && !pods.is_empty()
        && !pods_are_narrowed(evidence)
        && !route.selector.is_empty()
        && !pods.iter().any(|pod| selects(&route.selector, &pod.labels))
    {
        found.push(codes::SELECTOR_WITHOUT_PODS);
    }
    if !route.ports.iter().any(terminates_tls) {
        found.push(codes::WILDCARD_PORT_UNSUITABLE);
    }
    for tls in route.ports.iter().filter(|port| https_443(port)).filter_map(|port| port.tls.as_ref()) {
        match &tls.credential_name {
            None if !tls.from_files => found.push(codes::CREDENTIAL_NAME_MISSING),
            Some(name) if secret_is_missing(evidence, name) => found.push(codes::CREDENTIAL_SECRET_MISSING),
            _ => {}
        }
    }
    if route.status.state.as_deref().is_some_and(|state| state != "running") || lags(route.generation, &route.status) {
        found.push(codes::ROUTE_NOT_RUNNING);
    }
    if !route.status.errors.is_empty() {
        found.push(codes::ROUTE_ERROR);
    }
    found
}

/// Returns whether the Secrets were listed and this one is absent. Always false for a name with a namespace
/// prefix.
pub(crate) fn secret_is_missing(evidence: &Evidence, name: &str) -> bool {
    match &evidence.secrets {
        Seen::Seen(secrets) => !name.contains('/') && !secrets.names.iter().any(|known| known == name),
        Seen::Unavailable(_) => false,
    }
}
