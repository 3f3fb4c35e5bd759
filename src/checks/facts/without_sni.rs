//! Connections without SNI according to three sources: the access logs, the handshakes of this run with the
//! pods, and the counters of Envoy's TLS inspector.

use jiff::{SignedDuration, Timestamp};

use super::{logs, pods, routes};
use crate::evidence::gateway::Counters;
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Failure, Handshake};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Reason, Seen, Unavailable};

/// If the last reset is older than this and a handshake without SNI succeeds now, the fault counts as fixed.
const QUIET: SignedDuration = SignedDuration::from_mins(5);

/// Counters of the gateways' TLS inspectors since their Envoys started.
///
/// Source: Envoy's TLS inspector statistics. `tls_not_found` counts connections that do not begin with a
/// ClientHello; `sni_not_found` counts those whose ClientHello has no SNI.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Inspected {
    pub(crate) not_tls: u64,
    pub(crate) without_sni: u64,
}

/// Connections that the Envoy of one pod counted since it started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counted {
    /// Connections that matched no filter chain.
    pub(crate) without_chain: u64,
    /// ClientHellos without SNI.
    pub(crate) without_sni: u64,
}

/// Returns the counters of each pod whose Envoy responded, read before this run connected.
///
/// # Errors
/// Returns the reason why no counter is available: the Envoys were not queried, or a counter is absent.
pub(crate) fn counted_at_pods(evidence: &Evidence) -> Result<Vec<(&str, Counted)>, Unavailable> {
    let gateways = evidence.gateways.seen()?;
    let mut pods = Vec::new();
    let mut lacking = None;
    for gateway in gateways {
        let of_pod = gateway.before.seen().and_then(|counters| {
            let total = |ending: &str| {
                counters.total(ending).ok_or_else(|| {
                    let why = Reason::Missing(format!("Envoy does not list {ending}"));
                    Unavailable::new(format!("the counters of pod {}", gateway.pod), why)
                })
            };
            Ok(Counted { without_chain: total(Counters::NO_FILTER_CHAIN)?, without_sni: total(Counters::WITHOUT_SNI)? })
        });
        match of_pod {
            Ok(counted) => pods.push((gateway.pod.as_str(), counted)),
            Err(why) => lacking = lacking.or(Some(why)),
        }
    }
    match lacking {
        Some(why) if pods.is_empty() => Err(why),
        _ => Ok(pods),
    }
}

/// Returns the handshake without SNI that this run made with each pod.
pub(crate) fn at_pods(evidence: &Evidence) -> Vec<(&str, &Handshake)> {
    let Seen::Seen(probes) = &evidence.probes else { return Vec::new() };
    probes
        .endpoints
        .iter()
        .filter_map(|endpoint| match &endpoint.place {
            EndpointOrigin::Pod { pod } => Some((pod.as_str(), endpoint.handshake(ClientHelloKind::WithoutSni)?)),
            _ => None,
        })
        .collect()
}

/// Returns the pods that refused the handshake without SNI in answer to the ClientHello, each with the
/// failure.
pub(crate) fn refused_at(evidence: &Evidence) -> Vec<(&str, &Failure)> {
    at_pods(evidence)
        .into_iter()
        .filter(|(_, handshake)| handshake.was_refused())
        .filter_map(|(pod, handshake)| Some((pod, handshake.failure.as_ref()?)))
        .collect()
}

/// Returns whether every pod that reset connections without SNI, according to its log, serves them now.
pub(crate) fn is_served_where_it_was_reset(evidence: &Evidence) -> bool {
    let pods = at_pods(evidence);
    let served = |pod: &str| pods.iter().any(|(known, handshake)| *known == pod && handshake.succeeded());
    let mut reset = logs::logs(evidence).filter(|(_, log)| log.reset_without_sni.count > 0).peekable();
    reset.peek().is_some() && reset.all(|(origin, _)| origin.pod().is_some_and(served))
}

/// Returns the inspector counters of the pods that reset connections without SNI, according to their logs.
/// The counters were read before this run connected; handshakes of earlier runs, known from the logs, are
/// subtracted.
///
/// Returns `None` if a counter is unavailable. Istio can leave counters out, so an absent counter is not
/// zero.
pub(crate) fn inspected(evidence: &Evidence) -> Option<Inspected> {
    let gateways = evidence.gateways.seen().ok()?;
    let mut sum = Inspected::default();
    let mut seen = false;
    for (origin, log) in logs::logs(evidence).filter(|(_, log)| log.reset_without_sni.count > 0) {
        let pod = origin.pod()?;
        let gateway = gateways.iter().find(|gateway| gateway.pod == pod)?;
        let Seen::Seen(counters) = &gateway.before else { return None };
        sum.not_tls = sum.not_tls.saturating_add(counters.total(Counters::NOT_TLS)?);
        let own = log.own.without_sni.range(..evidence.at_cluster(counters.at)).count() as u64;
        let without_sni = counters.total(Counters::WITHOUT_SNI)?.saturating_sub(own);
        sum.without_sni = sum.without_sni.saturating_add(without_sni);
        seen = true;
    }
    seen.then_some(sum)
}

/// Returns whether the resets without SNI are over: for every log with such resets, a connection without SNI
/// was served after the last reset, and this run's handshake without SNI was not refused.
pub(crate) fn resets_are_over(evidence: &Evidence) -> bool {
    let pods = pods::pods(evidence).unwrap_or_default();
    let gateway = |origin: &LogOrigin| {
        pods.iter()
            .find(|known| Some(known.name.as_str()) == origin.pod())
            .map(|known| pods::known_labels(&known.labels))
    };
    let logs: Vec<_> = logs::logs(evidence).map(|(origin, log)| (origin, gateway(origin), log)).collect();
    let probed = at_pods(evidence);
    let labels: Vec<_> = pods.iter().map(|pod| pods::known_labels(&pod.labels)).collect();
    let is_one_gateway = labels.windows(2).all(|two| two.first() == two.last());
    logs.iter().filter(|(_, _, log)| log.reset_without_sni.count > 0).all(|(origin, gateway, log)| {
        let Some(last) = log.reset_without_sni.last else { return false };
        // A store has the records of all pods. Of one gateway, each of its pods speaks for it.
        if matches!(origin, LogOrigin::Store(_)) && is_one_gateway {
            if probed.iter().any(|(_, handshake)| handshake.was_refused()) {
                return false;
            }
            let all = logs.iter().map(|(_, _, log)| *log);
            let is_fixed = |(_, handshake): &(&str, &Handshake)| shows_fix(evidence, last, handshake);
            return served_after(last, log, all) || !probed.is_empty() && probed.iter().all(is_fixed);
        }
        let here = probed.iter().find(|(pod, _)| Some(*pod) == origin.pod()).map(|(_, handshake)| *handshake);
        if here.is_some_and(Handshake::was_refused) {
            return false;
        }
        // Another gateway proves nothing: a wildcard route may select only one of the two.
        let same_gateway = logs.iter().filter(|(_, other, _)| other == gateway).map(|(_, _, log)| *log);
        served_after(last, log, same_gateway) || here.is_some_and(|handshake| shows_fix(evidence, last, handshake))
    })
}

fn served_after<'a>(last: Timestamp, log: &'a AccessLog, same_gateway: impl Iterator<Item = &'a AccessLog>) -> bool {
    let first_elsewhere = same_gateway.filter_map(|log| log.served_without_sni.first).min();
    [log.served_without_sni.first, first_elsewhere].into_iter().flatten().any(|served| served > last)
}

/// Returns whether the handshake succeeded, and either a wildcard route was created after the last reset, or
/// the last reset is older than [`QUIET`].
fn shows_fix(evidence: &Evidence, last: Timestamp, handshake: &Handshake) -> bool {
    let wildcards = routes::wildcards(evidence).unwrap_or_default();
    let created = wildcards.iter().filter_map(|route| route.created_at).max();
    handshake.succeeded()
        && (created.is_some_and(|created| created > last)
            || evidence.at_cluster(handshake.started_at).duration_since(last) >= QUIET)
}
