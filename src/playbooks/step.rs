//! A step of a playbook: its checks, and what it shows of the evidence whether or not anything is wrong.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::PLAYBOOKS;
use crate::checks::{Check, Code, Family};
use crate::evidence::{Evidence, Unavailable};

/// One step.
pub struct Step {
    pub key: StepKey,
    /// Its name in reports.
    pub title: &'static str,
    pub(crate) covers: &'static [Covers],
    /// The observation, or why there is none.
    pub(crate) see: fn(&Evidence) -> StepSeen,
    /// The title names the source, so that the reason why it was not seen need not.
    pub(crate) names_source: bool,
}

impl Step {
    /// The check answers this step.
    #[must_use]
    pub fn has(&self, family: &Family, check: &Check) -> bool {
        self.covers.iter().any(|covers| match covers {
            Covers::Check(code) => *code == check.code,
            Covers::Family(name) => *name == family.name,
        })
    }
}

/// Checks that answer a step.
#[derive(Clone, Copy)]
pub(crate) enum Covers {
    Check(Code),
    /// All checks of the family of this name.
    Family(&'static str),
}

/// The observation of a step, or the source that was not seen.
pub(crate) type StepSeen = Result<StepLines, Unavailable>;

/// The lines of a step.
#[derive(Default)]
pub(crate) struct StepLines {
    /// The observation, in one line.
    pub(crate) seen: String,
    /// More of it, a line each.
    pub(crate) details: Vec<String>,
    /// Details that only `-o wide` shows.
    pub(crate) wide: Vec<String>,
    /// The run does not do this step; a detail is the command that does.
    pub(crate) not_done: bool,
    /// What the step is about is not in use, so that nothing wrong with it is no success.
    pub(crate) is_unused: bool,
}

impl StepLines {
    pub(crate) fn not_done(command: String) -> Self {
        Self { seen: "not done; by hand:".into(), details: vec![command], not_done: true, ..Self::default() }
    }
}

/// Name of a step in JSON: camel case, the same in every playbook that has such a step.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct StepKey(&'static str);

impl StepKey {
    pub(crate) const fn new(key: &'static str) -> Self {
        Self(key)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Those of all playbooks, in order, each once.
    fn all() -> impl Iterator<Item = Self> {
        let mut known = BTreeSet::new();
        let keys = PLAYBOOKS.iter().flat_map(|playbook| playbook.steps).map(|step| step.key);
        keys.filter(move |key| known.insert(*key))
    }
}

impl fmt::Debug for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for StepKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Reads the keys of the playbooks; any other is an error.
impl<'de> Deserialize<'de> for StepKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::all().find(|key| key.0 == text).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Str(&text), &"a step of a playbook that this version knows")
        })
    }
}

impl JsonSchema for StepKey {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The steps of the non-SNI playbook, in its order; steps outside the playbook come last.",
            "enum": Self::all().map(Self::as_str).collect::<Vec<_>>(),
            "type": "string",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_keys_of_playbooks_and_no_others() {
        for key in StepKey::all() {
            let text = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<StepKey>(&text).unwrap(), key);
        }
        let why = serde_json::from_str::<StepKey>("\"coffee\"").unwrap_err().to_string();
        assert!(why.contains("coffee") && why.contains("step of a playbook"), "{why}");
    }
}
