//! The ingress pods, what handshakes showed at them, and what their Envoys counted.

use std::collections::BTreeMap;

use super::{CounterSummary, HandshakeResult, HandshakeSummary, PodCounters, PodSummary};
use crate::checks::facts;
use crate::checks::facts::probed::{self, Ending};
use crate::evidence::gateway::Counters;
use crate::evidence::handshake::{EndpointOrigin, Handshake, How};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Seen};
use crate::text::ending;

pub(super) fn pods(evidence: &Evidence) -> Option<Vec<PodSummary>> {
    let pods = facts::pods(evidence).ok()?;
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    Some(
        pods.iter()
            .map(|pod| PodSummary {
                name: pod.name.clone(),
                ending: ending(&pod.name, &names),
                gateway: pod.labels.get("ingress_name").cloned(),
                phase: pod.phase.clone(),
                ready: pod.ready,
                node: pod.node.clone(),
                started_at: pod.started_at,
                restarts: pod.containers.iter().map(|container| u64::from(container.restarts)).sum(),
            })
            .collect(),
    )
}

pub(super) fn handshakes(evidence: &Evidence) -> Option<Vec<HandshakeSummary>> {
    let Seen::Seen(probes) = &evidence.probes else { return None };
    let summary = |probe: probed::Probe<'_>| {
        let (endpoint, handshake) = probe;
        HandshakeSummary {
            pod: match &endpoint.place {
                EndpointOrigin::Pod { pod } => Some(pod.clone()),
                EndpointOrigin::Dns | EndpointOrigin::Given | EndpointOrigin::Service { .. } => None,
            },
            endpoint: endpoint.name(),
            kind: handshake.kind.into(),
            server_name: handshake.server_name.clone(),
            requested: handshake.requested,
            result: result(probed::ending_of(probes, probe), handshake),
            detail: detail(handshake),
        }
    };
    Some(probed::all(probes).map(summary).collect())
}

fn result(ending: Ending, handshake: &Handshake) -> HandshakeResult {
    match ending {
        Ending::AlpnRefused => HandshakeResult::AlpnRefused,
        Ending::Broken => HandshakeResult::Broken,
        Ending::CertificateDemanded => HandshakeResult::ClientCertificateRequired,
        Ending::CertificateRejected => HandshakeResult::ClientCertificateRejected,
        Ending::CipherRefused => HandshakeResult::CipherRefused,
        Ending::Lost => HandshakeResult::Lost,
        Ending::NotTls => HandshakeResult::NotTls,
        Ending::Served => HandshakeResult::Served,
        Ending::ServerNameRefused | Ending::WithoutSniRefused => {
            match handshake.failure.as_ref().map(|failure| &failure.how) {
                Some(How::Closed) => HandshakeResult::Closed,
                Some(How::Reset) => HandshakeResult::Reset,
                _ => HandshakeResult::Alert,
            }
        }
        Ending::Stalled => HandshakeResult::Stalled,
        Ending::Unreachable => HandshakeResult::Unreachable,
        Ending::VersionRefused => HandshakeResult::VersionRefused,
    }
}

fn detail(handshake: &Handshake) -> String {
    let leaf = handshake.certificates.first().map_or(String::new(), |leaf| format!(", {}", leaf.subject));
    match (&handshake.failure, &handshake.session) {
        (Some(failure), _) => failure.to_string(),
        (None, Some(session)) => format!("{} {}{leaf}", session.protocol, session.cipher),
        (None, None) => format!("served{leaf}"),
    }
}

/// The counters are read before this run's handshakes. Those of earlier runs are known from the logs: Envoy
/// counts them among the others.
pub(super) fn counters(evidence: &Evidence) -> Option<CounterSummary> {
    let gateways = facts::envoy::gateways(evidence).ok()?;
    let logs: BTreeMap<&str, &AccessLog> = facts::logs(evidence)
        .filter_map(|(origin, log)| match origin {
            LogOrigin::Container { pod, .. } if log.records > 0 => Some((pod.as_str(), log)),
            LogOrigin::Container { .. } | LogOrigin::File(_) | LogOrigin::Store(_) => None,
        })
        .collect();
    // Of a part of a log, the handshakes before it are not known.
    let limits = evidence.question.log_limits();
    let is_whole = limits.since.is_none() && limits.tail.is_none() && limits.limit_bytes.is_none();
    let mut summary = CounterSummary { own_subtracted: is_whole, ..CounterSummary::default() };
    for gateway in gateways {
        let Seen::Seen(counters) = &gateway.before else { continue };
        let log = logs.get(gateway.pod.as_str());
        let before = evidence.at_cluster(counters.at);
        let without_sni = log.map_or(0, |log| log.own.without_sni.range(..before).count() as u64);
        let named =
            log.map_or(0, |log| log.own.names.values().filter(|at| at.is_some_and(|at| at < before)).count() as u64);
        // A gateway that serves every name has a filter chain for those of earlier runs, but perhaps it had
        // none when it started.
        let serves_all = serves_every_name(evidence, &gateway.pod);
        let own = without_sni.saturating_add(named);
        let refused = if serves_all { 0 } else { own };
        summary.own_subtracted &= log.is_some() && !(serves_all && own > 0);
        summary.pods.push(PodCounters {
            pod: gateway.pod.clone(),
            at: counters.at,
            without_filter_chain: counters.total(Counters::NO_FILTER_CHAIN).map(|all| all.saturating_sub(refused)),
            without_sni: counters.total(Counters::WITHOUT_SNI).map(|all| all.saturating_sub(without_sni)),
            not_tls: counters.total(Counters::NOT_TLS),
        });
    }
    let sum =
        |counter: fn(&PodCounters) -> Option<u64>| summary.pods.iter().filter_map(counter).reduce(u64::saturating_add);
    summary.without_filter_chain = sum(|pod| pod.without_filter_chain);
    summary.without_sni = sum(|pod| pod.without_sni);
    summary.not_tls = sum(|pod| pod.not_tls);
    (!summary.pods.is_empty()).then_some(summary)
}

/// Returns whether the pod has a filter chain for clients without SNI, which serves unknown names as well.
fn serves_every_name(evidence: &Evidence, pod: &str) -> bool {
    let gateways = facts::envoy::gateways(evidence).unwrap_or_default();
    gateways.iter().filter(|gateway| gateway.pod == pod).any(|gateway| match &gateway.listeners {
        Seen::Seen(listeners) => {
            facts::envoy::chains(evidence, listeners).iter().any(|chain| chain.matches_without_sni())
        }
        Seen::Unavailable(_) => false,
    })
}
