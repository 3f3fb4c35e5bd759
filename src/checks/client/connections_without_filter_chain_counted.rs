//! AT120: Envoy counted connections that found no filter chain, and no access log shows them.

use crate::checks::facts::{self, without_sni};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome, codes};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT120"),
    name: "connections-without-filter-chain-counted",
    level: Level::Notice,
    summary: "Envoy counted connections without SNI that found no filter chain",
    explanation: Explanation {
        looks_for: "Where an access log is off, missing or unreadable: the counters \
            listener.*.no_filter_chain_match and tls_inspector.sni_not_found of the Envoy, read before this \
            run connects. A log that shows every reset (AT101) is better evidence, so this check then does \
            not apply.",
        matters: "The two counters together say that connections began with a ClientHello without SNI and \
            were reset. They do not say who connected, when, or how often the same client tried. Earlier runs \
            of this program are counted too.",
        fix: "Turn the access log on to see the clients: set istiod.accessLogFile to /dev/stdout in \
            overrides.yaml and run helm upgrade for apigee-ingress-manager.",
    },
    reference: "Envoy listener statistics (no_filter_chain_match); Envoy TLS inspector statistics \
        (sni_not_found)",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if facts::require_conclusive_logs(evidence).is_ok() {
        return Ok(Outcome::Passed(format!(
            "the access logs are complete and show every reset ({})",
            codes::CONNECTION_WITHOUT_SERVER_NAME_RESET
        )));
    }
    let counted = without_sni::counted_at_pods(evidence)?;
    if counted.is_empty() {
        facts::pods(evidence)?;
        return Ok(Outcome::NotApplicable("no pod has a running Envoy".into()));
    }
    let findings = counted
        .iter()
        .filter(|(_, counted)| counted.without_chain > 0 && counted.without_sni > 0)
        .map(|(pod, counted)| {
            Finding::new(
                Object::new(Kind::Pod, *pod),
                Location::field("stats"),
                format!(
                    "Envoy of pod {pod} counted {} without a filter chain since it started",
                    facts::count(counted.without_chain, "connection"),
                ),
                format!("no_filter_chain_match {}, sni_not_found {}", counted.without_chain, counted.without_sni),
                "no_filter_chain_match 0",
            )
        })
        .collect();
    Ok(Outcome::of(findings, "Envoy counted no connection without SNI and without a filter chain"))
}
