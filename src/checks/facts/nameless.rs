//! Connections without a server name, seen from three sides: the access logs, the handshakes of this run at the pods, and
//! what Envoy's TLS inspector counted.

use jiff::{SignedDuration, Timestamp};

use super::{logs, pods, routes};
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Failure, Handshake};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Seen};

/// A gateway that has reset nobody for so long, and serves a handshake without a server name now, is taken to be cured.
const QUIET: SignedDuration = SignedDuration::from_mins(5);

/// What the TLS inspectors of the gateways counted since their Envoys started.
/// Source: Envoy's statistics of the TLS inspector; a connection that begins with anything but a ClientHello counts as
/// `tls_not_found`, a ClientHello without server name as `sni_not_found`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Inspected {
    pub(crate) not_tls: u64,
    pub(crate) nameless: u64,
}

/// The handshake without a server name that this run made at each pod.
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

/// The pods that refused it in answer to the ClientHello, and how.
pub(crate) fn refused_at(evidence: &Evidence) -> Vec<(&str, &Failure)> {
    at_pods(evidence)
        .into_iter()
        .filter(|(_, handshake)| handshake.was_refused())
        .filter_map(|(pod, handshake)| Some((pod, handshake.failure.as_ref()?)))
        .collect()
}

/// Every pod in whose log such connections were reset serves them now.
pub(crate) fn is_served_where_it_was_reset(evidence: &Evidence) -> bool {
    let pods = at_pods(evidence);
    let served = |pod: &str| pods.iter().any(|(known, handshake)| *known == pod && handshake.succeeded());
    let mut reset = logs::logs(evidence).filter(|(_, log)| log.reset_without_sni.count > 0).peekable();
    reset.peek().is_some() && reset.all(|(origin, _)| pod_of(origin).is_some_and(served))
}

/// What the inspectors counted at the pods in whose logs such connections were reset, before this run connected, less what
/// earlier runs have left in the logs; nothing where one of them did not tell. Istio may leave counters out, so one that is absent is not zero.
pub(crate) fn inspected(evidence: &Evidence) -> Option<Inspected> {
    let gateways = evidence.gateways.seen().ok()?;
    let mut sum = Inspected::default();
    let mut seen = false;
    for (origin, log) in logs::logs(evidence).filter(|(_, log)| log.reset_without_sni.count > 0) {
        let pod = pod_of(origin)?;
        let gateway = gateways.iter().find(|gateway| gateway.pod == pod)?;
        let Seen::Seen(counters) = &gateway.before else { return None };
        let total = |name: &str| {
            let mut found = counters.values.iter().filter(|(known, _)| known.ends_with(name)).map(|(_, value)| *value);
            found.next().map(|first| found.fold(first, u64::saturating_add))
        };
        sum.not_tls = sum.not_tls.saturating_add(total("tls_inspector.tls_not_found")?);
        let own = log.own.without_sni.range(..evidence.at_cluster(counters.at)).count() as u64;
        sum.nameless = sum.nameless.saturating_add(total("tls_inspector.sni_not_found")?.saturating_sub(own));
        seen = true;
    }
    seen.then_some(sum)
}

/// The resets without a server name are over: at every log that has some, such a connection was served after the last of
/// them, and none was refused to this run.
pub(crate) fn resets_are_over(evidence: &Evidence) -> bool {
    let pods = pods::pods(evidence).unwrap_or_default();
    let gateway = |origin: &LogOrigin| {
        pods.iter()
            .find(|known| Some(known.name.as_str()) == pod_of(origin))
            .map(|known| pods::known_labels(&known.labels))
    };
    let logs: Vec<_> = logs::logs(evidence).map(|(origin, log)| (origin, gateway(origin), log)).collect();
    let probed = at_pods(evidence);
    logs.iter().filter(|(_, _, log)| log.reset_without_sni.count > 0).all(|(origin, gateway, log)| {
        let Some(last) = log.reset_without_sni.last else { return false };
        let here = probed.iter().find(|(pod, _)| Some(*pod) == pod_of(origin)).map(|(_, handshake)| *handshake);
        if here.is_some_and(Handshake::was_refused) {
            return false;
        }
        // Another gateway proves nothing: a wildcard route may select the one and not the other.
        let mates = logs.iter().filter(|(_, other, _)| other == gateway).map(|(_, _, log)| *log);
        served_after(last, log, mates) || here.is_some_and(|handshake| is_cure(evidence, last, handshake))
    })
}

fn served_after<'a>(last: Timestamp, log: &'a AccessLog, mates: impl Iterator<Item = &'a AccessLog>) -> bool {
    let first_of_mates = mates.filter_map(|log| log.served_without_sni.first).min();
    [log.served_without_sni.first, first_of_mates].into_iter().flatten().any(|served| served > last)
}

/// The handshake was served, and what changed since the last reset is known, or there was none for long.
fn is_cure(evidence: &Evidence, last: Timestamp, handshake: &Handshake) -> bool {
    let wildcards = routes::wildcards(evidence).unwrap_or_default();
    let created = wildcards.iter().filter_map(|route| route.created_at).max();
    handshake.succeeded()
        && (created.is_some_and(|created| created > last)
            || evidence.at_cluster(handshake.started_at).duration_since(last) >= QUIET)
}

fn pod_of(origin: &LogOrigin) -> Option<&str> {
    match origin {
        LogOrigin::Container { pod, .. } => Some(pod),
        LogOrigin::File(_) => None,
    }
}
