//! AT101: connections without SNI are reset, according to the access log.
//!
//! AT104 reports resets that come only from Google's front ends, AT111 those of health checks.

use crate::checks::facts::{self, HealthChecks, without_sni};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome, codes};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT101"),
    name: "connection-without-server-name-reset",
    level: Level::Error,
    summary: "Connections without SNI are reset",
    explanation: Explanation {
        looks_for: "Access-log records with status 0, status_details filter_chain_not_found and no sni_host. \
            Records from Google's health checks and front ends (AT104) and of other health checks (AT111) \
            are left out. Envoy writes such a \
            record for each connection that sends no SNI and matches no filter chain. The resets are not \
            reported if connections without SNI were served after the last of them.",
        matters: "A client without SNI gets no certificate and a TCP reset during the handshake: ECONNRESET, \
            Connection reset by peer. The record alone does not prove that the client speaks TLS. Plain \
            HTTP, an HTTP/2 preface or a PROXY protocol header on the TLS port leave the same record. A \
            packet capture can distinguish them.",
        fix: "To accept clients without SNI, create a wildcard ApigeeRoute and list it in additionalGateways \
            of every environment group. Or make the clients send SNI. If they do not speak TLS, correct \
            their port or the protocol of the load balancer.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 2; Envoy access log \
        response_code_details",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let mut findings = Vec::new();
    let mut past = 0;
    let over = without_sni::resets_are_over(evidence);
    let checks = HealthChecks::of_resets(evidence);
    for (origin, log) in facts::logs(evidence) {
        let resets = &log.reset_without_sni;
        let clients = checks.clients(origin, resets);
        if clients.count == 0 {
            continue;
        }
        if over {
            past += clients.count;
            continue;
        }
        findings.push(Finding::in_log(
            origin,
            Location::window(resets),
            format!(
                "{} without SNI, {}",
                facts::count(clients.count, "reset"),
                facts::from_addresses(clients.addresses)
            ),
            "status 0, filter_chain_not_found, sni_host null",
            "a filter chain for connections without SNI, or SNI from the client",
        ));
    }
    if !findings.is_empty() {
        return Ok(Outcome::Found(findings));
    }
    // Both "past" and "none" are statements about all logs, so all must have been read.
    facts::require_conclusive_logs(evidence)?;
    if past > 0 {
        return Ok(Outcome::Passed(format!(
            "{} without SNI, but such connections were served after the last of them",
            facts::count(past, "reset")
        )));
    }
    if facts::logs(evidence).any(|(_, log)| log.reset_without_sni.beyond > 0) {
        let why = Reason::Broken("too many different clients".into());
        return Err(Unavailable::new("the addresses of all clients", why));
    }
    let undecided = checks.undecided(without_sni::inspected(evidence));
    if !over && !undecided.is_empty() {
        let what = format!("whether clients connect from {}", facts::some_of(&undecided));
        let why = format!("the steady beat is that of a health check ({})", codes::HEALTH_CHECK_RESET);
        return Err(Unavailable::new(what, Reason::Missing(why)));
    }
    if facts::logs(evidence).any(|(_, log)| log.reset_without_sni.count > 0) {
        return Ok(Outcome::Passed(format!(
            "every reset without SNI comes from Google's ranges or a health check ({}, {})",
            codes::LOAD_BALANCER_RESET,
            codes::HEALTH_CHECK_RESET
        )));
    }
    Ok(Outcome::Passed(format!("no reset without SNI {}", facts::window(evidence))))
}
