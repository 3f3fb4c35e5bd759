//! Which API server answered.

use serde::{Deserialize, Serialize};

use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor, not_requested};
use crate::evidence::{Seen, Source};

/// The API server that answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// Name of the kubeconfig context; absent inside a pod.
    pub context: Option<String>,
    /// `gitVersion` of the API server, where it told.
    pub server_version: Option<String>,
}

impl Part for Seen<Connection> {
    fn name(&self) -> &'static str {
        "connection"
    }

    /// Every request finds it out; none is made for it alone.
    fn sources(&self) -> &'static [Source] {
        &[]
    }

    fn unasked(why: &str) -> Self {
        not_requested("the cluster", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        let gap = |why| Gap { source: None, ..Gap::new(Source::Pods, Extent::Part, why) };
        self.unavailable().map(gap).into_iter().collect()
    }
}

impl Visit for Connection {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { context, server_version } = self;
        visitor.strings(Kind::Context, context);
        visitor.strings(Kind::Word, server_version);
    }
}
