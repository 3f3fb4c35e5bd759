//! The names of the Secrets, and nothing else of them.

use serde::{Deserialize, Serialize};

use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// The Secrets of the namespace, by name only: listed as metadata, so that no value is ever transferred.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretNames {
    pub names: Vec<String>,
}

impl Part for Seen<SecretNames> {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::SecretNames]
    }

    fn unasked(why: &str) -> Self {
        not_requested("names of Secrets", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        whole(self, Source::SecretNames)
    }
}

impl Visit for SecretNames {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { names } = self;
        visitor.strings(Kind::Object, names);
    }
}
