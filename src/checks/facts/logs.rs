//! The access logs of clients from outside the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use jiff::Timestamp;

use super::phrases::moment;
use super::pods::internal_pods;
use crate::evidence::access_log::Tally;
use crate::evidence::hybrid::Container;
use crate::evidence::{AccessLog, Evidence, LogOrigin, LogStream, Reason, Seen, Unavailable};

/// Address ranges of Google's health checks and front ends. Source: Cloud Load Balancing, "Firewall rules".
const GOOGLE_FRONT_ENDS: [&str; 4] = ["35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64"];

/// The one address of Azure's health probes, the same in every region.
const AZURE_PROBES: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// The container that serves clients. Source: configuration property reference, `hub`.
pub(crate) const GATEWAY_CONTAINER: &str = "apigee-ingressgateway";

/// Returns the log streams of clients from outside the cluster, without files that repeat the log of a pod.
pub(crate) fn streams(evidence: &Evidence) -> impl Iterator<Item = &LogStream> {
    let internal: BTreeSet<&str> = internal_pods(evidence).collect();
    evidence.access_logs.iter().filter(move |stream| match &stream.origin {
        LogOrigin::Container { pod, .. } => !internal.contains(pod.as_str()),
        LogOrigin::File(_) => repeated_log(evidence, stream).is_none(),
    })
}

/// Returns the files that repeat the log of a pod, each with the origin of that log.
pub(crate) fn repeated(evidence: &Evidence) -> Vec<(&LogOrigin, &LogOrigin)> {
    let files = evidence.access_logs.iter().filter(|stream| matches!(stream.origin, LogOrigin::File(_)));
    files.filter_map(|file| Some((&file.origin, repeated_log(evidence, file)?))).collect()
}

/// Returns the log of a pod that has every record of the file that is judged. Its records would otherwise be
/// counted twice.
fn repeated_log<'a>(evidence: &'a Evidence, file: &LogStream) -> Option<&'a LogOrigin> {
    let Seen::Seen(copy) = &file.log else { return None };
    let mut pods = evidence.access_logs.iter().filter(|stream| matches!(stream.origin, LogOrigin::Container { .. }));
    pods.find(|stream| matches!(&stream.log, Seen::Seen(log) if repeats(copy, log))).map(|stream| &stream.origin)
}

/// Returns whether `copy` is a part of `log`: each of its clients is in the same class of `log`, with at
/// least as many records in the same or a longer time, and one of them begins or ends with the same record.
/// The `start_time` of a record has milliseconds, so that client and time identify it.
fn repeats(copy: &AccessLog, log: &AccessLog) -> bool {
    let classes: [fn(&AccessLog) -> &Tally; 3] =
        [|log| &log.reset_without_sni, |log| &log.reset_with_sni, |log| &log.served_without_sni];
    let mut shares_record = false;
    for tally in classes {
        let (part, whole) = (tally(copy), tally(log));
        if part.count > whole.count {
            return false;
        }
        for (client, span) in &part.clients {
            let Some(known) = whole.clients.get(client).filter(|known| known.count >= span.count) else { return false };
            let (Some(first), Some(last), Some(from), Some(to)) = (span.first, span.last, known.first, known.last)
            else {
                return false;
            };
            if first < from || last > to {
                return false;
            }
            shares_record |= first == from || last == to;
        }
    }
    shares_record && copy.records <= log.records
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
    let Ok(address) = client.parse::<IpAddr>().map(|address| address.to_canonical()) else { return false };
    GOOGLE_FRONT_ENDS.iter().filter_map(|range| range.parse::<IpNet>().ok()).any(|range| range.contains(&address))
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
        let why = Reason::Broken("too many different names".into());
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

    fn log(records: u64, clients: &[(&str, u64, &str, &str)]) -> AccessLog {
        let mut log = AccessLog { records, ..AccessLog::default() };
        for (client, count, first, last) in clients {
            let at = |time: &str| format!("2026-11-22T{time}Z").parse::<Timestamp>().ok();
            let span = crate::evidence::access_log::Span { count: *count, first: at(first), last: at(last) };
            log.reset_without_sni.clients.insert((*client).to_owned(), span);
            log.reset_without_sni.count += count;
        }
        log
    }

    #[test]
    fn a_file_repeats_a_log_that_has_all_of_its_records() {
        let pod = log(90, &[("10.0.0.1", 6, "09:00:00.123", "09:10:00.500"), ("10.0.0.2", 1, "09:01:00", "09:01:00")]);
        let begin = log(40, &[("10.0.0.1", 3, "09:00:00.123", "09:05:00.001")]);
        assert!(repeats(&pod, &pod) && repeats(&begin, &pod));
        for (what, file) in [
            ("no record in common", log(40, &[("10.0.0.1", 3, "09:02:00", "09:05:00")])),
            (
                "another client",
                log(40, &[("10.0.0.1", 3, "09:00:00.123", "09:05:00"), ("10.0.0.9", 1, "09:01:00", "09:01:00")]),
            ),
            ("an earlier record", log(40, &[("10.0.0.1", 3, "08:00:00", "09:10:00.500")])),
            ("more resets", log(90, &[("10.0.0.1", 7, "09:00:00.123", "09:10:00.500")])),
            ("no reset", log(40, &[])),
        ] {
            assert!(!repeats(&file, &pod), "{what}");
        }
    }

    #[test]
    fn azure_probes_from_one_address() {
        assert!(is_azure_probe("168.63.129.16") && is_azure_probe("::ffff:168.63.129.16"));
        assert!(!is_azure_probe("168.63.129.17") && !is_azure_probe("x"));
    }
}
