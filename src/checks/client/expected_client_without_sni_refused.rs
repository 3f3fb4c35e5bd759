//! AT106: clients without SNI exist according to `--expect`, and the gateway does not accept them.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Object, Outcome};
use crate::evidence::Evidence;
use crate::evidence::hybrid::Route;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT106"),
    name: "expected-client-without-sni-refused",
    level: Level::Error,
    summary: "Clients without SNI are expected, and the gateway does not accept them",
    explanation: Explanation {
        looks_for: "With --expect non-sni: no ApigeeRoute accepts connections without SNI, or no environment \
            group lists one that does.",
        matters: "A gateway that serves only clients with SNI is not a fault by itself. But if clients \
            without SNI exist, every one of them fails, even if none was seen in the log.",
        fix: "Enable clients without SNI: create a wildcard ApigeeRoute and list it in additionalGateways of \
            every environment group.",
    },
    reference: "Apigee hybrid \"Enable non-SNI clients\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if !evidence.question.expects_non_sni() {
        return Ok(Outcome::NotApplicable("--expect non-sni was not given".into()));
    }
    let wildcards = facts::wildcards(evidence)?;
    let accepting: Vec<_> =
        wildcards.iter().filter(|route| facts::wildcard_obstacles(evidence, route).is_empty()).collect();
    let groups = facts::group_routes(evidence)?;
    let attached = accepting.iter().find(|wildcard| {
        let lists = |route: &&Route| {
            route.additional_gateways.iter().any(|name| facts::local_name(evidence, name) == wildcard.name)
        };
        groups.is_empty() || groups.iter().any(lists)
    });
    let observed = match (wildcards.is_empty(), accepting.is_empty()) {
        (true, _) => "no ApigeeRoute with hostname *".to_owned(),
        (false, true) => {
            let obstacles = facts::wildcard_obstacles(evidence, wildcards[0]);
            let obstacles: Vec<&str> = obstacles.into_iter().map(Code::as_str).collect();
            format!("{}: {}", wildcards[0].name, obstacles.join(", "))
        }
        (false, false) => "no environment group lists it in additionalGateways".to_owned(),
    };
    if let Some(wildcard) = attached {
        // Its selector and its Secret must have been seen as well.
        facts::pods(evidence)?;
        evidence.secrets.seen()?;
        return Ok(Outcome::Passed(format!("ApigeeRoute {} accepts them", wildcard.name)));
    }
    Ok(Outcome::Found(vec![Finding::new(
        Object::namespace(evidence),
        Location::Listing("ApigeeRoutes".into()),
        "clients without SNI are expected, but the gateway cannot serve them",
        observed,
        "a wildcard ApigeeRoute without obstacles that the environment groups list",
    )]))
}
