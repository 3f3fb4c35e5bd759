//! AT215: an environment group has no ApigeeRoute, or there is no ApigeeRoute of any group.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT215"),
    name: "environment-group-without-route",
    level: Level::Warning,
    summary: "An environment group has no ApigeeRoute",
    explanation: Explanation {
        looks_for: "ApigeeRouteConfigs without an ApigeeRoute in the namespace, or a namespace without an \
            ApigeeRoute of any environment group. Internal-chaining routes and routes made by hand are \
            ignored.",
        matters: "Without an ApigeeRoute the gateway has no filter chain for the hostnames of the group. \
            Every client that requests one of them is reset, with or without SNI.",
        fix: "Check that the environment group exists in the organization and has hostnames. Then read the \
            log of apigee-watcher, which makes the route. A missing Secret or an expired webhook certificate \
            stops it.",
    },
    reference: "Data flow ApigeeRouteConfig → apigee-watcher → ApigeeRoute; playbook \"API calls failing \
        with TLS errors\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    let configs = evidence.route_configs.seen();
    let findings: Vec<Finding> = configs
        .iter()
        .flat_map(|configs| &configs.items)
        .filter(|config| !routes.iter().any(|route| facts::may_be_of(route, config)))
        .map(|config| {
            Finding::new(
                Object::new(Kind::ApigeeRouteConfig, &config.name),
                Location::Listing("ApigeeRoutes".into()),
                format!("ApigeeRouteConfig {} has no ApigeeRoute", config.name),
                "0 ApigeeRoutes",
                "at least one, made by apigee-watcher",
            )
        })
        .collect();
    if !findings.is_empty() {
        facts::require_all_routes(evidence)?;
        return Ok(Outcome::Found(findings));
    }
    if routes.iter().all(|route| route.is_wildcard()) {
        facts::require_all_routes(evidence)?;
        return Ok(Outcome::Found(vec![Finding::new(
            Object::namespace(evidence),
            Location::Listing("ApigeeRoutes".into()),
            format!("namespace {} has no ApigeeRoute of an environment group", evidence.question.namespace()),
            facts::count(routes.len() as u64, "ApigeeRoute"),
            "at least one that apigee-watcher made for an environment group",
        )]));
    }
    configs?;
    if facts::group_routes(evidence)?.is_empty() {
        return Ok(Outcome::NotApplicable("there is no environment group; every ApigeeRoute was made by hand".into()));
    }
    Ok(Outcome::Passed("every environment group has an ApigeeRoute".into()))
}
