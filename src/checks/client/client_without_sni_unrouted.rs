//! AT105: the handshake without SNI works, but no environment group answers on that gateway.

use crate::checks::facts;
use crate::checks::{Check, Explanation, Finding, Judgement, Level, Outcome, Step};
use crate::evidence::Evidence;

pub(super) const CHECK: Check = Check {
    code: "AT105",
    name: "client-without-sni-unrouted",
    level: Level::Error,
    step: Step::AccessLogs,
    summary: "Clients without SNI shake hands, but their requests find no route",
    explanation: Explanation {
        looks_for: "Access-log records without a server name, with status 404, response flag NR and status_details \
            route_not_found.",
        matters: "A wildcard route accepts the handshake. The request then belongs to the wildcard's gateway, and only \
            environment groups that list it in additionalGateways answer there: the client gets 404 for every path.",
        fix: "List the wildcard route in additionalGateways of the virtual host of every environment group, and run \
            helm upgrade for each.",
    },
    reference: "ApigeeRoute field additionalGateways (\"adds more gateways to the list of gateways in VirtualService\"); \
        Apigee hybrid playbook, last step",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let findings: Vec<Finding> = facts::logs(evidence)
        .filter(|(_, log)| log.unrouted_without_name.count > 0)
        .map(|(origin, log)| {
            let clients: Vec<&str> = log.unrouted_without_name.clients.keys().map(String::as_str).collect();
            Finding::new(
                origin.to_string(),
                facts::moments(&log.unrouted_without_name),
                format!("{} without a server name answered with 404 route_not_found", facts::count(log.unrouted_without_name.count, "request")),
                format!("from {}", facts::some_of(&clients)),
                "an environment group that lists the wildcard route in additionalGateways, and a Host header that it has",
            )
        })
        .collect();
    if findings.is_empty() {
        facts::believe_absence(evidence)?;
    }
    Ok(Outcome::of(findings, format!("no such request {}", facts::window(evidence))))
}
