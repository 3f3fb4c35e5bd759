//! AT105: handshakes without SNI succeed, but no environment group answers on that gateway.

use crate::checks::facts::{self, HealthCheck, HealthChecks};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome};
use crate::evidence::{AccessLog, Evidence, LogOrigin};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT105"),
    name: "client-without-sni-unrouted",
    level: Level::Error,
    summary: "Handshakes without SNI succeed, but the requests find no route",
    explanation: Explanation {
        looks_for: "Access-log records without SNI, with status 404, response flag NR and status_details \
            route_not_found. If every environment group lists the wildcard route, nothing is reported: then \
            the Host header or path of the request itself is the cause, for example from a scanner.",
        matters: "A wildcard route accepts the handshake, so the request belongs to the gateway of the \
            wildcard route. Only environment groups that list that route in additionalGateways answer there. \
            The client gets 404 for every path.",
        fix: "List the wildcard route in additionalGateways of the virtual host of every environment group. \
            Then run helm upgrade for each of them.",
    },
    reference: "ApigeeRoute field additionalGateways (\"adds more gateways to the list of gateways in \
        VirtualService\"); Apigee hybrid playbook, last step",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let checks = HealthChecks::of(evidence, |log| &log.unrouted_without_sni);
    let all: u64 = facts::logs(evidence).map(|(_, log)| log.unrouted_without_sni.count).sum();
    let from_checks: u64 = facts::logs(evidence).map(|(origin, log)| azure(&checks, origin, log)).sum();
    let unrouted = all.saturating_sub(from_checks);
    if unrouted == 0 && all > 0 {
        facts::require_conclusive_logs(evidence)?;
        return Ok(Outcome::Passed(
            "only Azure's load-balancer probes found no route, and these are no clients".into(),
        ));
    }
    if unrouted == 0 {
        facts::require_conclusive_logs(evidence)?;
        return Ok(Outcome::Passed(format!("no such request {}", facts::window(evidence))));
    }
    if all_attached(evidence) {
        return Ok(Outcome::NotApplicable(format!(
            "{} without SNI found no route, but every environment group lists the wildcard route: the \
             cause is the Host header or path of the request",
            facts::count(unrouted, "request")
        )));
    }
    let findings = facts::logs(evidence)
        .map(|(origin, log)| (origin, &log.unrouted_without_sni, azure(&checks, origin, log)))
        .map(|(origin, requests, azure)| (origin, requests, requests.count.saturating_sub(azure)))
        .filter(|(_, _, count)| *count > 0)
        .map(|(origin, requests, count)| {
            Finding::in_log(
                origin,
                Location::window(requests),
                format!("{} without SNI got 404 route_not_found", facts::count(count, "request")),
                facts::from_addresses(requests.clients.len()),
                "an environment group that lists the wildcard route in additionalGateways, with the Host header \
                 among its hostnames",
            )
        })
        .collect();
    Ok(Outcome::Found(findings))
}

/// Counts the requests of Azure's probes.
fn azure(checks: &HealthChecks<'_>, origin: &LogOrigin, log: &AccessLog) -> u64 {
    let all = checks.among(origin, &log.unrouted_without_sni).into_iter();
    all.filter(|(_, _, kind)| *kind == HealthCheck::Azure).map(|(_, span, _)| span.count).sum()
}

/// Returns whether every environment group on the pods of a wildcard route lists it. If so, a 404 is caused
/// by the request itself.
fn all_attached(evidence: &Evidence) -> bool {
    let wildcards = facts::wildcards(evidence).unwrap_or_default();
    !wildcards.is_empty()
        && wildcards.iter().all(|wildcard| {
            facts::attachment(evidence, wildcard)
                .is_ok_and(|(listing, lacking)| lacking.is_empty() && !listing.is_empty())
        })
}
