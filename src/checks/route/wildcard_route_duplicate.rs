//! AT206: two routes have the hostname `*`.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT206"),
    name: "wildcard-route-duplicate",
    level: Level::Warning,
    summary: "Two or more ApigeeRoutes have the hostname * on the same pods",
    explanation: Explanation {
        looks_for: "More than one ApigeeRoute with hostname * that selects the same pods. Internal-chaining \
            routes are ignored.",
        matters: "The documentation forbids this, because two filter chains would match the same \
            connections. It does not say which of the two certificates a client gets, or whether the gateway \
            accepts the configuration at all.",
        fix: "Keep the route that the environment groups list, and delete the other.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\" (1.3, 1.8): \"Do not create two ApigeeRoute objects \
        with a wildcard\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let wildcards = facts::wildcards(evidence)?;
    if wildcards.is_empty() {
        return Ok(Outcome::NotApplicable("there is no wildcard route".into()));
    }
    let findings = wildcards
        .iter()
        .enumerate()
        .skip(1)
        .filter_map(|(i, route)| {
            let twin = wildcards[..i].iter().find(|other| facts::share_pods(evidence, route, other))?;
            Some(Finding::new(
                Object::new(Kind::ApigeeRoute, &route.name),
                Location::field("spec.hostnames"),
                format!("ApigeeRoutes {} and {} both have hostname *", twin.name, route.name),
                "two wildcard routes",
                "one",
            ))
        })
        .collect();
    Ok(Outcome::of(findings, format!("{} with hostname *", facts::count(wildcards.len() as u64, "route"))))
}
