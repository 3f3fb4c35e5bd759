//! OpenSearch and Elasticsearch: the store counts where its fields allow it; otherwise records are searched
//! by words and read.
//!
//! ```text
//! field caps ─ layout ─┬ counted: all classes at once ─ groups of each class ──┐
//!                      │          records near own probe traffic ─ scanner ────┼─ counts
//!                      └ searched: records with the words of failures ─ scanner ┘
//! ```

mod counted;
mod searched;

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::google::Environment;
use super::{Address, Failure, JSON, MAX_ANSWER, Reading, Store, client, sent};
use crate::evidence::Reason;
use crate::evidence::access_log::{StoreEngine, StoreQuery};
use crate::gather::http::client::{Client, Peer};
use crate::run::Stop;
use crate::wire::log_store;
use crate::wire::log_store::open_search::hits::{self, Page};
use crate::wire::log_store::open_search::layout::{Found, find};
use crate::wire::log_store::open_search::{columns, shortfall};

/// Characters that patterns of indices have, with those that every URL may have.
const INDEX: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'*').remove(b',').remove(b':');

/// Only what is looked at: an index may have thousands of fields.
const FIELD_CAPS: &str = "_field_caps?fields=*&filter_path=indices,error,fields.*.*.searchable,fields.*.*.aggregatable";

/// How long the store keeps a search whose pages are read.
const SCROLL: &str = "2m";

const PEER: Peer = Peer {
    name: "the log store",
    ca_flag: "--log-store-ca-file",
    explain: log_store::message,
    repetitions: 3,
    first_wait: Duration::from_millis(500),
};

/// The requests of one run.
struct Requests<'a> {
    client: Client,
    /// The index in a path.
    index: String,
    stop: &'a Stop,
    query: &'a mut StoreQuery,
    /// Why answers are incomplete; the first one.
    shortfall: Option<String>,
}

/// Reads or counts the records. Returns why they could not be read to their end, if so.
pub(super) async fn read(
    store: &Store<'_>,
    env: Environment<'_>,
    stop: &Stop,
    reading: &mut Reading,
    query: &mut StoreQuery,
) -> Result<Option<Reason>, Reason> {
    let Address::Search { index, .. } = store.address else { return Ok(None) };
    let client = client(store, PEER, store.access.credentials.clone(), env)?;
    let encoded = utf8_percent_encode(index, INDEX).to_string();
    let mut requests = Requests { client, index: encoded, stop, query, shortfall: None };
    requests.query.engine = requests.engine().await?;
    let path = format!("{}/{FIELD_CAPS}", requests.index);
    let answer = requests.get(&path).await?;
    let known = columns::columns(&answer).map_err(Reason::Broken)?;
    if known.is_empty() {
        return Err(Reason::Missing(format!("no index matches {index}, or those that do are empty")));
    }
    let cut = match find(&known, &store.wanted.format) {
        Found::Counted(layout) => counted::read(&mut requests, *layout, store.wanted, reading).await?,
        Found::Searched(fields) => searched::read(&mut requests, &fields, store.wanted, reading).await?,
        Found::Nothing => {
            return Err(Reason::Missing(format!(
                "{index} has no field of an access log (status_details, response_code_details, …), and no text with a \
                 time (message or log, and @timestamp) to search"
            )));
        }
    };
    Ok(cut.or(requests.shortfall.map(Reason::Broken)))
}

impl Requests<'_> {
    /// Returns which product it is. A user of one index may lack the right to ask.
    async fn engine(&mut self) -> Result<StoreEngine, Reason> {
        let answer = match self.get("").await {
            Ok(answer) => answer,
            Err(Failure { status: Some(403), .. }) => return Ok(StoreEngine::OpenSearch),
            Err(failure) => return Err(failure.reason),
        };
        let answer = log_store::json(&answer).map_err(Reason::Broken)?;
        let Some(version) = answer["version"].as_object() else {
            return Err(Reason::Broken("another server answers there, not OpenSearch or Elasticsearch".into()));
        };
        let is_open = version.get("distribution").is_some_and(|name| name == "opensearch");
        Ok(if is_open { StoreEngine::OpenSearch } else { StoreEngine::Elasticsearch })
    }

    async fn get(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        sent(self.client.get(path, MAX_ANSWER), self.stop, self.query, advice).await
    }

    /// Sends a search of the index.
    async fn search(&mut self, parameters: &str, body: &Value) -> Result<Value, Failure> {
        let path = format!("{}/_search{parameters}", self.index);
        self.post(&path, body).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = body.to_string();
        let request = self.client.post(path, JSON, body.as_bytes(), MAX_ANSWER);
        let answer = sent(request, self.stop, self.query, advice).await?;
        let answer = log_store::json(&answer).map_err(|why| Failure { status: None, reason: Reason::Broken(why) })?;
        if self.shortfall.is_none() {
            self.shortfall = shortfall(&answer);
        }
        Ok(answer)
    }

    /// Reads all pages of a search, at most so many records. Returns the reason if there are more.
    async fn scroll(
        &mut self,
        body: &Value,
        most: usize,
        mut each: impl FnMut(Page),
    ) -> Result<Option<Reason>, Reason> {
        let answer = self.search(&format!("?scroll={SCROLL}"), body).await?;
        let mut page = hits::page(&answer);
        let total = page.total;
        let mut read = 0;
        let mut last = page.scroll.clone();
        let outcome = loop {
            let count = page.sources.len();
            let next = page.scroll.clone();
            last = next.clone().or(last);
            read += count;
            each(page);
            match next {
                Some(id) if count >= hits::PAGE_SIZE && read < most => {
                    match self.post("_search/scroll", &json!({"scroll": SCROLL, "scroll_id": id})).await {
                        Ok(answer) => page = hits::page(&answer),
                        Err(failure) => break Err(failure.reason),
                    }
                }
                _ => break Ok(()),
            }
        };
        if let Some(id) = last {
            let body = json!({"scroll_id": [id]}).to_string();
            // The store drops it by itself, too.
            drop(
                sent(self.client.delete("_search/scroll", JSON, body.as_bytes()), self.stop, self.query, |_| None)
                    .await,
            );
        }
        outcome?;
        let beyond = total.is_some_and(|total| total > read as u64);
        let why = || {
            let total = total.unwrap_or_default();
            Reason::Broken(format!(
                "cut after {read} of {total} records; ask for a shorter window with --since and --until"
            ))
        };
        Ok(beyond.then(why))
    }
}

fn advice(status: u16) -> Option<&'static str> {
    match status {
        401 => Some("give --log-store-user-file, --log-store-api-key-file or --log-store-token-file"),
        403 => Some("it needs the privilege read on the index, with view_index_metadata in Elasticsearch"),
        404 => Some("check the name of the index"),
        429 | 503 => Some("the store is too busy: try again later, or with a shorter window"),
        _ => None,
    }
}
