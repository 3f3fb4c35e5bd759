//! AT104: the resets without SNI come only from Google's health checks or front ends.

use crate::checks::facts::{self, HealthChecks, without_sni};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome, codes};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT104"),
    name: "load-balancer-reset",
    level: Level::Warning,
    summary: "Connections without SNI from a Google load balancer are reset",
    explanation: Explanation {
        looks_for: "Resets without SNI, all of them from Google's ranges 35.191.0.0/16, 130.211.0.0/22, \
            2600:2d00:1:b029::/64 and 2600:2d00:1:1::/64, or from other health checks (AT111).",
        matters: "Google's load balancers connect to their backends without SNI. If the resets hit their \
            HTTPS health check, the backend counts as unhealthy. If they hit their front end, every client \
            behind it is refused. The record does not show which of the two it is. It does not contain the \
            address of a client behind the load balancer, because no HTTP request was read.",
        fix: "Check the state of the backends in the load balancer. Use a TCP health check, or an HTTP \
            health check on port 15021 with path /healthz/ready. If the load balancer speaks HTTPS to the \
            ingress, enable clients without SNI.",
    },
    reference: "Cloud Load Balancing \"Firewall rules\"; Apigee hybrid \"Enable non-SNI clients\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let (mut google, mut all, mut others, mut beyond) = (0, 0, 0, 0);
    let checks = HealthChecks::of_resets(evidence);
    for (origin, log) in facts::logs(evidence) {
        google += facts::from_google(&log.reset_without_sni);
        all += log.reset_without_sni.count;
        others += checks.clients(origin, &log.reset_without_sni).count;
        beyond += log.reset_without_sni.beyond;
    }
    if all == 0 {
        facts::require_conclusive_logs(evidence)?;
        return Ok(Outcome::Passed(format!("no reset without SNI {}", facts::window(evidence))));
    }
    if without_sni::resets_are_over(evidence) {
        facts::require_conclusive_logs(evidence)?;
        return Ok(Outcome::Passed("connections without SNI were served after the last reset".into()));
    }
    if beyond > 0 {
        let why = Reason::Broken("too many different clients".into());
        return Err(Unavailable::new("the addresses of all clients", why));
    }
    if google == 0 && others == 0 {
        let text = format!("every reset without SNI comes from another health check ({})", codes::HEALTH_CHECK_RESET);
        return Ok(Outcome::NotApplicable(text));
    }
    if others > 0 {
        return Ok(Outcome::NotApplicable(format!(
            "{others} of {} without SNI come from other addresses ({})",
            facts::count(all, "reset"),
            codes::CONNECTION_WITHOUT_SERVER_NAME_RESET
        )));
    }
    let findings = facts::logs(evidence)
        .map(|(origin, log)| (origin, &log.reset_without_sni, facts::from_google(&log.reset_without_sni)))
        .filter(|(_, _, count)| *count > 0)
        .map(|(origin, resets, count)| {
            let clients = resets.clients.keys().map(String::as_str);
            let clients: Vec<&str> = clients.filter(|client| facts::is_google_front_end(client)).collect();
            let all = if count == resets.count { "all " } else { "" };
            Finding::in_log(
                origin,
                Location::window(resets),
                format!("{} without SNI, {all}from Google's ranges", facts::count(count, "reset")),
                format!("from {}", facts::some_of(&clients)),
                "a health check without TLS, or a gateway that accepts clients without SNI",
            )
        })
        .collect();
    Ok(Outcome::Found(findings))
}
