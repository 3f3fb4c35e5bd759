//! OpenSearch and Elasticsearch: the columns of an index, the queries of each class of records, and the
//! counts in the answers.
//!
//! ```text
//! _field_caps ─ columns ─ layout ─ classes ─ queries ─ tallies
//! ```
//!
//! Both have the same API for all of this. Source: OpenSearch documentation, "Query DSL" and "Aggregations".

pub mod classes;
pub mod columns;
pub mod hits;
pub mod layout;
pub mod tallies;
pub mod windows;

use serde_json::Value;

/// Number of shards that did not answer, and why the first did not; a search that ran out of time counts too.
#[must_use]
pub fn shortfall(answer: &Value) -> Option<String> {
    let shards = &answer["_shards"];
    let failed = shards["failed"].as_u64().unwrap_or(0);
    if failed > 0 {
        let why = shards.pointer("/failures/0/reason/reason").and_then(Value::as_str).unwrap_or("no reason given");
        let total = shards["total"].as_u64().unwrap_or(0);
        let why: String = why.chars().take(super::MAX_MESSAGE).collect();
        return Some(format!("{failed} of {total} shards failed: {why}"));
    }
    (answer["timed_out"] == Value::Bool(true)).then(|| "the search ran out of time in the store".into())
}

/// Reads any bytes as each kind of answer.
pub(super) fn fuzz(data: &[u8]) {
    if let Ok(known) = columns::columns(data) {
        let format = crate::wire::access_log::Format::default();
        drop(layout::find(&known, &format));
    }
    if let Ok(answer) = super::json(data) {
        drop(shortfall(&answer));
        drop(hits::page(&answer));
        drop(tallies::buckets(&answer["aggregations"]["clients"], tallies::PAGE_SIZE));
        drop(tallies::counts(&answer["aggregations"]));
    }
}
