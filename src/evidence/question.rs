//! The options of the user that change what can be concluded.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
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
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
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
    /// The flags that chose the cluster and the identity.
    #[serde(default, skip_serializing_if = "ClusterAccess::is_empty")]
    pub access: ClusterAccess,
    /// Overrides files of the earlier run that others, given with `-f`, replace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced_overrides: Vec<String>,
}

/// The flags that choose the cluster and the identity, so that printed commands reach the same cluster. Never
/// a token, a password or a key.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClusterAccess {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Path as the user gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// URL of the API server, without user and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_tls_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_uid: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub as_groups: Vec<String>,
    /// Paths as the user gave them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// A token was given on the command line. Printed commands take it from a variable of the shell.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_token: bool,
}

/// `--since`, `--since-time`, `--tail` and `--limit-bytes`, as in kubectl, and `--until`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLimits {
    /// Start of the requested time range, from `--since` or `--since-time`.
    pub since: Option<Timestamp>,
    /// End of the requested time range, from `--until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
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

    /// Returns the flags that chose the cluster and the identity.
    #[must_use]
    pub fn access(&self) -> &ClusterAccess {
        let Self::Hybrid(question) = self;
        &question.access
    }

    /// Judges another namespace than that of the command line: that of the objects in the files given.
    pub fn judge_namespace(&mut self, namespace: String) {
        let Self::Hybrid(question) = self;
        question.namespace = namespace;
    }

    /// Returns the overrides files of the earlier run that are not judged, because others were given.
    #[must_use]
    pub fn replaced_overrides(&self) -> &[String] {
        let Self::Hybrid(question) = self;
        &question.replaced_overrides
    }

    /// Records the overrides files of the earlier run that are not judged.
    pub fn replace_overrides(&mut self, names: Vec<String>) {
        let Self::Hybrid(question) = self;
        question.replaced_overrides = names;
    }

    /// Adds `--expect non-sni` to recorded options.
    pub fn expect_non_sni(&mut self) {
        let Self::Hybrid(question) = self;
        question.expect_non_sni = true;
    }
}

impl ClusterAccess {
    fn is_empty(&self) -> bool {
        *self == Self::default()
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

impl JsonSchema for Question {
    fn schema_name() -> Cow<'static, str> {
        "Question".into()
    }

    /// The published schema has the one variant itself, as the JSON has.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        HybridQuestion::json_schema(generator)
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
        let Self {
            namespace,
            selector,
            container,
            expect_non_sni: _,
            offline: _,
            log_limits,
            access,
            replaced_overrides,
        } = self;
        visitor.string(Kind::Object, namespace);
        visitor.string(Kind::Text, selector);
        visitor.strings(Kind::Object, container);
        let LogLimits { since: _, until: _, tail: _, limit_bytes: _ } = log_limits;
        access.visit(visitor);
        visitor.strings(Kind::File, replaced_overrides);
    }
}

impl Visit for ClusterAccess {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            context,
            kubeconfig,
            cluster,
            user,
            server,
            tls_server_name,
            insecure_skip_tls_verify: _,
            as_user,
            as_uid,
            as_groups,
            certificate_authority,
            client_certificate,
            client_key,
            has_token: _,
        } = self;
        visitor.strings(Kind::Context, [context, cluster, user].into_iter().flatten());
        let files = [kubeconfig, certificate_authority, client_certificate, client_key];
        visitor.strings(Kind::File, files.into_iter().flatten());
        visitor.strings(Kind::Hostname, tls_server_name);
        visitor.strings(Kind::Text, [server, as_user, as_uid].into_iter().flatten());
        visitor.strings(Kind::Text, as_groups);
    }
}
