//! The options of the user that change what can be concluded.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::part::{Kind, Visit, Visitor};

/// The part of the command line that a judgement depends on. One variant for each kind of system.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Question {
    /// Apigee hybrid in a cluster.
    Hybrid(HybridQuestion),
}

/// The options of a run on Apigee hybrid.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HybridQuestion {
    pub namespace: String,
    /// Label selector of the ingress pods.
    pub selector: String,
    /// Container whose log was requested; absent for all containers.
    pub container: Option<String>,
    /// `--expect non-sni`: clients without SNI exist, whether or not they were seen.
    pub expect_non_sni: bool,
    /// `--offline`: no cluster was requested.
    pub offline: bool,
    /// How much of each log was requested.
    pub log_limits: LogLimits,
}

/// `--since`, `--since-time`, `--tail` and `--limit-bytes`, as in kubectl.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLimits {
    /// Start of the requested time range, from `--since` or `--since-time`.
    pub since: Option<Timestamp>,
    /// Number of lines, counted from the end.
    pub tail: Option<u64>,
    /// Number of bytes, counted from the beginning.
    pub limit_bytes: Option<u64>,
}

impl Question {
    /// Returns the namespace of Apigee.
    #[must_use]
    pub fn namespace(&self) -> &str {
        let Self::Hybrid(question) = self;
        &question.namespace
    }

    /// Returns the label selector of the ingress pods.
    #[must_use]
    pub fn selector(&self) -> &str {
        let Self::Hybrid(question) = self;
        &question.selector
    }

    /// Returns the container whose log was requested; `None` for all containers.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        let Self::Hybrid(question) = self;
        question.container.as_deref()
    }

    /// Returns whether the user declared that clients without SNI exist.
    #[must_use]
    pub fn expects_non_sni(&self) -> bool {
        let Self::Hybrid(question) = self;
        question.expect_non_sni
    }

    /// Returns whether only files are judged.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        let Self::Hybrid(question) = self;
        question.offline
    }

    /// Returns how much of each log was requested.
    #[must_use]
    pub fn log_limits(&self) -> &LogLimits {
        let Self::Hybrid(question) = self;
        &question.log_limits
    }

    /// Judges another namespace than that of the command line: that of the objects in the files given.
    pub fn judge_namespace(&mut self, namespace: String) {
        let Self::Hybrid(question) = self;
        question.namespace = namespace;
    }

    /// Adds `--expect non-sni` to recorded options.
    pub fn expect_non_sni(&mut self) {
        let Self::Hybrid(question) = self;
        question.expect_non_sni = true;
    }
}

impl From<HybridQuestion> for Question {
    fn from(question: HybridQuestion) -> Self {
        Self::Hybrid(question)
    }
}

impl<'de> Deserialize<'de> for Question {
    /// By hand, because the errors of serde's `untagged` do not name the invalid field.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HybridQuestion::deserialize(deserializer).map(Self::Hybrid)
    }
}

impl Visit for Question {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        match self {
            Self::Hybrid(question) => question.visit(visitor),
        }
    }
}

impl Visit for HybridQuestion {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { namespace, selector, container, expect_non_sni: _, offline: _, log_limits } = self;
        visitor.string(Kind::Object, namespace);
        visitor.string(Kind::Text, selector);
        visitor.strings(Kind::Object, container);
        let LogLimits { since: _, tail: _, limit_bytes: _ } = log_limits;
    }
}
