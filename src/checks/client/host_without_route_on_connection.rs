//! AT110: requests for one host arrive on connections that were opened for another, and are refused.

use std::collections::BTreeMap;

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT110"),
    name: "host-without-route-on-connection",
    level: Level::Warning,
    summary: "Requests for a host arrive on connections opened for another name, and are refused",
    explanation: Explanation {
        looks_for: "Access-log records whose host is not their server name, with status 404, flag NR and \
            route_not_found, or with status 421.",
        matters: "An HTTP/2 client reuses a connection for every name that its certificate covers, but the filter chain of \
            the connection knows only the routes of the name that it was opened for. It may also be a scanner that sends \
            any Host, which hurts nobody.",
        fix: "Give the two hostnames certificates of their own, or one environment group for both, or let the client open a \
            connection for each host.",
    },
    reference: "RFC 9113 §9.1.1 and RFC 9110 §15.5.20; Istio traffic management problems, \"404 errors occur when multiple \
        gateways configured with same TLS certificate\"",
    judge,
};

/// Of one pair of names: requests, clients of the connections, places.
#[derive(Default)]
struct Requests {
    count: u64,
    clients: usize,
    origins: Vec<String>,
}

fn judge(evidence: &Evidence) -> Judgement {
    let mut pairs: BTreeMap<(&str, &str), Requests> = BTreeMap::new();
    for (origin, log) in facts::logs(evidence) {
        for (server_name, hosts) in &log.other_host.hosts {
            for (host, span) in hosts {
                let requests = pairs.entry((server_name, host)).or_default();
                requests.count += span.count;
                requests.clients += log.other_host.tally.clients.len();
                requests.origins.push(origin.to_string());
            }
        }
    }
    if pairs.is_empty() {
        facts::require_conclusive_logs(evidence)?;
        let text =
            format!("every request that was refused had the server name of its connection {}", facts::window(evidence));
        return Ok(Outcome::Passed(text));
    }
    let findings = pairs
        .into_iter()
        .map(|((server_name, host), requests)| {
            Finding::new(
                Object::new(Kind::Host, host),
                Location::Logs(requests.origins),
                format!(
                    "{} for {host} came on connections opened for {server_name} and found no route",
                    facts::count(requests.count, "request")
                ),
                format!(
                    "server name {server_name}, host {host}; such requests come {}",
                    facts::from_addresses(requests.clients)
                ),
                "a connection for each host, or routes of both in one filter chain",
            )
        })
        .collect();
    Ok(Outcome::Found(findings))
}
