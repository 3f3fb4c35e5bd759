//! AT108: clients without SNI were served, but the wildcard route no longer exists.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT108"),
    name: "served-client-without-wildcard",
    level: Level::Warning,
    summary: "Clients without SNI were served, and no ApigeeRoute accepts them any more",
    explanation: Explanation {
        looks_for: "Requests in the access log that arrived over TLS without SNI and were answered, while no \
            ApigeeRoute has the hostname *.",
        matters: "Such clients exist, and a wildcard route served them. Either that route was deleted since, \
            or the gateway still has a configuration that is no longer in the cluster. These clients are \
            refused from now on, or after the next configuration change.",
        fix: "Create the wildcard route again, and list it in additionalGateways of every environment group.",
    },
    reference: "Istio leaves server_names unset for hosts with *: only such a filter chain serves clients \
        without SNI",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let routes = facts::routes(evidence)?;
    if let Some(route) = routes.iter().find(|route| route.is_wildcard() || route.enable_non_sni_client == Some(true)) {
        return Ok(Outcome::Passed(format!("ApigeeRoute {} is meant for clients without SNI", route.name)));
    }
    let findings: Vec<Finding> = facts::logs(evidence)
        .filter(|(_, log)| log.served_without_sni.count > 0)
        .map(|(origin, log)| {
            let served = &log.served_without_sni;
            Finding::in_log(
                origin,
                Location::window(served),
                format!(
                    "{origin} served {} without SNI, which no ApigeeRoute accepts now",
                    facts::count(served.count, "request")
                ),
                "no ApigeeRoute with hostname *",
                "a wildcard route, as long as such clients exist",
            )
        })
        .collect();
    if findings.is_empty() {
        facts::require_conclusive_logs(evidence)?;
    }
    Ok(Outcome::of(findings, format!("no client without SNI was served {}", facts::window(evidence))))
}
