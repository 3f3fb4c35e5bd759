//! When failures began, and what happened in the cluster at that time.
//!
//! The first reset of a log says little: a scanner or a health check may have been reset for hours before
//! clients began to fail. The minute is therefore taken from the counts of all minutes. The logs are divided
//! into two parts, before and from a minute on, each with its own mean number of resets in a minute of a log
//! (logs that begin later count from then on). Of all divisions the one is taken that explains the counts
//! best: the greatest likelihood of two Poisson rates. Failures began there if the later rate is at least
//! [`GROWTH`] times the earlier one, and the division explains the counts clearly better than one rate does.
//! Otherwise the resets are as old as the logs.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::resets::minute;
use super::{Began, NearEvent};
use crate::checks::facts;
use crate::checks::{Kind, Object};
use crate::evidence::access_log::{MAX_HOURS, MAX_MINUTES, Tally};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Seen};

/// The later rate of resets is at least this many times the earlier one.
const GROWTH: f64 = 3.0;

/// Two rates explain the counts clearly better than one: the difference of the logarithms of the likelihoods.
const MIN_GAIN: f64 = 3.0;

/// Events up to this long before the begin are listed, and up to this long after it: times are rounded, and
/// the first client may fail before an object is reported.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);
const AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of events that are listed.
const MAX_EVENTS: usize = 5;

/// Prefix of the Secrets in which Helm keeps its releases: `sh.helm.release.v1.<release>.v<revision>`.
const HELM_RELEASE: &str = "sh.helm.release.v1.";

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Selects the tally of a log to count.
type Counted = fn(&AccessLog) -> &Tally;

/// Returns when the resets of clients began; `None` where no log has any with a time. Resets without SNI come
/// first; those with a server name count where there are no others.
pub(super) fn of(evidence: &Evidence) -> Option<Began> {
    let sources: Vec<(&LogOrigin, &AccessLog)> = facts::logs(evidence).collect();
    let logs: Vec<&AccessLog> = sources.iter().map(|(_, log)| *log).collect();
    let in_stores: Vec<&AccessLog> =
        sources.iter().filter(|(origin, _)| matches!(origin, LogOrigin::Store(_))).map(|(_, log)| *log).collect();
    let classes: [(bool, Counted); 2] = [(true, |log| &log.reset_without_sni), (false, |log| &log.reset_with_sni)];
    let (without_server_name, tally) =
        classes.into_iter().find(|(_, tally)| logs.iter().any(|log| tally(log).count > 0))?;
    let first = logs.iter().filter_map(|log| tally(log).first).min()?;
    // A store covers all pods: the log of a pod adds to its counts, and nothing to what is covered.
    let covering = if in_stores.is_empty() { &logs } else { &in_stores };
    let series = Series::of(&logs, covering, tally);
    let is_long = logs.iter().any(|log| tally(log).beyond > 0) || series.as_ref().is_some_and(Series::is_cut);
    // Minutes of many weeks are not kept; hours of a store are.
    let series = if is_long { Series::by_hour(evidence, tally, without_server_name).or(series) } else { series };
    let begin = series.and_then(|series| series.begin());
    let since_log = logs.iter().filter_map(|log| log.first).min().unwrap_or(first);
    let (at, before) = match begin {
        // Without an earlier reset, the first one is the exact time.
        Some((at, before)) if before > 0 => (at, before),
        Some(_) | None => (first, 0),
    };
    let or_earlier = begin.is_none();
    Some(Began {
        at,
        without_server_name,
        resets_before: before,
        seconds_before: at.duration_since(since_log).as_secs().max(0).unsigned_abs(),
        or_earlier,
        events: events(evidence, at),
    })
}

/// Counts of resets by minute or by hour, with the number of logs that cover it.
struct Series {
    start: Timestamp,
    /// Seconds of one count.
    unit: i64,
    counts: Vec<(u64, u64)>,
    is_cut: bool,
}

impl Series {
    /// From the first record of a log to the last reset. `None` where no minute is known.
    fn of(logs: &[&AccessLog], covering: &[&AccessLog], tally: Counted) -> Option<Self> {
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for (key, count) in logs.iter().flat_map(|log| &tally(log).minutes) {
            let Some(at) = minute(key) else { continue };
            let sum = counts.entry(at.as_second().div_euclid(MINUTE)).or_default();
            *sum = sum.saturating_add(*count);
        }
        let (earliest, last) = (*counts.keys().next()?, *counts.keys().next_back()?);
        let begins: Vec<i64> = covering
            .iter()
            .filter_map(|log| {
                // A full map of minutes has lost the earliest.
                let kept = tally(log).minutes.keys().find_map(|key| minute(key)).filter(|_| tally(log).beyond > 0);
                Some(kept.or(log.first)?.as_second().div_euclid(MINUTE))
            })
            .collect();
        let limit = last.saturating_sub(i64::try_from(MAX_MINUTES).unwrap_or(i64::MAX));
        let first = begins.iter().copied().min().unwrap_or(earliest).min(earliest).max(limit);
        let covering = |at: i64| begins.iter().filter(|begin| **begin <= at).count().max(1) as u64;
        let is_cut = first == limit && limit > earliest;
        let counts = (first..=last).map(|at| (counts.get(&at).copied().unwrap_or(0), covering(at))).collect();
        Some(Self { start: Timestamp::from_second(first.checked_mul(MINUTE)?).ok()?, unit: MINUTE, counts, is_cut })
    }

    /// From the first record of a store to the last reset, with the resets that only the logs of pods have.
    fn by_hour(evidence: &Evidence, tally: Counted, without_server_name: bool) -> Option<Self> {
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        let mut first: Option<i64> = None;
        let mut add = |key: &str, count: u64| {
            let Some(at) = minute(key) else { return };
            let sum = counts.entry(at.as_second().div_euclid(HOUR)).or_default();
            *sum = sum.saturating_add(count);
        };
        for stream in facts::streams(evidence) {
            let Seen::Seen(log) = &stream.log else { continue };
            let Some(store) = &stream.store else {
                tally(log).minutes.iter().for_each(|(key, count)| add(key, *count));
                continue;
            };
            for (key, hour) in &store.hours {
                let count = if without_server_name { hour.without_server_name } else { hour.with_server_name };
                add(key, count);
            }
            let begin = log.first.map(|first| first.as_second().div_euclid(HOUR));
            first = first.into_iter().chain(begin).min();
        }
        let last = *counts.iter().rfind(|(_, count)| **count > 0)?.0;
        let limit = last.saturating_sub(i64::try_from(MAX_HOURS).unwrap_or(i64::MAX));
        let first = first?.min(*counts.keys().next()?).max(limit);
        let counts = (first..=last).map(|at| (counts.get(&at).copied().unwrap_or(0), 1)).collect();
        let start = Timestamp::from_second(first.checked_mul(HOUR)?).ok()?;
        Some(Self { start, unit: HOUR, counts, is_cut: false })
    }

    /// Returns whether it begins after the first reset, because it would be too long.
    fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns the minute from which on clients fail steadily, and the number of resets before it.
    fn begin(&self) -> Option<(Timestamp, u64)> {
        let sum =
            |counts: (u64, u64), more: &(u64, u64)| (counts.0.saturating_add(more.0), counts.1.saturating_add(more.1));
        let all = self.counts.iter().fold((0, 0), sum);
        let mut before = (0, 0);
        let mut best: Option<(f64, usize, u64)> = None;
        for (i, counts) in self.counts.iter().enumerate() {
            if i > 0 {
                let after = (all.0.saturating_sub(before.0), all.1.saturating_sub(before.1));
                let gain = likelihood(before) + likelihood(after) - likelihood(all);
                let grows = rate(after) >= GROWTH * rate(before) && counts.0 > 0;
                if grows && gain >= MIN_GAIN && best.is_none_or(|(most, ..)| gain > most) {
                    best = Some((gain, i, before.0));
                }
            }
            before = sum(before, counts);
        }
        let (_, i, before) = best?;
        let length = SignedDuration::from_secs(i64::try_from(i).ok()?.checked_mul(self.unit)?);
        Some((self.start.checked_add(length).ok()?, before))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are compared, not reported")]
fn rate((count, exposure): (u64, u64)) -> f64 {
    count as f64 / exposure.max(1) as f64
}

/// The logarithm of the likelihood of the count at its own mean rate, without the terms that every division
/// has.
#[expect(clippy::cast_precision_loss, reason = "counts are compared, not reported")]
fn likelihood(counts: (u64, u64)) -> f64 {
    if counts.0 == 0 { 0.0 } else { counts.0 as f64 * rate(counts).ln() }
}

/// Returns what happened nearest to this time, the nearest first.
fn events(evidence: &Evidence, at: Timestamp) -> Vec<NearEvent> {
    let mut events: Vec<NearEvent> = all_events(evidence)
        .into_iter()
        .filter(|event| {
            let later = event.at.duration_since(at);
            later <= AFTER && later >= -BEFORE
        })
        .collect();
    events.sort_by_key(|event| (event.at.duration_since(at).abs(), event.object.clone(), event.what.clone()));
    events.truncate(MAX_EVENTS);
    events
}

fn all_events(evidence: &Evidence) -> Vec<NearEvent> {
    let mut events = Vec::new();
    let namespace = evidence.question.namespace();
    let mut add = |at: Option<Timestamp>, what: &str, kind: Kind, name: &str| {
        let object = Object { namespace: Some(namespace.to_owned()), ..Object::new(kind, name) };
        events.extend(at.map(|at| NearEvent { at, what: what.to_owned(), object }));
    };
    for route in facts::routes(evidence).unwrap_or_default() {
        add(route.created_at, "created", Kind::ApigeeRoute, &route.name);
    }
    if let Seen::Seen(configs) = &evidence.route_configs {
        for config in &configs.items {
            add(config.created_at, "created", Kind::ApigeeRouteConfig, &config.name);
        }
    }
    let routes = facts::routes(evidence).unwrap_or_default();
    let ports = routes.iter().flat_map(|route| &route.ports);
    let named: Vec<&str> = ports.filter_map(|port| port.tls.as_ref()?.credential_name.as_deref()).collect();
    if let Seen::Seen(secrets) = &evidence.secrets {
        for (name, created) in &secrets.created_at {
            match helm_revision(name) {
                Some((release, revision)) => {
                    add(Some(*created), &format!("Helm revision {revision} of {release}"), Kind::Secret, name);
                }
                None if named.contains(&name.as_str()) => add(Some(*created), "created", Kind::Secret, name),
                None => {}
            }
        }
    }
    for pod in facts::pods(evidence).unwrap_or_default() {
        add(pod.started_at, "started", Kind::Pod, &pod.name);
        for container in pod.containers.iter().filter(|container| container.restarts > 0) {
            add(container.started_at, &format!("container {} restarted", container.name), Kind::Pod, &pod.name);
        }
    }
    events
}

/// Returns release and revision of a Secret of Helm.
fn helm_revision(secret: &str) -> Option<(&str, &str)> {
    let (release, revision) = secret.strip_prefix(HELM_RELEASE)?.rsplit_once(".v")?;
    (!revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit())).then_some((release, revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(first: &str, minutes: &[(&str, u64)]) -> AccessLog {
        let mut log = AccessLog { first: first.parse().ok(), ..AccessLog::default() };
        let tally = &mut log.reset_without_sni;
        for (minute, count) in minutes {
            tally.minutes.insert(format!("2026-11-22T{minute}Z"), *count);
            tally.count += count;
        }
        log
    }

    fn begin(logs: &[AccessLog]) -> Option<(String, u64)> {
        let logs: Vec<&AccessLog> = logs.iter().collect();
        let (at, before) = Series::of(&logs, &logs, |log| &log.reset_without_sni)?.begin()?;
        Some((at.strftime("%H:%M").to_string(), before))
    }

    #[test]
    fn strays_before_a_steady_failure_are_not_its_begin() {
        let mut minutes = vec![("09:00", 1), ("09:40", 1)];
        let steady = ["11:00", "11:01", "11:02", "11:03", "11:04"].map(|minute| (minute, 25));
        minutes.extend(steady);
        assert_eq!(begin(&[log("2026-11-22T08:30:00Z", &minutes)]), Some(("11:00".into(), 2)));
        // A steady beat below the failures is not their begin either.
        let beat: Vec<(String, u64)> =
            (0..120).map(|i| (format!("{:02}:{:02}", 9 + i / 60, i % 60), if i < 60 { 2 } else { 12 })).collect();
        let beat: Vec<(&str, u64)> = beat.iter().map(|(minute, count)| (minute.as_str(), *count)).collect();
        assert_eq!(begin(&[log("2026-11-22T09:00:00Z", &beat)]), Some(("10:00".into(), 120)));
    }

    #[test]
    fn failures_from_the_first_minute_on_are_as_old_as_the_log() {
        let steady = ["09:00", "09:01", "09:02", "09:03"].map(|minute| (minute, 5));
        assert_eq!(begin(&[log("2026-11-22T09:00:00Z", &steady)]), None);
        assert_eq!(begin(&[log("2026-11-22T08:00:00Z", &steady)]), Some(("09:00".into(), 0)));
        assert_eq!(begin(&[log("2026-11-22T08:00:00Z", &[])]), None);
    }

    #[test]
    fn a_log_that_begins_later_is_no_growth() {
        let minutes: Vec<(String, u64)> = (0..60).map(|i| (format!("09:{i:02}"), 5)).collect();
        let minutes: Vec<(&str, u64)> = minutes.iter().map(|(minute, count)| (minute.as_str(), *count)).collect();
        let late = || log("2026-11-22T09:30:00Z", &minutes[30..]);
        assert_eq!(begin(&[log("2026-11-22T09:00:00Z", &minutes), late(), late(), late()]), None);
    }

    #[test]
    fn helm_names_its_revisions_by_release_and_number() {
        assert_eq!(helm_revision("sh.helm.release.v1.shop.v14"), Some(("shop", "14")));
        assert_eq!(helm_revision("sh.helm.release.v1.a.v1.v2"), Some(("a.v1", "2")));
        assert_eq!(helm_revision("sh.helm.release.v1.shop.vx"), None);
        assert_eq!(helm_revision("shop"), None);
    }
}
