//! Indices whose records are text: records with the words of failures are read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{Reading, Wanted};
use super::Requests;
use crate::evidence::Reason;
use crate::evidence::access_log::Counting;
use crate::wire::log_store::open_search::classes::{all, not};
use crate::wire::log_store::open_search::hits::{self, Aim, Page, line, search_texts};
use crate::wire::log_store::open_search::layout::Searched;

/// Maximum number of failing records that are read, and of served requests without SNI.
const MAX_READ: usize = 200_000;
const MAX_SERVED: usize = 5_000;

/// Reads failures, served requests without SNI, and the first and the last record of all, which show what the
/// index covers.
pub(super) async fn read(
    requests: &mut Requests<'_>,
    fields: &Searched,
    wanted: &Wanted,
    reading: &mut Reading,
) -> Result<Option<Reason>, Reason> {
    requests.query.counting = Counting::FailuresOnly;
    let names: Vec<&str> = fields.fields.iter().map(|(name, _)| name.as_str()).collect();
    requests.query.approximate.push(format!(
        "records are found by the words of failures in {}: what the analyzer of the index splits otherwise is missed",
        names.join(", ")
    ));
    let body = |aim: Aim| search_texts(fields, (wanted.since, wanted.until), scope(fields, wanted), aim);
    requests.query.query = body(Aim::Failures)["query"].to_string();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for aim in [Aim::First, Aim::Last] {
        let answer = requests.search("", &body(aim)).await?;
        let page = hits::page(&answer);
        let ids: Vec<String> = page.sources.iter().map(|(id, _)| id.clone()).collect();
        add(page, &known, reading);
        known.extend(ids);
    }
    let cut = requests.scroll(&body(Aim::Failures), MAX_READ, |page| add(page, &known, reading)).await?;
    if cut.is_some() {
        return Ok(cut);
    }
    if requests.scroll(&body(Aim::Served), MAX_SERVED, |page| add(page, &known, reading)).await?.is_some() {
        let why = format!("only the first {MAX_SERVED} requests without SNI that were served are counted");
        requests.query.approximate.push(why);
    }
    Ok(None)
}

/// Hands on the records that were not read before.
fn add(page: Page, known: &BTreeSet<String>, reading: &mut Reading) {
    for (id, source) in page.sources {
        if !known.contains(&id) {
            reading.line(&line(&source, ""));
        }
    }
}

fn scope(fields: &Searched, wanted: &Wanted) -> Vec<Value> {
    let mut filters = Vec::new();
    if let Some(namespace) = &fields.scope.namespace {
        filters.push(json!({"term": {namespace.exact.clone(): wanted.namespace}}));
    }
    if let (Some(pod), false) = (&fields.scope.pod, wanted.without_pods.is_empty()) {
        filters.push(not([json!({"terms": {pod.exact.clone(): wanted.without_pods}})]));
    }
    for (pod, first, last) in wanted.logs_by_time() {
        let Some(column) = &fields.scope.pod else { break };
        let times = json!({"range": {fields.time.clone(): {
            "gte": first.as_millisecond(), "lte": last.as_millisecond(), "format": "epoch_millis"
        }}});
        filters.push(not([all([json!({"term": {column.exact.clone(): pod}}), times])]));
    }
    filters
}
