//! What was seen, when, and what could not be seen.
//!
//! [`Evidence`] is the one value between gathering and judging: plain data that serialises, holds no client and no
//! clock, and has no place for a private key, a token or a password. Everything that may fail to be seen is a
//! [`Seen`], so that a check cannot mistake "no data" for "no problem". It stops at facts: no verdict is stored here.

pub mod access_log;
pub mod capture;
pub mod certificate;
pub mod cluster;
pub mod gateway;
pub mod handshake;
pub mod overrides;
mod seen;
pub mod stored;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::cluster::{ApigeeIssue, Connection, IngressPod, MeshLogging, RouteConfigs, Routes, SecretNames, Service};
use self::gateway::Gateway;
use self::handshake::Probes;
use self::overrides::OverridesFile;
use self::stored::StoredCertificate;

pub use self::access_log::{AccessLog, LogOrigin, LogStream};
pub use self::seen::{Reason, Seen, Unavailable};

/// Names the format of a written evidence file. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.evidence/v1";

/// Everything one run has gathered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the tool that gathered, as `0.1.0`.
    pub tool_version: String,
    /// When gathering began; the clock of every judgement.
    pub collected_at: Timestamp,
    /// What the user asked for, as far as it changes what can be concluded.
    pub question: Question,
    /// The cluster that answered, or why none did.
    pub connection: Seen<Connection>,
    /// Pods that match the selector.
    pub pods: Seen<Vec<IngressPod>>,
    /// One entry per container of a matching pod and per file given; empty when there was none to read.
    pub access_logs: Vec<LogStream>,
    /// The access-log settings of the mesh ConfigMap.
    pub mesh_logging: Seen<MeshLogging>,
    pub routes: Seen<Routes>,
    pub route_configs: Seen<RouteConfigs>,
    /// Names of the Secrets of the namespace; never their content.
    pub secrets: Seen<SecretNames>,
    pub services: Seen<Vec<Service>>,
    pub issues: Seen<Vec<ApigeeIssue>>,
    /// The overrides files in the order given.
    pub overrides: Vec<OverridesFile>,
    /// The certificates of the Secrets that routes name, and of files that overrides name.
    #[serde(default = "not_recorded")]
    pub stored_certificates: Seen<Vec<StoredCertificate>>,
    /// Envoy's own account, by pod.
    #[serde(default = "not_recorded")]
    pub gateways: Seen<Vec<Gateway>>,
    /// Handshakes made on purpose.
    #[serde(default = "not_recorded")]
    pub probes: Seen<Probes>,
    /// Why gathering ended early, where it did.
    pub interrupted: Option<Unavailable>,
}

impl Evidence {
    /// Evidence that holds nothing yet: no source of it was asked, because of `why`.
    #[must_use]
    pub fn unasked(question: Question, collected_at: Timestamp, why: &str) -> Self {
        fn unasked<T>(what: &str, why: &str) -> Seen<T> {
            Seen::Unavailable(Unavailable::new(what, Reason::NotRequested(why.to_owned())))
        }
        Self {
            schema: SCHEMA.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            collected_at,
            question,
            connection: unasked("the cluster", why),
            pods: unasked("ingress pods", why),
            access_logs: Vec::new(),
            mesh_logging: unasked("the mesh settings", why),
            routes: unasked("ApigeeRoutes", why),
            route_configs: unasked("ApigeeRouteConfigs", why),
            secrets: unasked("names of Secrets", why),
            services: unasked("Services", why),
            issues: unasked("ApigeeIssues", why),
            overrides: Vec::new(),
            stored_certificates: unasked("stored certificates", why),
            gateways: unasked("Envoy's own account", why),
            probes: unasked("handshakes", why),
            interrupted: None,
        }
    }
}

/// The part of the command line that a judgement depends on.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
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

/// What evidence does not hold that was written before this source was asked.
fn not_recorded<T>() -> Seen<T> {
    let reason = Reason::NotRequested("the evidence was written by a version that did not look".into());
    Seen::Unavailable(Unavailable::new("what a newer version looks at", reason))
}
