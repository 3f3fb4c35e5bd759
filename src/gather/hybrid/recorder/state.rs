//! The state of an ephemeral container, as the kubelet reports it in the pod.

use serde_json::Value;

use crate::gather::kubernetes::json;

/// Reasons for waiting that pass.
const PASSING: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// The pod has no such container.
    Absent,
    Waiting {
        reason: String,
        message: String,
    },
    Running,
    Ended {
        code: i64,
        reason: String,
        message: String,
    },
    PodGone,
    /// The pod could not be read.
    Unknown(String),
}

/// Returns whether a container that waits for this reason cannot start without help.
pub(super) fn is_fault(reason: &str) -> bool {
    !PASSING.contains(&reason)
}

pub(super) fn of(pod: &Value, container: &str) -> State {
    let named = |list: &[&str]| {
        json::items(pod, list).iter().find(|item| json::text(item, &["name"]).as_deref() == Some(container))
    };
    if json::text(pod, &["metadata", "deletionTimestamp"]).is_some() {
        return State::PodGone;
    }
    if named(&["spec", "ephemeralContainers"]).is_none() {
        return State::Absent;
    }
    let waiting = |reason: &str| State::Waiting { reason: reason.to_owned(), message: String::new() };
    let Some(status) = named(&["status", "ephemeralContainerStatuses"]) else { return waiting("") };
    let state = |kind: &str| json::at(status, &["state", kind]);
    let text = |state: &Value, key: &str| json::text(state, &[key]).unwrap_or_default();
    if let Some(ended) = state("terminated") {
        let code = json::number(ended, &["exitCode"]).unwrap_or(-1);
        return State::Ended { code, reason: text(ended, "reason"), message: text(ended, "message") };
    }
    match (state("running"), state("waiting")) {
        (Some(_), _) => State::Running,
        (None, Some(why)) => State::Waiting { reason: text(why, "reason"), message: text(why, "message") },
        (None, None) => waiting(""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(state: &Value) -> Value {
        json!({
            "spec": { "ephemeralContainers": [{ "name": "recorder" }] },
            "status": { "ephemeralContainerStatuses": [{ "name": "recorder", "state": state }] },
        })
    }

    #[test]
    fn states_are_told_apart() {
        let waits = json!({ "waiting": { "reason": "ErrImagePull", "message": "not found" } });
        let waits = of(&pod(&waits), "recorder");
        assert!(matches!(&waits, State::Waiting { reason, message } if is_fault(reason) && message == "not found"));
        assert!(matches!(of(&pod(&json!({})), "recorder"), State::Waiting { reason, .. } if !is_fault(&reason)));
        assert_eq!(of(&pod(&json!({ "running": {} })), "recorder"), State::Running);
        let ended = json!({ "terminated": { "exitCode": 143, "reason": "Error" } });
        assert!(matches!(of(&pod(&ended), "recorder"), State::Ended { code: 143, .. }));
        assert_eq!(of(&pod(&json!({})), "another"), State::Absent);
        let mut gone = pod(&json!({ "running": {} }));
        gone["metadata"] = json!({ "deletionTimestamp": "2026-11-29T10:00:00Z" });
        assert_eq!(of(&gone, "recorder"), State::PodGone);
    }
}
