//! Follows the logs of the ingress pods while a run lasts: pods that come and go, streams that break.
//!
//! ```text
//! pods ─ watch ─┬ pod ─ stream ─ position ─ scanner ┐
//!               └ pod ─ stream ─ position ─ scanner ┴─ Followed ─ logs of the next judgement
//!                                                   └─ News ─── what changed, at once
//! ```
//!
//! One task for each container (`stream`). What was read of the last minutes is kept as counts (`followed`),
//! so that a judgement has the logs that `diagnose` would read.

mod followed;
mod position;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use self::followed::Followed;
use self::stream::{PodState, Stream};
use crate::evidence::access_log::FailingClients;
use crate::evidence::hybrid::IngressPod;
use crate::evidence::{Evidence, LogOrigin, Reason, Unavailable};
use crate::gather::error::Error;
use crate::gather::hybrid::cluster::{self, GatherOptions, contact};
use crate::gather::hybrid::mesh::mesh_logging;
use crate::gather::hybrid::pod_logs::wanted_gateways;
use crate::gather::hybrid::pods::pod as parse_pod;
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::connection::connect;
use crate::gather::kubernetes::discovery;
use crate::gather::kubernetes::fault::Access;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::kubeconfig::{ConnectionOptions, Places, target};
use crate::gather::kubernetes::selector;
use crate::gather::kubernetes::watch::{Change, Watched, watch};
use crate::plan::GROUP;
use crate::run::Progress;
use crate::run::stop::Stop;
use crate::wire::access_log::{AccessLogScanner, Format};

/// Maximum number of containers whose logs are followed at the same time.
const MAX_STREAMS: usize = 256;
/// Maximum number of news that wait to be read; the streams then wait.
const MAX_NEWS: usize = 256;
/// Changes of routes need no more than their names.
const NAMES: (&str, &str) = (
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
);

/// What to follow.
#[derive(Clone, Debug)]
pub struct FollowOptions {
    pub connection: ConnectionOptions,
    pub namespace: String,
    /// Label selector of the ingress pods.
    pub selector: String,
    /// Container whose log is followed; those that serve clients if absent.
    pub container: Option<String>,
    /// Records older than this are not read.
    pub since: Timestamp,
    /// How long counts are kept for judgements.
    pub window: Duration,
}

/// What happened while logs were followed.
#[derive(Debug)]
pub enum News {
    /// Records of failing clients were read.
    Failing(FailingClients),
    /// Lines between these times may be missing.
    Gap { origin: LogOrigin, from: Option<Timestamp>, until: Option<Timestamp>, why: String },
    /// The log of this container is read, until it ends or is lost.
    Stream { origin: LogOrigin, state: StreamState },
    /// An ApigeeRoute was added, changed or deleted.
    RoutesChanged,
    /// The pods or routes cannot be followed at the moment, or can again.
    Source { what: &'static str, failed: Option<Reason> },
}

/// Whether the log of a container is read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StreamState {
    Ended,
    Followed,
    /// It cannot be read at the moment; it is tried again.
    Lost(String),
}

/// A cluster whose ingress is followed.
#[derive(Clone)]
pub struct Follow {
    api: Api,
    context: Option<String>,
    options: FollowOptions,
    format: Arc<Format>,
    followed: Followed,
}

impl Follow {
    /// Connects to the cluster.
    ///
    /// # Errors
    /// The configuration cannot be used, the API server does not answer, or the namespace does not exist.
    pub async fn connect(options: FollowOptions, stop: Stop) -> Result<Self, Error> {
        selector::parse(&options.selector)?;
        let target = target(&options.connection, &Places::of_this_process())?;
        let context = target.context.clone();
        let api = connect(target, &options.connection, stop).await?;
        let _ = Box::pin(contact(&api, &options.namespace)).await?;
        let mesh = mesh_logging(&api, &options.namespace).await;
        let format = Arc::new(mesh.as_ref().map(Format::of).unwrap_or_default());
        let followed = Followed::new(options.window);
        Ok(Self { api, context, options, format, followed })
    }

    /// Returns the counts of what is read.
    #[must_use]
    pub fn followed(&self) -> &Followed {
        &self.followed
    }

    /// Returns the seconds by which the API server's clock is ahead of this machine's.
    #[must_use]
    pub fn clock_ahead_seconds(&self) -> Option<i64> {
        self.api.clock_ahead_seconds()
    }

    /// Begins to follow, and returns the news. Ends with the run.
    #[must_use]
    pub fn start(&self) -> mpsc::Receiver<News> {
        let (news, received) = mpsc::channel(MAX_NEWS);
        let (follow, of_pods) = (self.clone(), news.clone());
        tokio::spawn(async move { follow.pods(of_pods).await });
        let follow = self.clone();
        tokio::spawn(async move { follow.routes(news).await });
        received
    }

    /// Gathers evidence as `diagnose` does, with the logs that are followed.
    ///
    /// # Errors
    /// The first request failed.
    pub async fn evidence(
        &self,
        options: &GatherOptions,
        evidence: &mut Evidence,
        stop: Stop,
        progress: &Arc<dyn Progress>,
    ) -> Result<u64, Error> {
        let api = self.api.until(stop);
        let new_sink = |_: &LogOrigin| AccessLogScanner::new();
        let options = GatherOptions { followed: Some(self.followed.clone()), ..options.clone() };
        Box::pin(cluster::gather(&api, self.context.clone(), &options, evidence, progress, &new_sink, None)).await
    }

    async fn pods(&self, news: mpsc::Sender<News>) {
        let watched = Watched {
            path: format!("/api/v1/namespaces/{}/pods", self.options.namespace),
            selector: self.options.selector.clone(),
            accept: (JSON, JSON),
        };
        let mut pods = Pods { follow: self, news, known: BTreeMap::new(), streams: JoinSet::new() };
        watch(&self.api, &watched, |change| pods.change(change)).await;
    }

    async fn routes(&self, news: mpsc::Sender<News>) {
        let namespace = &self.options.namespace;
        let group = discovery::kinds(&self.api, discovery::group(&self.api).await, namespace).await;
        // Without the kind there is nothing to follow; each judgement reports why.
        let Ok(kind) = group.find("ApigeeRoute") else { return };
        let path = format!("/apis/{}/namespaces/{namespace}/{}", kind.api_version, kind.plural);
        let watched = Watched { path, selector: String::new(), accept: NAMES };
        let access = Access { verb: "list", resource: &kind.plural, group: GROUP, namespace };
        // The first list is that of the first judgement.
        let mut is_listed = false;
        watch(&self.api, &watched, |change| {
            let told = match change {
                Change::Listed(_) if !std::mem::replace(&mut is_listed, true) => return,
                Change::Listed(_) | Change::Applied(_) | Change::Deleted(_) => News::RoutesChanged,
                Change::Failed(fault) => News::Source { what: "ApigeeRoutes", failed: Some(fault.reason(access)) },
                Change::Restored => News::Source { what: "ApigeeRoutes", failed: None },
            };
            // A full channel has news enough; the judgement that they lead to sees all routes.
            let _ = news.try_send(told);
        })
        .await;
    }
}

/// The ingress pods, with a task for the log of each container.
struct Pods<'a> {
    follow: &'a Follow,
    news: mpsc::Sender<News>,
    /// By UID: a new pod may have the name of an old one.
    known: BTreeMap<String, BTreeMap<String, watch::Sender<PodState>>>,
    /// Dropped with this value, which ends the tasks.
    streams: JoinSet<()>,
}

impl Pods<'_> {
    fn change(&mut self, change: Change) {
        match change {
            Change::Listed(pods) => {
                let listed: Vec<String> = pods.iter().filter_map(uid).collect();
                let gone: Vec<String> = self.known.keys().filter(|uid| !listed.contains(uid)).cloned().collect();
                for uid in gone {
                    self.gone(&uid);
                }
                for pod in &pods {
                    self.applied(pod);
                }
            }
            Change::Applied(pod) => self.applied(&pod),
            Change::Deleted(pod) => {
                if let Some(uid) = uid(&pod) {
                    self.gone(&uid);
                }
            }
            Change::Failed(fault) => {
                let namespace = &self.follow.options.namespace;
                let access = Access { verb: "list", resource: "pods", group: "", namespace };
                self.tell(News::Source { what: "pods", failed: Some(fault.reason(access)) });
            }
            Change::Restored => self.tell(News::Source { what: "pods", failed: None }),
        }
    }

    fn applied(&mut self, object: &Value) {
        let Some(uid) = uid(object) else { return };
        let pod = parse_pod(object);
        // Streams that have ended free their place.
        while self.streams.try_join_next().is_some() {}
        for name in wanted_gateways(&pod, self.follow.options.container.as_deref()) {
            let state = PodState::of(&pod, name);
            if let Some(known) = self.known.get(&uid).and_then(|containers| containers.get(name)) {
                known.send_if_modified(|known| std::mem::replace(known, state) != state);
                continue;
            }
            if state == PodState::Waiting {
                continue;
            }
            let origin = LogOrigin::Container { pod: pod.name.clone(), container: name.to_owned() };
            if self.streams.len() >= MAX_STREAMS {
                let why = format!("{MAX_STREAMS} logs are followed already");
                self.tell(News::Stream { origin, state: StreamState::Lost(why) });
                continue;
            }
            self.begin(&uid, &pod, name, origin, state);
        }
    }

    fn begin(&mut self, uid: &str, pod: &IngressPod, container: &str, origin: LogOrigin, state: PodState) {
        let (sender, receiver) = watch::channel(state);
        self.known.entry(uid.to_owned()).or_default().insert(container.to_owned(), sender);
        let options = &self.follow.options;
        let scanner = AccessLogScanner::new().reading(Arc::clone(&self.follow.format)).counting_clients();
        let stream = Stream::new(
            self.follow.api.clone(),
            options.namespace.clone(),
            (pod.name.clone(), container.to_owned()),
            options.since,
            receiver,
            followed::Sink::new(origin, scanner, self.follow.followed.clone(), self.news.clone()),
        );
        self.streams.spawn(stream.run());
    }

    fn gone(&mut self, uid: &str) {
        // The task reads the log to its end, and ends with it.
        for state in self.known.remove(uid).into_iter().flatten().map(|(_, state)| state) {
            state.send_replace(PodState::Gone);
        }
    }

    fn tell(&self, news: News) {
        // A full channel means that the reader is late; the coverage tells it the state.
        let _ = self.news.try_send(news);
    }
}

fn uid(pod: &Value) -> Option<String> {
    json::text(pod, &["metadata", "uid"])
}

/// Returns the reason why the log of a container that was not followed yet is missing.
fn not_followed(origin: &LogOrigin) -> Unavailable {
    Unavailable::new(format!("the log of {origin}"), Reason::Missing("it is not followed yet".to_owned()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
