//! Which fields of an index are those of access-log records.
//!
//! A record may be at the top of a document or below a prefix such as `json.` or `kubernetes.labels.`. Where
//! its fields can be compared and grouped, the store counts; where they are text, records are searched and
//! read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::columns::{Column, Columns, Kind, column};
use crate::wire::access_log::{Field, Format};

/// Fields that hold a whole record as text, and the words that collectors give to time, pod, namespace and
/// container. Sources: fluent-bit's and Fluentd's Kubernetes filters, Elastic Common Schema, OpenTelemetry.
const TEXTS: [&str; 9] =
    ["message", "log", "textPayload", "MESSAGE", "line", "body", "event.original", "log.original", "_raw"];
const TIMES: [&str; 6] = ["@timestamp", "timestamp", "time", "observedTimestamp", "ts", "receiveTimestamp"];
const PODS: [&str; 7] = [
    "kubernetes.pod_name",
    "kubernetes.pod.name",
    "k8s.pod.name",
    "resource.attributes.k8s@pod@name",
    "resource.labels.pod_name",
    "kubernetes.pod",
    "pod_name",
];
const NAMESPACES: [&str; 7] = [
    "kubernetes.namespace_name",
    "kubernetes.namespace.name",
    "kubernetes.namespace",
    "k8s.namespace.name",
    "resource.attributes.k8s@namespace@name",
    "resource.labels.namespace_name",
    "namespace_name",
];

/// Where a value of the records is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    Column(Column),
    /// The records have the key, but never a value: an index has no field for it.
    AlwaysAbsent,
}

/// The fields of records that the store can count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layout {
    /// What is before the names of the fields, such as `json.`.
    pub prefix: String,
    /// The time of a record, and whether it is that of the collector.
    pub start: Column,
    pub is_collectors_time: bool,
    pub name: Place,
    pub details: Option<Place>,
    pub flags: Option<Place>,
    pub host: Option<Place>,
    pub remote: Option<Place>,
    pub status: Option<Place>,
    pub tls: Option<Place>,
    pub scope: Scope,
}

/// The fields that say who wrote a record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope {
    pub pod: Option<Column>,
    pub namespace: Option<Column>,
}

/// Fields by which records are searched, because they cannot be counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Searched {
    /// Fields with the whole record as text, or with a part of it that shows failures.
    pub fields: Vec<(String, Kind)>,
    pub time: String,
    pub scope: Scope,
}

/// How an index is to be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    Counted(Box<Layout>),
    Searched(Searched),
    /// It has no field of an access log.
    Nothing,
}

/// Finds the fields of records.
#[must_use]
pub fn find(columns: &Columns, format: &Format) -> Found {
    let scope = Scope { pod: first(columns, &PODS), namespace: first(columns, &NAMESPACES) };
    let mut prefixes: Vec<(usize, String)> = Vec::new();
    let mut details = Vec::new();
    for (path, kind) in columns {
        let (prefix, leaf) = split(path);
        let field = format.field(leaf.as_bytes());
        if matches!(field, Some(Field::Details | Field::Flags)) {
            details.push((path.clone(), *kind));
        }
        let is_one = matches!(field, Some(Field::Details | Field::Name | Field::Flags));
        if is_one && !prefixes.iter().any(|(_, known)| known == prefix) {
            let fields = columns.range(prefix.to_owned()..).take_while(|(other, _)| other.starts_with(prefix));
            let known: BTreeSet<String> = fields
                .map(|(other, _)| split(other))
                .filter(|(other, leaf)| *other == prefix && format.field(leaf.as_bytes()).is_some())
                .map(|(_, leaf)| leaf.to_owned())
                .collect();
            prefixes.push((known.len(), prefix.to_owned()));
        }
    }
    // The most fields first, and of as many the shortest prefix.
    prefixes.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.len().cmp(&other.1.len())));
    if let Some(layout) = prefixes.iter().find_map(|(_, prefix)| layout(columns, format, prefix, &scope)) {
        return Found::Counted(Box::new(layout));
    }
    let texts = TEXTS.iter().filter_map(|path| Some(((*path).to_owned(), *columns.get(*path)?)));
    let fields: Vec<(String, Kind)> =
        texts.filter(|(_, kind)| matches!(kind, Kind::Words | Kind::Exact)).chain(details).collect();
    let time = TIMES.iter().find(|path| columns.get(**path) == Some(&Kind::Date));
    match time {
        Some(time) if !fields.is_empty() => Found::Searched(Searched { fields, time: (*time).to_owned(), scope }),
        _ => Found::Nothing,
    }
}

fn layout(columns: &Columns, format: &Format, prefix: &str, scope: &Scope) -> Option<Layout> {
    let mut layout = Layout {
        prefix: prefix.to_owned(),
        start: Column { path: String::new(), exact: String::new(), kind: Kind::Other },
        is_collectors_time: false,
        name: Place::AlwaysAbsent,
        details: None,
        flags: None,
        host: None,
        remote: None,
        status: None,
        tls: None,
        scope: scope.clone(),
    };
    let mut start = None;
    for (path, _) in columns.range(prefix.to_owned()..).take_while(|(path, _)| path.starts_with(prefix)) {
        let (of, leaf) = split(path);
        if of != prefix {
            continue;
        }
        let Some(field) = format.field(leaf.as_bytes()) else { continue };
        // A field that is there but cannot be compared: the records have to be read.
        let found = column(columns, path)?;
        let place = Some(Place::Column(found.clone()));
        match field {
            Field::Details => layout.details = place,
            Field::Failure => {}
            Field::Flags => layout.flags = place,
            Field::Host => layout.host = place,
            Field::Name => layout.name = Place::Column(found),
            Field::Remote => layout.remote = place,
            Field::Start => start = Some(found),
            Field::Status => layout.status = place,
            Field::Tls => layout.tls = place,
        }
    }
    let tells_resets = layout.details.is_some() || layout.status.is_some() && layout.flags.is_some();
    let is_text = |place: &Option<Place>| match place {
        Some(Place::Column(column)) => column.kind == Kind::Exact,
        _ => true,
    };
    let is_usable = tells_resets
        && is_text(&layout.details)
        && is_text(&layout.flags)
        && is_text(&layout.tls)
        && is_text(&layout.host)
        && is_text(&Some(layout.name.clone()));
    if !is_usable {
        return None;
    }
    let start = start.filter(|column| column.kind == Kind::Date);
    layout.is_collectors_time = start.is_none();
    layout.start = start.or_else(|| first(columns, &TIMES).filter(|column| column.kind == Kind::Date))?;
    Some(layout)
}

impl Layout {
    /// Adds the keys that records have without ever a value, which no field of the index shows.
    pub fn learn(&mut self, source: &Value, format: &Format) {
        for key in keys_below(source, self.prefix.trim_end_matches('.')) {
            let place = match format.field(key.as_bytes()) {
                Some(Field::Details) => &mut self.details,
                Some(Field::Flags) => &mut self.flags,
                Some(Field::Host) => &mut self.host,
                Some(Field::Remote) => &mut self.remote,
                Some(Field::Status) => &mut self.status,
                Some(Field::Tls) => &mut self.tls,
                Some(Field::Failure | Field::Name | Field::Start) | None => continue,
            };
            place.get_or_insert(Place::AlwaysAbsent);
        }
    }
}

/// Returns the keys of the object at a path, whose dots may be nesting or part of the keys.
fn keys_below(source: &Value, path: &str) -> Vec<String> {
    let Some(object) = source.as_object() else { return Vec::new() };
    if path.is_empty() {
        return object.keys().cloned().collect();
    }
    let mut keys = Vec::new();
    for (key, value) in object {
        if key == path {
            keys.extend(value.as_object().into_iter().flat_map(|inner| inner.keys().cloned()));
        } else if let Some(rest) = path.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('.')) {
            keys.extend(keys_below(value, rest));
        } else if let Some(leaf) = key.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')) {
            keys.push(leaf.to_owned());
        }
    }
    keys
}

/// Returns a path up to its last dot, and its last name.
fn split(path: &str) -> (&str, &str) {
    path.rfind('.').map_or(("", path), |dot| path.split_at(dot + 1))
}

fn first(columns: &Columns, paths: &[&str]) -> Option<Column> {
    paths.iter().find_map(|path| column(columns, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(fields: &[(&str, Kind)]) -> Columns {
        fields.iter().map(|(path, kind)| ((*path).to_owned(), *kind)).collect()
    }

    fn counted(fields: &[(&str, Kind)]) -> Option<Layout> {
        match find(&columns(fields), &Format::default()) {
            Found::Counted(layout) => Some(*layout),
            _ => None,
        }
    }

    #[test]
    fn records_are_found_at_the_top_and_below_a_prefix() {
        let layout = counted(&[
            ("@timestamp", Kind::Date),
            ("kubernetes.pod_name", Kind::Words),
            ("kubernetes.pod_name.keyword", Kind::Exact),
            ("kubernetes.host", Kind::Words),
            ("sni_host", Kind::Words),
            ("sni_host.keyword", Kind::Exact),
            ("status", Kind::Number),
            ("status_details", Kind::Exact),
            ("start_time", Kind::Date),
        ]);
        let layout = layout.expect("it can be counted");
        assert_eq!((layout.prefix.as_str(), layout.start.path.as_str()), ("", "start_time"));
        assert!(matches!(&layout.name, Place::Column(name) if name.exact == "sni_host.keyword"));
        assert_eq!(layout.scope.pod.expect("the pods").exact, "kubernetes.pod_name.keyword");
        let layout = counted(&[
            ("status", Kind::Number),
            ("json.requested_server_name", Kind::Exact),
            ("json.response_code", Kind::Number),
            ("json.response_flags", Kind::Exact),
            ("time", Kind::Date),
        ]);
        let layout = layout.expect("it can be counted");
        assert_eq!((layout.prefix.as_str(), layout.is_collectors_time), ("json.", true));
    }

    #[test]
    fn what_cannot_be_counted_is_searched() {
        let text = [("message", Kind::Words), ("@timestamp", Kind::Date)];
        assert!(matches!(find(&columns(&text), &Format::default()), Found::Searched(_)));
        let words = [("status_details", Kind::Words), ("sni_host", Kind::Words), ("@timestamp", Kind::Date)];
        assert!(
            matches!(find(&columns(&words), &Format::default()), Found::Searched(found) if found.fields.len() == 1)
        );
        let other = [("level", Kind::Exact), ("@timestamp", Kind::Date)];
        assert_eq!(find(&columns(&other), &Format::default()), Found::Nothing);
    }

    #[test]
    fn keys_that_never_have_a_value_are_learnt_from_a_record() {
        let mut layout = counted(&[
            ("log.status_details", Kind::Exact),
            ("log.start_time", Kind::Date),
            ("log.status", Kind::Number),
        ])
        .expect("it can be counted");
        let nested: Value = serde_json::json!({"log": {"status_details": "x", "tls_protocol": null, "sni_host": null}});
        let flat: Value = serde_json::json!({"log.remote_address": null, "log.x.host": null});
        layout.learn(&nested, &Format::default());
        layout.learn(&flat, &Format::default());
        assert_eq!((layout.tls, layout.remote), (Some(Place::AlwaysAbsent), Some(Place::AlwaysAbsent)));
        assert_eq!(layout.host, None);
    }
}
