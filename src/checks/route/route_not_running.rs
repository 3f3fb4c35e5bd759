//! AT211: a route or route config is not applied yet, or not any more.

use crate::checks::facts;
use crate::checks::{Check, Explanation, Finding, Judgement, Level, Outcome, Step};
use crate::evidence::Evidence;
use crate::evidence::cluster::RouteStatus;

pub(super) const CHECK: Check = Check {
    code: "AT211",
    name: "route-not-running",
    level: Level::Warning,
    step: Step::Routes,
    summary: "An ApigeeRoute or ApigeeRouteConfig is not in state running",
    explanation: Explanation {
        looks_for: "status.state other than running, no status at all, or status.lastAppliedGeneration behind \
            metadata.generation.",
        matters: "What the object says is not what the gateway does: the last change has not been applied.",
        fix: "kubectl describe the object, and read the logs of apigee-watcher and apigee-ingressgateway-manager.",
    },
    reference: "Apigee object states (v1alpha1 reference); playbook, sample output of kubectl get apigeeroutes",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let mut findings: Vec<Finding> = routes
        .iter()
        .filter_map(|route| lagging("ApigeeRoute", &route.name, route.generation, &route.status))
        .collect();
    let configs = evidence.route_configs.seen();
    findings.extend(
        configs
            .iter()
            .flat_map(|configs| &configs.items)
            .filter_map(|config| lagging("ApigeeRouteConfig", &config.name, config.generation, &config.status)),
    );
    if findings.is_empty() {
        configs?;
    }
    Ok(Outcome::of(findings, "every route and route config is running"))
}

fn lagging(kind: &str, name: &str, generation: Option<i64>, status: &RouteStatus) -> Option<Finding> {
    let object = format!("{kind}/{name}");
    let state = status.state.as_deref().unwrap_or("absent");
    if state != "running" {
        let message = match &status.state {
            Some(state) => format!("{kind} {name} is {state}, not running"),
            None => format!("{kind} {name} has no state: no controller has taken it up"),
        };
        return Some(Finding::new(object, "status.state", message, state, "running"));
    }
    facts::lags(generation, status).then(|| {
        Finding::new(
            object,
            "status.lastAppliedGeneration",
            format!("the last change of {kind} {name} has not been applied"),
            status.last_applied_generation.unwrap_or_default().to_string(),
            generation.unwrap_or_default().to_string(),
        )
    })
}
