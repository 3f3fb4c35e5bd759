//! The routes of the cluster, and what keeps a wildcard route from its work.

use super::pods::{pods, pods_are_narrowed};
use crate::checks::{Code, codes};
use crate::evidence::cluster::{Port, Route, RouteConfig, RouteStatus, selects};
use crate::evidence::{Evidence, Seen, Unavailable};

/// Routes that clients outside the cluster can use.
pub(crate) fn routes(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(evidence.routes.seen()?.items.iter().filter(|route| !route.is_internal_chaining()).collect())
}

/// Routes with the hostname `*`.
pub(crate) fn wildcards(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(routes(evidence)?.into_iter().filter(|route| route.is_wildcard()).collect())
}

/// The names of the wildcard routes.
pub(crate) fn wildcard_names(evidence: &Evidence) -> Result<Vec<&str>, Unavailable> {
    Ok(wildcards(evidence)?.into_iter().map(|route| route.name.as_str()).collect())
}

/// Routes of environment groups: those with hostnames of their own.
pub(crate) fn group_routes(evidence: &Evidence) -> Result<Vec<&Route>, Unavailable> {
    Ok(routes(evidence)?.into_iter().filter(|route| !route.is_wildcard()).collect())
}

/// The ApigeeRoutes that an ApigeeRouteConfig made.
pub(crate) fn routes_of<'a>(routes: &[&'a Route], config: &RouteConfig) -> Vec<&'a Route> {
    routes.iter().copied().filter(|route| route.group() == config.name).collect()
}

/// The object's last change is behind what the controller has applied.
pub(crate) fn lags(generation: Option<i64>, status: &RouteStatus) -> bool {
    matches!((status.last_applied_generation, generation), (Some(applied), Some(generation)) if applied < generation)
}

/// The route has a hostname of its own that covers the server name; `*` does not declare a name.
pub(crate) fn declares(route: &Route, server_name: &str) -> bool {
    let hostnames = route.hostnames.iter().filter(|hostname| *hostname != "*").cloned().collect();
    Route { hostnames, ..Route::default() }.covers(server_name)
}

/// Whether both routes reach a pod in common; where pods were not seen or are none, they might.
pub(crate) fn share_pods(evidence: &Evidence, one: &Route, other: &Route) -> bool {
    match pods(evidence) {
        Ok(pods) if !pods.is_empty() => {
            pods.iter().any(|pod| selects(&one.selector, &pod.labels) && selects(&other.selector, &pod.labels))
        }
        _ => true,
    }
}

/// The environment groups' routes on pods of the wildcard: those that list it, and those that do not.
pub(crate) fn attachment<'a>(
    evidence: &'a Evidence,
    wildcard: &Route,
) -> Result<(Vec<&'a Route>, Vec<&'a Route>), Unavailable> {
    Ok(group_routes(evidence)?
        .into_iter()
        .filter(|route| share_pods(evidence, route, wildcard))
        .partition(|route| route.additional_gateways.contains(&wildcard.name)))
}

/// The port on which clients without a server name must be accepted. Source: "Enable non-SNI clients", step 1.
pub(crate) fn https_443(port: &Port) -> bool {
    port.number == Some(443) && port.protocol.as_deref() == Some("HTTPS")
}

/// The port terminates TLS here, with a certificate of the route.
pub(crate) fn terminates_tls(port: &Port) -> bool {
    let mode = port.tls.as_ref().and_then(|tls| tls.mode.as_deref());
    https_443(port) && matches!(mode, Some("SIMPLE" | "MUTUAL"))
}

/// The port ends TLS in the gateway: HTTPS, and not passed through.
pub(crate) fn ends_tls_here(port: &Port) -> bool {
    let mode = port.tls.as_ref().and_then(|tls| tls.mode.as_deref());
    port.protocol.as_deref() == Some("HTTPS") && !matches!(mode, Some("PASSTHROUGH" | "AUTO_PASSTHROUGH"))
}

/// What keeps a wildcard route from accepting clients without a server name, each with the code of the check that
/// finds it; empty where nothing that was seen does.
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

/// The Secrets were listed and this one is not among them. A name with a namespace in front is not judged.
pub(crate) fn secret_is_missing(evidence: &Evidence, name: &str) -> bool {
    match &evidence.secrets {
        Seen::Seen(secrets) => !name.contains('/') && !secrets.names.iter().any(|known| known == name),
        Seen::Unavailable(_) => false,
    }
}
