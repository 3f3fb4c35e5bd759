//! Certificates stored for the ingress: in TLS Secrets, and in files that overrides.yaml references.
//!
//! Private keys are never stored here, only whether they match ([`KeyFit`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::overrides::OverridesPlace;
use crate::evidence::certificate::Certificate;
use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor, item, not_requested, whole};
use crate::evidence::{Seen, Source, Unavailable};

/// The content of one Secret or one pair of files.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredCertificate {
    pub origin: StoredIn,
    pub content: Seen<StoredContent>,
}

/// Where a certificate is stored.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StoredIn {
    /// A Secret in the namespace of Apigee.
    Secret { name: String },
    /// `sslCertPath` of a virtual host, with the position of the reference.
    File { path: String, named_at: OverridesPlace },
}

/// Content of a Secret or a pair of files.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredContent {
    /// Path of the certificate file that was read; absent for a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Names of the entries, sorted: `cert`, `key`, `tls.crt`, …
    pub keys: Vec<String>,
    /// The entry with the certificates: `cert` before `tls.crt`, in the order of Istio.
    pub certificate_entry: Option<String>,
    pub certificates: Vec<Certificate>,
    /// The first fault of the certificate entry, such as `certificate 2 cannot be read`.
    pub certificate_fault: Option<String>,
    pub key: KeyFit,
    /// Whether this machine's CAs trust the list, apart from names and dates; absent without a certificate.
    pub trusted_here: Option<bool>,
    /// The CAs that client certificates are verified with, from `cacert` or `ca.crt` of the same Secret or of
    /// `<name>-cacert`. Absent if neither has such an entry.
    #[serde(rename = "clientAuthorities")]
    pub client_cas: Option<Seen<ClientCas>>,
}

/// Whether the private key belongs to the first certificate. The key itself was dropped after the comparison.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyFit {
    /// There is no key.
    #[default]
    Absent,
    Fits,
    Differs,
    /// The key cannot be read; the text is the reason (`encrypted`, `no PEM`).
    Unreadable(String),
    /// There is no certificate to compare it with, or none whose public key can be read.
    NotCompared,
    /// The key is stored apart from the certificate and was not read.
    NotRead(Unavailable),
}

/// The CA certificates that client certificates are verified with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCas {
    /// The Secret that should hold them.
    pub secret: String,
    /// `cacert` or `ca.crt`; absent if the Secret has neither. Such a Secret is recorded only if it is named
    /// `<name>-cacert`, because it hides the entry of the Secret `<name>`.
    pub entry: Option<String>,
    pub certificates: Vec<Certificate>,
    /// The first fault of the entry.
    pub fault: Option<String>,
}

impl Part for Seen<Vec<StoredCertificate>> {
    fn name(&self) -> &'static str {
        "storedCertificates"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::TlsSecrets]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("stored certificates", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        let Self::Seen(all) = self else { return whole(self, Source::TlsSecrets) };
        all.iter().flat_map(StoredCertificate::gaps).collect()
    }
}

impl StoredCertificate {
    /// Not reported: each check that needs the certificate reports that it is missing.
    fn gaps(&self) -> impl Iterator<Item = Gap<'_>> {
        let Self { origin: _, content } = self;
        let client_cas = match content {
            Seen::Seen(content) => content.client_cas.as_ref(),
            Seen::Unavailable(_) => None,
        };
        let content = item(content, Source::TlsSecrets, Extent::Item);
        let client_cas = client_cas.and_then(|cas| item(cas, Source::TlsSecrets, Extent::Item));
        [content, client_cas].into_iter().flatten().map(Gap::unreported)
    }
}

impl Visit for StoredCertificate {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { origin, content } = self;
        origin.visit(visitor);
        content.visit(visitor);
    }
}

impl Visit for StoredIn {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        match self {
            Self::Secret { name } => visitor.string(Kind::Object, name),
            Self::File { path, named_at } => {
                visitor.string(Kind::File, path);
                named_at.visit(visitor);
            }
        }
    }
}

impl Visit for StoredContent {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { file, keys, certificate_entry, certificates, certificate_fault, key, trusted_here: _, client_cas } =
            self;
        visitor.strings(Kind::File, file);
        visitor.strings(Kind::Object, keys);
        visitor.strings(Kind::Object, certificate_entry);
        visitor.strings(Kind::Text, certificate_fault);
        certificates.visit(visitor);
        key.visit(visitor);
        client_cas.visit(visitor);
    }
}

impl Visit for KeyFit {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        match self {
            Self::Unreadable(why) => visitor.string(Kind::Text, why),
            Self::NotRead(why) => why.visit(visitor),
            Self::Absent | Self::Fits | Self::Differs | Self::NotCompared => {}
        }
    }
}

impl Visit for ClientCas {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { secret, entry, certificates, fault } = self;
        visitor.string(Kind::Object, secret);
        visitor.strings(Kind::Object, entry);
        visitor.strings(Kind::Text, fault);
        certificates.visit(visitor);
    }
}
