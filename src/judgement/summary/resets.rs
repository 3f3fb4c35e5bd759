//! Resets in the access logs: how many, when, of whom, for which names and in which pods.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::clients::Cluster;
use super::{
    ClientResets, FileResets, HourlyResets, MinuteResets, NameResets, PodResets, Resets, Rest, Served, StoreResets,
};
use crate::checks::facts;
use crate::evidence::access_log::{MAX_HOURS, Span, Tally};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Seen};

/// Maximum number of clients, server names and minutes that a report lists.
const MAX_CLIENTS: usize = 1_000;
const MAX_SERVER_NAMES: usize = 100;
const MAX_MINUTES: usize = 24 * 60;

/// Returns the resets of all logs together; `None` where none was read.
pub(super) fn of(evidence: &Evidence) -> Option<Resets> {
    let logs: Vec<(&LogOrigin, &AccessLog)> = facts::logs(evidence).collect();
    if logs.is_empty() {
        return None;
    }
    let sum = |tally: fn(&AccessLog) -> &Tally| {
        let mut sum = Tally::default();
        for (_, log) in &logs {
            sum.merge(tally(log).clone());
        }
        sum
    };
    let without = sum(|log| &log.reset_without_sni);
    let with = sum(|log| &log.reset_with_sni);
    let total = without.count.saturating_add(with.count);
    let (clients, other_clients) = clients(evidence, &logs, &without, &with);
    let (server_names, other_server_names) = server_names(&with);
    let (per_minute, other_minutes) = per_minute(&without, &with);
    let incomplete =
        facts::streams(evidence).filter(|stream| matches!(stream.log, Seen::Unavailable(_)) || stream.cut.is_some());
    Some(Resets {
        total,
        without_server_name: without.count,
        with_server_name: with.count,
        first: [without.first, with.first].into_iter().flatten().min(),
        last: without.last.max(with.last),
        server_names,
        other_server_names,
        per_minute,
        other_minutes,
        clients,
        other_clients,
        pods: pods(&logs),
        files: files(&logs),
        stores: stores(evidence),
        per_hour: per_hour(evidence),
        logs_read: logs.len() as u64,
        logs_incomplete: incomplete.count() as u64,
    })
}

/// What a list of these lengths and counts leaves out.
fn rest(known: usize, listed: usize, total: u64, counted: u64) -> Rest {
    Rest { entries: known.saturating_sub(listed) as u64, resets: total.saturating_sub(counted) }
}

fn server_names(with: &Tally) -> (Vec<NameResets>, Rest) {
    let mut all: Vec<(&String, &Span)> = with.server_names.iter().collect();
    all.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(other.0)));
    let listed: Vec<NameResets> = all
        .iter()
        .take(MAX_SERVER_NAMES)
        .map(|(name, span)| NameResets { name: (*name).clone(), count: span.count, first: span.first, last: span.last })
        .collect();
    let counted = listed.iter().map(|name| name.count).fold(0, u64::saturating_add);
    let rest = rest(all.len(), listed.len(), with.count, counted);
    (listed, rest)
}

fn per_minute(without: &Tally, with: &Tally) -> (Vec<MinuteResets>, Rest) {
    let mut minutes: BTreeMap<Timestamp, (u64, u64)> = BTreeMap::new();
    for (key, count) in &without.minutes {
        let Some(at) = minute(key) else { continue };
        let entry = minutes.entry(at).or_default();
        entry.0 = entry.0.saturating_add(*count);
        entry.1 = entry.1.saturating_add(*count);
    }
    for (key, count) in &with.minutes {
        let Some(at) = minute(key) else { continue };
        let entry = minutes.entry(at).or_default();
        entry.0 = entry.0.saturating_add(*count);
    }
    let known = minutes.len();
    let listed: Vec<MinuteResets> = minutes
        .into_iter()
        .skip(known.saturating_sub(MAX_MINUTES))
        .map(|(minute, (count, without_server_name))| MinuteResets { minute, count, without_server_name })
        .collect();
    let counted = listed.iter().map(|minute| minute.count).fold(0, u64::saturating_add);
    let rest = rest(known, listed.len(), without.count.saturating_add(with.count), counted);
    (listed, rest)
}

/// Returns the begin of the minute of a key such as `2025-05-19T04:46Z`. Evidence from a file may hold
/// anything here.
pub(super) fn minute(key: &str) -> Option<Timestamp> {
    format!("{}:00Z", key.strip_suffix('Z')?).parse().ok()
}

fn clients(
    evidence: &Evidence,
    logs: &[(&LogOrigin, &AccessLog)],
    without: &Tally,
    with: &Tally,
) -> (Vec<ClientResets>, Rest) {
    let mut spans: BTreeMap<&str, Span> = BTreeMap::new();
    for (client, span) in without.clients.iter().chain(&with.clients) {
        spans.entry(client).or_default().merge(span);
    }
    let mut all: Vec<(&str, Span)> = spans.into_iter().collect();
    all.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(other.0)));
    let known = all.len();
    let cluster = Cluster::of(evidence);
    let listed: Vec<ClientResets> = all
        .into_iter()
        .take(MAX_CLIENTS)
        .map(|(address, span)| ClientResets {
            address: address.to_owned(),
            count: span.count,
            without_server_name: without.clients.get(address).map_or(0, |span| span.count),
            first: span.first,
            last: span.last,
            who: cluster.who(address, logs),
            also_served: also_served(logs, address),
        })
        .collect();
    let counted = listed.iter().map(|client| client.count).fold(0, u64::saturating_add);
    let rest = rest(known, listed.len(), without.count.saturating_add(with.count), counted);
    (listed, rest)
}

fn also_served(logs: &[(&LogOrigin, &AccessLog)], address: &str) -> Option<Served> {
    let mut sum = Span::default();
    logs.iter().filter_map(|(_, log)| log.served_without_sni.clients.get(address)).for_each(|span| sum.merge(span));
    (sum.count > 0).then_some(Served { without_server_name: sum.count, first: sum.first, last: sum.last })
}

/// Sums the counts by a name of the origin, the most first.
fn by_source<'a>(
    logs: &[(&'a LogOrigin, &AccessLog)],
    name: fn(&'a LogOrigin) -> Option<&'a str>,
) -> Vec<(&'a str, u64, u64)> {
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (origin, log) in logs {
        let Some(name) = name(origin) else { continue };
        let without = log.reset_without_sni.count;
        let entry = counts.entry(name).or_default();
        entry.0 = entry.0.saturating_add(without).saturating_add(log.reset_with_sni.count);
        entry.1 = entry.1.saturating_add(without);
    }
    let mut counts: Vec<(&str, u64, u64)> = counts
        .into_iter()
        .filter(|(_, (count, _))| *count > 0)
        .map(|(name, (all, without))| (name, all, without))
        .collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    counts
}

fn pods(logs: &[(&LogOrigin, &AccessLog)]) -> Vec<PodResets> {
    by_source(logs, |origin| Some(origin.source()).filter(|_| matches!(origin, LogOrigin::Container { .. })))
        .into_iter()
        .map(|(pod, count, without_server_name)| PodResets { pod: pod.to_owned(), count, without_server_name })
        .collect()
}

fn files(logs: &[(&LogOrigin, &AccessLog)]) -> Vec<FileResets> {
    by_source(logs, |origin| Some(origin.source()).filter(|_| matches!(origin, LogOrigin::File(_))))
        .into_iter()
        .map(|(file, count, without_server_name)| FileResets { file: file.to_owned(), count, without_server_name })
        .collect()
}

fn stores(evidence: &Evidence) -> Vec<StoreResets> {
    let stores = facts::streams(evidence).filter_map(|stream| {
        let (Seen::Seen(log), Some(query)) = (&stream.log, &stream.store) else { return None };
        let without_server_name = log.reset_without_sni.count;
        Some(StoreResets {
            store: stream.origin.to_string(),
            engine: query.engine.name().to_owned(),
            count: without_server_name.saturating_add(log.reset_with_sni.count),
            without_server_name,
            since: query.since,
            until: query.until,
            first_record: log.first,
            last_record: log.last,
            approximate: query.approximate.clone(),
        })
    });
    stores.collect()
}

/// Returns the hours with resets, those of stores and those of all other logs; empty without a store.
fn per_hour(evidence: &Evidence) -> Vec<HourlyResets> {
    let mut hours: BTreeMap<Timestamp, (u64, u64)> = BTreeMap::new();
    let mut add = |key: &str, all: u64, without: u64| {
        let Some(at) = minute(key) else { return };
        let Ok(hour) = Timestamp::from_second(at.as_second().div_euclid(3_600).saturating_mul(3_600)) else { return };
        let entry = hours.entry(hour).or_default();
        entry.0 = entry.0.saturating_add(all);
        entry.1 = entry.1.saturating_add(without);
    };
    let mut has_store = false;
    for stream in facts::streams(evidence) {
        let Seen::Seen(log) = &stream.log else { continue };
        if let Some(store) = &stream.store {
            has_store = true;
            for (key, hour) in &store.hours {
                add(key, hour.without_server_name.saturating_add(hour.with_server_name), hour.without_server_name);
            }
            continue;
        }
        log.reset_without_sni.minutes.iter().for_each(|(key, count)| add(key, *count, *count));
        log.reset_with_sni.minutes.iter().for_each(|(key, count)| add(key, *count, 0));
    }
    if !has_store {
        return Vec::new();
    }
    let known = hours.len();
    let listed = hours.into_iter().skip(known.saturating_sub(MAX_HOURS));
    listed.map(|(hour, (count, without_server_name))| HourlyResets { hour, count, without_server_name }).collect()
}
