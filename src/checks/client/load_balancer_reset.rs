//! AT104: the resets without SNI come only from Google's health checks or front ends.

use crate::checks::facts::{self, without_sni};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome, codes};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT104"),
    name: "load-balancer-reset",
    level: Level::Warning,
    summary: "Connections without SNI from a Google load balancer are reset",
    explanation: Explanation {
        looks_for: "Resets without SNI, all of them from Google's ranges 35.191.0.0/16, 130.211.0.0/22, \
            2600:2d00:1:b029::/64 and 2600:2d00:1:1::/64.",
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
    let (mut google, mut all, mut beyond) = (0, 0, 0);
    for (_, log) in facts::logs(evidence) {
        google += facts::from_google(&log.reset_without_sni);
        all += log.reset_without_sni.count;
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
    if google < all {
        return Ok(Outcome::NotApplicable(format!(
            "{} of {} without SNI come from other addresses ({})",
            all - google,
            facts::count(all, "reset"),
            codes::CONNECTION_WITHOUT_SERVER_NAME_RESET
        )));
    }
    let findings = facts::logs(evidence)
        .filter(|(_, log)| log.reset_without_sni.count > 0)
        .map(|(origin, log)| {
            let clients: Vec<&str> = log.reset_without_sni.clients.keys().map(String::as_str).collect();
            Finding::in_log(
                origin,
                Location::window(&log.reset_without_sni),
                format!("{} without SNI, all from Google's ranges", facts::count(log.reset_without_sni.count, "reset")),
                format!("from {}", facts::some_of(&clients)),
                "a health check without TLS, or a gateway that accepts clients without SNI",
            )
        })
        .collect();
    Ok(Outcome::Found(findings))
}
