//! The API server that responded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor, not_requested};
use crate::evidence::{Seen, Source};

/// The API server that responded.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// Name of the kubeconfig context; absent inside a pod.
    pub context: Option<String>,
    /// `gitVersion` of the API server, if it reported one.
    pub server_version: Option<String>,
    /// How many seconds the clock of the API server is ahead of the one that the evidence has its times from;
    /// negative where it is behind. From the `Date` of its answers; absent where they have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_seconds: Option<i64>,
    /// Number of requests to it, port-forwards and repeated tries included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Time from the first request to the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

impl Part for Seen<Connection> {
    fn name(&self) -> &'static str {
        "connection"
    }

    /// Every request provides it; none is made for it alone.
    fn sources(&self) -> &'static [Source] {
        &[]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("the cluster", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        let gap = |why| Gap { source: None, ..Gap::new(Source::Pods, Extent::Part, why) };
        self.unavailable().map(gap).into_iter().collect()
    }
}

impl Visit for Connection {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { context, server_version, clock_ahead_seconds: _, requests: _, milliseconds: _ } = self;
        visitor.strings(Kind::Context, context);
        visitor.strings(Kind::Word, server_version);
    }
}
