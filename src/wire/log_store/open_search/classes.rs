//! The query of each class of records, as the scanner of access logs tells them apart.
//!
//! Each function mirrors one decision of `wire/access_log/record.rs`. A value that a record lacks and one
//! that is null are the same in an index.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{Column, Kind};
use super::layout::{Layout, Place};
use crate::evidence::handshake::PROBE_NAME_SUFFIX;

/// A class of [`AccessLog`](crate::evidence::AccessLog).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    ResetWithoutSni,
    ResetWithSni,
    ServedWithoutSni,
    UnroutedWithoutSni,
    /// Candidates: whether the host is another one than the server name is compared by pair.
    OtherHost,
}

impl Class {
    pub const ALL: [Self; 5] =
        [Self::ResetWithoutSni, Self::ResetWithSni, Self::ServedWithoutSni, Self::UnroutedWithoutSni, Self::OtherHost];

    /// Returns the name of its aggregation.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::ResetWithoutSni => "resetWithoutSni",
            Self::ResetWithSni => "resetWithSni",
            Self::ServedWithoutSni => "servedWithoutSni",
            Self::UnroutedWithoutSni => "unroutedWithoutSni",
            Self::OtherHost => "otherHost",
        }
    }

    /// Returns whether its records have a server name.
    #[must_use]
    pub fn has_name(self) -> bool {
        matches!(self, Self::ResetWithSni | Self::OtherHost)
    }
}

/// The window and the pods of the records.
#[derive(Clone, Debug)]
pub struct Base<'a> {
    pub layout: &'a Layout,
    pub since: Timestamp,
    pub until: Timestamp,
    /// Only records of this namespace, if the index has its name.
    pub namespace: Option<&'a str>,
    /// Pods of internal chaining, whose clients are pods.
    pub without_pods: &'a [String],
}

impl Base<'_> {
    /// Returns the query for all records.
    #[must_use]
    pub fn query(&self) -> Value {
        let Self { layout, since, until, namespace, without_pods } = self;
        let mut filters = vec![layout.between(*since, *until)];
        // Other programs have a status, too.
        let places = [&layout.details, &layout.flags];
        filters.push(any(places.into_iter().filter_map(|place| match place {
            Some(Place::Column(column)) => Some(exists(&column.path)),
            _ => None,
        })));
        if let (Some(namespace), Some(column)) = (namespace, &layout.scope.namespace) {
            filters.push(json!({"term": {column.exact.clone(): namespace}}));
        }
        let query = all(filters);
        match &layout.scope.pod {
            Some(pod) if !without_pods.is_empty() => {
                all([query, not([json!({"terms": {pod.exact.clone(): without_pods}})])])
            }
            _ => query,
        }
    }
}

impl Layout {
    /// Returns the query for records that began between two times.
    #[must_use]
    pub fn between(&self, since: Timestamp, until: Timestamp) -> Value {
        range(&self.start, since, until)
    }

    /// Returns the query for records of this program's marker probes.
    #[must_use]
    pub fn own(&self) -> Value {
        match &self.name {
            Place::Column(name) => {
                json!({"wildcard": {name.exact.clone(): {"value": format!("*{PROBE_NAME_SUFFIX}")}}})
            }
            Place::AlwaysAbsent => none(),
        }
    }

    /// Returns the query of a class, among all records that are not of this program.
    #[must_use]
    pub fn class(&self, class: Class) -> Value {
        let reset = self.reset();
        let served = || all([self.without_sni(), not([self.reset()]), self.has_status_from(100), self.over_tls()]);
        match class {
            Class::ResetWithoutSni => all([reset, self.without_sni()]),
            Class::ResetWithSni => all([reset, not([self.without_sni()])]),
            Class::ServedWithoutSni => served(),
            Class::UnroutedWithoutSni => all([served(), self.unrouted()]),
            Class::OtherHost => {
                let refused = any([self.unrouted(), self.has_status(421)]);
                all([not([self.without_sni(), reset]), refused, self.has_host()])
            }
        }
    }

    /// Returns the query for resets from an address, with or without port.
    #[must_use]
    pub fn from(&self, client: &str) -> Value {
        let Some(Place::Column(remote)) = &self.remote else { return none() };
        let field = remote.exact.clone();
        if remote.kind == Kind::Address {
            return json!({"term": {field: client}});
        }
        let bracketed = format!("[{client}]");
        any([
            json!({"term": {field.clone(): client}}),
            json!({"prefix": {field.clone(): format!("{client}:")}}),
            json!({"term": {field.clone(): bracketed}}),
            json!({"prefix": {field: format!("{bracketed}:")}}),
        ])
    }

    /// A connection without a filter chain.
    fn reset(&self) -> Value {
        match &self.details {
            Some(Place::Column(details)) => any([
                all([
                    json!({"term": {details.exact.clone(): "filter_chain_not_found"}}),
                    any([self.has_status(0), lacks(self.status.as_ref())]),
                    any([self.no_route(), lacks(self.flags.as_ref())]),
                ]),
                all([absent(details), self.has_status(0), self.no_route()]),
            ]),
            Some(Place::AlwaysAbsent) | None => all([self.has_status(0), self.no_route()]),
        }
    }

    /// 404 with `route_not_found` or, without details, with `NR`.
    fn unrouted(&self) -> Value {
        let of_flags = || all([self.has_status(404), self.no_route()]);
        match &self.details {
            Some(Place::Column(details)) => any([
                all([
                    self.has_status(404),
                    any([self.no_route(), lacks(self.flags.as_ref())]),
                    json!({"term": {details.exact.clone(): "route_not_found"}}),
                ]),
                all([absent(details), of_flags()]),
            ]),
            Some(Place::AlwaysAbsent) | None => of_flags(),
        }
    }

    fn without_sni(&self) -> Value {
        match &self.name {
            Place::Column(name) => absent(name),
            Place::AlwaysAbsent => every(),
        }
    }

    fn over_tls(&self) -> Value {
        match &self.tls {
            Some(Place::Column(tls)) => not([absent(tls)]),
            Some(Place::AlwaysAbsent) => none(),
            None => every(),
        }
    }

    fn has_host(&self) -> Value {
        match &self.host {
            Some(Place::Column(host)) => not([absent(host)]),
            _ => none(),
        }
    }

    fn has_status(&self, status: u16) -> Value {
        match &self.status {
            Some(Place::Column(column)) if column.kind == Kind::Number => {
                json!({"term": {column.exact.clone(): status}})
            }
            Some(Place::Column(column)) => json!({"term": {column.exact.clone(): status.to_string()}}),
            _ => none(),
        }
    }

    fn has_status_from(&self, least: u16) -> Value {
        match &self.status {
            Some(Place::Column(column)) if column.kind == Kind::Number => {
                json!({"range": {column.exact.clone(): {"gte": least}}})
            }
            // Of text, the order is not that of numbers.
            Some(Place::Column(column)) => json!({"regexp": {column.exact.clone(): "[1-9][0-9][0-9]+"}}),
            _ => none(),
        }
    }

    /// `NR` among the flags, which may be several.
    fn no_route(&self) -> Value {
        match &self.flags {
            Some(Place::Column(flags)) => {
                json!({"regexp": {flags.exact.clone(): "(.*,)?(NR|NoRouteFound)(,.*)?"}})
            }
            _ => none(),
        }
    }
}

/// Returns the query for a time between two others, the end left out.
#[must_use]
pub fn range(column: &Column, since: Timestamp, until: Timestamp) -> Value {
    json!({"range": {column.exact.clone(): {
        "gte": next_millisecond(since),
        "lt": next_millisecond(until),
        "format": "epoch_millis"
    }}})
}

/// Records have milliseconds: none is before a time with a fraction of one that is not before the next.
fn next_millisecond(at: Timestamp) -> i64 {
    at.as_millisecond() + i64::from(at.subsec_nanosecond() % 1_000_000 > 0)
}

/// A value that is missing, empty, or the `-` that Envoy's text encoder writes.
fn absent(column: &Column) -> Value {
    let missing = not([exists(&column.path)]);
    if column.kind == Kind::Exact {
        any([missing, json!({"terms": {column.exact.clone(): ["", "-"]}})])
    } else {
        missing
    }
}

fn lacks(place: Option<&Place>) -> Value {
    match place {
        Some(Place::Column(column)) => not([exists(&column.path)]),
        Some(Place::AlwaysAbsent) | None => every(),
    }
}

fn exists(path: &str) -> Value {
    json!({"exists": {"field": path}})
}

/// Returns the query for documents that match all of these.
#[must_use]
pub fn all(queries: impl IntoIterator<Item = Value>) -> Value {
    let queries: Vec<Value> = queries.into_iter().filter(|query| *query != every()).collect();
    if queries.contains(&none()) { none() } else { json!({"bool": {"filter": queries}}) }
}

/// Returns the query for documents that match one of these.
#[must_use]
pub fn any(queries: impl IntoIterator<Item = Value>) -> Value {
    let queries: Vec<Value> = queries.into_iter().filter(|query| *query != none()).collect();
    match queries.as_slice() {
        [] => none(),
        _ if queries.contains(&every()) => every(),
        _ => json!({"bool": {"should": queries, "minimum_should_match": 1}}),
    }
}

/// Returns the query for documents that match none of these.
#[must_use]
pub fn not(queries: impl IntoIterator<Item = Value>) -> Value {
    let queries: Vec<Value> = queries.into_iter().filter(|query| *query != none()).collect();
    match queries.as_slice() {
        [] => every(),
        _ if queries.contains(&every()) => none(),
        _ => json!({"bool": {"must_not": queries}}),
    }
}

fn every() -> Value {
    json!({"match_all": {}})
}

fn none() -> Value {
    json!({"match_none": {}})
}
