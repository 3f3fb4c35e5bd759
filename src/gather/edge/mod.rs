//! Gathers what is known of an environment of Apigee Edge, or of the southbound leg of Apigee X and hybrid.
//!
//! ```text
//! answers (API, saved) ─ objects ─ stores ─┐
//! files ───────────────────────────────────┼─ Edge
//! handshakes ──────────────────────────────┘
//! ```
//!
//! Faults of one answer or one file are evidence. Only a request that nobody can be expected to repeat with
//! success (no connection, no right, no such environment) ends the run, where nothing else can be judged.

mod answers;
mod captures;
mod comparisons;
mod disabled_suites;
pub mod files;
mod handshakes;
mod objects;
mod pool;
mod stores;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use self::answers::Answers;
pub use self::captures::{Captured, captures};
use self::files::{KeystoreFile, ProxyFile};
use self::pool::Pool;
use crate::evidence::edge::{Dialect, Edge, EdgeQuestion, Leg, Unseen, is_sendable};
use crate::evidence::{Reason, Unavailable};
use crate::gather::http::client::{Client, Fault, Peer};
use crate::gather::probe::ProberError;
use crate::run::Stop;
use crate::wire::edge::answers as messages;

/// The server that answers, in messages and as to repetitions.
pub const MANAGEMENT_API: Peer = Peer {
    name: "the Management API",
    ca_flag: "--management-ca-file",
    explain: messages::error,
    repetitions: 3,
    first_wait: Duration::from_millis(200),
};

/// Where to look, and what for.
pub struct EdgeOptions {
    pub question: EdgeQuestion,
    pub client: Option<Client>,
    /// Folder of saved answers.
    pub dump: Option<PathBuf>,
    /// Names of virtual hosts, target servers and proxies (`NAME` or `NAME:REVISION`); empty for all.
    pub virtual_hosts: Vec<String>,
    pub target_servers: Vec<String>,
    pub proxies: Vec<String>,
    pub keystores: Vec<KeystoreFile>,
    pub proxy_files: Vec<ProxyFile>,
    /// Routers to connect to, instead of where DNS leads.
    pub routers: Vec<(IpAddr, Option<u16>)>,
    pub connect_to: Vec<ConnectTo>,
    pub client_authorities: Vec<PathBuf>,
    /// Certificate and key.
    pub client_identity: Option<(PathBuf, Option<PathBuf>)>,
    pub own_identity: Option<(PathBuf, Option<PathBuf>)>,
    /// Time limit of one handshake.
    pub handshake_time: Duration,
    /// Answers are kept for a bundle.
    pub keeps_answers: bool,
}

/// `HOST:PORT:ADDRESS:PORT`, as in curl. An empty host or a port of 0 applies to every one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectTo {
    pub host: String,
    pub port: u16,
    pub address: String,
    pub to_port: u16,
}

/// What was gathered.
pub struct Gathered {
    pub edge: Edge,
    /// Saved answers by their path in a bundle.
    pub answers: BTreeMap<String, Vec<u8>>,
    /// Why nothing of the Management API could be used.
    pub refused: Option<Fault>,
    pub interrupted: Option<Reason>,
}

/// Gathers everything. `edge` has what the files of hosts show.
///
/// # Errors
/// A file of certificates for handshakes cannot be used.
pub async fn gather(options: &EdgeOptions, edge: Edge, stop: &Stop) -> Result<Gathered, ProberError> {
    let question = &options.question;
    let authorities = options.client_authorities.clone();
    // A file of CAs may be a silent pipe.
    let pool = stop.bound(tokio::task::spawn_blocking(move || Pool::new(&authorities))).await;
    let broken = |_| Reason::Broken("internal error while reading it; please report this bug".into());
    let pool = match pool.and_then(|pool| pool.map_err(broken)) {
        Ok(pool) => pool?,
        Err(reason) => {
            let mut edge = Edge { question: question.clone(), ..edge };
            edge.unseen.push(unseen("the CAs of client apps", reason.clone()));
            return Ok(Gathered { edge, answers: BTreeMap::new(), refused: None, interrupted: Some(reason) });
        }
    };
    let mut gathering = Gathering {
        options,
        answers: Answers {
            dump: options.dump.clone(),
            client: options.client.as_ref(),
            organization: question.organization.clone(),
            environment: question.environment.clone(),
            dialect: question.api,
            kept: options.keeps_answers.then(Mutex::default),
        },
        edge: Edge { question: question.clone(), ..edge },
        pool,
        refused: None,
    };
    let interrupted = Box::pin(gathering.run(stop)).await?;
    let Gathering { answers, mut edge, pool, refused, .. } = gathering;
    edge.signatures = pool.signatures();
    let hosts = edge.targets.iter().filter_map(|target| target.host.clone());
    edge.not_sent = hosts.filter(|host| !is_sendable(host)).collect();
    let answers = answers.kept.and_then(|kept| kept.into_inner().ok()).unwrap_or_default();
    Ok(Gathered { edge, answers, refused, interrupted })
}

/// Records that something could not be read.
#[must_use]
pub fn unseen(what: &str, reason: Reason) -> Unseen {
    Unseen { why: Unavailable::new(what, reason), leg: None }
}

/// A run in progress.
struct Gathering<'a> {
    options: &'a EdgeOptions,
    answers: Answers<'a>,
    edge: Edge,
    pool: Pool,
    refused: Option<Fault>,
}

impl Gathering<'_> {
    async fn run(&mut self, stop: &Stop) -> Result<Option<Reason>, ProberError> {
        if let Err(reason) = stop.bound(Box::pin(self.objects())).await {
            self.unseen(Unavailable::new("answers of the Management API", reason.clone()), None);
            return Ok(Some(reason));
        }
        if let Err(reason) = stop.bound(Box::pin(self.stores())).await {
            self.unseen(Unavailable::new("keystores", reason.clone()), None);
            return Ok(Some(reason));
        }
        Box::pin(self.handshakes(stop)).await
    }

    fn unseen(&mut self, why: Unavailable, leg: Option<Leg>) {
        self.edge.unseen.push(Unseen { why, leg });
    }

    fn judges(&self, leg: Leg) -> bool {
        self.edge.question.judges(leg) && (leg == Leg::Southbound || self.edge.question.api == Dialect::Edge)
    }
}
