//! What the access logs showed: counts per stream, never the records themselves.
//!
//! The classes are those of the reference's classifier: a record without a filter chain is a reset; with or without a
//! server name are two causes; a record without a server name that reached HTTP proves that clients without SNI are
//! accepted. Failures of version, cipher or client certificate leave no record, so nothing here counts them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::seen::{Seen, Unavailable};

/// Distinct clients, server names and minutes that one [`Tally`] keeps; what is beyond is counted in `beyond`.
pub const MAX_CLIENTS: usize = 20_000;
pub const MAX_SERVER_NAMES: usize = 4_096;
pub const MAX_MINUTES: usize = 14 * 24 * 60;

/// One log that was to be read.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogStream {
    pub origin: LogOrigin,
    pub log: Seen<AccessLog>,
    /// Why the stream ended before its end, where it did; `log` then holds what came before.
    pub cut: Option<Unavailable>,
}

/// Where a stream comes from.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum LogOrigin {
    Container {
        pod: String,
        container: String,
    },
    /// The name as the user gave it; `-` for standard input.
    File(String),
}

impl fmt::Display for LogOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { pod, container } => write!(f, "{pod}/{container}"),
            Self::File(name) if name == "-" => f.write_str("standard input"),
            Self::File(name) => f.write_str(name),
        }
    }
}

/// What one stream held.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLog {
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Lines read, the last one also where it has no line end.
    pub lines: u64,
    /// Lines that are access-log records: JSON objects with at least a `sni_host` key and one of `status`,
    /// `status_details` and `upstream_response_flags`.
    pub records: u64,
    /// JSON objects that look like access-log records of another format: they have keys, but no `sni_host`.
    pub foreign_records: u64,
    /// Lines that look like Envoy's default text format (`[2025-05-19T04:46:20.117Z] "GET …`).
    pub text_records: u64,
    /// Lines that begin like a record and break off: the first or last line of a cut log, or a record above the limit.
    pub broken_lines: u64,
    /// The first line is a record: what was before it is gone, if there was anything.
    pub begins_with_record: bool,
    /// `start_time` of the earliest and the latest record.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// No server name, no filter chain: `sni_host` null, `filter_chain_not_found`, status 0.
    pub reset_without_name: Tally,
    /// A server name, but no filter chain for it.
    pub reset_with_name: Tally,
    /// No server name, and HTTP was reached: a status of 100 or more.
    pub served_without_name: Tally,
    /// The part of `served_without_name` that found no route: status 404 with `NR` and `route_not_found`.
    pub unrouted_without_name: Tally,
}

/// Exact counts of one class of records.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tally {
    pub count: u64,
    /// `start_time` of the earliest and the latest.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// By client address without its port; at most [`MAX_CLIENTS`].
    pub clients: BTreeMap<String, Span>,
    /// By server name, in lower case; at most [`MAX_SERVER_NAMES`].
    pub server_names: BTreeMap<String, Span>,
    /// By minute, the key as `2025-05-19T04:46Z`; at most [`MAX_MINUTES`].
    pub minutes: BTreeMap<String, u64>,
    /// Records whose client, server name or minute found no room in its map; they are in `count`.
    pub beyond: u64,
}

/// How often, and between which moments.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Span {
    pub count: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Tally {
    /// Adds another tally of the same class to this one.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.beyond += other.beyond;
        self.first = earliest(self.first, other.first);
        self.last = self.last.max(other.last);
        self.beyond += merge_spans(&mut self.clients, &other.clients, MAX_CLIENTS);
        self.beyond += merge_spans(&mut self.server_names, &other.server_names, MAX_SERVER_NAMES);
        for (minute, count) in &other.minutes {
            if self.minutes.len() < MAX_MINUTES || self.minutes.contains_key(minute) {
                *self.minutes.entry(minute.clone()).or_default() += count;
            } else {
                self.beyond += count;
            }
        }
    }
}

/// Adds spans key by key; returns the count of those that found no room.
fn merge_spans(into: &mut BTreeMap<String, Span>, from: &BTreeMap<String, Span>, room: usize) -> u64 {
    let mut beyond = 0;
    for (key, span) in from {
        if into.len() < room || into.contains_key(key) {
            let sum = into.entry(key.clone()).or_default();
            sum.count += span.count;
            sum.first = earliest(sum.first, span.first);
            sum.last = sum.last.max(span.last);
        } else {
            beyond += span.count;
        }
    }
    beyond
}

/// The earlier of two moments, where a missing one does not count.
fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
