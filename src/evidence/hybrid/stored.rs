//! Certificates as they are stored for the ingress: in TLS Secrets, and in files that overrides.yaml names.
//!
//! There is no place for a private key here, only for whether it fits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::certificate::Certificate;
use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor, item, not_requested, whole};
use crate::evidence::{Seen, Source, Unavailable};

/// What one Secret, or one pair of files, holds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredCertificate {
    pub origin: StoredIn,
    pub content: Seen<StoredContent>,
}

/// Where it is stored.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StoredIn {
    /// Of the namespace of Apigee.
    Secret { name: String },
    /// `sslCertPath` of a virtual host, with the place that names it (`overrides.yaml:14:5`).
    File { path: String, named_at: String },
}

/// What was found there.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredContent {
    /// Names of the entries, sorted: `cert`, `key`, `tls.crt`, …
    pub keys: Vec<String>,
    /// The entry that the certificates come from: `cert` before `tls.crt`, as Istio takes them.
    pub certificate_entry: Option<String>,
    pub certificates: Vec<Certificate>,
    /// What of the certificate entry is no certificate, as `the second block is no X.509 certificate`.
    pub certificate_fault: Option<String>,
    pub key: KeyFit,
    /// Whether this machine's authorities trust the list; absent where there is no certificate. Names and dates aside.
    pub trusted_here: Option<bool>,
    /// What client certificates are verified with, from `cacert` or `ca.crt`, of the same Secret or of `<name>-cacert`.
    /// Absent where neither has such an entry.
    pub client_authorities: Option<Seen<ClientAuthorities>>,
}

/// Whether the private key belongs to the first certificate. The key itself was dropped where this was found out.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyFit {
    /// There is none.
    #[default]
    Absent,
    Fits,
    Differs,
    /// It cannot be read; why (`encrypted`, `no PEM`).
    Unreadable(String),
    /// There is no certificate to compare it with.
    NotCompared,
    /// It is stored apart from the certificate, and was not read.
    NotRead(Unavailable),
}

/// The certificates that client certificates are verified with.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientAuthorities {
    /// The Secret where they are looked for.
    pub secret: String,
    /// `cacert` or `ca.crt`; absent where the Secret has neither, which only one named `<name>-cacert` is kept for: it hides
    /// what the Secret `<name>` may have.
    pub entry: Option<String>,
    pub certificates: Vec<Certificate>,
    /// What of the entry is no certificate.
    pub fault: Option<String>,
}

impl Part for Seen<Vec<StoredCertificate>> {
    fn name(&self) -> &'static str {
        "storedCertificates"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::TlsSecrets]
    }

    fn unasked(why: &str) -> Self {
        not_requested("stored certificates", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        let Self::Seen(all) = self else { return whole(self, Source::TlsSecrets) };
        all.iter().flat_map(StoredCertificate::gaps).collect()
    }
}

impl StoredCertificate {
    /// Each check that needs the certificate reports itself that it is missing.
    fn gaps(&self) -> impl Iterator<Item = Gap<'_>> {
        let Self { origin: _, content } = self;
        let authorities = match content {
            Seen::Seen(content) => content.client_authorities.as_ref(),
            Seen::Unavailable(_) => None,
        };
        let content = item(content, Source::TlsSecrets, Extent::Item);
        let authorities = authorities.and_then(|authorities| item(authorities, Source::TlsSecrets, Extent::Item));
        [content, authorities].into_iter().flatten().map(Gap::unreported)
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
            Self::File { path, named_at } => visitor.strings(Kind::File, [path, named_at]),
        }
    }
}

impl Visit for StoredContent {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { keys, certificate_entry, certificates, certificate_fault, key, trusted_here: _, client_authorities } =
            self;
        visitor.strings(Kind::Object, keys);
        visitor.strings(Kind::Object, certificate_entry);
        visitor.strings(Kind::Text, certificate_fault);
        certificates.visit(visitor);
        key.visit(visitor);
        client_authorities.visit(visitor);
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

impl Visit for ClientAuthorities {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { secret, entry, certificates, fault } = self;
        visitor.string(Kind::Object, secret);
        visitor.strings(Kind::Object, entry);
        visitor.strings(Kind::Text, fault);
        certificates.visit(visitor);
    }
}
