//! AT101: connections without SNI are reset, according to the access log.
//!
//! AT104 reports resets that come only from Google's front ends.

use crate::checks::facts::{self, without_sni};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Level, Location, Outcome, codes};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT101"),
    name: "connection-without-server-name-reset",
    level: Level::Error,
    summary: "Connections without SNI are reset",
    explanation: Explanation {
        looks_for: "Access-log records with status 0, status_details filter_chain_not_found and no sni_host. \
            Records from Google's health checks and front ends are left out (AT104). Envoy writes such a \
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
    for (origin, log) in facts::logs(evidence) {
        let resets = &log.reset_without_sni;
        let own = resets.count.saturating_sub(facts::from_google(resets));
        if own == 0 {
            continue;
        }
        if over {
            past += own;
            continue;
        }
        let clients = resets.clients.keys().filter(|client| !facts::is_google_front_end(client)).count();
        findings.push(Finding::in_log(
            origin,
            Location::window(resets),
            format!("{} without SNI, {}", facts::count(own, "reset"), facts::from_addresses(clients)),
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
    if facts::logs(evidence).any(|(_, log)| log.reset_without_sni.count > 0) {
        return Ok(Outcome::Passed(format!(
            "every reset without SNI comes from Google's ranges ({})",
            codes::LOAD_BALANCER_RESET
        )));
    }
    Ok(Outcome::Passed(format!("no reset without SNI {}", facts::window(evidence))))
}
