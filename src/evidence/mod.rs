//! Data that a run gathered, when, and what could not be read.
//!
//! [`Evidence`] is the only value that passes from gathering to judging. It is plain data that serialises: it
//! holds no client, no clock, no private key, token or password. Data that may be unavailable is a [`Seen`],
//! so that a check cannot mistake "no data" for "no problem". Evidence holds facts only; no verdict is stored
//! here.
//!
//! [`Evidence`] is an envelope (schema, version, clock, question, interruption) around parts, one for each
//! source. `parts!` below is the only list of the parts. A new source is one file with a [`Part`] and one
//! entry there.

pub mod access_log;
pub mod capture;
pub mod certificate;
mod clock;
pub mod edge;
pub mod handshake;
pub mod hybrid;
pub mod part;
mod question;
mod seen;
mod source;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::capture::Capture;
use self::edge::Edge;
use self::handshake::Probes;
use self::hybrid::{
    ApigeeIssue, Connection, Gateway, IngressPod, ManifestFile, MeshLogging, OverridesFile, RouteConfigs, Routes,
    SecretNames, Service, StoredCertificate,
};
use self::part::{Kind, Part, Visit, Visitor};

pub use self::access_log::{AccessLog, LogOrigin, LogStream};
pub use self::clock::{OtherClock, Witness};
pub use self::hybrid::{gateway, overrides, stored};
pub use self::question::{ClusterAccess, HybridQuestion, LogLimits, Question};
pub use self::seen::{Reason, Seen, Unavailable};
pub use self::source::Source;

/// Format of a written evidence file. The number increases when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.evidence/v1";

/// Declares [`Evidence`] with these parts as fields, and the functions that iterate over all parts.
macro_rules! parts {
    ($($(#[$attribute:meta])* $field:ident: $part:ty,)+) => {
        /// Everything that one run gathered.
        #[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct Evidence {
            /// Always [`SCHEMA`].
            pub schema: String,
            /// Version of the program that gathered, such as `0.1.0`.
            pub tool_version: String,
            /// When gathering began, by the clock of the machine that gathered; judgements take
            /// [`Evidence::now`].
            pub collected_at: Timestamp,
            /// The options of the user that change what can be concluded.
            pub question: Question,
            $($(#[$attribute])* pub $field: $part,)+
            /// Why gathering ended early; absent if it completed.
            pub interrupted: Option<Unavailable>,
        }

        impl Evidence {
            /// Returns evidence without data: no source was requested, because of `why`.
            #[must_use]
            pub fn not_gathered(question: impl Into<Question>, collected_at: Timestamp, why: &str) -> Self {
                Self {
                    schema: SCHEMA.to_owned(),
                    tool_version: env!("CARGO_PKG_VERSION").to_owned(),
                    collected_at,
                    question: question.into(),
                    $($field: <$part as Part>::not_gathered(why),)+
                    interrupted: None,
                }
            }

            /// Returns all parts in the order of the JSON.
            #[must_use]
            pub fn parts(&self) -> Vec<&dyn Part> {
                vec![$(&self.$field,)+]
            }
        }

        impl Visit for Evidence {
            /// Visits the envelope and every part.
            fn visit(&mut self, visitor: &mut dyn Visitor) {
                let Self { schema, tool_version, collected_at: _, question, $($field,)+ interrupted } = self;
                visitor.strings(Kind::Word, [schema, tool_version]);
                question.visit(visitor);
                $($field.visit(visitor);)+
                interrupted.visit(visitor);
            }
        }
    };
}

parts! {
    /// The API server that responded, or why none did.
    connection: Seen<Connection>,
    /// Pods that match the selector.
    pods: Seen<Vec<IngressPod>>,
    /// One entry for each container of a matching pod and for each given file; empty if there was none to
    /// read.
    access_logs: Vec<LogStream>,
    /// The access-log settings of the mesh ConfigMap.
    mesh_logging: Seen<MeshLogging>,
    routes: Seen<Routes>,
    route_configs: Seen<RouteConfigs>,
    /// Names of the Secrets in the namespace, never their content.
    secrets: Seen<SecretNames>,
    services: Seen<Vec<Service>>,
    issues: Seen<Vec<ApigeeIssue>>,
    /// The overrides files in the order of the command line.
    overrides: Vec<OverridesFile>,
    /// The files given with `-f` that hold Kubernetes objects.
    #[serde(default)]
    manifests: Vec<ManifestFile>,
    /// The captures given with `--pcap`: one entry for each run, which merges its files by time.
    #[serde(default)]
    captures: Vec<Capture>,
    /// The certificates in Secrets that routes reference, and in files that overrides reference.
    #[serde(default = "not_recorded::<Vec<StoredCertificate>>")]
    stored_certificates: Seen<Vec<StoredCertificate>>,
    /// The configuration and counters of each Envoy, from its admin interface, by pod.
    #[serde(default = "not_recorded::<Vec<Gateway>>")]
    gateways: Seen<Vec<Gateway>>,
    /// The handshakes that this program made.
    #[serde(default = "not_recorded::<Probes>")]
    probes: Seen<Probes>,
    /// Apigee Edge; absent from the evidence of a cluster.
    #[serde(default = "edge::not_an_edge", skip_serializing_if = "is_unavailable")]
    edge: Seen<Edge>,
}

fn is_unavailable<T>(seen: &Seen<T>) -> bool {
    seen.unavailable().is_some()
}

/// The value of a part that is missing because an older version wrote the evidence.
fn not_recorded<T>() -> Seen<T> {
    part::not_requested("data that older versions do not record", "an older version wrote this evidence")
}

#[cfg(test)]
mod test_leaf;
