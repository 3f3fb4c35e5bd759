//! The ingress pods and their containers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Route, chaining_ingress_names};
use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor, item, not_requested, whole};
use crate::evidence::{Seen, Source};

/// A pod that matches the selector.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressPod {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// `Running`, `Pending`, …
    pub phase: String,
    /// Reason for the phase, if the cluster reports one (`0/3 nodes are available: …`, `Evicted`).
    pub reason: Option<String>,
    pub node: Option<String>,
    /// `status.podIPs`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// `status.hostIPs`, the addresses of the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_addresses: Vec<IpAddr>,
    pub started_at: Option<Timestamp>,
    pub ready: bool,
    /// The pod is being deleted.
    pub terminating: bool,
    pub containers: Vec<Container>,
}

/// One container of an ingress pod.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub ready: bool,
    pub restarts: u32,
    /// Start of the current run.
    pub started_at: Option<Timestamp>,
    /// Why the container does not run (`ImagePullBackOff`), if the kubelet reports it.
    pub waiting: Option<String>,
    /// How the previous run ended (`OOMKilled (exit code 137)`).
    pub last_termination: Option<String>,
}

impl IngressPod {
    /// Returns whether the pod belongs to internal chaining, which no client outside the cluster uses: by its
    /// name, or because a chaining gateway among `routes` has another name and selects it.
    #[must_use]
    pub fn is_internal_chaining(&self, routes: &[Route]) -> bool {
        self.name.starts_with(super::INTERNAL_CHAINING)
            || self.labels.get("ingress_name").is_some_and(|own| chaining_ingress_names(routes).any(|name| name == own))
    }

    /// Returns whether the pod runs and every container is ready.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.phase == "Running" && self.ready
    }
}

impl Part for Seen<Vec<IngressPod>> {
    fn name(&self) -> &'static str {
        "pods"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Pods]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("ingress pods", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        let mut gaps = whole(self, Source::Pods);
        // Only the pods show which logs exist and where to make handshakes.
        let dependent = [Source::Logs, Source::Handshakes].map(|source| item(self, source, Extent::Dependent));
        gaps.extend(dependent.into_iter().flatten().map(Gap::unreported));
        gaps
    }
}

impl Visit for IngressPod {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            name,
            labels,
            phase,
            reason,
            node,
            addresses,
            node_addresses,
            started_at: _,
            ready: _,
            terminating: _,
            containers,
        } = self;
        visitor.string(Kind::Object, name);
        visitor.labels(labels);
        visitor.string(Kind::Text, phase);
        visitor.strings(Kind::Text, reason);
        visitor.strings(Kind::Object, node);
        addresses.iter_mut().chain(node_addresses).for_each(|address| visitor.address(address));
        containers.visit(visitor);
    }
}

impl Visit for Container {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, image, ready: _, restarts: _, started_at: _, waiting, last_termination } = self;
        visitor.string(Kind::Object, name);
        visitor.strings(Kind::Text, [image]);
        visitor.strings(Kind::Text, [waiting, last_termination].into_iter().flatten());
    }
}
