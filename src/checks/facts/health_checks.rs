//! Which addresses in the access logs are health checks and not clients: by a documented address, or by a
//! steady beat.
//!
//! The kubelet, nodes, monitors and network load balancers probe from addresses of the cluster's network that
//! nobody documents. Only their beat is known: the same gap all the time, from few addresses that send
//! nothing else. A client may keep such a beat too, so that it alone proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use super::logs;
use super::without_sni::Inspected;
use crate::evidence::access_log::{MAX_MINUTES, Span, Tally};
use crate::evidence::{AccessLog, Evidence, LogOrigin};

/// Maximum number of addresses that probe together, such as one for each node or zone.
const MAX_ADDRESSES: usize = 16;

/// Minimum number of records of one address with a beat, and minimum time that all have. At every minute, the
/// count may differ from the beat by one and a half records, for several addresses a little more. Of
/// irregular clients, less than one of three hundred keeps to that (Kolmogorov's distribution).
const MIN_RECORDS: u64 = 12;
const MIN_DURATION: SignedDuration = SignedDuration::from_mins(15);

/// A health check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HealthCheck {
    Azure,
    /// The beat of a health check, with the seconds between two connections.
    Beat {
        seconds: u64,
    },
}

/// The health checks among the senders of connections without SNI.
pub(crate) struct HealthChecks<'a> {
    /// Addresses with a beat in all logs together: a load balancer may spread its probes over the pods.
    together: BTreeMap<String, u64>,
    /// Addresses with a beat in one log.
    alone: BTreeMap<&'a LogOrigin, BTreeMap<String, u64>>,
    /// Addresses with other traffic.
    busy: BTreeSet<&'a str>,
}

/// What remains of a tally without known load balancers and health checks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Clients {
    pub(crate) count: u64,
    pub(crate) addresses: usize,
}

impl<'a> HealthChecks<'a> {
    /// Finds the health checks among connections without SNI that were reset.
    pub(crate) fn of_resets(evidence: &'a Evidence) -> Self {
        Self::of(evidence, |log| &log.reset_without_sni)
    }

    /// Finds the health checks in one class of records.
    pub(crate) fn of(evidence: &'a Evidence, class: impl Fn(&AccessLog) -> &Tally) -> Self {
        let busy = busy_addresses(evidence);
        let mut merged = Tally::default();
        let mut end: Option<Timestamp> = None;
        let mut alone = BTreeMap::new();
        for (origin, log) in logs::logs(evidence) {
            let tally = class(log);
            if tally.count == 0 {
                continue;
            }
            alone.insert(origin, beats(tally, log.last, &busy));
            merged.merge(tally.clone());
            end = end.max(log.last);
        }
        Self { together: beats(&merged, end, &busy), alone, busy }
    }

    /// Returns which health check an address of this log is; `None` for a client, or a load balancer of
    /// Google.
    pub(crate) fn kind(&self, origin: &LogOrigin, address: &str) -> Option<HealthCheck> {
        if logs::is_azure_probe(address) {
            return Some(HealthCheck::Azure);
        }
        let here = self.alone.get(origin).and_then(|beats| beats.get(address));
        here.or_else(|| self.together.get(address)).map(|seconds| HealthCheck::Beat { seconds: *seconds })
    }

    /// Returns the addresses of this tally that are health checks.
    pub(crate) fn among<'t>(&self, origin: &LogOrigin, tally: &'t Tally) -> Vec<(&'t str, &'t Span, HealthCheck)> {
        let found =
            |(address, span): (&'t String, &'t Span)| Some((address.as_str(), span, self.kind(origin, address)?));
        tally.clients.iter().filter_map(found).collect()
    }

    /// Counts the records that are neither from a health check nor from Google's ranges.
    pub(crate) fn clients(&self, origin: &LogOrigin, tally: &Tally) -> Clients {
        let is_client = |address: &str| self.is_client(origin, address);
        let others = tally.clients.iter().filter(|(address, _)| !is_client(address)).map(|(_, span)| span.count);
        Clients {
            count: tally.count.saturating_sub(others.sum()),
            addresses: tally.clients.keys().filter(|address| is_client(address)).count(),
        }
    }

    /// Returns whether an address of this log is neither a health check nor in Google's ranges.
    pub(crate) fn is_client(&self, origin: &LogOrigin, address: &str) -> bool {
        !logs::is_google_front_end(address) && self.kind(origin, address).is_none()
    }

    /// Returns whether the logs have other connections of this address: a health check makes none.
    pub(crate) fn has_other_traffic(&self, address: &str) -> bool {
        self.busy.contains(address)
    }

    /// Returns the addresses that are known by their beat alone, unless Envoy's counters show that no
    /// ClientHello without SNI has arrived: then they are no TLS clients.
    pub(crate) fn undecided(&self, inspected: Option<Inspected>) -> Vec<&str> {
        if inspected.is_some_and(|inspected| inspected.without_sni == 0) {
            return Vec::new();
        }
        let all = self.together.keys().chain(self.alone.values().flat_map(BTreeMap::keys));
        all.map(String::as_str).collect::<BTreeSet<&str>>().into_iter().collect()
    }
}

/// Addresses with other traffic than connections without SNI that are reset: a health check sends nothing
/// else.
fn busy_addresses(evidence: &Evidence) -> BTreeSet<&str> {
    logs::logs(evidence)
        .flat_map(|(_, log)| [&log.served_without_sni, &log.reset_with_sni, &log.other_host.tally])
        .flat_map(|tally| tally.clients.keys())
        .map(String::as_str)
        .collect()
}

/// Returns the addresses of a tally that keep a steady beat, with the seconds between two of their
/// connections. `end` is the time of the latest record of the log: a beat goes on to it.
fn beats(tally: &Tally, end: Option<Timestamp>, busy: &BTreeSet<&str>) -> BTreeMap<String, u64> {
    find_beats(tally, end, busy).unwrap_or_default()
}

fn find_beats(tally: &Tally, end: Option<Timestamp>, busy: &BTreeSet<&str>) -> Option<BTreeMap<String, u64>> {
    if tally.beyond > 0 {
        return None;
    }
    let (first, last) = (tally.first?, tally.last?);
    // The beat goes on: one that ended may have been a job of a client.
    let is_over = end.is_some_and(|end| end.duration_since(last) > MIN_DURATION);
    if last.duration_since(first) < MIN_DURATION || is_over {
        return None;
    }
    let mut steady: Vec<Beat<'_>> = Vec::new();
    let (mut of_steady, mut of_others) = (0_u64, 0_u64);
    for (address, span) in &tally.clients {
        match Beat::of(address, span, first, last) {
            Some(beat) if is_known(address) || !busy.contains(address.as_str()) => {
                of_steady += span.count;
                steady.push(beat);
            }
            _ => of_others += span.count,
        }
    }
    if steady.is_empty() || steady.len() > MAX_ADDRESSES || of_others > of_steady / 4 {
        return None;
    }
    let addresses = f64::from(u32::try_from(steady.len()).ok()?);
    let tolerated = 0.5 + addresses.sqrt();
    // Records of the other addresses can only add to the count.
    let disturbing = f64::from(u32::try_from(of_others).ok()?);
    let mut counted = 0.0;
    for minute in minutes(first, last)? {
        let name = minute_name(minute)?;
        counted += f64::from(u32::try_from(tally.minutes.get(&name).copied().unwrap_or(0)).ok()?);
        let expected: f64 = steady.iter().map(|beat| beat.expected(minute + 1)).sum();
        if !(-tolerated..=tolerated + disturbing).contains(&(counted - expected)) {
            return None;
        }
    }
    let found = steady.into_iter().filter(|beat| !is_known(beat.address));
    Some(found.filter_map(|beat| Some((beat.address.to_owned(), to_seconds(beat.gap)?))).collect())
}

/// Returns whether the address alone tells what it is.
fn is_known(address: &str) -> bool {
    logs::is_azure_probe(address) || logs::is_google_front_end(address)
}

/// An address that connects at the same mean gap from the beginning to the end.
struct Beat<'a> {
    address: &'a str,
    begin: Timestamp,
    count: f64,
    /// Seconds between two connections.
    gap: f64,
}

impl<'a> Beat<'a> {
    fn of(address: &'a str, span: &Span, first: Timestamp, last: Timestamp) -> Option<Self> {
        let (begin, end) = (span.first?, span.last?);
        if span.count < MIN_RECORDS {
            return None;
        }
        let count = f64::from(u32::try_from(span.count).ok()?);
        let gap = end.duration_since(begin).as_secs_f64() / (count - 1.0);
        let edge = (2.0 * gap).max(60.0);
        let is_whole =
            begin.duration_since(first).as_secs_f64() <= edge && last.duration_since(end).as_secs_f64() <= edge;
        (gap > 0.0 && is_whole).then_some(Self { address, begin, count, gap })
    }

    /// Returns how many connections a steady beat has made before this minute begins.
    fn expected(&self, minute: i64) -> f64 {
        let Ok(at) = Timestamp::from_second(minute * 60) else { return self.count };
        (at.duration_since(self.begin).as_secs_f64() / self.gap + 0.5).clamp(0.0, self.count)
    }
}

/// Returns the minutes between two times; `None` for more than a tally counts. Wrong clocks write records
/// decades apart.
fn minutes(first: Timestamp, last: Timestamp) -> Option<Range<i64>> {
    let minutes = minute_of(first)..minute_of(last);
    (minutes.end - minutes.start <= i64::try_from(MAX_MINUTES).ok()?).then_some(minutes)
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// Returns the key of a minute in a tally, such as `2025-05-19T04:46Z`.
fn minute_name(minute: i64) -> Option<String> {
    Some(Timestamp::from_second(minute * 60).ok()?.strftime("%Y-%m-%dT%H:%MZ").to_string())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both limits are checked")]
fn to_seconds(gap: f64) -> Option<u64> {
    (0.0..=1e6).contains(&gap).then_some((gap.round() as u64).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts a connection of `address` at each of these milliseconds.
    fn count(tally: &mut Tally, address: &str, times: impl IntoIterator<Item = i64>) {
        for time in times {
            let at = Timestamp::from_millisecond(time).unwrap();
            let minute = at.strftime("%Y-%m-%dT%H:%MZ").to_string();
            tally.count(Some((at, &minute)), Some(address), None);
        }
    }

    fn beat(tally: &mut Tally, address: &str, start: i64, gap: i64, number: i64) {
        count(tally, address, (0..number).map(|i| start + i * gap + i * 7919 % 90));
    }

    /// Connections at times that a fixed generator draws, with this mean gap.
    fn traffic(tally: &mut Tally, address: &str, gap: f64, number: usize, seed: u64) {
        let (mut state, mut time) = (seed, 0.0);
        let times: Vec<i64> = (0..number)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let unit = f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 31);
                time += -gap * (1.0 - unit).max(1e-9).ln();
                SignedDuration::from_secs_f64(time).as_millis().try_into().unwrap()
            })
            .collect();
        count(tally, address, times);
    }

    fn found(tally: &Tally) -> Vec<(String, u64)> {
        beats(tally, tally.last, &BTreeSet::new()).into_iter().collect()
    }

    #[test]
    fn finds_beats_of_one_and_of_several_addresses() {
        for (gap, number) in [(5_000, 720), (7_000, 500), (10_000, 360), (30_000, 120), (60_000, 90), (300_000, 14)] {
            let mut tally = Tally::default();
            beat(&mut tally, "10.0.0.1", 1_000, gap, number);
            assert_eq!(found(&tally), [("10.0.0.1".to_owned(), gap.cast_unsigned() / 1000)], "{gap}");
        }
        let mut tally = Tally::default();
        for i in 1..=6 {
            beat(&mut tally, &format!("10.0.{i}.9"), i * 1_300, 10_000, 300);
        }
        assert_eq!(found(&tally).len(), 6);
    }

    #[test]
    fn a_client_beside_a_beat_is_no_part_of_it() {
        let mut tally = Tally::default();
        beat(&mut tally, "10.0.0.1", 0, 10_000, 360);
        count(&mut tally, "203.0.113.9", [400_000, 401_000, 402_500, 900_000]);
        assert_eq!(found(&tally), [("10.0.0.1".to_owned(), 10)]);
        traffic(&mut tally, "203.0.113.10", 30.0, 115, 5);
        assert!(found(&tally).iter().all(|(address, _)| address == "10.0.0.1"));
    }

    #[test]
    fn irregular_traffic_is_no_beat() {
        for seed in 0..200 {
            let mut tally = Tally::default();
            traffic(&mut tally, "203.0.113.1", 8.0, 500, seed);
            assert_eq!(found(&tally), [], "one client, seed {seed}");
            traffic(&mut tally, "203.0.113.2", 8.0, 500, seed + 1000);
            assert_eq!(found(&tally), [], "two clients, seed {seed}");
        }
    }

    #[test]
    fn minutes_beyond_those_of_a_tally_are_not_walked() {
        let (first, last) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60 * 60).unwrap());
        assert_eq!(minutes(first, last), Some(0..60));
        assert_eq!(minutes(first, Timestamp::MAX), None);
        let mut tally = Tally::default();
        beat(&mut tally, "10.0.0.1", 1_747_630_000_000, 10_000, 360);
        count(&mut tally, "10.0.0.1", [0]);
        assert_eq!(found(&tally), []);
    }

    #[test]
    fn a_short_or_ended_or_interrupted_beat_is_none() {
        let mut tally = Tally::default();
        beat(&mut tally, "10.0.0.1", 0, 10_000, 40);
        assert_eq!(found(&tally), [], "too short");
        let mut tally = Tally::default();
        beat(&mut tally, "10.0.0.1", 0, 10_000, 360);
        let later = tally.last.unwrap() + jiff::SignedDuration::from_hours(5);
        assert!(beats(&tally, Some(later), &BTreeSet::new()).is_empty(), "over for hours");
        assert!(beats(&tally, tally.last, &BTreeSet::from(["10.0.0.1"])).is_empty(), "with other traffic");
        beat(&mut tally, "10.0.0.1", 7_200_000, 10_000, 360);
        assert_eq!(found(&tally), [], "a pause of an hour");
    }
}
