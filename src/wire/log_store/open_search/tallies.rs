//! Counts by client, server name and minute: requests for aggregations, and what they return.
//!
//! `composite` aggregations are exact and paged. They return keys in ascending order, so that a full map
//! keeps the same keys as a [`Tally`] that counts record by record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::classes::Class;
use super::columns::{Column, Kind};
use super::layout::{Layout, Place};
use crate::evidence::access_log::{MAX_CLIENTS, MAX_KEY_BYTES, MAX_MINUTES, MAX_SERVER_NAMES, Span, Tally};
use crate::wire::access_log::without_port;

/// Number of buckets of one page. A search returns at most 65,535 buckets by default, of all its
/// aggregations; a store may allow fewer.
pub const PAGE_SIZE: usize = 5_000;
pub const SMALL_PAGE_SIZE: usize = 1_000;

/// Takes the port off an address, as the scanner of access logs does.
const CLIENT_SCRIPT: &str = "\
    def values = doc[params.field]; if (values.size() == 0) { return null; } \
    String text = values.get(0); \
    if (text.startsWith('[')) { int end = text.indexOf(']'); if (end > 0) { text = text.substring(1, end); } } \
    else { int colon = text.lastIndexOf(':'); \
    if (colon >= 0 && text.indexOf(':') == colon) { text = text.substring(0, colon); } } \
    return text.equals('') || text.equals('-') ? null : text;";

/// What records are grouped by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Group {
    /// Addresses without port, by a script of the store.
    Clients,
    /// Addresses as they are, for a store without scripts.
    Addresses,
    Hosts,
    Names,
    Minutes,
    Hours,
}

impl Group {
    /// Returns the name of its values in the answer.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Clients | Self::Addresses => "client",
            Self::Hosts => "host",
            Self::Names => "name",
            Self::Minutes => "minute",
            Self::Hours => "hour",
        }
    }

    fn source(self, layout: &Layout) -> Option<Value> {
        let field = |place: Option<&Place>| match place {
            Some(Place::Column(column)) => Some(column.clone()),
            _ => None,
        };
        let terms = |column: Column| json!({"terms": {"field": column.exact}});
        let histogram = |interval: &str| json!({"date_histogram": {"field": layout.start.exact, "fixed_interval": interval, "order": "desc"}});
        let source = match self {
            Self::Clients => {
                let remote = field(layout.remote.as_ref())?;
                if remote.kind == Kind::Address {
                    terms(remote)
                } else {
                    let script =
                        json!({"lang": "painless", "source": CLIENT_SCRIPT, "params": {"field": remote.exact}});
                    json!({"terms": {"script": script}})
                }
            }
            Self::Addresses => terms(field(layout.remote.as_ref())?),
            Self::Hosts => terms(field(layout.host.as_ref())?),
            Self::Names => terms(field(Some(&layout.name))?),
            Self::Minutes => histogram("1m"),
            Self::Hours => histogram("1h"),
        };
        Some(json!({self.key(): source}))
    }
}

/// Returns the aggregation of records by these values together; `None` if the index lacks one of them.
#[must_use]
pub fn composite(layout: &Layout, groups: &[Group], size: usize, after: Option<&Value>) -> Option<Value> {
    let sources: Option<Vec<Value>> = groups.iter().map(|group| group.source(layout)).collect();
    let mut composite = json!({"size": size, "sources": sources?});
    if let (Some(after), Some(object)) = (after, composite.as_object_mut()) {
        object.insert("after".into(), after.clone());
    }
    // The time of a group of minutes or hours is its key.
    Some(match groups.last() {
        Some(Group::Minutes | Group::Hours) => json!({"composite": composite}),
        _ => json!({"composite": composite, "aggs": span(layout)}),
    })
}

/// Returns the aggregations of the first and the last record.
#[must_use]
pub fn span(layout: &Layout) -> Value {
    json!({"first": {"min": {"field": layout.start.exact}}, "last": {"max": {"field": layout.start.exact}}})
}

/// Returns the aggregation that counts all classes.
#[must_use]
pub fn of_classes(layout: &Layout) -> Value {
    let filters: Map<String, Value> =
        Class::ALL.iter().map(|class| (class.key().to_owned(), layout.class(*class))).collect();
    let mut inner = span(layout);
    if let (Some(Place::Column(remote)), Some(object)) = (&layout.remote, inner.as_object_mut()) {
        let mut lacking = vec![json!({"terms": {remote.exact.clone(): ["", "-"]}})];
        if remote.kind == Kind::Address {
            lacking.clear();
        }
        let exists = json!({"exists": {"field": remote.path}});
        object.insert("client".into(), json!({"filter": {"bool": {"filter": [exists], "must_not": lacking}}}));
    }
    json!({"filters": {"filters": filters}, "aggs": inner})
}

/// The number of records of a class, and when.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    pub count: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// Number of records with the address of their client.
    pub with_client: u64,
}

/// Reads the counts of [`of_classes`], by the name of the class.
#[must_use]
pub fn counts(classes: &Value) -> BTreeMap<String, Count> {
    let buckets = classes["buckets"].as_object();
    buckets.into_iter().flatten().map(|(key, bucket)| (key.clone(), count(bucket))).collect()
}

/// Reads one bucket with its [`span`].
#[must_use]
pub fn count(bucket: &Value) -> Count {
    Count {
        count: bucket["doc_count"].as_u64().unwrap_or(0),
        first: moment(&bucket["first"]["value"]),
        last: moment(&bucket["last"]["value"]),
        with_client: bucket["client"]["doc_count"].as_u64().unwrap_or(0),
    }
}

/// One group of records.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    key: Map<String, Value>,
    pub span: Span,
}

impl Bucket {
    /// Returns the text that the records are grouped by.
    #[must_use]
    pub fn text(&self, group: Group) -> Option<&str> {
        self.key.get(group.key())?.as_str()
    }

    /// Returns the time that the records are grouped by.
    #[must_use]
    pub fn moment(&self, group: Group) -> Option<Timestamp> {
        moment(self.key.get(group.key())?)
    }
}

/// Reads a page of a composite aggregation of at most `size` groups: these, and the key after which the next
/// page begins.
#[must_use]
pub fn buckets(aggregation: &Value, size: usize) -> (Vec<Bucket>, Option<Value>) {
    let list = aggregation["buckets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let buckets: Vec<Bucket> = list
        .iter()
        .filter_map(|bucket| {
            let Count { count, first, last, .. } = count(bucket);
            Some(Bucket { key: bucket["key"].as_object()?.clone(), span: Span { count, first, last } })
        })
        .collect();
    let after = Some(&aggregation["after_key"]).filter(|after| after.is_object() && list.len() >= size);
    (buckets, after.cloned())
}

/// Adds groups of clients; returns whether later ones find no room. `in_order` says that keys come in
/// ascending order of the addresses without port.
pub fn add_clients(tally: &mut Tally, buckets: &[Bucket], in_order: bool) -> bool {
    for bucket in buckets {
        let Some(address) = bucket.text(Group::Clients) else { continue };
        let Some(client) = without_port(address.as_bytes()).and_then(|client| std::str::from_utf8(client).ok()) else {
            continue;
        };
        if client.len() <= MAX_KEY_BYTES {
            tally.clients.entry(client.to_owned()).or_default().merge(&bucket.span);
        }
    }
    let is_full = tally.clients.len() > MAX_CLIENTS;
    while tally.clients.len() > MAX_CLIENTS {
        tally.clients.pop_last();
    }
    is_full && in_order
}

/// Adds groups of server names. Names are kept in lower case, and the order of the store is that of the
/// original ones: every page has to be read.
pub fn add_names(tally: &mut Tally, buckets: &[Bucket]) {
    for bucket in buckets {
        let Some(name) = bucket.text(Group::Names).map(str::to_ascii_lowercase) else { continue };
        if name.len() <= MAX_KEY_BYTES {
            tally.server_names.entry(name).or_default().merge(&bucket.span);
        }
    }
    while tally.server_names.len() > MAX_SERVER_NAMES {
        tally.server_names.pop_last();
    }
}

/// Adds groups of minutes, the latest first; returns whether earlier ones find no room.
pub fn add_minutes(tally: &mut Tally, buckets: &[Bucket]) -> bool {
    for bucket in buckets {
        let Some(at) = bucket.moment(Group::Minutes) else { continue };
        if tally.minutes.len() >= MAX_MINUTES && !tally.minutes.contains_key(&minute(at)) {
            return true;
        }
        *tally.minutes.entry(minute(at)).or_default() += bucket.span.count;
    }
    tally.minutes.len() >= MAX_MINUTES
}

/// Sets what the maps of a tally leave out, once all groups are added.
pub fn complete(tally: &mut Tally, counted: &Count, has_names: bool) {
    let missing = |all: u64, known: u64| all.saturating_sub(known);
    let spans = |map: &BTreeMap<String, Span>| map.values().map(|span| span.count).fold(0, u64::saturating_add);
    tally.count = counted.count;
    (tally.first, tally.last) = (counted.first, counted.last);
    tally.beyond = missing(counted.with_client, spans(&tally.clients))
        + missing(counted.count, tally.minutes.values().copied().fold(0, u64::saturating_add));
    if has_names {
        tally.beyond += missing(counted.count, spans(&tally.server_names));
    }
}

/// Returns server name and host of a record as they are kept, if the host is another one.
#[must_use]
pub fn other_pair(bucket: &Bucket) -> Option<(String, String)> {
    let plain = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let name = plain(bucket.text(Group::Names)?);
    let host = without_port(bucket.text(Group::Hosts)?.as_bytes())?;
    let host = plain(std::str::from_utf8(host).ok()?);
    (name != host).then_some((name, host))
}

/// Returns the key of a minute, as in a [`Tally`].
#[must_use]
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// Milliseconds since the epoch, as aggregations return them.
fn moment(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of any date are whole numbers below 2^53")]
    let milliseconds =
        value.as_i64().or_else(|| value.as_f64().filter(|number| number.is_finite()).map(|n| n as i64))?;
    Timestamp::from_millisecond(milliseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[(Value, u64)]) -> Vec<Bucket> {
        let list: Vec<Value> = keys
            .iter()
            .map(|(key, count)| json!({"key": key, "doc_count": count, "first": {"value": 1000.0}, "last": {"value": 2000.0}}))
            .collect();
        buckets(&json!({"buckets": list}), PAGE_SIZE).0
    }

    #[test]
    fn addresses_lose_their_ports_and_names_their_case() {
        let mut tally = Tally::default();
        let clients =
            [(json!({"client": "10.0.0.1:1"}), 2), (json!({"client": "10.0.0.1:2"}), 3), (json!({"client": "-"}), 1)];
        assert!(!add_clients(&mut tally, &page(&clients), false));
        add_names(&mut tally, &page(&[(json!({"name": "A.example"}), 4), (json!({"name": "a.example"}), 1)]));
        assert!(!add_minutes(&mut tally, &page(&[(json!({"minute": 1_747_630_020_000_u64}), 5)])));
        let counted = Count { count: 6, with_client: 5, ..Count::default() };
        complete(&mut tally, &counted, true);
        assert_eq!((tally.clients["10.0.0.1"].count, tally.server_names["a.example"].count), (5, 5));
        assert_eq!((tally.minutes["2025-05-19T04:47Z"], tally.beyond), (5, 2));
    }

    #[test]
    fn full_maps_keep_the_smallest_clients_and_the_latest_minutes() {
        let mut tally = Tally::default();
        let clients: Vec<_> = (0..MAX_CLIENTS + 5).map(|i| (json!({"client": format!("c{i:06}")}), 1)).collect();
        assert!(add_clients(&mut tally, &page(&clients), true));
        let minutes: Vec<_> = (0..MAX_MINUTES + 7).map(|i| (json!({"minute": (30_000 - i) * 60_000}), 1)).collect();
        assert!(add_minutes(&mut tally, &page(&minutes)));
        assert_eq!((tally.clients.len(), tally.minutes.len()), (MAX_CLIENTS, MAX_MINUTES));
        assert_eq!(tally.clients.keys().next().map(String::as_str), Some("c000000"));
    }

    #[test]
    fn answers_without_what_is_expected_count_nothing() {
        for answer in [json!(null), json!({"buckets": 7}), json!({"buckets": [{"doc_count": 1}]})] {
            assert_eq!(buckets(&answer, PAGE_SIZE), (Vec::new(), None));
        }
        assert!(counts(&json!({"buckets": []})).is_empty());
        assert_eq!(moment(&json!(1e300)), None);
        assert_eq!(moment(&json!(null)), None);
    }
}
