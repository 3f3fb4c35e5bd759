//! AT103: connections with a server name that an ApigeeRoute declares are reset.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT103"),
    name: "declared-server-name-reset",
    level: Level::Error,
    summary: "Connections with a server name that an ApigeeRoute declares are reset",
    explanation: Explanation {
        looks_for: "Access-log records with filter_chain_not_found and a sni_host that a hostname of an \
            ApigeeRoute covers. Resets before the creation of that route are ignored.",
        matters: "The client sends the right name and the route exists, but the gateway that answered has no \
            filter chain for it. Possible causes: the route does not select that pod, its Secret is missing, \
            or the gateway did not get the new configuration.",
        fix: "Check the findings about that route (AT207, AT209, AT210, AT211, AT212). If there are none, \
            check apigee-ingressgateway-manager, which distributes the routes to the gateways.",
    },
    reference: "Istio's filter chains per HTTPS server of a Gateway; Apigee playbook \"API calls failing \
        with TLS errors\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let names = facts::reset_names(evidence);
    if names.is_empty() {
        facts::require_conclusive_logs(evidence)?;
        facts::know_all_names(evidence)?;
        return Ok(Outcome::Passed(format!("no reset of a connection with SNI {}", facts::window(evidence))));
    }
    let routes = facts::required(facts::routes(evidence))?;
    let mut findings = Vec::new();
    let mut before_route = false;
    for (name, resets) in &names {
        let Some(route) = routes.iter().find(|route| facts::declares(route, name)) else { continue };
        if resets.last.is_some() && route.created_at > resets.last {
            before_route = true;
            continue;
        }
        findings.push(Finding::new(
            Object::new(Kind::ApigeeRoute, &route.name),
            Location::Logs(resets.origins.clone()),
            format!(
                "{} of connections with server name {name}, which ApigeeRoute {} declares",
                facts::count(resets.count, "reset"),
                route.name
            ),
            "filter_chain_not_found",
            format!("a filter chain for {name}"),
        ));
    }
    if findings.is_empty() {
        facts::require_conclusive_logs(evidence)?;
        facts::know_all_names(evidence)?;
    }
    Ok(Outcome::of(
        findings,
        if before_route {
            "declared names were reset only before their ApigeeRoute was created"
        } else {
            "no ApigeeRoute declares a server name that was reset"
        },
    ))
}
