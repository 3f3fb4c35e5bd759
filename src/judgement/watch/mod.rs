//! `watch`: which clients fail now, why, and whether they still do; what changed since the last look.
//!
//! Pure: it gets what was read and the time. The verdict is that of a judgement like `diagnose`
//! makes, and the reason of each client comes from it.

mod events;
mod measures;
mod reasons;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

pub use self::events::{
    Change, FailingRow, Finding, Minute, SCHEMA, StreamWord, Summary, VerdictNow, WatchCoverage, WatchEvent,
};
pub use self::measures::{Measures, ProbeKey, ProbeValue, Snapshot};
use self::reasons::Reasons;
use super::Report;

use crate::evidence::access_log::{FailingClient, FailingClients, Span};

/// Maximum number of clients. Records of others are counted without their client.
pub const MAX_ROWS: usize = 1_000;
/// Maximum number of server names that are counted apart for the whole watch.
const MAX_NAMES: usize = 200;
/// What has no room of its own.
const OTHER: &str = "other";
/// Maximum number of clients in a summary.
const MAX_SUMMARY: usize = 50;
/// A client without a new record for so long is quiet.
const QUIET: SignedDuration = SignedDuration::from_mins(5);
/// A quiet client is forgotten after this time.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);
/// Length and number of the parts that a rate is counted in.
const PART: i64 = 5;
const PARTS: i64 = 12;
const SLOTS: usize = 12;

/// What is known while a watch lasts.
#[derive(Debug)]
pub struct Watch {
    started: Timestamp,
    rows: BTreeMap<FailingClient, Row>,
    reasons: Reasons,
    verdict: Option<VerdictNow>,
    /// Records of failing clients since the start.
    failures: u64,
    /// Those of them whose client had no room.
    beyond: u64,
    /// When the latest of them was read.
    failed_at: Option<Timestamp>,
    /// All of them, by failure and server name.
    totals: BTreeMap<(&'static str, String), u64>,
    minute: Minute,
}

#[derive(Debug)]
struct Row {
    total: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// When the latest record was read, by this machine's clock.
    read_at: Timestamp,
    is_quiet: bool,
    rate: Rate,
}

impl Watch {
    /// Begins a watch.
    #[must_use]
    pub fn new(started: Timestamp) -> Self {
        Self {
            started,
            rows: BTreeMap::new(),
            reasons: Reasons::default(),
            verdict: None,
            failures: 0,
            beyond: 0,
            failed_at: None,
            totals: BTreeMap::new(),
            minute: Minute { minute: minute_of(started), failures: 0, clients: 0, before: 0 },
        }
    }

    /// Counts records of failing clients, and returns the clients that did not fail before or were quiet.
    pub fn failing(&mut self, failing: FailingClients, now: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        self.failures += failing.beyond;
        self.beyond += failing.beyond;
        self.minute.failures += failing.beyond;
        if !failing.is_empty() {
            self.failed_at = Some(now);
        }
        if failing.beyond > 0 {
            *self.totals.entry((OTHER, OTHER.to_owned())).or_default() += failing.beyond;
        }
        for (client, span) in failing.clients {
            self.count(&client, span.count);
            self.failures += span.count;
            self.minute.failures += span.count;
            if !self.rows.contains_key(&client) && self.rows.len() >= MAX_ROWS && !self.forget_quietest() {
                self.beyond += span.count;
                continue;
            }
            let known = self.rows.contains_key(&client);
            let row = self.rows.entry(client.clone()).or_insert_with(|| Row::new(now));
            row.add(&span, now);
            let is_news = !known || std::mem::take(&mut row.is_quiet);
            if is_news {
                changes.push(Change::Client(self.row(&client, now)));
            }
        }
        changes
    }

    /// Takes a new judgement, and returns the verdict if it is another one.
    pub fn judged(&mut self, report: &Report, now: Timestamp) -> Vec<Change> {
        self.reasons = Reasons::of(report);
        let verdict = VerdictNow::of(report, now);
        let is_same = self.verdict.as_ref().is_some_and(|known| known.is_same(&verdict));
        self.verdict = Some(verdict.clone());
        if is_same { Vec::new() } else { vec![Change::Verdict(verdict)] }
    }

    /// Lets time pass; returns the clients that became quiet, and the minute if it differs from the one
    /// before.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Change> {
        let quiet: Vec<FailingClient> = self
            .rows
            .iter_mut()
            .filter(|(_, row)| !row.is_quiet && now.duration_since(row.read_at) >= QUIET)
            .map(|(client, row)| {
                row.is_quiet = true;
                client.clone()
            })
            .collect();
        let mut changes: Vec<Change> = quiet.iter().map(|client| Change::Quiet(self.row(client, now))).collect();
        self.rows.retain(|_, row| now.duration_since(row.read_at) < FORGOTTEN);
        let minute = minute_of(now);
        if minute != self.minute.minute {
            let minute_start = self.minute.minute;
            let clients = self.rows.values().filter(|row| row.read_at >= minute_start).count();
            let over = Minute { clients: clients as u64, ..self.minute.clone() };
            self.minute = Minute { minute, failures: 0, clients: 0, before: over.failures };
            if over.failures != over.before {
                changes.push(Change::Minute(over));
            }
        }
        changes
    }

    /// Returns the failing clients, the most frequent of the last minute first, then the latest.
    #[must_use]
    pub fn rows(&self, now: Timestamp) -> Vec<FailingRow> {
        let mut rows: Vec<FailingRow> = self.rows.keys().map(|client| self.row(client, now)).collect();
        rows.sort_by(|one, other| {
            other.per_minute.cmp(&one.per_minute).then(other.last.cmp(&one.last)).then(one.client.cmp(&other.client))
        });
        rows
    }

    /// Returns the latest verdict, if there was a judgement.
    #[must_use]
    pub fn verdict(&self) -> Option<&VerdictNow> {
        self.verdict.as_ref()
    }

    /// Returns the number of records of failing clients, and how many of them have no row.
    #[must_use]
    pub fn failures(&self) -> (u64, u64) {
        (self.failures, self.beyond)
    }

    /// Returns the records of failing clients since the start, by failure and server name. Names beyond a
    /// limit are `other`.
    #[must_use]
    pub fn totals(&self) -> &BTreeMap<(&'static str, String), u64> {
        &self.totals
    }

    /// Returns the number of clients that are not quiet.
    #[must_use]
    pub fn failing_clients(&self) -> u64 {
        self.rows.values().filter(|row| !row.is_quiet).count() as u64
    }

    /// Returns since when no client failed; the start of the watch if none did.
    #[must_use]
    pub fn quiet_since(&self) -> Timestamp {
        self.failed_at.unwrap_or(self.started)
    }

    /// Returns what the whole watch showed.
    #[must_use]
    pub fn summary(&self, coverage: WatchCoverage, now: Timestamp, exit_code: u8) -> Summary {
        let mut rows = self.rows(now);
        rows.sort_by_key(|row| std::cmp::Reverse(row.total));
        let not_listed = rows.len().saturating_sub(MAX_SUMMARY) as u64;
        rows.truncate(MAX_SUMMARY);
        Summary {
            seconds: u64::try_from(now.duration_since(self.started).as_secs()).unwrap_or(0),
            verdict: self.verdict.clone(),
            failures: self.failures,
            clients: rows,
            clients_not_listed: not_listed,
            failures_of_other_clients: self.beyond,
            coverage,
            exit_code,
        }
    }

    fn count(&mut self, client: &FailingClient, count: u64) {
        let name = client.server_name.clone().unwrap_or_default();
        let failure = client.failure.name();
        let key = (failure, name);
        let has_room = self.totals.len() < MAX_NAMES || self.totals.contains_key(&key);
        let key = if has_room { key } else { (failure, OTHER.to_owned()) };
        *self.totals.entry(key).or_default() += count;
    }

    fn row(&self, client: &FailingClient, now: Timestamp) -> FailingRow {
        let (reason, codes) = self.reasons.of_client(client);
        let row = self.rows.get(client);
        FailingRow {
            client: client.client.clone(),
            server_name: client.server_name.clone(),
            failure: client.failure,
            reason,
            codes,
            per_minute: row.map_or(0, |row| row.rate.per_minute(now)),
            total: row.map_or(0, |row| row.total),
            first: row.and_then(|row| row.first),
            last: row.and_then(|row| row.last),
        }
    }

    /// Makes room for a client that fails now, in place of the one that has been quiet for longest.
    fn forget_quietest(&mut self) -> bool {
        let quietest = self.rows.iter().filter(|(_, row)| row.is_quiet).min_by_key(|(_, row)| row.read_at);
        let Some(client) = quietest.map(|(client, _)| client.clone()) else { return false };
        self.rows.remove(&client).is_some()
    }
}

impl Row {
    fn new(now: Timestamp) -> Self {
        Self { total: 0, first: None, last: None, read_at: now, is_quiet: false, rate: Rate::default() }
    }

    fn add(&mut self, span: &Span, now: Timestamp) {
        self.total += span.count;
        self.first = match (self.first, span.first) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.last = self.last.max(span.last);
        self.read_at = now;
        // What was read late counts at its own time.
        self.rate.add(span.last.unwrap_or(now).min(now), span.count);
    }
}

/// Counts of the last minute, in parts of a few seconds.
#[derive(Debug, Default)]
struct Rate {
    counts: [u64; SLOTS],
    /// The part that the latest count belongs to.
    latest: i64,
}

impl Rate {
    fn add(&mut self, at: Timestamp, count: u64) {
        let part = at.as_second().div_euclid(PART);
        self.forget(part);
        if part > self.latest - PARTS {
            self.counts[slot(part)] += count;
        }
    }

    /// Forgets the parts that a later one replaces.
    fn forget(&mut self, part: i64) {
        for later in (self.latest + 1..=part).rev().take(SLOTS) {
            self.counts[slot(later)] = 0;
        }
        self.latest = self.latest.max(part);
    }

    fn per_minute(&self, now: Timestamp) -> u64 {
        let part = now.as_second().div_euclid(PART);
        let first = part - PARTS + 1;
        (first.max(self.latest - PARTS + 1)..=self.latest).map(|part| self.counts[slot(part)]).sum()
    }
}

/// The place of a part in the counts.
fn slot(part: i64) -> usize {
    usize::try_from(part.rem_euclid(PARTS)).unwrap_or(0)
}

fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
