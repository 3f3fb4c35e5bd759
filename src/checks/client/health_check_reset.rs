//! AT111: connections without SNI from health checks are reset.

use std::collections::BTreeMap;

use crate::checks::facts::{self, HealthCheck, HealthChecks, without_sni};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome};
use crate::evidence::access_log::Tally;
use crate::evidence::{Evidence, LogOrigin};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT111"),
    name: "health-check-reset",
    level: Level::Notice,
    summary: "Connections without SNI from health checks are reset",
    explanation: Explanation {
        looks_for: "Resets without SNI from 168.63.129.16, the address of Azure's load-balancer probes, or \
            with the steady beat of a health check: the same gap all the time, from at most 16 addresses \
            that send nothing else. Network load balancers, the kubelet, nodes and monitors probe like \
            that. Google's ranges are AT104.",
        matters: "A health check is no client. A TCP probe only opens the connection: each leaves such a \
            record, and the gateway counts as healthy. An HTTPS probe is refused: then the load balancer \
            takes the gateway for down. A client that polls keeps a beat too; a packet capture can tell.",
        fix: "Probe port 15021 with HTTP and path /healthz/ready, or expect these records of a TCP probe. \
            Enable clients without SNI only if clients need it.",
    },
    reference: "Microsoft \"What is IP address 168.63.129.16?\"; Elastic Load Balancing \"Health checks for \
        Network Load Balancer target groups\"; Istio status port 15021",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let checks = HealthChecks::of_resets(evidence);
    let over = without_sni::resets_are_over(evidence);
    let findings: Vec<Finding> = facts::logs(evidence)
        .filter(|_| !over)
        .flat_map(|(origin, log)| of_log(&checks, origin, &log.reset_without_sni))
        .collect();
    if findings.is_empty() {
        facts::require_conclusive_logs(evidence)?;
        if over && facts::logs(evidence).any(|(_, log)| log.reset_without_sni.count > 0) {
            return Ok(Outcome::Passed("connections without SNI were served after the last reset".into()));
        }
    }
    Ok(Outcome::of(findings, format!("no reset without SNI of a health check {}", facts::window(evidence))))
}

/// Returns a finding for each kind of health check in this log.
fn of_log(checks: &HealthChecks<'_>, origin: &LogOrigin, resets: &Tally) -> Vec<Finding> {
    let mut kinds: BTreeMap<String, (u64, Vec<&str>)> = BTreeMap::new();
    for (address, span, kind) in checks.among(origin, resets) {
        let what = match kind {
            HealthCheck::Azure => "the address of Azure's load-balancer probes, which is no client".to_owned(),
            HealthCheck::Beat { seconds } => {
                format!("each every {seconds} s all the time: the beat of a health check, not of clients")
            }
        };
        let (count, addresses) = kinds.entry(what).or_default();
        *count += span.count;
        addresses.push(address);
    }
    let finding = |(what, (count, addresses)): (String, (u64, Vec<&str>))| {
        let addresses = facts::some_of(&addresses);
        Finding::in_log(
            origin,
            Location::window(resets),
            format!("{} without SNI from {addresses}, {what}", facts::count(count, "reset")),
            "status 0, filter_chain_not_found, sni_host null",
            "a probe of port 15021, or a TCP probe that is known to leave these records",
        )
    };
    kinds.into_iter().map(finding).collect()
}
