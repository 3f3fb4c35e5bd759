//! What the user asked for, as far as it changes what can be concluded.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::part::{Kind, Visit, Visitor};

/// The part of the command line that a judgement depends on. One variant for each kind of thing that can be asked
/// about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Question {
    /// Apigee hybrid in a cluster.
    Hybrid(HybridQuestion),
}

/// A question about Apigee hybrid.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HybridQuestion {
    pub namespace: String,
    /// Label selector of the ingress pods.
    pub selector: String,
    /// Container whose log was asked for; all where absent.
    pub container: Option<String>,
    /// `--expect non-sni`: such clients exist, whether or not they were seen.
    pub expect_non_sni: bool,
    /// No cluster was to be asked.
    pub offline: bool,
    /// How much of each log was asked for.
    pub log_limits: LogLimits,
}

/// `--since`, `--since-time`, `--tail` and `--limit-bytes`, as in kubectl.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLimits {
    /// The earliest moment asked for, from `--since` or `--since-time`.
    pub since: Option<Timestamp>,
    /// Number of lines from the end.
    pub tail: Option<u64>,
    /// Number of bytes from the beginning.
    pub limit_bytes: Option<u64>,
}

impl Question {
    /// Namespace of Apigee.
    #[must_use]
    pub fn namespace(&self) -> &str {
        let Self::Hybrid(question) = self;
        &question.namespace
    }

    /// Label selector of the ingress pods.
    #[must_use]
    pub fn selector(&self) -> &str {
        let Self::Hybrid(question) = self;
        &question.selector
    }

    /// Container whose log was asked for; all where absent.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        let Self::Hybrid(question) = self;
        question.container.as_deref()
    }

    /// Clients without SNI exist, whether or not they were seen.
    #[must_use]
    pub fn expects_non_sni(&self) -> bool {
        let Self::Hybrid(question) = self;
        question.expect_non_sni
    }

    /// The files alone are judged.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        let Self::Hybrid(question) = self;
        question.offline
    }

    /// How much of each log was asked for.
    #[must_use]
    pub fn log_limits(&self) -> &LogLimits {
        let Self::Hybrid(question) = self;
        &question.log_limits
    }

    /// Adds `--expect non-sni` to a question that was asked before.
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
    /// Not serde's `untagged`, whose errors would not name the field that is wrong.
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
