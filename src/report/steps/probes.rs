//! The playbook's step of the handshakes: what each hello met, and what Envoy counted before this run.

use std::collections::BTreeMap;

use super::{Lines, Told};
use crate::evidence::gateway::Counters;
use crate::evidence::handshake::{Handshake, HelloKind, Place, by_pod};
use crate::evidence::{Evidence, Seen};
use crate::text::count;
use crate::verdict::probe;

/// Envoy's counters that tell of clients, with the words for them. Source: Envoy's statistics of listeners and of the TLS
/// inspector; those of failed handshakes leave no line in the access log.
const COUNTED: [(&str, &str); 4] = [
    (".no_filter_chain_match", "without a filter chain"),
    ("tls_inspector.tls_not_found", "that began without a ClientHello"),
    (".ssl.connection_error", "whose handshake failed"),
    (".ssl.fail_verify_no_cert", "without the client certificate that was demanded"),
];

/// What the handshakes showed, hello by hello; where none was made, the line that makes one.
pub(super) fn of(evidence: &Evidence) -> Told {
    let Ok(probes) = evidence.probes.seen() else { return Ok(Lines::not_done(probe(evidence).command)) };
    let made: usize = probes.endpoints.iter().map(|endpoint| endpoint.handshakes.len()).sum();
    if made == 0 {
        return match probes.unprobed.first() {
            Some(why) => Err(why.clone()),
            None => Ok(Lines::not_done(probe(evidence).command)),
        };
    }
    let kinds = [
        (HelloKind::Named, "with a route's hostname"),
        (HelloKind::Nameless, "without a server name"),
        (HelloKind::Unknown, "with a name that no route has"),
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
                let hello = made.server_name.as_deref().unwrap_or("no server name");
                let leaf = made.certificates.first().map_or(String::new(), |leaf| format!(", {}", leaf.subject));
                let end = match (&made.failure, &made.session) {
                    (Some(failure), _) => failure.to_string(),
                    (None, Some(session)) => format!("{} {}{leaf}", session.protocol, session.cipher),
                    (None, None) => "served".into(),
                };
                format!("{}  {hello}: {end}", endpoint.name())
            })
        })
        .collect();
    let pods = by_pod(&probes.endpoints).len();
    let others = probes.endpoints.iter().filter(|endpoint| !matches!(endpoint.place, Place::Pod { .. })).count();
    let seen = format!(
        "{} at {}{}",
        count(made as u64, "handshake"),
        count(pods as u64, "pod"),
        if others > 0 { format!(" and {}", count(others as u64, "other endpoint")) } else { String::new() }
    );
    Ok(Lines { seen, details, wide, not_done: false })
}

/// What the gateways counted of all clients since their Envoys started, where they told. The counters are read before this
/// run's handshakes; those of earlier runs are in them, as those of anybody.
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
            let values = told.iter().flat_map(|counters| &counters.values).filter(|(known, _)| known.ends_with(name));
            // Istio may leave a counter out; then it is not zero but unknown.
            values.map(|(_, value)| *value).reduce(u64::saturating_add).map(|sum| format!("{sum} {words}"))
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
