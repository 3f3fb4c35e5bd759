//! Counts of access-log records per stream, never the records themselves.
//!
//! The classes are those of the reference's classifier. A record without a filter chain is a reset; resets
//! with SNI and without SNI have different causes. A record without SNI that reached HTTP proves that clients
//! without SNI are accepted. Failures of version, cipher or client certificate leave no record, so nothing
//! here counts them.

mod coverage;
mod failing;
mod limits;
mod other_host;
mod probe_records;
mod repeats;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::{Extent, Gap, Kind, Part, Visit, Visitor, item};
use super::seen::{Seen, Unavailable};
use super::source::Source;

pub use self::coverage::Coverage;
pub use self::failing::{ClientFailure, FailingClient, FailingClients};
pub use self::other_host::OtherHost;
pub use self::probe_records::ProbeRecords;
pub use self::repeats::Repeats;
pub use self::store::{Counting, HourResets, MAX_HOURS, StoreEngine, StoreQuery};

/// Maximum number of clients, server names and minutes in one [`Tally`]. Records of others are counted in
/// `beyond`.
pub const MAX_CLIENTS: usize = 20_000;
pub const MAX_SERVER_NAMES: usize = 4_096;
pub const MAX_MINUTES: usize = 14 * 24 * 60;

/// Maximum length of a client address or server name, in bytes. A DNS name has at most 253, so a longer one
/// was made to fill memory.
pub const MAX_KEY_BYTES: usize = 256;

/// Maximum number of different texts in [`AccessLog::tls_failures`].
pub const MAX_TLS_FAILURES: usize = 16;

/// Maximum number of server names in [`ProbeRecords`]; the latest are kept.
pub const MAX_PROBE_NAMES: usize = 64;

/// One requested log.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogStream {
    pub origin: LogOrigin,
    pub log: Seen<AccessLog>,
    /// Why the stream ended early; absent if it was read completely. `log` holds what was read before.
    pub cut: Option<Unavailable>,
    /// What a log store was asked; absent for containers and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreQuery>,
}

/// The origin of a stream.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum LogOrigin {
    Container {
        pod: String,
        container: String,
    },
    /// The name as the user gave it; `-` for standard input.
    File(String),
    /// The name of the store and of what was asked for in it, such as `Cloud Logging of cluster prod`.
    Store(String),
}

impl LogOrigin {
    /// Returns the pod, the file or the store: the containers of one pod together are one source.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::Container { pod, .. } => pod,
            Self::File(name) | Self::Store(name) => name,
        }
    }

    /// Returns the pod that wrote the log. A file or a store may have the records of several.
    #[must_use]
    pub fn pod(&self) -> Option<&str> {
        match self {
            Self::Container { pod, .. } => Some(pod),
            Self::File(_) | Self::Store(_) => None,
        }
    }
}

impl fmt::Display for LogOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { pod, container } => write!(f, "{pod}/{container}"),
            Self::File(name) if name == "-" => f.write_str("standard input"),
            Self::File(name) | Self::Store(name) => f.write_str(name),
        }
    }
}

/// The counts of one stream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLog {
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Lines read, including a last line without a line end.
    pub lines: u64,
    /// Access-log records that state the server name and one of response code, response code details and
    /// response flags: JSON objects with the keys of Apigee, of Istio or of the mesh settings, and lines of a
    /// known text format.
    pub records: u64,
    /// Records before the requested window (`--since`), which are in no other count but `lines`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub older_records: u64,
    /// JSON objects that look like access-log records of another format: they have such keys, but no server
    /// name.
    pub foreign_records: u64,
    /// Records in a text format that does not state what is judged, or in none that is known
    /// (`[2025-05-19T04:46:20.117Z] "GET …`).
    pub text_records: u64,
    /// Command operators that the formats of foreign and text records lack, as `REQUESTED_SERVER_NAME`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lacking: BTreeSet<String>,
    /// Lines that name the fields of access-log records, but in a form that is not read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub other_forms: u64,
    /// Records of resets and of served requests whose server name is neither text nor null, or is there twice
    /// with different values: it is not known whether the client sent one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable_names: u64,
    /// Records of resets and of served requests that lack the key of the server name: some collectors drop
    /// members that are null. `foreign_records` includes them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub absent_names: u64,
    /// Lines and entries of pods of internal chaining, which are in no other count but `lines`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub chaining_lines: u64,
    /// Failures of TLS that the log states in words, and how often: values of
    /// `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`, and why Envoy rejected a Secret. At most [`MAX_TLS_FAILURES`]
    /// different ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tls_failures: BTreeMap<String, u64>,
    /// Other lines that begin with a date, as the proxy and its agent write them about themselves.
    #[serde(default)]
    pub proxy_lines: u64,
    /// Lines with a part of a record and no complete one: the first or last line of a truncated log, two
    /// writers in one line, or a line above the scanner's limit.
    pub broken_lines: u64,
    /// The first line is a record, so earlier lines may be missing. Merged parts have the value of the first
    /// part. Only set for logs that are read in order, such as those of containers.
    #[serde(default)]
    pub begins_with_record: bool,
    /// `start_time` of the earliest and the latest record.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// Resets without SNI: `sni_host` null, `filter_chain_not_found`, status 0.
    #[serde(rename = "resetWithoutName")]
    pub reset_without_sni: Tally,
    /// Resets with SNI: no filter chain for the server name.
    #[serde(rename = "resetWithName")]
    pub reset_with_sni: Tally,
    /// Requests without SNI that reached HTTP over TLS: a status of 100 or more, and `tls_protocol` not null
    /// if the format has it.
    #[serde(rename = "servedWithoutName")]
    pub served_without_sni: Tally,
    /// The records of `served_without_sni` that found no route: status 404 with `NR` and `route_not_found`.
    #[serde(rename = "unroutedWithoutName")]
    pub unrouted_without_sni: Tally,
    /// Requests for a host other than the server name of their connection, answered with 421, or with 404,
    /// `NR` and `route_not_found`.
    #[serde(default, skip_serializing_if = "OtherHost::is_empty")]
    pub other_host: OtherHost,
    /// Records that are in none of the classes above, because another log of the run has them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Repeats>,
    /// Records of probe traffic, which are in none of the classes above.
    #[serde(default, skip_serializing_if = "ProbeRecords::is_empty")]
    pub own: ProbeRecords,
}

impl AccessLog {
    /// Adds the counts of another part of the same log. The counts are exact in every order of the parts.
    pub fn merge(&mut self, other: Self) {
        if self.lines == 0 {
            self.begins_with_record = other.begins_with_record;
        }
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.records += other.records;
        self.older_records += other.older_records;
        self.foreign_records += other.foreign_records;
        self.text_records += other.text_records;
        self.lacking.extend(other.lacking);
        self.other_forms += other.other_forms;
        self.unreadable_names += other.unreadable_names;
        self.absent_names += other.absent_names;
        self.chaining_lines += other.chaining_lines;
        for (why, failures) in other.tls_failures {
            self.note_tls_failures(why, failures);
        }
        self.proxy_lines += other.proxy_lines;
        self.broken_lines += other.broken_lines;
        widen(&mut self.first, &mut self.last, other.first, other.last);
        self.reset_without_sni.merge(other.reset_without_sni);
        self.reset_with_sni.merge(other.reset_with_sni);
        self.served_without_sni.merge(other.served_without_sni);
        self.unrouted_without_sni.merge(other.unrouted_without_sni);
        self.other_host.merge(other.other_host);
        self.own.merge(other.own);
        Repeats::merge(&mut self.repeats, other.repeats);
    }

    /// Counts failures of TLS. The smallest texts are kept, so that the order of reading does not matter.
    pub fn note_tls_failures(&mut self, why: String, failures: u64) {
        *self.tls_failures.entry(why).or_default() += failures;
        while self.tls_failures.len() > MAX_TLS_FAILURES {
            self.tls_failures.pop_last();
        }
    }
}

/// Exact counts of one class of records. `count` includes records that lack an address, a server name or a
/// readable `start_time`; the map for the missing value does not.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tally {
    pub count: u64,
    /// `start_time` of the earliest and the latest record.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// Counts by client address without port; at most [`MAX_CLIENTS`].
    pub clients: BTreeMap<String, Span>,
    /// Counts by server name in lower case; at most [`MAX_SERVER_NAMES`].
    pub server_names: BTreeMap<String, Span>,
    /// Counts by minute, with keys such as `2025-05-19T04:46Z`; at most [`MAX_MINUTES`].
    pub minutes: BTreeMap<String, u64>,
    /// Number of records whose client, server name or minute found no room in its map, counted once for each
    /// of the three. `count` includes these records.
    ///
    /// A full map keeps the smallest clients and server names and the latest minutes. Every entry is exact
    /// and does not depend on the order of reading, so that reading logs in parallel gives the same result as
    /// one pass.
    pub beyond: u64,
}

impl Tally {
    /// Counts one record: its timestamp with the key of its minute, its client and its server name.
    pub fn count(&mut self, at: Option<(Timestamp, &str)>, client: Option<&str>, server_name: Option<&str>) {
        let moment = at.map(|(moment, _)| moment);
        self.count += 1;
        widen(&mut self.first, &mut self.last, moment, moment);
        for (map, key, room) in
            [(&mut self.clients, client, MAX_CLIENTS), (&mut self.server_names, server_name, MAX_SERVER_NAMES)]
        {
            let Some(key) = key else { continue };
            if let Some(span) = map.get_mut(key) {
                span.count(moment);
            } else if key.len() > MAX_KEY_BYTES {
                self.beyond += 1;
            } else {
                map.insert(key.to_owned(), Span { count: 1, first: moment, last: moment });
                self.beyond += drop_largest(map, room);
            }
        }
        if let Some((_, minute)) = at {
            if let Some(count) = self.minutes.get_mut(minute) {
                *count += 1;
            } else {
                self.minutes.insert(minute.to_owned(), 1);
                self.beyond += drop_earliest(&mut self.minutes);
            }
        }
    }

    /// Adds the counts of another part of the same log.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.beyond += other.beyond;
        widen(&mut self.first, &mut self.last, other.first, other.last);
        for (map, others, room) in [
            (&mut self.clients, other.clients, MAX_CLIENTS),
            (&mut self.server_names, other.server_names, MAX_SERVER_NAMES),
        ] {
            for (key, span) in others {
                map.entry(key).or_default().merge(&span);
            }
            self.beyond += drop_largest(map, room);
        }
        for (minute, count) in other.minutes {
            *self.minutes.entry(minute).or_default() += count;
        }
        self.beyond += drop_earliest(&mut self.minutes);
    }
}

/// Number of records, with the timestamps of the first and the last.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Span {
    pub count: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Span {
    /// Counts one record, at this timestamp if it is known.
    pub fn count(&mut self, at: Option<Timestamp>) {
        self.count += 1;
        widen(&mut self.first, &mut self.last, at, at);
    }

    /// Adds another span of the same key.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        widen(&mut self.first, &mut self.last, other.first, other.last);
    }
}

/// For counts that are left out of the evidence while they are zero.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn widen(
    first: &mut Option<Timestamp>,
    last: &mut Option<Timestamp>,
    other_first: Option<Timestamp>,
    other_last: Option<Timestamp>,
) {
    // `None` is smaller than every timestamp, which is right for the latest but not for the earliest.
    *first = match (*first, other_first) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    *last = (*last).max(other_last);
}

/// Drops entries until the map has at most `room`; returns the number of records of the dropped entries.
///
/// Drops the largest key, whatever its count, to keep the other counts exact: a key among the smallest was
/// never dropped before, so no count restarts at zero.
fn drop_largest(map: &mut BTreeMap<String, Span>, room: usize) -> u64 {
    let mut dropped = 0;
    while map.len() > room {
        dropped += map.pop_last().map_or(0, |(_, span)| span.count);
    }
    dropped
}

/// Like [`drop_largest`], but drops the earliest minutes, because the latest matter most.
fn drop_earliest(minutes: &mut BTreeMap<String, u64>) -> u64 {
    let mut dropped = 0;
    while minutes.len() > MAX_MINUTES {
        dropped += minutes.pop_first().map_or(0, |(_, count)| count);
    }
    dropped
}

impl Part for Vec<LogStream> {
    fn name(&self) -> &'static str {
        "accessLogs"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Logs]
    }

    fn not_gathered(_why: &str) -> Self {
        Self::new()
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        self.iter().flat_map(LogStream::gaps).collect()
    }

    fn counts(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new(self.iter().filter_map(|stream| stream.log.seen().ok()).flat_map(AccessLog::counts))
    }
}

impl LogStream {
    fn gaps(&self) -> impl Iterator<Item = Gap<'_>> {
        let Self { origin, log, cut, store: _ } = self;
        let end = cut.as_ref().map(|why| {
            let what = format!("the end of {origin}").into();
            Gap { what, ..Gap::new(Source::Logs, Extent::End, why) }
        });
        [item(log, Source::Logs, Extent::Item), end].into_iter().flatten()
    }
}

impl AccessLog {
    fn counts(&self) -> impl Iterator<Item = u64> {
        let tallies = [
            &self.reset_without_sni,
            &self.reset_with_sni,
            &self.served_without_sni,
            &self.unrouted_without_sni,
            &self.other_host.tally,
        ];
        let inner = tallies.into_iter().flat_map(|tally| {
            let spans = tally.clients.values().chain(tally.server_names.values()).map(|span| span.count);
            spans.chain(tally.minutes.values().copied()).chain([tally.count, tally.beyond])
        });
        let pairs = self.other_host.hosts.values().flat_map(|hosts| hosts.values().map(|span| span.count));
        let lines = [self.bytes, self.lines, self.records, self.foreign_records, self.text_records, self.proxy_lines];
        let repeats = self.repeats.iter().map(|repeats| repeats.records);
        let failures = self.tls_failures.values().copied();
        inner.chain(pairs).chain(lines).chain(repeats).chain(failures).chain([
            self.broken_lines,
            self.older_records,
            self.other_forms,
            self.unreadable_names,
            self.absent_names,
            self.chaining_lines,
            self.own.count,
        ])
    }
}

impl Visit for LogStream {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { origin, log, cut, store } = self;
        origin.visit(visitor);
        log.visit(visitor);
        cut.visit(visitor);
        store.visit(visitor);
    }
}

impl Visit for LogOrigin {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        match self {
            Self::Container { pod, container } => visitor.strings(Kind::Object, [pod, container]),
            Self::File(name) => visitor.string(Kind::File, name),
            Self::Store(name) => visitor.string(Kind::Text, name),
        }
    }
}

impl Visit for AccessLog {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            bytes: _,
            lines: _,
            records: _,
            foreign_records: _,
            text_records: _,
            lacking,
            other_forms: _,
            older_records: _,
            unreadable_names: _,
            absent_names: _,
            chaining_lines: _,
            tls_failures,
            proxy_lines: _,
            broken_lines: _,
            begins_with_record: _,
            first: _,
            last: _,
            reset_without_sni,
            reset_with_sni,
            served_without_sni,
            unrouted_without_sni,
            other_host,
            repeats,
            own: ProbeRecords { count: _, last: _, names, without_sni: _ },
        } = self;
        // Evidence that was read from a file may hold anything here.
        *lacking = std::mem::take(lacking)
            .into_iter()
            .map(|mut operator| {
                visitor.string(Kind::Text, &mut operator);
                operator
            })
            .collect();
        visitor.keys(Kind::Text, tls_failures);
        for tally in [reset_without_sni, reset_with_sni, served_without_sni, unrouted_without_sni] {
            tally.visit(visitor);
        }
        other_host.visit(visitor);
        repeats.visit(visitor);
        visitor.keys(Kind::Hostname, names);
    }
}

impl Visit for Tally {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { count: _, first: _, last: _, clients, server_names, minutes, beyond: _ } = self;
        let client = |name: &str| if name.parse::<IpAddr>().is_ok() { Kind::Hostname } else { Kind::Text };
        visit_spans(clients, visitor, client);
        visit_spans(server_names, visitor, |_| Kind::Hostname);
        visitor.keys(Kind::Word, minutes);
    }
}

/// Adds the counts of keys that become equal.
fn visit_spans(spans: &mut BTreeMap<String, Span>, visitor: &mut dyn Visitor, kind: impl Fn(&str) -> Kind) {
    for (mut key, Span { count, first, last }) in std::mem::take(spans) {
        visitor.string(kind(&key), &mut key);
        spans.entry(key).or_default().merge(&Span { count, first, last });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_tally_does_not_depend_on_order_or_split() {
        let keys: Vec<String> = (0..MAX_SERVER_NAMES + 500).map(|i| format!("h{}", i * 7919 % 9001)).collect();
        let tally = |keys: &mut dyn Iterator<Item = &String>| {
            let mut tally = Tally::default();
            keys.for_each(|key| tally.count(None, None, Some(key)));
            tally
        };
        let whole = tally(&mut keys.iter().chain(&keys));
        assert_eq!(whole.server_names.len(), MAX_SERVER_NAMES);
        assert_eq!(whole.beyond, 1_000);
        assert!(whole.server_names.values().all(|span| span.count == 2));
        assert_eq!(tally(&mut keys.iter().rev().chain(&keys)), whole);

        let (mut left, right) = (tally(&mut keys.iter()), tally(&mut keys.iter().rev()));
        left.merge(right);
        assert_eq!(left, whole);
    }

    #[test]
    fn probe_names_are_the_latest_in_every_order() {
        let records: Vec<(Option<Timestamp>, String)> = (0..300_i64)
            .map(|i| (Timestamp::from_second(i * 7919 % 293).ok().filter(|_| i % 5 > 0), format!("n{}", i % 97)))
            .collect();
        let own = |records: &mut dyn Iterator<Item = &(Option<Timestamp>, String)>| {
            let mut own = ProbeRecords::default();
            records.for_each(|(at, name)| own.count(*at, Some(name)));
            own
        };
        let whole = own(&mut records.iter());
        assert_eq!((whole.count, whole.names.len()), (300, MAX_PROBE_NAMES));
        assert_eq!(own(&mut records.iter().rev()), whole);
        for at in [1, 50, 150, 299] {
            let (left, right) = records.split_at(at);
            let mut merged = own(&mut right.iter());
            merged.merge(own(&mut left.iter()));
            assert_eq!(merged, whole, "split at {at}");
        }
    }

    #[test]
    fn an_oversized_key_is_counted_but_not_kept() {
        let mut tally = Tally::default();
        tally.count(None, Some(&"1".repeat(MAX_KEY_BYTES + 1)), None);
        assert_eq!((tally.count, tally.beyond, tally.clients.len()), (1, 1, 0));
    }
}
