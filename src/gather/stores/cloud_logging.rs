//! Cloud Logging: pages of failing records, counted as they come.

use std::collections::BTreeSet;
use std::time::Duration;

use super::google::{self, Environment};
use super::{Address, JSON, MAX_ANSWER, Reading, Store, client, sent};
use crate::evidence::Reason;
use crate::evidence::access_log::StoreQuery;
use crate::gather::http::client::{Client, Credentials, Peer};
use crate::run::Stop;
use crate::wire::log_store;
use crate::wire::log_store::cloud_logging::{Order, PAGE_SIZE, Page, Wanted, page, request};

/// Maximum number of pages of failing records. A project has 60 read requests a minute by default.
const MAX_PAGES: usize = 200;
/// Maximum number of pages of served requests without SNI, of which a gateway may have millions.
const MAX_SERVED_PAGES: usize = 5;

const PATH: &str = "v2/entries:list";

/// 429 comes without Retry-After, and the quota is counted by the minute.
const PEER: Peer = Peer {
    name: "Cloud Logging",
    ca_flag: "--log-store-ca-file",
    explain: log_store::message,
    repetitions: 6,
    first_wait: Duration::from_secs(1),
};

/// The requests of one run.
struct Requests<'a> {
    client: Client,
    project: &'a str,
    stop: &'a Stop,
    /// Entries that were read already, because they are the first and the last of all.
    known: BTreeSet<String>,
}

/// Reads failing records, served requests without SNI, and the first and the last record of all, which show
/// what the store covers. Returns why it could not be read to its end, if so.
pub(super) async fn read(
    store: &Store<'_>,
    env: Environment<'_>,
    stop: &Stop,
    reading: &mut Reading,
    query: &mut StoreQuery,
) -> Result<Option<Reason>, Reason> {
    let Address::CloudLogging { project, location, cluster, .. } = store.address else { return Ok(None) };
    let of = store.wanted;
    let mut wanted = Wanted::new(&of.namespace, of.containers.clone(), (of.since, of.until), &of.format);
    wanted.location.clone_from(location);
    wanted.cluster.clone_from(cluster);
    wanted.without_pods.clone_from(&of.without_pods);
    wanted.without_logs = of.logs_by_time().map(|(pod, first, last)| (pod.to_owned(), first, last)).collect();
    query.query = wanted.failing();
    let token = match &store.access.credentials {
        Credentials::Token(token) => token.clone(),
        _ => stop.bound(google::token(env)).await?.map_err(Reason::Unreachable)?,
    };
    let client = client(store, PEER, Credentials::Token(token), env)?;
    let mut requests = Requests { client, project, stop, known: BTreeSet::new() };
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let Page { entries, .. } = requests.page(&wanted.records(), order, 1, None, query).await?;
        requests.add(entries, reading);
    }
    if let Some(reason) = requests.pages(&wanted.failing(), MAX_PAGES, reading, query).await? {
        return Ok(Some(reason));
    }
    if requests.pages(&wanted.served(), MAX_SERVED_PAGES, reading, query).await?.is_some() {
        query.approximate.push(format!(
            "only the first {} requests without SNI that were served are counted",
            MAX_SERVED_PAGES * PAGE_SIZE
        ));
    }
    Ok(None)
}

impl Requests<'_> {
    async fn page(
        &self,
        filter: &str,
        order: Order,
        size: usize,
        token: Option<&str>,
        query: &mut StoreQuery,
    ) -> Result<Page, Reason> {
        let body = request(self.project, filter, order, size, token).to_string();
        let request = self.client.post(PATH, JSON, body.as_bytes(), MAX_ANSWER);
        let answer = sent(request, self.stop, query, advice).await?;
        page(&answer).map_err(Reason::Broken)
    }

    /// Reads pages; returns the reason if there are more than the limit.
    async fn pages(
        &mut self,
        filter: &str,
        most: usize,
        reading: &mut Reading,
        query: &mut StoreQuery,
    ) -> Result<Option<Reason>, Reason> {
        let mut token: Option<String> = None;
        for _ in 0..most {
            let page = self.page(filter, Order::OldestFirst, PAGE_SIZE, token.as_deref(), query).await?;
            self.add(page.entries, reading);
            match page.next {
                // A token that repeats would never end.
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => return Ok(None),
            }
        }
        let why = format!("cut after {most} pages; ask for a shorter window with --since and --until");
        Ok(Some(Reason::Broken(why)))
    }

    /// Hands on the entries that were not read before.
    fn add(&mut self, entries: Vec<(String, String)>, reading: &mut Reading) {
        let is_single = entries.len() == 1;
        for (id, line) in entries {
            if !id.is_empty() && self.known.contains(&id) {
                continue;
            }
            reading.line(&line);
            if is_single {
                self.known.insert(id);
            }
        }
    }
}

fn advice(status: u16) -> Option<&'static str> {
    match status {
        401 => Some(
            "the token is not accepted: run `gcloud auth application-default login`, or check --log-store-token-file",
        ),
        403 => Some("it needs the permission logging.logEntries.list, as roles/logging.viewer has"),
        404 => Some("check the name of the project"),
        429 => Some("the quota of read requests (60 a minute) is used up: try again later, or with a shorter window"),
        _ => None,
    }
}
