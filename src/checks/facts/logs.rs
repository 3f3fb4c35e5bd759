//! The access logs whose clients come from outside the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use super::words::moment;
use crate::evidence::access_log::Tally;
use crate::evidence::cluster::Container;
use crate::evidence::{AccessLog, Evidence, LogOrigin, LogStream, Reason, Seen, Unavailable};

/// Sources of Google's health checks and front ends. Source: Cloud Load Balancing, "Firewall rules".
const GOOGLE_FRONT_ENDS: [&str; 4] = ["35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64"];

/// The container that serves clients. Source: configuration property reference, `hub`.
pub(crate) const GATEWAY_CONTAINER: &str = "apigee-ingressgateway";

/// The streams whose clients come from outside the cluster.
pub(crate) fn streams(evidence: &Evidence) -> impl Iterator<Item = &LogStream> {
    let internal: BTreeSet<&str> = match &evidence.pods {
        Seen::Seen(pods) => pods.iter().filter(|pod| pod.is_internal_chaining()).map(|pod| pod.name.as_str()).collect(),
        Seen::Unavailable(_) => BTreeSet::new(),
    };
    evidence.access_logs.iter().filter(move |stream| match &stream.origin {
        LogOrigin::Container { pod, .. } => !internal.contains(pod.as_str()),
        LogOrigin::File(_) => true,
    })
}

/// The logs that were read, with their origin.
pub(crate) fn logs(evidence: &Evidence) -> impl Iterator<Item = (&LogOrigin, &AccessLog)> {
    streams(evidence).filter_map(|stream| Some((&stream.origin, stream.log.seen().ok()?)))
}

/// Of every log the beginning was read. A container that never started has refused nobody, so its missing log hides
/// nothing.
pub(crate) fn opened(evidence: &Evidence) -> Result<(), Unavailable> {
    streams(evidence)
        .filter(|stream| !never_started(evidence, &stream.origin))
        .try_for_each(|stream| stream.log.seen().map(|_| ()))
}

/// The container has not run once, as its pod's status says.
pub(super) fn never_started(evidence: &Evidence, origin: &LogOrigin) -> bool {
    container_of(evidence, origin).is_some_and(|container| {
        container.waiting.is_some()
            && container.started_at.is_none()
            && container.restarts == 0
            && container.last_termination.is_none()
    })
}

/// The container that wrote this log, where its pod was seen.
pub(crate) fn container_of<'a>(evidence: &'a Evidence, origin: &LogOrigin) -> Option<&'a Container> {
    let (Seen::Seen(pods), LogOrigin::Container { pod, container }) = (&evidence.pods, origin) else { return None };
    let pod = pods.iter().find(|known| known.name == *pod)?;
    pod.containers.iter().find(|known| known.name == *container)
}

/// The client is one of Google's health checks or front ends.
pub(crate) fn is_google_front_end(client: &str) -> bool {
    let Ok(address) = client.parse::<IpAddr>().map(|address| address.to_canonical()) else { return false };
    GOOGLE_FRONT_ENDS.iter().filter_map(|range| range.parse::<IpNet>().ok()).any(|range| range.contains(&address))
}

/// How many of these records came from Google's front ends.
pub(crate) fn from_google(tally: &Tally) -> u64 {
    tally.clients.iter().filter(|(client, _)| is_google_front_end(client)).map(|(_, span)| span.count).sum()
}

/// How often a server name was reset, until when, and in which streams.
#[derive(Default)]
pub(crate) struct NameResets {
    pub(crate) count: u64,
    pub(crate) last: Option<Timestamp>,
    pub(crate) origins: Vec<String>,
}

/// Server names that were reset; the tool's own probes under `.invalid` are not clients.
pub(crate) fn reset_names(evidence: &Evidence) -> BTreeMap<&str, NameResets> {
    let mut names: BTreeMap<&str, NameResets> = BTreeMap::new();
    for (origin, log) in logs(evidence) {
        for (name, span) in log.reset_with_sni.server_names.iter().filter(|(name, _)| !name.ends_with(".invalid")) {
            let entry = names.entry(name).or_default();
            entry.count += span.count;
            entry.last = entry.last.max(span.last);
            entry.origins.push(origin.to_string());
        }
    }
    names
}

/// Nothing, where all server names that were reset are known; a scanner may have tried more than there is room for.
pub(crate) fn know_all_names(evidence: &Evidence) -> Result<(), Unavailable> {
    if logs(evidence).any(|(_, log)| log.reset_with_sni.beyond > 0) {
        let why = Reason::Broken("too many different names to keep".into());
        return Err(Unavailable::new("all server names that were reset", why));
    }
    Ok(())
}

/// The window that all readable logs together cover, as it reads after "no reset".
pub(crate) fn window(evidence: &Evidence) -> String {
    let first = logs(evidence).filter_map(|(_, log)| log.first).min();
    let last = logs(evidence).filter_map(|(_, log)| log.last).max();
    match (first, last) {
        (Some(first), Some(last)) => format!("from {} to {}", moment(first), moment(last)),
        _ => "in logs without any record".into(),
    }
}
