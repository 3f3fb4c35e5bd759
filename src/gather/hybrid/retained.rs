//! Reads what a bundle holds beside the evidence: objects unchanged, logs that are not judged, and the user's
//! files.
//!
//! Reads what the plan lists, several items at once, each with its own time limit, and hands it to the bundle
//! sink. Nothing is written here, and nothing is removed from an object here.

use std::sync::Arc;

use futures::future::join_all;
use http_body_util::BodyExt;
use kube::core::Selector;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::evidence::{LogOrigin, Reason, Source, Unavailable};
use crate::gather::hybrid::pod_logs::{broken_off, longest_pause};
use crate::gather::kubernetes::api::{Api, JSON, encode};
use crate::gather::kubernetes::discovery::{self, Group};
use crate::gather::kubernetes::fault::{Access, Fault};
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::list::{Listing, each_page};
use crate::gather::kubernetes::selector::fulfils;
use crate::plan::{Item, Objects, Origin, PLAN, Scope};
use crate::run::progress::Progress;
use crate::run::stop::timed_out;

/// Number of items requested concurrently, beside the requests for the evidence.
const IN_FLIGHT: usize = 6;
/// Maximum number of lines requested of a log that is not judged.
const TAIL_LINES: u32 = 20_000;
/// Pods whose logs explain why routes do not reach the gateways. Source: hybrid 1.13 and later have both in
/// this namespace.
const BESIDE_INGRESS: [&str; 2] = ["apigee-ingressgateway", "apigee-watcher"];

/// The bundle sink: retains what it receives. Called concurrently from several tasks.
pub trait BundleSink: Send + Sync {
    /// Starts retaining the objects of an item, from this path of the API.
    fn objects(&self, item: &'static Item, origin: &str) -> Box<dyn RetainedObjects>;
    /// Records an item that is missing.
    fn missing(&self, item: &'static Item, origin: &str, why: Unavailable);
    /// Retains the user's overrides file with this `number`, unchanged.
    fn overrides(&self, number: usize, name: &str, content: Result<&[u8], &Unavailable>);
    /// Starts retaining a log that is not judged, or one of the user's. It takes pieces until it is dropped
    /// or finished.
    fn log(&self, origin: &LogOrigin, is_previous: bool) -> Box<dyn RetainedLog>;
}

/// Retains the objects of an item, page by page.
pub trait RetainedObjects: Send {
    fn page(&mut self, objects: Vec<Value>);
    /// Ends the list, with the reason if it was cut off.
    fn finish(self: Box<Self>, cut: Option<Unavailable>);
}

/// Retains one log, piece by piece.
pub trait RetainedLog: Send {
    fn feed(&mut self, piece: &[u8]);
    /// Ends the log, with the reason if it was cut off.
    fn finish(self: Box<Self>, cut: Option<Unavailable>);
    /// Records that the log does not exist.
    fn missing(self: Box<Self>, why: Unavailable);
}

/// Reads everything that the plan has beside the evidence, and the objects behind the evidence.
pub(in crate::gather) async fn retain(
    api: &Api,
    namespace: &str,
    selects: &Selector,
    progress: &Arc<dyn Progress>,
    bundle: &dyn BundleSink,
) {
    let group = discovery::kinds(api, discovery::group(api).await, namespace).await;
    let permits = Semaphore::new(IN_FLIGHT);
    let asked = PLAN.iter().filter_map(|item| match item.origin {
        // Only the metadata of Secrets may be requested, and the evidence has their names.
        Origin::Objects(objects) if item.source != Source::SecretNames => Some((item, objects)),
        _ => None,
    });
    let items = asked.map(|(item, objects)| {
        let (permits, group) = (&permits, &group);
        async move {
            // Nobody closes the semaphore.
            let _permit = permits.acquire().await;
            progress.started(item.name());
            let result = one_item(api, Of { namespace, selects }, item, objects, group, bundle).await;
            progress.finished(item.name(), &result.outcome);
            result.logs
        }
    });
    let logs: Vec<More> = join_all(items).await.into_iter().flatten().collect();
    let logs = logs.into_iter().map(|log| {
        let permits = &permits;
        async move {
            let _permit = permits.acquire().await;
            one_log(api, namespace, &log, bundle).await;
        }
    });
    join_all(logs).await;
}

/// The outcome of an item and, if it lists pods, the logs of the pods, which are read next.
#[derive(Default)]
struct ItemOutcome {
    outcome: String,
    logs: Vec<More>,
}

/// The namespace, and the selectors of the ingress pods.
#[derive(Clone, Copy)]
struct Of<'a> {
    namespace: &'a str,
    selects: &'a Selector,
}

async fn one_item(
    api: &Api,
    Of { namespace, selects }: Of<'_>,
    item: &'static Item,
    objects: Objects,
    group: &Group,
    bundle: &dyn BundleSink,
) -> ItemOutcome {
    let path = match path(namespace, objects, group) {
        Ok(path) => path,
        Err(why) => {
            let outcome = why.reason.to_string();
            bundle.missing(item, objects.resource, why);
            return ItemOutcome { outcome, ..ItemOutcome::default() };
        }
    };
    let origin = format!("GET {path}");
    let is_pods = item.source == Source::Pods;
    let (mut retained, mut count, mut logs) = (None, 0, Vec::new());
    let mut add = |mut page: Vec<Value>| {
        if is_pods {
            page.retain(|pod| is_of_ingress(pod, selects));
            logs.extend(more_logs(&page, selects));
        }
        count += page.len();
        retained.get_or_insert_with(|| bundle.objects(item, &origin)).page(page);
    };
    let work = async {
        if let Some(name) = objects.name {
            let object = api.document(&format!("{path}/{name}"), JSON).await?;
            add(vec![object]);
            return Ok(());
        }
        let listing = Listing { path: &path, selector: "", accept: JSON, kind: None };
        each_page(api, &listing, |page| {
            add(page.iter().map(|object| with_kind(object, objects, group)).collect());
            true
        })
        .await
    };
    let outcome = work.await.map_err(|fault| reason(fault, namespace, objects));
    match (outcome, retained) {
        (Ok(()), retained) => {
            retained.unwrap_or_else(|| bundle.objects(item, &origin)).finish(None);
            ItemOutcome { outcome: format!("{count} kept"), logs }
        }
        (Err(reason), Some(retained)) => {
            let outcome = format!("{count} kept, then {reason}");
            retained.finish(Some(Unavailable::new(item.name(), reason)));
            ItemOutcome { outcome, logs }
        }
        (Err(reason), None) => {
            let outcome = reason.to_string();
            // Only the pods show which other logs exist.
            if is_pods {
                for logs in PLAN.iter().filter(|item| item.origin == Origin::Logs) {
                    let why = Unavailable::new("logs of manager and watcher", reason.clone());
                    bundle.missing(logs, "GET pods/log", why);
                }
            }
            bundle.missing(item, &origin, Unavailable::new(item.name(), reason));
            ItemOutcome { outcome, ..ItemOutcome::default() }
        }
    }
}

fn path(namespace: &str, objects: Objects, group: &Group) -> Result<String, Unavailable> {
    let base = match (objects.group, objects.version) {
        ("", version) => format!("/api/{}", version.unwrap_or("v1")),
        (name, Some(version)) => format!("/apis/{name}/{version}"),
        (_, None) => format!("/apis/{}", group.find(objects.kind)?.api_version),
    };
    Ok(match objects.scope {
        Scope::Cluster => format!("{base}/{}", objects.resource),
        Scope::Namespace => format!("{base}/namespaces/{namespace}/{}", objects.resource),
    })
}

/// Objects in a list lack `apiVersion` and `kind`.
fn with_kind(object: &Value, objects: Objects, group: &Group) -> Value {
    let version = match (objects.group, objects.version) {
        ("", version) => version.unwrap_or("v1").to_owned(),
        (name, Some(version)) => format!("{name}/{version}"),
        (_, None) => group.find(objects.kind).map(|found| found.api_version).unwrap_or_default(),
    };
    let mut whole = serde_json::json!({ "apiVersion": version, "kind": objects.kind });
    if let (Value::Object(whole), Value::Object(fields)) = (&mut whole, object) {
        whole.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    whole
}

fn reason(fault: Fault, namespace: &str, objects: Objects) -> Reason {
    let is_listed = !objects.group.is_empty() && objects.version.is_none();
    let fault = if is_listed { fault.of_listed() } else { fault };
    match fault {
        // The group is not installed, so none of its objects exist.
        fault if fault.is_not_found() && objects.name.is_none() => {
            Reason::Missing(format!("the API server has no {} (not installed)", objects.resource))
        }
        fault => {
            let verb = if objects.name.is_some() { "get" } else { "list" };
            let namespace = if objects.scope == Scope::Cluster { "" } else { namespace };
            fault.reason(Access { verb, resource: objects.resource, group: objects.group, namespace })
        }
    }
}

/// The logs of an ingress pod are judged, and are retained while they are read.
fn is_gateway(pod: &Value, selects: &Selector) -> bool {
    fulfils(&json::texts_by_key(pod, &["metadata", "labels"]), selects)
}

fn is_of_ingress(pod: &Value, selects: &Selector) -> bool {
    let name = json::text(pod, &["metadata", "name"]).unwrap_or_default();
    BESIDE_INGRESS.iter().any(|known| name.starts_with(known)) || is_gateway(pod, selects)
}

/// A log that the evidence does not have.
struct More {
    origin: LogOrigin,
    pod: String,
    container: String,
    is_previous: bool,
}

/// Returns the previous run of containers that were restarted, and all logs of manager and watcher.
fn more_logs(pods: &[Value], selects: &Selector) -> Vec<More> {
    let mut logs = Vec::new();
    for pod in pods {
        let Some(name) = json::text(pod, &["metadata", "name"]) else { continue };
        let is_gateway = is_gateway(pod, selects);
        for status in json::items(pod, &["status", "containerStatuses"]) {
            let Some(container) = json::text(status, &["name"]) else { continue };
            let mut add = |is_previous| {
                let origin = LogOrigin::Container { pod: name.clone(), container: container.clone() };
                logs.push(More { origin, pod: name.clone(), container: container.clone(), is_previous });
            };
            if !is_gateway {
                add(false);
            }
            if json::number(status, &["restartCount"]).unwrap_or(0) > 0 {
                add(true);
            }
        }
    }
    logs
}

async fn one_log(api: &Api, namespace: &str, log: &More, bundle: &dyn BundleSink) {
    let (pod, container) = (encode(&log.pod), encode(&log.container));
    let mut path =
        format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines={TAIL_LINES}");
    if log.is_previous {
        path.push_str("&previous=true");
    }
    let what = format!("the log of {}", log.origin);
    let access = Access { verb: "get", resource: "pods/log", group: "", namespace };
    let mut retained = bundle.log(&log.origin, log.is_previous);
    let mut body = match api.stream(&path).await {
        Ok(body) => body,
        Err(fault) => return retained.missing(Unavailable::new(what, fault.reason(access))),
    };
    let mut bytes = 0;
    let cut = loop {
        let allowed = longest_pause(api, bytes);
        match api.stop().bound(tokio::time::timeout(allowed, body.frame())).await {
            Ok(Ok(None)) => break None,
            Ok(Ok(Some(Ok(frame)))) => {
                if let Some(piece) = frame.data_ref() {
                    bytes += piece.len() as u64;
                    retained.feed(piece);
                }
            }
            Ok(Ok(Some(Err(error)))) => break Some(broken_off(&error, bytes)),
            Ok(Err(_)) => break Some(timed_out(allowed)),
            Err(reason) => break Some(reason),
        }
    };
    match cut {
        // Nothing came and nothing will: that differs from an empty log.
        Some(reason) if bytes == 0 => retained.missing(Unavailable::new(what, reason)),
        cut => retained.finish(cut.map(|reason| Unavailable::new(what, reason))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(source: Source) -> Objects {
        let origin = PLAN.iter().find(|item| item.source == source).map(|item| item.origin);
        let Some(Origin::Objects(objects)) = origin else { panic!("{source:?} are no objects") };
        objects
    }

    fn refused(code: u16) -> Fault {
        let message = "configmaps \"apigee-istio-mesh-config\" not found".to_owned();
        Fault::Refused { code, message, by_kubernetes: true, retry_after: None }
    }

    #[test]
    fn a_missing_object_differs_from_a_missing_kind() {
        let message = |source| reason(refused(404), "apigee", objects(source)).to_string();
        assert_eq!(message(Source::MeshConfig), "configmaps \"apigee-istio-mesh-config\" not found");
        assert_eq!(message(Source::Certificates), "the API server has no certificates (not installed)");
    }

    #[test]
    fn a_missing_cluster_wide_permission_is_named_as_such() {
        let message = |source| reason(refused(403), "apigee", objects(source)).to_string();
        assert_eq!(message(Source::Nodes), "forbidden: the rule \"list nodes\" for the whole cluster is missing");
        assert_eq!(message(Source::Pods), "forbidden: the rule \"list pods\" in namespace apigee is missing");
    }
}
