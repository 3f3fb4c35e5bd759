//! Records that are read and not only counted: searches, and the pages of their answers.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::classes::{all, any, not};
use super::columns::Kind;
use super::layout::{Layout, Place, Searched};

/// Number of records of one page.
pub const PAGE_SIZE: usize = 1_000;

/// One page of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The identifier of each document, and the document.
    pub sources: Vec<(String, Value)>,
    /// Address and time of each record, where they were requested.
    pub fields: Vec<(Option<String>, Option<Timestamp>)>,
    /// By which the next page is requested.
    pub scroll: Option<String>,
    /// Number of all records that match.
    pub total: Option<u64>,
}

/// Returns the body of a search for records in the order of their times. At the same time, those with a
/// server name come first, as a marker probe comes before the handshake that follows it.
#[must_use]
pub fn search(layout: &Layout, query: &Value) -> Value {
    let mut sort = vec![json!({layout.start.exact.clone(): {"order": "asc"}})];
    if let Place::Column(name) = &layout.name {
        sort.push(json!({name.exact.clone(): {"order": "asc", "missing": "_last"}}));
    }
    let mut fields = vec![json!({"field": layout.start.exact, "format": "epoch_millis"})];
    if let Some(Place::Column(remote)) = &layout.remote {
        fields.push(json!({"field": remote.exact}));
    }
    json!({"size": PAGE_SIZE, "query": query, "sort": sort, "docvalue_fields": fields, "track_total_hits": true})
}

/// What a search of texts is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Aim {
    /// Failures, and this program's probe traffic.
    Failures,
    /// Served requests without SNI that are no failures; there may be many.
    Served,
    /// The first record of all.
    First,
    /// The last record of all.
    Last,
}

/// Words of failures. An analyzer may split the names of this program's probes in two ways.
const FAILURES: [&str; 5] = ["filter_chain_not_found", "route_not_found", "421", "tls.invalid", "apigee-tls.invalid"];
const SERVED: [&str; 2] = ["sni_host null", "requested_server_name null"];
/// Words of any record, in Apigee's format and in Istio's.
const RECORDS: [&str; 5] =
    ["sni_host", "requested_server_name", "via_upstream", "filter_chain_not_found", "route_not_found"];

/// Collectors read a record some time after it began.
const DELAY: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Returns the body of a search of texts in a window; `filters` select the pods.
#[must_use]
pub fn search_texts(
    searched: &Searched,
    (since, until): (Timestamp, Timestamp),
    filters: Vec<Value>,
    aim: Aim,
) -> Value {
    let mut filters = filters;
    let end = until.checked_add(DELAY).unwrap_or(until);
    filters.push(json!({"range": {searched.time.clone(): {
        "gte": since.as_millisecond(), "lte": end.as_millisecond(), "format": "epoch_millis"
    }}}));
    let with = |words: &[&str]| {
        any(searched.fields.iter().flat_map(|(field, kind)| words.iter().map(|word| has_words(field, *kind, word))))
    };
    match aim {
        Aim::Failures => filters.push(with(&FAILURES)),
        Aim::Served => filters.extend([with(&SERVED), not([with(&FAILURES)])]),
        Aim::First | Aim::Last => filters.push(with(&RECORDS)),
    }
    let order = if aim == Aim::Last { "desc" } else { "asc" };
    let size = if matches!(aim, Aim::First | Aim::Last) { 1 } else { PAGE_SIZE };
    let sort = [json!({searched.time.clone(): {"order": order}})];
    json!({"size": size, "query": all(filters), "sort": sort, "track_total_hits": true})
}

fn has_words(field: &str, kind: Kind, words: &str) -> Value {
    match kind {
        Kind::Exact => json!({"wildcard": {field: {"value": format!("*{}*", words.replace(' ', "\":"))}}}),
        _ => json!({"match_phrase": {field: words}}),
    }
}

/// Reads a page.
#[must_use]
pub fn page(answer: &Value) -> Page {
    let hits = answer["hits"]["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut page = Page {
        scroll: answer["_scroll_id"].as_str().map(str::to_owned),
        total: answer["hits"]["total"]["value"].as_u64().or_else(|| answer["hits"]["total"].as_u64()),
        ..Page::default()
    };
    for hit in hits {
        let id = format!("{}/{}", hit["_index"].as_str().unwrap_or_default(), hit["_id"].as_str().unwrap_or_default());
        page.sources.push((id, hit["_source"].clone()));
        let (mut address, mut at) = (None, None);
        for value in hit["fields"].as_object().into_iter().flatten().filter_map(|(_, values)| values.get(0)) {
            let milliseconds = value.as_str().and_then(|text| text.parse().ok());
            match milliseconds.and_then(|number| Timestamp::from_millisecond(number).ok()) {
                Some(moment) => at = Some(moment),
                None => address = value.as_str().map(str::to_owned),
            }
        }
        page.fields.push((address, at));
    }
    page
}

/// Returns the record in a document as one line: the members below the prefix, whose dots may be nesting or
/// part of the keys.
#[must_use]
pub fn line(source: &Value, prefix: &str) -> String {
    let mut record = Map::new();
    if prefix.is_empty() {
        return format!("{source}\n");
    }
    collect(source, prefix, &mut record);
    format!("{}\n", Value::Object(record))
}

fn collect(source: &Value, prefix: &str, record: &mut Map<String, Value>) {
    for (key, value) in source.as_object().into_iter().flatten() {
        if prefix.is_empty() {
            record.insert(key.clone(), value.clone());
        } else if let Some(leaf) = key.strip_prefix(prefix) {
            record.insert(leaf.to_owned(), value.clone());
        } else if let Some(rest) = prefix.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('.')) {
            collect(value, rest, record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_out_of_nested_and_flat_documents() {
        for source in [
            json!({"a": {"json": {"sni_host": null}}, "x": 1}),
            json!({"a.json.sni_host": null}),
            json!({"a": {"json.sni_host": null}}),
        ] {
            assert_eq!(line(&source, "a.json."), "{\"sni_host\":null}\n", "{source}");
        }
        assert_eq!(line(&json!({"a": 1}), ""), "{\"a\":1}\n");
        assert_eq!(line(&json!(7), "a."), "{}\n");
    }

    #[test]
    fn pages_are_read_with_addresses_and_times() {
        let hit =
            json!({"_source": {"a": 1}, "fields": {"remote.keyword": ["10.0.0.1:5"], "start": ["1747630020000"]}});
        let page = page(&json!({"_scroll_id": "s", "hits": {"total": {"value": 3}, "hits": [hit]}}));
        assert_eq!((page.scroll.as_deref(), page.total, page.sources.len()), (Some("s"), Some(3), 1));
        assert_eq!(page.fields, [(Some("10.0.0.1:5".into()), "2025-05-19T04:47:00Z".parse().ok())]);
        assert_eq!(super::page(&json!({"hits": {}})), Page::default());
    }
}
