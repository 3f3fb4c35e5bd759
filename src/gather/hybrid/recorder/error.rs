//! Why nothing was recorded at a pod, and what can be done instead.

use crate::gather::error::Error;
use crate::gather::kubernetes::fault::{Access, Fault};

/// Why nothing was recorded. The texts follow "could not ".
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The cluster cannot be reached or used.
    #[error(transparent)]
    Cluster(#[from] Error),
    #[error("choose a pod to record at: {why}")]
    NoPod { why: String, hint: String },
    #[error("record at pod {pod}: {why}")]
    Pod { pod: String, why: String, hint: String },
}

impl RecorderError {
    /// Returns a hint for the user.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::NoPod { hint, .. } | Self::Pod { hint, .. } => Some(hint.clone()),
        }
    }
}

/// Returns why a request for a pod failed. `on_node` says how to record without it.
pub(super) fn refused(fault: Fault, access: Access<'_>, pod: &str, on_node: &str) -> RecorderError {
    let of_pod = |why: String, hint: String| RecorderError::Pod { pod: pod.to_owned(), why, hint };
    match fault {
        Fault::Stopped(crate::evidence::Reason::Interrupted) => Error::Interrupted.into(),
        // Authorization says so; everything else with this code is admission: Pod Security, or a webhook.
        Fault::Refused { code: 403, message, by_kubernetes: true, .. } if !message.contains(" cannot ") => {
            of_pod(format!("a policy of the cluster refuses the container: {message}"), on_node.to_owned())
        }
        fault @ Fault::Refused { code: 403, by_kubernetes: true, .. } => {
            of_pod(fault.reason(access).to_string(), role_or(access.namespace, on_node))
        }
        fault => of_pod(fault.reason(access).to_string(), on_node.to_owned()),
    }
}

/// Returns the hint for a missing rule.
pub(super) fn role(namespace: &str) -> String {
    format!("`kubectl apigee-tls rbac capture -n {namespace}` prints the Role that is needed")
}

/// Returns the hint for a missing rule, with the way that needs none.
pub(super) fn role_or(namespace: &str, on_node: &str) -> String {
    format!("{}; or {on_node}", role(namespace))
}
