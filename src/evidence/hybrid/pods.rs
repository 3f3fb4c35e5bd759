//! The ingress pods, and what runs in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor, item, not_requested, whole};
use crate::evidence::{Seen, Source};

/// A pod that matches the selector.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressPod {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// `Running`, `Pending`, …
    pub phase: String,
    /// Why it is in that phase, where the cluster says (`0/3 nodes are available: …`, `Evicted`).
    pub reason: Option<String>,
    pub node: Option<String>,
    pub started_at: Option<Timestamp>,
    pub ready: bool,
    /// The pod is being deleted.
    pub terminating: bool,
    pub containers: Vec<Container>,
}

/// One container of an ingress pod.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub ready: bool,
    pub restarts: u32,
    /// Start of the present run.
    pub started_at: Option<Timestamp>,
    /// Why it does not run (`ImagePullBackOff`), where the kubelet says.
    pub waiting: Option<String>,
    /// How the run before ended (`OOMKilled (exit code 137)`).
    pub last_termination: Option<String>,
}

impl IngressPod {
    /// Belongs to internal chaining, which no client outside the cluster uses.
    #[must_use]
    pub fn is_internal_chaining(&self) -> bool {
        self.name.starts_with(super::INTERNAL_CHAINING)
    }

    /// Runs, and every container is ready.
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

    fn unasked(why: &str) -> Self {
        not_requested("ingress pods", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        let mut gaps = whole(self, Source::Pods);
        // Which logs there are, and where to make handshakes, only the pods tell.
        let dependent = [Source::Logs, Source::Handshakes].map(|source| item(self, source, Extent::Dependent));
        gaps.extend(dependent.into_iter().flatten().map(Gap::unreported));
        gaps
    }
}

impl Visit for IngressPod {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, labels, phase, reason, node, started_at: _, ready: _, terminating: _, containers } = self;
        visitor.string(Kind::Object, name);
        visitor.labels(labels);
        visitor.string(Kind::Text, phase);
        visitor.strings(Kind::Text, reason);
        visitor.strings(Kind::Object, node);
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
