//! AT218: an ApigeeRoute has no hostname.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::hybrid::Route;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT218"),
    name: "hostnames-missing",
    level: Level::Warning,
    summary: "An ApigeeRoute has no hostname",
    explanation: Explanation {
        looks_for: "ApigeeRoutes whose spec.hostnames is absent, empty, or holds only empty names. \
            Internal-chaining routes are ignored.",
        matters: "The gateway serves the hostnames that a route declares, and Istio accepts no server without \
            one. Clients of the environment group are reset, with or without SNI, unless another route has \
            their hostname.",
        fix: "Check that the environment group has hostnames in the organization. If it has, read the log of \
            apigee-watcher, which writes them into the route. Correct a route that was made by hand.",
    },
    reference: "ApigeeRoute spec.hostnames; Istio pkg/config/validation: a server of a Gateway must contain at \
        least one host",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    if routes.is_empty() {
        facts::require_all_routes(evidence)?;
        return Ok(Outcome::NotApplicable("there is no ApigeeRoute".into()));
    }
    let findings = routes.into_iter().filter(|route| has_none(route)).map(|route| {
        let observed = match route.hostnames.len() {
            0 => "none".to_owned(),
            number => facts::count(number as u64, "empty name"),
        };
        Finding::new(
            Object::new(Kind::ApigeeRoute, &route.name),
            Location::field("spec.hostnames"),
            format!("ApigeeRoute {} has no hostname", route.name),
            observed,
            "the hostnames of the environment group, or * for a wildcard route",
        )
    });
    Ok(Outcome::of(findings.collect(), "every ApigeeRoute has a hostname"))
}

fn has_none(route: &Route) -> bool {
    route.hostnames.iter().all(|hostname| hostname.trim().is_empty())
}
