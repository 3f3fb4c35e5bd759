//! What was seen, when, and what could not be seen.
//!
//! [`Evidence`] is the one value between gathering and judging: plain data that serialises, holds no client and no
//! clock, and has no place for a private key, a token or a password. Everything that may fail to be seen is a
//! [`Seen`], so that a check cannot mistake "no data" for "no problem". It stops at facts: no verdict is stored here.
//!
//! It is an envelope (schema, version, clock, question, why it ended early) around parts, one for each source. The list
//! of the parts exists once, at `parts!` below; a new source is one file with a [`Part`] and one entry there.

pub mod access_log;
pub mod certificate;
pub mod handshake;
pub mod hybrid;
pub mod part;
mod question;
mod seen;
mod source;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::handshake::Probes;
use self::hybrid::{
    ApigeeIssue, Connection, Gateway, IngressPod, MeshLogging, OverridesFile, RouteConfigs, Routes, SecretNames,
    Service, StoredCertificate,
};
use self::part::{Kind, Part, Visit, Visitor};

pub use self::access_log::{AccessLog, LogOrigin, LogStream};
pub use self::hybrid::{self as cluster, gateway, overrides, stored};
pub use self::question::{HybridQuestion, LogLimits, Question};
pub use self::seen::{Reason, Seen, Unavailable};
pub use self::source::Source;

/// Names the format of a written evidence file. The number grows when an older reader would misread a newer file.
pub const SCHEMA: &str = "apigee-tls.evidence/v1";

/// Declares [`Evidence`] with these parts as its fields, and everything that goes through all of them.
macro_rules! parts {
    ($($(#[$attribute:meta])* $field:ident: $part:ty,)+) => {
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
            $($(#[$attribute])* pub $field: $part,)+
            /// Why gathering ended early, where it did.
            pub interrupted: Option<Unavailable>,
        }

        impl Evidence {
            /// Evidence that holds nothing yet: no source of it was asked, because of `why`.
            #[must_use]
            pub fn unasked(question: impl Into<Question>, collected_at: Timestamp, why: &str) -> Self {
                Self {
                    schema: SCHEMA.to_owned(),
                    tool_version: env!("CARGO_PKG_VERSION").to_owned(),
                    collected_at,
                    question: question.into(),
                    $($field: <$part as Part>::unasked(why),)+
                    interrupted: None,
                }
            }

            /// All parts, in the order of the JSON.
            #[must_use]
            pub fn parts(&self) -> Vec<&dyn Part> {
                vec![$(&self.$field,)+]
            }
        }

        impl Visit for Evidence {
            /// The envelope and every part.
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
    /// The cluster that answered, or why none did.
    connection: Seen<Connection>,
    /// Pods that match the selector.
    pods: Seen<Vec<IngressPod>>,
    /// One entry per container of a matching pod and per file given; empty when there was none to read.
    access_logs: Vec<LogStream>,
    /// The access-log settings of the mesh ConfigMap.
    mesh_logging: Seen<MeshLogging>,
    routes: Seen<Routes>,
    route_configs: Seen<RouteConfigs>,
    /// Names of the Secrets of the namespace; never their content.
    secrets: Seen<SecretNames>,
    services: Seen<Vec<Service>>,
    issues: Seen<Vec<ApigeeIssue>>,
    /// The overrides files in the order given.
    overrides: Vec<OverridesFile>,
    /// The certificates of the Secrets that routes name, and of files that overrides name.
    #[serde(default = "not_recorded")]
    stored_certificates: Seen<Vec<StoredCertificate>>,
    /// Envoy's own account, by pod.
    #[serde(default = "not_recorded")]
    gateways: Seen<Vec<Gateway>>,
    /// Handshakes made on purpose.
    #[serde(default = "not_recorded")]
    probes: Seen<Probes>,
}

/// What evidence does not hold that was written before this source was asked.
fn not_recorded<T>() -> Seen<T> {
    part::not_requested("what a newer version looks at", "the evidence was written by a version that did not look")
}
