//! Reads the ingress pods and their containers.

use std::net::IpAddr;

use serde_json::Value;

use crate::evidence::Unavailable;
use crate::evidence::hybrid::{Container, IngressPod};
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::fault::Access;
use crate::gather::kubernetes::json;
use crate::gather::kubernetes::list::{Listing, list};

/// Lists the pods that match the selector, sorted by name.
pub(in crate::gather) async fn pods(
    api: &Api,
    namespace: &str,
    selector: &str,
) -> Result<Vec<IngressPod>, Unavailable> {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let access = Access { verb: "list", resource: "pods", group: "", namespace };
    let listing = Listing { path: &path, selector, accept: JSON, kind: None };
    let mut pods = list(api, listing, pod).await.map_err(|fault| fault.unavailable("pods", access))?;
    pods.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(pods)
}

pub(super) fn pod(object: &Value) -> IngressPod {
    let condition = |kind: &str| {
        json::items(object, &["status", "conditions"])
            .iter()
            .find(|condition| json::text(condition, &["type"]).as_deref() == Some(kind))
    };
    let holds = |condition: &Value| json::text(condition, &["status"]).as_deref() == Some("True");
    let unscheduled = condition("PodScheduled").filter(|condition| !holds(condition));
    IngressPod {
        name: json::text(object, &["metadata", "name"]).unwrap_or_default(),
        labels: json::texts_by_key(object, &["metadata", "labels"]),
        phase: json::text(object, &["status", "phase"]).unwrap_or_else(|| "Unknown".into()),
        reason: json::text(object, &["status", "message"])
            .or_else(|| json::text(object, &["status", "reason"]))
            .or_else(|| unscheduled.and_then(|condition| json::text(condition, &["message"]))),
        node: json::text(object, &["spec", "nodeName"]),
        addresses: addresses(object, "podIPs", "podIP"),
        node_addresses: addresses(object, "hostIPs", "hostIP"),
        started_at: json::time(object, &["status", "startTime"]),
        ready: condition("Ready").is_some_and(holds),
        terminating: json::text(object, &["metadata", "deletionTimestamp"]).is_some(),
        containers: containers(object),
    }
}

/// Returns the addresses of a list of the status; of the single field that older clusters have beside it.
fn addresses(object: &Value, list: &str, single: &str) -> Vec<IpAddr> {
    let listed = json::items(object, &["status", list]).iter().filter_map(|entry| json::text(entry, &["ip"]));
    let all: Vec<IpAddr> = listed.filter_map(|address| address.parse().ok()).collect();
    match json::text(object, &["status", single]).and_then(|address| address.parse().ok()) {
        Some(address) if all.is_empty() => vec![address],
        _ => all,
    }
}

/// Returns all long-running containers: the containers, and the init containers that Kubernetes 1.28 and
/// later runs as sidecars.
fn containers(object: &Value) -> Vec<Container> {
    let sidecars = json::items(object, &["spec", "initContainers"])
        .iter()
        .filter(|container| json::text(container, &["restartPolicy"]).as_deref() == Some("Always"))
        .map(|container| (container, "initContainerStatuses"));
    let main = json::items(object, &["spec", "containers"]).iter().map(|container| (container, "containerStatuses"));
    main.chain(sidecars)
        .filter_map(|(container, statuses)| {
            let name = json::text(container, &["name"])?;
            let status = json::items(object, &["status", statuses])
                .iter()
                .find(|status| json::text(status, &["name"]).as_ref() == Some(&name))
                .unwrap_or(&Value::Null);
            Some(Container {
                image: json::text(container, &["image"]).unwrap_or_default(),
                ready: json::truth(status, &["ready"]).unwrap_or(false),
                restarts: json::number(status, &["restartCount"]).unwrap_or(0),
                started_at: json::time(status, &["state", "running", "startedAt"]),
                waiting: json::text(status, &["state", "waiting", "reason"])
                    .or_else(|| json::at(status, &["state", "terminated"]).map(termination)),
                last_termination: json::at(status, &["lastState", "terminated"]).map(termination),
                name,
            })
        })
        .collect()
}

/// Formats a termination, such as `OOMKilled (exit code 137)`.
fn termination(terminated: &Value) -> String {
    let reason = json::text(terminated, &["reason"]).unwrap_or_else(|| "Terminated".into());
    match json::number::<i64>(terminated, &["exitCode"]) {
        Some(code) => format!("{reason} (exit code {code})"),
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    #[test]
    fn parses_a_pod() {
        let pod = pod(&json!({
            "metadata": {"name": "gw-1", "labels": {"app": "apigee-ingressgateway"}, "deletionTimestamp": "2025-05-19T04:46:20Z"},
            "spec": {
                "nodeName": "n1",
                "containers": [{"name": "apigee-ingressgateway", "image": "i:1"}, {"name": "log", "image": "l:1"}],
                "initContainers": [{"name": "setup"}, {"name": "proxy", "image": "p:1", "restartPolicy": "Always"}],
            },
            "status": {
                "phase": "Running",
                "podIP": "10.4.0.9", "podIPs": [{"ip": "10.4.0.9"}, {"ip": "fd00::9"}, {"ip": 7}],
                "hostIP": "10.138.0.4",
                "startTime": "2025-05-19T04:00:00Z",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{
                    "name": "log", "ready": false, "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                }, {
                    "name": "apigee-ingressgateway", "ready": true, "restartCount": 0,
                    "state": {"running": {"startedAt": "2025-05-19T04:00:05Z"}},
                }],
                "initContainerStatuses": [{"name": "proxy", "ready": true, "state": {"terminated": {"exitCode": 1}}}],
            },
        }));
        assert!(pod.ready && pod.terminating);
        assert_eq!(pod.addresses, ["10.4.0.9", "fd00::9"].map(|address| address.parse::<IpAddr>().unwrap()));
        assert_eq!(pod.node_addresses, ["10.138.0.4".parse::<IpAddr>().unwrap()]);
        let names: Vec<&str> = pod.containers.iter().map(|container| container.name.as_str()).collect();
        assert_eq!(names, ["apigee-ingressgateway", "log", "proxy"]);
        assert_eq!(pod.containers[0].started_at, Some("2025-05-19T04:00:05Z".parse().unwrap()));
        assert_eq!(pod.containers[1].restarts, 3);
        assert_eq!(pod.containers[1].waiting.as_deref(), Some("CrashLoopBackOff"));
        assert_eq!(pod.containers[1].last_termination.as_deref(), Some("OOMKilled (exit code 137)"));
        assert_eq!(pod.containers[2].waiting.as_deref(), Some("Terminated (exit code 1)"));
    }

    #[test]
    fn an_unscheduled_pod_has_the_reason() {
        let pod = pod(&json!({"status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: 3 Insufficient cpu."}]}}));
        assert_eq!(pod.reason.as_deref(), Some("0/3 nodes are available: 3 Insufficient cpu."));
        assert!(!pod.ready);
    }

    #[test]
    fn wrong_types_still_yield_a_pod() {
        let wrong = pod(&json!({
            "metadata": {"name": "gw", "labels": [1], "deletionTimestamp": 7},
            "spec": {"nodeName": {}, "containers": [7, {"name": 1}, {"name": "c", "image": []}], "initContainers": "x"},
            "status": {"phase": 3, "startTime": "yesterday", "conditions": {"type": "Ready"},
                "containerStatuses": [null, {"name": "c", "restartCount": -4, "state": [], "ready": "yes"}]},
        }));
        assert_eq!((wrong.name.as_str(), wrong.phase.as_str(), wrong.ready), ("gw", "Unknown", false));
        assert_eq!(wrong.containers.len(), 1);
        assert_eq!((wrong.containers[0].restarts, wrong.containers[0].ready), (0, false));
        assert_eq!(pod(&json!("no object")), IngressPod { phase: "Unknown".into(), ..IngressPod::default() });
    }
}
