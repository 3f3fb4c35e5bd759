//! The ApigeeIssues, which Apigee's watcher writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// An ApigeeIssue.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApigeeIssue {
    pub name: String,
    pub severity: Option<String>,
    pub reason: Option<String>,
    pub details: Option<String>,
    pub documentation: Option<String>,
}

impl Part for Seen<Vec<ApigeeIssue>> {
    fn name(&self) -> &'static str {
        "issues"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::ApigeeIssues]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("ApigeeIssues", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        whole(self, Source::ApigeeIssues)
    }
}

impl Visit for ApigeeIssue {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, severity, reason, details, documentation } = self;
        visitor.string(Kind::Object, name);
        visitor.strings(Kind::Text, [severity, reason, details, documentation].into_iter().flatten());
    }
}
