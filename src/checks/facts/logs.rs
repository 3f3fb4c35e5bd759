//! The access logs of clients from outside the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use jiff::Timestamp;

use super::phrases::moment;
use super::pods::internal_pods;
use crate::evidence::access_log::{Repeats, Tally};
use crate::evidence::hybrid::Container;
use crate::evidence::{AccessLog, Evidence, LogOrigin, LogStream, Reason, Seen, Unavailable};

/// Address ranges of Google's health checks and front ends. Source: Cloud Load Balancing, "Firewall rules".
const GOOGLE_FRONT_ENDS: [&str; 4] = ["35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64"];

/// The one address of Azure's health probes, the same in every region.
const AZURE_PROBES: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// The container that serves clients. Source: configuration property reference, `hub`.
pub(crate) const GATEWAY_CONTAINER: &str = "apigee-ingressgateway";

/// Returns the log streams of clients from outside the cluster.
pub(crate) fn streams(evidence: &Evidence) -> impl Iterator<Item = &LogStream> {
    let internal: BTreeSet<&str> = internal_pods(evidence).collect();
    evidence.access_logs.iter().filter(move |stream| match &stream.origin {
        LogOrigin::Container { pod, .. } => !internal.contains(pod.as_str()),
        LogOrigin::File(_) | LogOrigin::Store(_) => true,
    })
}

/// Returns the logs whose records are counted in another log, with that log and their number.
pub(crate) fn repeated(evidence: &Evidence) -> Vec<(&LogOrigin, &Repeats)> {
    let logs = evidence.access_logs.iter().filter_map(|stream| Some((&stream.origin, stream.log.seen().ok()?)));
    logs.flat_map(|(origin, log)| log.repeats.iter().map(move |repeats| (origin, repeats))).collect()
}

/// Returns the logs that were read, with their origins.
pub(crate) fn logs(evidence: &Evidence) -> impl Iterator<Item = (&LogOrigin, &AccessLog)> {
    streams(evidence).filter_map(|stream| Some((&stream.origin, stream.log.seen().ok()?)))
}

/// Checks that every log could be opened. The log of a container that never started is not needed: it has
/// refused no client.
///
/// # Errors
///
/// Returns the first log that is unavailable.
pub(crate) fn opened(evidence: &Evidence) -> Result<(), Unavailable> {
    streams(evidence)
        .filter(|stream| !never_started(evidence, &stream.origin))
        .try_for_each(|stream| stream.log.seen().map(|_| ()))
}

/// Returns whether the container has never run, according to the status of its pod.
pub(super) fn never_started(evidence: &Evidence, origin: &LogOrigin) -> bool {
    container_of(evidence, origin).is_some_and(|container| {
        container.waiting.is_some()
            && container.started_at.is_none()
            && container.restarts == 0
            && container.last_termination.is_none()
    })
}

/// Returns the container that wrote this log, if its pod was seen.
pub(crate) fn container_of<'a>(evidence: &'a Evidence, origin: &LogOrigin) -> Option<&'a Container> {
    let (Seen::Seen(pods), LogOrigin::Container { pod, container }) = (&evidence.pods, origin) else { return None };
    let pod = pods.iter().find(|known| known.name == *pod)?;
    pod.containers.iter().find(|known| known.name == *container)
}

/// Returns whether the client address belongs to Google's health checks or front ends.
pub(crate) fn is_google_front_end(client: &str) -> bool {
    google_range(client).is_some()
}

/// Returns the range of Google's health checks or front ends that the client address is in.
pub(crate) fn google_range(client: &str) -> Option<&'static str> {
    let address = client.parse::<IpAddr>().ok()?.to_canonical();
    let contains = |range: &&str| range.parse::<IpNet>().is_ok_and(|range| range.contains(&address));
    GOOGLE_FRONT_ENDS.into_iter().find(contains)
}

/// Returns whether the client address is that of Azure's health probes. Source: Azure, "What is IP address
/// 168.63.129.16".
pub(crate) fn is_azure_probe(client: &str) -> bool {
    client.parse::<IpAddr>().is_ok_and(|address| address.to_canonical() == AZURE_PROBES)
}

/// Counts the records from Google's health checks and front ends.
pub(crate) fn from_google(tally: &Tally) -> u64 {
    tally.clients.iter().filter(|(client, _)| is_google_front_end(client)).map(|(_, span)| span.count).sum()
}

/// Resets of one server name: their number, the time of the last one, and the logs that contain them.
#[derive(Default)]
pub(crate) struct NameResets {
    pub(crate) count: u64,
    pub(crate) last: Option<Timestamp>,
    pub(crate) origins: Vec<String>,
}

/// Returns the server names that were reset. Leaves out names under `.invalid`, which this program's probes
/// use.
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

/// Checks that all server names that were reset are known. A scanner can try more names than the evidence
/// keeps.
///
/// # Errors
///
/// Returns an error if some names were dropped.
pub(crate) fn know_all_names(evidence: &Evidence) -> Result<(), Unavailable> {
    if logs(evidence).any(|(_, log)| log.reset_with_sni.beyond > 0) {
        let why = Reason::Broken("too many different names, or names longer than DNS allows".into());
        return Err(Unavailable::new("all server names that were reset", why));
    }
    Ok(())
}

/// Formats the time span that all readable logs cover together, to follow a text such as "no reset".
pub(crate) fn window(evidence: &Evidence) -> String {
    let first = logs(evidence).filter_map(|(_, log)| log.first).min();
    let last = logs(evidence).filter_map(|(_, log)| log.last).max();
    match (first, last) {
        (Some(first), Some(last)) => format!("from {} to {}", moment(first), moment(last)),
        _ => "in logs without any record".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_probes_from_one_address() {
        assert!(is_azure_probe("168.63.129.16") && is_azure_probe("::ffff:168.63.129.16"));
        assert!(!is_azure_probe("168.63.129.17") && !is_azure_probe("x"));
    }
}
