//! AT211: the last change of a route or route config has not been applied.

use jiff::Timestamp;

use crate::checks::facts::{self, envoy};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::hybrid::{Route, RouteStatus, selects};
use crate::evidence::{Evidence, Seen};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT211"),
    name: "route-not-running",
    level: Level::Warning,
    summary: "An ApigeeRoute or ApigeeRouteConfig is not in state running",
    explanation: Explanation {
        looks_for: "status.state other than running, no status at all, or status.lastAppliedGeneration lower \
            than metadata.generation.",
        matters: "The last change of the object has not been applied, so the gateway does not follow it.",
        fix: "Run kubectl describe for the object. Read the logs of apigee-watcher and \
            apigee-ingressgateway-manager.",
    },
    reference: "Apigee object states (v1alpha1 reference); playbook, sample output of kubectl get \
        apigeeroutes",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let configs = evidence.route_configs.seen();
    let in_cluster: Vec<_> = routes.iter().filter(|route| was_created(route.created_at, &route.status)).collect();
    let listed = configs.iter().flat_map(|configs| &configs.items);
    let configs_in_cluster: Vec<_> = listed.filter(|config| was_created(config.created_at, &config.status)).collect();
    let mut findings: Vec<Finding> = in_cluster
        .iter()
        .filter_map(|route| {
            let mut finding = lagging(Kind::ApigeeRoute, &route.name, route.generation, &route.status)?;
            finding.message += &mitigation(evidence, route);
            Some(finding)
        })
        .collect();
    findings.extend(
        configs_in_cluster
            .iter()
            .filter_map(|config| lagging(Kind::ApigeeRouteConfig, &config.name, config.generation, &config.status)),
    );
    if findings.is_empty() {
        configs?;
        if !routes.is_empty() && in_cluster.is_empty() && configs_in_cluster.is_empty() {
            return Ok(Outcome::NotApplicable("the objects are manifests that no cluster has created".into()));
        }
    }
    Ok(Outcome::of(findings, "every route and route config is running"))
}

/// Returns whether a cluster has created the object: it sets the time of creation of each. A manifest to
/// apply has neither this time nor a state.
fn was_created(created_at: Option<Timestamp>, status: &RouteStatus) -> bool {
    created_at.is_some() || status.state.is_some() || status.last_applied_generation.is_some()
}

/// Returns mitigating facts as the end of a sentence, `; created 8 s ago: …`: the route is new, or the
/// gateways already have it.
fn mitigation(evidence: &Evidence, route: &Route) -> String {
    let age = route.created_at.map(|created| evidence.now().duration_since(created));
    let mut text = match age {
        // Clocks may differ slightly, so a route from the future counts as new.
        Some(age) if age < facts::NEW_ROUTE => {
            format!("; created {} ago: a controller may still process it", facts::duration(age))
        }
        _ => String::new(),
    };
    if is_in_gateways(evidence, route) {
        text += "; the Envoys of its pods already accept its hostnames";
    }
    text
}

/// Returns whether every gateway that the route selects accepts each of its hostnames. False if the route was
/// changed after its creation, because the gateways may have an older version.
fn is_in_gateways(evidence: &Evidence, route: &Route) -> bool {
    if route.generation.is_some_and(|generation| generation > 1) {
        return false;
    }
    let gateways = envoy::of_pods(evidence).unwrap_or_default();
    let mut selected = gateways.iter().filter(|(pod, _)| selects(&route.selector, &pod.labels)).peekable();
    selected.peek().is_some()
        && !route.hostnames.is_empty()
        && selected.all(|(_, gateway)| {
            let Seen::Seen(listeners) = &gateway.listeners else { return false };
            let chains = envoy::chains(evidence, listeners);
            route.hostnames.iter().all(|hostname| match hostname.as_str() {
                "*" => chains.iter().any(|chain| chain.matches_without_sni()),
                name => chains
                    .iter()
                    .any(|chain| !chain.server_names.is_empty() && chain.matches(&envoy::server_name(name))),
            })
        })
}

fn lagging(kind: Kind, name: &str, generation: Option<i64>, status: &RouteStatus) -> Option<Finding> {
    let object = Object::new(kind, name);
    let state = status.state.as_deref().unwrap_or("absent");
    if state != "running" {
        let message = match &status.state {
            Some(state) => format!("{kind} {name} is {state}, not running"),
            None => format!("{kind} {name} has no state: no controller has processed it"),
        };
        return Some(Finding::new(object, Location::field("status.state"), message, state, "running"));
    }
    facts::lags(generation, status).then(|| {
        Finding::new(
            object,
            Location::field("status.lastAppliedGeneration"),
            format!("the last change of {kind} {name} has not been applied"),
            status.last_applied_generation.unwrap_or_default().to_string(),
            generation.unwrap_or_default().to_string(),
        )
    })
}
