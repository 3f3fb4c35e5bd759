//! The step of the handshakes: how each probe ended, and what Envoy counted before this run.

use std::collections::BTreeMap;

use super::super::measurement::probe;
use crate::evidence::gateway::Counters;
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Handshake, by_pod};
use crate::evidence::{Evidence, Seen};
use crate::playbooks::{StepLines, StepSeen};
use crate::text::count;

/// Ends of names of Envoy's counters about clients, and how they read. Source: Envoy's statistics of
/// listeners and of the TLS inspector. Failed handshakes leave no line in the access log, so these counters
/// are all that tells of them.
const COUNTED: [(&str, &str); 4] = [
    (Counters::NO_FILTER_CHAIN, "without a filter chain"),
    (Counters::NOT_TLS, "that began without a ClientHello"),
    (".ssl.connection_error", "whose handshake failed"),
    (".ssl.fail_verify_no_cert", "without the client certificate that was demanded"),
];

/// Returns how the probes ended, by kind of ClientHello; where none was made, the command that makes one.
pub(super) fn of(evidence: &Evidence) -> StepSeen {
    let Ok(probes) = evidence.probes.seen() else { return Ok(StepLines::not_done(probe(evidence).command)) };
    let made: usize = probes.endpoints.iter().map(|endpoint| endpoint.handshakes.len()).sum();
    if made == 0 {
        return match probes.unprobed.first() {
            Some(why) => Err(why.clone()),
            None => Ok(StepLines::not_done(probe(evidence).command)),
        };
    }
    let kinds = [
        (ClientHelloKind::Named, "with a route's hostname"),
        (ClientHelloKind::WithoutSni, "without SNI"),
        (ClientHelloKind::Unknown, "with a name that no route has"),
    ];
    let mut details: Vec<String> = kinds
        .into_iter()
        .filter_map(|(kind, words)| {
            let all: Vec<&Handshake> = probes
                .endpoints
                .iter()
                .flat_map(|endpoint| &endpoint.handshakes)
                .filter(|made| made.kind == kind)
                .collect();
            let served = all.iter().filter(|made| made.succeeded()).count();
            let mut ends: BTreeMap<String, u64> = BTreeMap::new();
            for failure in all.iter().filter_map(|made| made.failure.as_ref()) {
                *ends.entry(failure.to_string()).or_default() += 1;
            }
            let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
            let rest = if ends.is_empty() { String::new() } else { format!("; {}", ends.join("; ")) };
            (!all.is_empty()).then(|| format!("{words}: {served} of {} served{rest}", all.len()))
        })
        .collect();
    details.extend(counted(evidence));
    let wide = probes
        .endpoints
        .iter()
        .flat_map(|endpoint| {
            endpoint.handshakes.iter().map(|made| {
                let sni = made.server_name.as_deref().unwrap_or("no SNI");
                let leaf = made.certificates.first().map_or(String::new(), |leaf| format!(", {}", leaf.subject));
                let end = match (&made.failure, &made.session) {
                    (Some(failure), _) => failure.to_string(),
                    (None, Some(session)) => format!("{} {}{leaf}", session.protocol, session.cipher),
                    (None, None) => "served".into(),
                };
                format!("{}  {sni}: {end}", endpoint.name())
            })
        })
        .collect();
    let pods = by_pod(&probes.endpoints).len();
    let others =
        probes.endpoints.iter().filter(|endpoint| !matches!(endpoint.place, EndpointOrigin::Pod { .. })).count();
    let seen = format!(
        "{} at {}{}",
        count(made as u64, "handshake"),
        count(pods as u64, "pod"),
        if others > 0 { format!(" and {}", count(others as u64, "other endpoint")) } else { String::new() }
    );
    Ok(StepLines { seen, details, wide, ..StepLines::default() })
}

/// Returns what the Envoys counted of all clients since they started. The counters are read before this run's
/// handshakes, and include those of earlier runs.
fn counted(evidence: &Evidence) -> Option<String> {
    let gateways = evidence.gateways.seen().ok()?;
    let told: Vec<&Counters> = gateways
        .iter()
        .filter_map(|gateway| match &gateway.before {
            Seen::Seen(counters) => Some(counters),
            Seen::Unavailable(_) => None,
        })
        .collect();
    let sums: Vec<String> = COUNTED
        .iter()
        .filter_map(|(name, words)| {
            // Istio can leave a counter out, which is then unknown and not zero.
            let totals = told.iter().filter_map(|counters| counters.total(name));
            totals.reduce(u64::saturating_add).map(|sum| format!("{sum} {words}"))
        })
        .collect();
    let pods = count(told.len() as u64, "pod");
    (!sums.is_empty()).then(|| {
        format!(
            "Envoy counted from its start to this run's first handshake, earlier runs included, at {pods}: connections {}",
            sums.join(", ")
        )
    })
}
