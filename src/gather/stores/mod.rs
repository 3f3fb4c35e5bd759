//! Log stores: the records or the counts that an engine holds.
//!
//! ```text
//! Cloud Logging ─ pages of failing records ─ scanner ─┐
//! OpenSearch ─┬ aggregations ─ counts ────────────────┼─ LogStream
//!             └ records near own probe traffic ─ scanner ┘
//! ```
//!
//! A store costs only itself: whatever goes wrong becomes the reason why its log is unavailable, or why it is
//! incomplete. Queries and answers are those of `wire/log_store`.

mod cloud_logging;
mod google;
mod open_search;

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use jiff::Timestamp;

use crate::evidence::access_log::{Counting, StoreEngine, StoreQuery};
use crate::evidence::{AccessLog, LogOrigin, LogStream, Reason, Seen, Unavailable};
use crate::gather::http::client::{Client, Credentials, Fault, Identity, Peer};
use crate::gather::hybrid::retained::RetainedLog;
use crate::gather::probe::Proxy;
use crate::run::{Progress, Stop};
use crate::wire::access_log::{AccessLogScanner, Format, LedgerSource};

pub use self::google::Environment;

/// Maximum number of bytes of one answer.
const MAX_ANSWER: usize = 64 << 20;

const JSON: &str = "application/json";

/// Where a store is, and what of it is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    CloudLogging {
        project: String,
        location: Option<String>,
        cluster: Option<String>,
        endpoint: Uri,
    },
    /// OpenSearch or Elasticsearch: the URL of the server, and the index or the pattern of indices.
    Search {
        server: Uri,
        index: String,
    },
}

/// How stores are reached.
#[derive(Clone, Debug)]
pub struct Access {
    pub credentials: Credentials,
    /// CAs of the servers as PEM; without, this machine's are trusted.
    pub authorities: Option<Vec<u8>>,
    /// Certificate and key as PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Time limit of one request.
    pub timeout: Duration,
}

/// Which records are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub namespace: String,
    /// Names of the containers that write the access log.
    pub containers: Vec<String>,
    /// Pods of internal chaining, whose clients are pods.
    pub without_pods: Vec<String>,
    pub since: Timestamp,
    pub until: Timestamp,
    /// No flag named the beginning of the window.
    pub is_default_window: bool,
    pub format: Arc<Format>,
    /// The logs of pods that this run has read, each with its first and its last record.
    pub pods_read: Vec<(LogOrigin, Timestamp, Timestamp)>,
    /// These are logs of earlier evidence, whose records are no longer known one by one.
    pub is_earlier: bool,
    /// Another log of the run may have the same records, and it is not known which.
    pub may_repeat: bool,
}

/// One store to ask.
pub struct Store<'a> {
    pub address: &'a Address,
    pub access: &'a Access,
    pub wanted: &'a Wanted,
    /// The other logs of the run.
    pub ledger: Option<LedgerSource>,
}

impl Wanted {
    /// Returns the pods whose records are left out by time, because they are no longer known one by one.
    fn logs_by_time(&self) -> impl Iterator<Item = (&str, Timestamp, Timestamp)> {
        let logs = self.pods_read.iter().filter(|_| self.is_earlier);
        logs.filter_map(|(origin, first, last)| Some((origin.pod()?, *first, *last)))
    }
}

impl Address {
    /// Returns the name of the store in reports.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::CloudLogging { project, cluster: Some(cluster), .. } => {
                format!("Cloud Logging of cluster {cluster} in project {project}")
            }
            Self::CloudLogging { project, .. } => format!("Cloud Logging of project {project}"),
            Self::Search { server, index } => {
                format!("index {index} at {}", server.authority().map_or("", http::uri::Authority::as_str))
            }
        }
    }

    /// Returns the origin of the store's log.
    #[must_use]
    pub fn origin(&self) -> LogOrigin {
        LogOrigin::Store(self.name())
    }

    fn server(&self) -> &Uri {
        match self {
            Self::CloudLogging { endpoint, .. } => endpoint,
            Self::Search { server, .. } => server,
        }
    }
}

/// Asks a store for the records of the gateways. `retained` keeps those that are read.
pub async fn read(
    store: Store<'_>,
    env: Environment<'_>,
    stop: &Stop,
    progress: &dyn Progress,
    retained: Option<Box<dyn RetainedLog>>,
) -> LogStream {
    let name = store.address.name();
    let (engine, counting) = match store.address {
        Address::CloudLogging { .. } => (StoreEngine::CloudLogging, Counting::FailuresOnly),
        Address::Search { .. } => (StoreEngine::OpenSearch, Counting::ByStore),
    };
    let mut query = StoreQuery {
        engine,
        query: String::new(),
        since: store.wanted.since,
        until: store.wanted.until,
        is_default_window: store.wanted.is_default_window,
        counting,
        requests: 0,
        read: 0,
        approximate: Vec::new(),
        hours: std::collections::BTreeMap::new(),
    };
    progress.started(&name);
    let mut reading = Reading::new(&store, retained);
    let outcome = match store.address {
        Address::CloudLogging { .. } => cloud_logging::read(&store, env, stop, &mut reading, &mut query).await,
        Address::Search { .. } => open_search::read(&store, env, stop, &mut reading, &mut query).await,
    };
    let stream = reading.finish(store.address.origin(), outcome, query);
    let result = match (&stream.log, &stream.cut) {
        (Seen::Unavailable(why), _) => why.reason.to_string(),
        (Seen::Seen(log), cut) => {
            let cut = cut.as_ref().map_or(String::new(), |why| format!(", then {}", why.reason));
            format!("{} records{cut}", log.records)
        }
    };
    progress.finished(&name, &result);
    stream
}

/// The records that are read, and the counts that the store made.
struct Reading {
    scanner: AccessLogScanner,
    retained: Option<Box<dyn RetainedLog>>,
    /// What the store counted.
    counted: Option<AccessLog>,
    read: u64,
}

impl Reading {
    fn new(store: &Store<'_>, retained: Option<Box<dyn RetainedLog>>) -> Self {
        let scanner = AccessLogScanner::new()
            .reading(Arc::clone(&store.wanted.format))
            .since(Some(store.wanted.since))
            .until(Some(store.wanted.until))
            .comparing(store.ledger.clone());
        Self { scanner, retained, counted: None, read: 0 }
    }

    /// Reads one record as a line.
    fn line(&mut self, line: &str) {
        self.read += 1;
        self.scanner.feed(line.as_bytes());
        if let Some(retained) = &mut self.retained {
            retained.feed(line.as_bytes());
        }
    }

    /// Joins what was read and what the store counted. Without a log, or if nothing came before the fault,
    /// the store is unavailable.
    fn finish(self, origin: LogOrigin, outcome: Result<Option<Reason>, Reason>, query: StoreQuery) -> LogStream {
        let Self { scanner, retained, counted, read } = self;
        let name = origin.to_string();
        // What is read beside a count is no log by itself.
        let has_nothing = counted.is_none() && (read == 0 || query.counting == Counting::ByStore);
        let (cut, fatal) = match outcome {
            Ok(cut) => (cut, None),
            Err(reason) if has_nothing => (None, Some(reason)),
            Err(reason) => (Some(reason), None),
        };
        if let Some(reason) = fatal {
            let why = Unavailable::new(name, reason);
            if let Some(retained) = retained {
                retained.missing(why.clone());
            }
            return LogStream { origin, log: Seen::Unavailable(why), cut: None, store: Some(query) };
        }
        let cut = cut.map(|reason| Unavailable::new(format!("the rest of {name}"), reason));
        if let Some(retained) = retained {
            retained.finish(cut.clone());
        }
        let mut log = scanner.finish();
        // The first line of what a store returns says nothing about a rotated file.
        log.begins_with_record = false;
        let mut query = StoreQuery { read, ..query };
        note_hours(&mut query, &log);
        if let Some(counted) = counted {
            let records = counted.records;
            let (first, last) = (counted.first, counted.last);
            log.merge(counted);
            // What was read is among what was counted.
            (log.records, log.first, log.last) = (records, first, last);
        }
        LogStream { origin, log: Seen::Seen(log), cut, store: Some(query) }
    }
}

/// Adds the resets that were read to those by hour.
fn note_hours(query: &mut StoreQuery, log: &AccessLog) {
    for (tally, with_server_name) in [(&log.reset_without_sni, false), (&log.reset_with_sni, true)] {
        for (minute, count) in &tally.minutes {
            if let Some(hour) = minute.get(..13) {
                query.note_hour(format!("{hour}:00Z"), *count, with_server_name);
            }
        }
    }
}

/// Returns a client of the store's server.
fn client(store: &Store<'_>, peer: Peer, credentials: Credentials, env: Environment<'_>) -> Result<Client, Reason> {
    let server = store.address.server();
    let host = server.host().unwrap_or_default();
    let proxy = match server.scheme_str() {
        Some("https") => Proxy::of_environment(host, server.port_u16().unwrap_or(443), env)
            .map_err(|why| Reason::Unreachable(format!("HTTPS_PROXY: {why}")))?,
        _ => None,
    };
    let Access { authorities, identity, timeout, .. } = store.access;
    let identity = identity.as_ref().map(|(certificate, key)| Identity { certificate, key });
    Client::new(server.clone(), peer, credentials, proxy, (authorities.as_deref(), identity), *timeout).map_err(|_| {
        Reason::Broken(
            "the client certificate or its key cannot be used: check --log-store-client-cert and its key".into(),
        )
    })
}

/// Sends a request, but not beyond the end of the run.
async fn sent(
    request: impl Future<Output = Result<Vec<u8>, Fault>>,
    stop: &Stop,
    query: &mut StoreQuery,
    advice: impl Fn(u16) -> Option<&'static str>,
) -> Result<Vec<u8>, Failure> {
    query.requests += 1;
    match stop.bound(request).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(Fault { status, reason })) => {
            let reason = match (status.and_then(advice), reason) {
                (Some(advice), Reason::Unreachable(text) | Reason::Missing(text) | Reason::Broken(text)) => {
                    Reason::Unreachable(format!("{text}; {advice}"))
                }
                (_, reason) => reason,
            };
            Err(Failure { status, reason })
        }
        Err(reason) => Err(Failure { status: None, reason }),
    }
}

/// Why a request gave no answer.
struct Failure {
    status: Option<u16>,
    reason: Reason,
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        failure.reason
    }
}
