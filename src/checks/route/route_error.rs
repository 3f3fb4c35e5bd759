//! AT212: a route or route config reports errors.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT212"),
    name: "route-error",
    level: Level::Warning,
    summary: "An ApigeeRoute or ApigeeRouteConfig reports an error in its status",
    explanation: Explanation {
        looks_for: "status.errors of each ApigeeRoute and ApigeeRouteConfig.",
        matters: "The controller itself reports what it could not do.",
        fix: "Follow the error message. Then read the logs of apigee-watcher and \
            apigee-ingressgateway-manager.",
    },
    reference: "ApigeeRoute v1alpha1, status.errors",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let configs = evidence.route_configs.seen();
    let of_routes = routes.iter().map(|route| (Kind::ApigeeRoute, &route.name, &route.status));
    let of_configs = configs
        .iter()
        .flat_map(|configs| &configs.items)
        .map(|config| (Kind::ApigeeRouteConfig, &config.name, &config.status));
    let findings: Vec<Finding> = of_routes
        .chain(of_configs)
        .flat_map(|(kind, name, status)| {
            status.errors.iter().map(move |error| {
                Finding::new(
                    Object::new(kind, name),
                    Location::field("status.errors"),
                    format!("{kind} {name} reports an error"),
                    error.clone(),
                    "no error",
                )
            })
        })
        .collect();
    if findings.is_empty() {
        configs?;
    }
    Ok(Outcome::of(findings, "no route and no route config reports an error"))
}
