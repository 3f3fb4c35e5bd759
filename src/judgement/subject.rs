//! The subject of a report: the head of every format.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::evidence::{Evidence, Question, Seen};

/// The subject of a report. One variant for each kind of [`Question`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// Apigee hybrid in a cluster.
    Hybrid(HybridSubject),
}

/// The cluster or the files of the report.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HybridSubject {
    /// Name of the kubeconfig context, if a cluster was contacted.
    pub context: Option<String>,
    pub namespace: String,
    /// When gathering began, by this machine's clock.
    pub collected_at: Timestamp,
    /// The same moment by the cluster's clock, where the two differ by more than a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_at_by_cluster: Option<Timestamp>,
    /// The files alone were judged.
    pub offline: bool,
}

impl Subject {
    pub(super) fn of(evidence: &Evidence) -> Self {
        let Question::Hybrid(question) = &evidence.question;
        Self::Hybrid(HybridSubject {
            context: match &evidence.connection {
                Seen::Seen(connection) => connection.context.clone(),
                Seen::Unavailable(_) => None,
            },
            namespace: question.namespace.clone(),
            collected_at: evidence.collected_at,
            collected_at_by_cluster: Some(evidence.now()).filter(|now| *now != evidence.collected_at),
            offline: question.offline,
        })
    }

    /// Name of the kubeconfig context, if a cluster was contacted.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        let Self::Hybrid(subject) = self;
        subject.context.as_deref()
    }

    /// Namespace of Apigee.
    #[must_use]
    pub fn namespace(&self) -> &str {
        let Self::Hybrid(subject) = self;
        &subject.namespace
    }

    /// When gathering began, by this machine's clock.
    #[must_use]
    pub fn collected_at(&self) -> Timestamp {
        let Self::Hybrid(subject) = self;
        subject.collected_at
    }

    /// When gathering began, by the clock of the cluster, which records and certificates are judged by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let Self::Hybrid(subject) = self;
        subject.collected_at_by_cluster.unwrap_or(subject.collected_at)
    }

    /// The files alone were judged.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        let Self::Hybrid(subject) = self;
        subject.offline
    }
}

impl<'de> Deserialize<'de> for Subject {
    /// Not serde's `untagged`, whose errors would not name the field that is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HybridSubject::deserialize(deserializer).map(Self::Hybrid)
    }
}

impl JsonSchema for Subject {
    fn schema_name() -> Cow<'static, str> {
        "Subject".into()
    }

    /// The published schema has the one variant itself, as the JSON has.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        HybridSubject::json_schema(generator)
    }
}
