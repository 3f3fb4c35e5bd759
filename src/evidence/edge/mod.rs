//! Apigee Edge, and the southbound leg of Apigee X and hybrid: what the Management API, the files given and
//! the handshakes of this program showed.
//!
//! One part, because its pieces refer to each other by name: a virtual host names a reference, that names a
//! keystore, and that holds the certificates that a Router serves. What could not be seen is listed with the
//! leg that needs it.

mod java;
mod objects;
mod observed;
mod question;
mod settings;
mod visit;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::part::{Gap, Part, not_requested};
use super::{Seen, Source, Unavailable};

pub use self::java::JavaProfile;
pub use self::objects::{Alias, AliasOrigin, Keystore, StoreName, Target, TargetOrigin, TlsSettings, VirtualHost};
pub use self::observed::{CapturedHandshake, ClientList, LegHandshake, LogFailure, MessageProcessorLog, Purpose};
pub use self::question::{Dialect, EdgeQuestion, Leg, Login, SniChoice};
pub use self::settings::{CipherList, MessageProcessorSettings, RouterSettings};

/// Everything that one run on an environment gathered.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Edge {
    pub question: EdgeQuestion,
    /// The virtual hosts that were read, by name.
    pub virtual_hosts: BTreeMap<String, VirtualHost>,
    /// Target servers and target endpoints, in the order in which they were read.
    pub targets: Vec<Target>,
    /// The keystore that each reference names.
    pub references: BTreeMap<String, Seen<String>>,
    /// Keystores and truststores, which are the same kind of object.
    pub keystores: BTreeMap<String, Seen<Keystore>>,
    /// Hosts of targets that Java never sends as `server_name`. Recorded, because pseudonyms change their
    /// form.
    pub not_sent: BTreeSet<String>,
    pub routers: Vec<RouterSettings>,
    pub message_processors: Vec<MessageProcessorSettings>,
    /// Absent if no log was given.
    pub log: Option<MessageProcessorLog>,
    pub handshakes: Vec<LegHandshake>,
    pub captured: Vec<CapturedHandshake>,
    /// What a client or a trace showed, as the user gave it.
    pub symptoms: Vec<String>,
    /// The list of `--client-cert`: what a client app presents to a Router. Empty without that option.
    pub client_certificates: Vec<Certificate>,
    /// The list of `--mp-cert`: what a Message Processor presents. Empty without that option.
    pub own_certificates: Vec<Certificate>,
    /// Which known certificates signed which: fingerprints of the signers by the fingerprint of the signed
    /// one. Only certificates whose encoding was read are keys.
    pub signatures: BTreeMap<String, BTreeSet<String>>,
    /// What was needed and could not be seen.
    pub unseen: Vec<Unseen>,
    /// What the files show that is worth saying and is no fault, such as another product's lines.
    pub notes: Vec<String>,
}

/// Something that a judgement needed and that could not be seen.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unseen {
    pub why: Unavailable,
    /// The leg that needs it; absent for both.
    pub leg: Option<Leg>,
}

impl Edge {
    /// Returns whether a Message Processor sends `server_name`: one value if it is known, else both.
    #[must_use]
    pub fn sends_sni(&self) -> Vec<bool> {
        match self.question.sni {
            SniChoice::On => vec![true],
            SniChoice::Off => vec![false],
            SniChoice::Auto => {
                let mut known: Vec<bool> = Vec::new();
                // The effective file is what the process reads; an override alone may not be applied yet.
                for is_effective in [true, false] {
                    let settings = self.message_processors.iter().filter(|file| file.is_effective == is_effective);
                    known.extend(settings.filter_map(|file| file.sni));
                    if !known.is_empty() {
                        known.sort_unstable();
                        known.dedup();
                        return known;
                    }
                }
                if self.question.api == Dialect::Google { vec![true] } else { vec![true, false] }
            }
        }
    }

    /// Returns whether Java sends this host of a target as `server_name`.
    #[must_use]
    pub fn sends_name(&self, host: &str) -> bool {
        is_sendable(host) && !self.not_sent.contains(host)
    }

    /// Returns the file of the Message Processors that sets `jdk.tls.disabledAlgorithms`, and its list.
    #[must_use]
    pub fn disabled_algorithms(&self) -> Option<(&str, &str)> {
        self.message_processors.iter().find_map(|file| Some((file.file.as_str(), file.disabled_algorithms.as_deref()?)))
    }

    /// Returns the TLS versions that a profile disables: those of the files given, else of its Java.
    #[must_use]
    pub fn disabled_versions(&self, profile: JavaProfile) -> Vec<&'static str> {
        let Some((_, given)) = self.disabled_algorithms() else { return profile.disabled().to_vec() };
        let names: Vec<&str> = given.split(',').map(str::trim).collect();
        JavaProfile::VERSIONS.into_iter().filter(|version| names.contains(&java::java_name(version))).collect()
    }

    /// Returns the file that disables versions of this list which a profile would offer otherwise.
    #[must_use]
    pub fn disabling_file(&self, profile: JavaProfile, versions: &[String]) -> Option<&str> {
        let (file, _) = self.disabled_algorithms()?;
        let disabled = self.disabled_versions(profile);
        let is_lost = |version: &&str| versions.iter().any(|name| name == version) && disabled.contains(version);
        profile.client_versions().iter().any(is_lost).then_some(file)
    }

    /// Returns whether Apigee runs the hosts, so that its users cannot change Routers or Message Processors.
    /// Files of such hosts exist in a private cloud alone.
    #[must_use]
    pub fn is_cloud(&self) -> bool {
        let has_files = !self.message_processors.is_empty() || !self.routers.is_empty();
        match self.question.is_cloud_version() {
            _ if self.question.api == Dialect::Google => true,
            Some(is_cloud) => is_cloud,
            None => !has_files && self.question.is_cloud_url(),
        }
    }

    /// Returns the versions that a Message Processor offers by default, oldest first.
    #[must_use]
    pub fn offered_versions(&self, profile: JavaProfile) -> Vec<&'static str> {
        let disabled = self.disabled_versions(profile);
        profile.client_versions().iter().copied().filter(|version| !disabled.contains(version)).collect()
    }
}

/// Returns whether Java sends this name as `server_name`: not an address, not a single label, no `_`.
#[must_use]
pub fn is_sendable(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.parse::<std::net::IpAddr>().is_err() && host.contains('.') && !host.contains('_')
}

/// The part in a run that is not about Edge.
pub(super) fn not_an_edge() -> Seen<Edge> {
    not_requested("Apigee Edge", "`edge diagnose`")
}

impl Part for Seen<Edge> {
    fn name(&self) -> &'static str {
        "edge"
    }

    fn sources(&self) -> &'static [Source] {
        &[]
    }

    /// Independent of the reason, because evidence of a cluster does not record this part.
    fn not_gathered(_why: &str) -> Self {
        not_an_edge()
    }

    /// None: the report of `edge` lists [`Edge::unseen`] itself, and other reports are not about Edge.
    fn gaps(&self) -> Vec<Gap<'_>> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_its_hosts_are_those_of_a_private_cloud() {
        let question = EdgeQuestion {
            management_url: Some("https://api.enterprise.apigee.com/v1".into()),
            ..EdgeQuestion::default()
        };
        let public = Edge { question, ..Edge::default() };
        assert!(public.is_cloud());
        let with_file = Edge { message_processors: vec![MessageProcessorSettings::default()], ..public.clone() };
        assert!(!with_file.is_cloud());
        let question = EdgeQuestion { edge_version: Some("cloud".into()), ..EdgeQuestion::default() };
        assert!(Edge { question, ..with_file.clone() }.is_cloud());
        let question = EdgeQuestion { api: Dialect::Google, ..EdgeQuestion::default() };
        assert!(Edge { question, ..with_file }.is_cloud());
    }

    #[test]
    fn a_file_disables_only_what_a_java_would_offer() {
        let file = |list: &str| MessageProcessorSettings {
            file: "mp.properties".into(),
            disabled_algorithms: Some(list.into()),
            ..MessageProcessorSettings::default()
        };
        let edge = Edge { message_processors: vec![file("SSLv3, TLSv1.2")], ..Edge::default() };
        let of = |java, version: &str| edge.disabling_file(java, &[version.to_owned()]);
        assert_eq!(of(JavaProfile::Java8Classic, "TLSv1.2"), Some("mp.properties"));
        assert_eq!(of(JavaProfile::Java8Classic, "TLSv1.1"), None);
        assert_eq!(of(JavaProfile::Java7, "TLSv1.2"), None);
    }
}
