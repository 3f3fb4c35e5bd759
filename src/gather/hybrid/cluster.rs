//! Sends all cluster requests of one report, concurrently and within the time limit.
//!
//! The number of requests depends on kinds, pages, containers and TLS Secrets, never on the number of routes.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::join;
use kube::core::Selector;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::evidence::hybrid::{Connection, IngressPod, MeshLogging, RouteConfigs, Routes, SecretNames, Service};
use crate::evidence::part::Part;
use crate::evidence::{Evidence, LogLimits, LogOrigin, LogStream, Seen, Unavailable};
use crate::gather::error::Error;
use crate::gather::hybrid::GatewayProbe;
use crate::gather::hybrid::follow::Followed;
use crate::gather::hybrid::gateway;
use crate::gather::hybrid::issues::issues;
use crate::gather::hybrid::mesh::mesh_logging;
use crate::gather::hybrid::pod_logs::{LogRequest, LogSink, logs};
use crate::gather::hybrid::pods::pods;
use crate::gather::hybrid::preflight::{self, Preflight};
use crate::gather::hybrid::retained::{self, BundleSink};
use crate::gather::hybrid::routes::{route_configs, routes};
use crate::gather::hybrid::secrets::secrets;
use crate::gather::hybrid::services::{leading_to, services};
use crate::gather::hybrid::tls_secrets::{self, stored_certificates};
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::connection::connect;
use crate::gather::kubernetes::discovery::{self, Resource};
use crate::gather::kubernetes::fault::Fault;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::kubeconfig::{ConnectionOptions, Places, target};
use crate::gather::kubernetes::list::{Listing, list};
use crate::gather::kubernetes::selector;
use crate::run::progress::Progress;
use crate::run::stop::Stop;
use crate::text::count;
use crate::wire::access_log::Format;

/// What to read from the cluster.
#[derive(Clone)]
pub struct GatherOptions {
    pub connection: ConnectionOptions,
    pub namespace: String,
    /// Label selector of the ingress pods.
    pub selector: String,
    /// Container whose log is read; all containers if absent.
    pub container: Option<String>,
    pub log_limits: LogLimits,
    /// The handshakes to perform; none if absent.
    pub probe: Option<GatewayProbe>,
    /// The logs that are followed; if absent, they are read.
    pub followed: Option<Followed>,
}

/// Gathers evidence from the cluster that the options choose.
///
/// Fills the parts of `evidence` that the cluster provides, and returns the number of API requests.
/// `new_sink` creates one sink for each log. `bundle` receives the retained objects and logs. Dropping the
/// future, like [`Stop`], cancels everything in progress.
///
/// # Errors
/// The configuration cannot be used, or the first request failed. Later failures are recorded in the
/// evidence.
pub async fn cluster<S: LogSink>(
    options: &GatherOptions,
    evidence: &mut Evidence,
    stop: Stop,
    progress: Arc<dyn Progress>,
    new_sink: &(impl Fn(&LogOrigin) -> S + Sync),
    bundle: Option<&dyn BundleSink>,
) -> Result<u64, Error> {
    // First, so that a mistake in a flag costs no request.
    selector::parse(&options.selector)?;
    let target = target(&options.connection, &Places::of_this_process())?;
    let context = target.context.clone();
    let api = connect(target, &options.connection, stop).await?;
    Box::pin(gather(&api, context, options, evidence, &progress, new_sink, bundle)).await
}

/// Sends the first requests of a run alone, to find out whether the API server answers, accepts the user and
/// has the namespace.
///
/// # Errors
/// As for [`cluster`].
pub async fn reach(options: &ConnectionOptions, namespace: &str, stop: Stop) -> Result<(), Error> {
    let target = target(options, &Places::of_this_process())?;
    let api = connect(target, options, stop).await?;
    check_namespace(&api, namespace)?;
    Box::pin(contact(&api, namespace)).await.map(drop)
}

/// Gathers evidence through a connected API server. The parts are boxed, because together they are large and
/// stack sizes differ.
pub(in crate::gather) async fn gather<S: LogSink>(
    api: &Api,
    context: Option<String>,
    options: &GatherOptions,
    evidence: &mut Evidence,
    progress: &Arc<dyn Progress>,
    new_sink: &(impl Fn(&LogOrigin) -> S + Sync),
    bundle: Option<&dyn BundleSink>,
) -> Result<u64, Error> {
    let namespace = options.namespace.as_str();
    let selects = selector::parse(&options.selector)?;
    check_namespace(api, namespace)?;
    let begun = Instant::now();
    // If the first request fails, do not wait for the others to fail.
    let first = Box::pin(contact(api, namespace)).await?;
    let keeping = async {
        if let Some(bundle) = bundle {
            retained::retain(api, namespace, &selects, progress, bundle).await;
        }
    };
    let (server_version, group) = first;
    let seeing = Box::pin(see(api, options, evidence, &selects, progress, new_sink, group));
    let (seen, ()) = join!(seeing, Box::pin(keeping));
    seen?;
    // Last, because the fastest response gives the most precise time.
    let clock_ahead_seconds = api.clock_ahead_seconds();
    let requests = api.requests();
    evidence.connection = Seen::Seen(Connection {
        context,
        server_version,
        clock_ahead_seconds,
        requests: Some(requests),
        milliseconds: u64::try_from(begun.elapsed().as_millis()).ok(),
    });
    Ok(requests)
}

/// Reads the version of the API server and the kinds of Apigee that it serves.
pub(super) type First = (Option<String>, Result<Value, Fault>);

/// Gathers everything that is judged, from a cluster that has answered the first request.
async fn see<S: LogSink>(
    api: &Api,
    options: &GatherOptions,
    evidence: &mut Evidence,
    selects: &Selector,
    progress: &Arc<dyn Progress>,
    new_sink: &(impl Fn(&LogOrigin) -> S + Sync),
    group: Result<Value, Fault>,
) -> Result<(), Error> {
    let namespace = options.namespace.as_str();
    let custom = async {
        let group = discovery::kinds(api, group, namespace).await;
        let kind = group.find("ApigeeRoute").ok();
        let routes_and_certificates = async {
            let count = |routes: &Routes| routes.items.len();
            let routes = reported(progress, "ApigeeRoutes", count, async {
                routes(api, group.find("ApigeeRoute")?, namespace).await
            });
            let routes = routes.await;
            let stored = match &routes {
                Ok(routes) => {
                    let stored = async { Ok(stored_certificates(api, namespace, routes).await) };
                    reported(progress, "TLS Secrets", Vec::len, stored).await
                }
                // Only routes name the Secrets to read.
                Err(why) => Err(Unavailable::new(tls_secrets::WHAT, why.reason.clone())),
            };
            (routes, stored)
        };
        let seen = join!(
            routes_and_certificates,
            reported(progress, "ApigeeRouteConfigs", |configs: &RouteConfigs| configs.items.len(), async {
                route_configs(api, group.find("ApigeeRouteConfig")?, namespace).await
            }),
            reported(progress, "ApigeeIssues", Vec::len, async {
                issues(api, group.find("ApigeeIssue")?, namespace).await
            }),
        );
        (kind, seen)
    };
    let (
        (kind, ((routes, stored_certificates), route_configs, issues)),
        (pods, services, mesh_logging, preflights, access_logs),
        secrets,
    ) = join!(
        Box::pin(custom),
        Box::pin(pods_and_logs(api, options, selects, progress, new_sink)),
        reported(
            progress,
            "Secrets in the namespace",
            |secrets: &SecretNames| secrets.names.len(),
            secrets(api, namespace)
        ),
    );
    if let (Ok(routes), Ok(pods), Some(kind)) = (&routes, &pods, &kind)
        && routes.items.is_empty()
        && pods.is_empty()
    {
        let found = namespaces_with_routes(api, kind).await;
        if !found.is_empty() {
            return Err(Error::WrongNamespace { namespace: namespace.to_owned(), found });
        }
    }
    let probing = async {
        let Some(probe) = &options.probe else {
            let why = "--probe none";
            return (Part::not_gathered(why), Part::not_gathered(why));
        };
        progress.started("handshakes");
        let known = pods.as_deref().unwrap_or_default();
        let services = services.as_deref().unwrap_or_default();
        let routes = routes.as_ref().map(|routes| routes.items.as_slice()).unwrap_or_default();
        let (probes, gateways) = gateway::probes(api, namespace, probe, preflights, known, services, routes).await;
        let made = probes.endpoints.iter().map(|endpoint| endpoint.handshakes.len()).sum::<usize>();
        let made = count(u64::try_from(made).unwrap_or(u64::MAX), "handshake");
        let endpoints = count(u64::try_from(probes.endpoints.len()).unwrap_or(u64::MAX), "endpoint");
        progress.finished("handshakes", &format!("{made} with {endpoints}"));
        (Seen::Seen(probes), Seen::Seen(gateways))
    };
    (evidence.probes, evidence.gateways) = Box::pin(probing).await;
    evidence.pods = pods.into();
    evidence.access_logs = access_logs;
    evidence.mesh_logging = mesh_logging.into();
    evidence.routes = routes.into();
    evidence.route_configs = route_configs.into();
    evidence.secrets = secrets.into();
    evidence.services = services.into();
    evidence.issues = issues.into();
    evidence.stored_certificates = stored_certificates.into();
    evidence.interrupted = api.stop().reason().map(|reason| Unavailable::new("the cluster", reason));
    Ok(())
}

/// Returns the namespaces that have ApigeeRoutes, sorted; none if the user may not list them over all
/// namespaces.
async fn namespaces_with_routes(api: &Api, routes: &Resource) -> Vec<String> {
    let path = format!("/apis/{}/{}", routes.api_version, routes.plural);
    let listing = Listing { path: &path, selector: "", accept: JSON, kind: None };
    let found = list(api, listing, |object| json::text(object, &["metadata", "namespace"])).await;
    let found: BTreeSet<String> = found.unwrap_or_default().into_iter().flatten().collect();
    found.into_iter().collect()
}

/// A text that is not a namespace name must not become part of a URL.
fn check_namespace(api: &Api, namespace: &str) -> Result<(), Error> {
    let is_name = !namespace.is_empty() && namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_name { Ok(()) } else { Err(missing_namespace(api, namespace, Vec::new())) }
}

fn missing_namespace(api: &Api, namespace: &str, found: Vec<String>) -> Error {
    Error::MissingNamespace { namespace: namespace.to_owned(), address: api.address().to_owned(), found }
}

/// The results of [`pods_and_logs`].
type PodsAndLogs = (
    Result<Vec<IngressPod>, Unavailable>,
    Result<Vec<Service>, Unavailable>,
    Result<MeshLogging, Unavailable>,
    Vec<Preflight>,
    Vec<LogStream>,
);

/// Reads the pods, their Services and the mesh settings; then runs the preflight at each gateway and reads
/// the logs up to its marker probe.
async fn pods_and_logs<S: LogSink>(
    api: &Api,
    options: &GatherOptions,
    selects: &Selector,
    progress: &Arc<dyn Progress>,
    new_sink: &(impl Fn(&LogOrigin) -> S + Sync),
) -> PodsAndLogs {
    let namespace = options.namespace.as_str();
    let (pods, services, mesh) = join!(
        reported(progress, "ingress pods", Vec::len, pods(api, namespace, &options.selector)),
        reported(progress, "Services", Vec::len, services(api, namespace)),
        reported(progress, "mesh settings", |_| 1, mesh_logging(api, namespace)),
    );
    let known = pods.as_deref().unwrap_or_default();
    let services = services.map(|services| leading_to(services, known, selects));
    // A record that will not come, or that cannot be recognised by its server name, is not waited for.
    let logs_names = mesh.as_ref().map_or(true, MeshLogging::names_server);
    let format = Arc::new(mesh.as_ref().map(Format::of).unwrap_or_default());
    let (marker_sender, mut markers) = mpsc::unbounded_channel();
    let probing = async {
        let Some(probe) = &options.probe else { return Vec::new() };
        let task = "first handshakes";
        progress.started(task);
        let services = services.as_deref().unwrap_or_default();
        let preflights = preflight::run(api, namespace, probe, known, services, marker_sender).await;
        progress.finished(task, &count(u64::try_from(preflights.len()).unwrap_or(u64::MAX), "pod"));
        preflights
    };
    let reading = async {
        let mut marked_pods = Vec::new();
        while let Some(sent) = markers.recv().await {
            if sent.leaves_a_line && logs_names {
                marked_pods.push(sent.pod);
            }
        }
        let marker_name = options.probe.as_ref().map_or("", |probe| probe.prober.unknown_name());
        if let Some(followed) = &options.followed {
            return followed.logs(api.stop(), known, options.container.as_deref(), &marked_pods, marker_name).await;
        }
        let request = LogRequest {
            namespace,
            container: options.container.as_deref(),
            limits: &options.log_limits,
            marked_pods: &marked_pods,
            marker: marker_name,
            format: &format,
        };
        logs(api, request, known, progress, new_sink).await
    };
    let (preflights, logs) = join!(probing, reading);
    (pods, services, mesh, preflights, logs)
}

/// Sends the first requests: does the API server answer, does it accept the credentials, and does the
/// namespace exist?
///
/// `/version` needs no authentication, so it does not show whether the credentials are valid; the namespace
/// does. A 403 for the namespace is common and stops nothing.
pub(super) async fn contact(api: &Api, namespace: &str) -> Result<First, Error> {
    let path = format!("/api/v1/namespaces/{namespace}");
    let (found, version, group) =
        join!(api.document(&path, JSON), api.document("/version", JSON), discovery::group(api));
    let version = version.ok().and_then(|version| json::text(&version, &["gitVersion"]));
    let is_api_server =
        version.is_some() || matches!(&group, Ok(group) if json::text(group, &["kind"]).as_deref() == Some("APIGroup"));
    match found {
        Err(Fault::Refused { code: 404, by_kubernetes: true, .. }) => {
            let routes = discovery::kinds(api, group, namespace).await.find("ApigeeRoute");
            let found = match routes {
                Ok(routes) => namespaces_with_routes(api, &routes).await,
                Err(_) => Vec::new(),
            };
            return Err(missing_namespace(api, namespace, found));
        }
        Err(fault @ Fault::Refused { code: 401, .. }) => return Err(api.failure(fault)),
        Err(fault @ (Fault::Stopped(_) | Fault::Plugin(_))) if !is_api_server => return Err(api.failure(fault)),
        Err(Fault::Refused { by_kubernetes: true, .. }) => {}
        Err(fault) if !is_api_server => return Err(api.failure(fault)),
        Ok(object) if !is_api_server && json::text(&object, &["kind"]).as_deref() != Some("Namespace") => {
            let what = "its answer is no Namespace".to_owned();
            return Err(api.failure(Fault::Broken(what)));
        }
        Ok(_) | Err(_) => {}
    }
    Ok((version, group))
}

/// Reports the beginning and the end of a task.
async fn reported<T>(
    progress: &Arc<dyn Progress>,
    task: &str,
    count: impl Fn(&T) -> usize,
    work: impl Future<Output = Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    progress.started(task);
    let result = work.await;
    match &result {
        Ok(found) => progress.finished(task, &format!("{} found", count(found))),
        Err(why) => progress.finished(task, &why.reason.to_string()),
    }
    result
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
