//! The rules of redaction: their names in the manifest, and which of them are enabled.
//!
//! All rules are enabled. Only a test disables one, to prove that the self test then fails.

/// A reason to redact something. Its name is part of the bundle's manifest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    Address,
    Annotation,
    AuthorizationHeader,
    Base64,
    CertificateNumber,
    CloudKey,
    Comment,
    Cookie,
    DecryptionSecrets,
    EncryptionKey,
    EnvironmentValue,
    Host,
    LongLine,
    ManagedFields,
    NamedValue,
    NotUnderstood,
    PrivateKey,
    QueryParameter,
    RandomToken,
    SecretData,
    Token,
    UrlUserinfo,
    UserName,
    WebToken,
}

impl Rule {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Address => "client-address",
            Self::Annotation => "last-applied-configuration",
            Self::AuthorizationHeader => "authorization-header",
            Self::Base64 => "base64-secret",
            Self::CertificateNumber => "certificate-number",
            Self::CloudKey => "cloud-key",
            Self::Comment => "comment",
            Self::Cookie => "cookie",
            Self::DecryptionSecrets => "decryption-secrets",
            Self::EncryptionKey => "encryption-key",
            Self::EnvironmentValue => "environment-value",
            Self::Host => "hostname",
            Self::LongLine => "long-line",
            Self::ManagedFields => "managed-fields",
            Self::NamedValue => "named-value",
            Self::NotUnderstood => "not-understood",
            Self::PrivateKey => "private-key",
            Self::QueryParameter => "query-parameter",
            Self::RandomToken => "random-token",
            Self::SecretData => "secret-data",
            Self::Token => "token",
            Self::UrlUserinfo => "url-userinfo",
            Self::UserName => "user-name",
            Self::WebToken => "json-web-token",
        }
    }
}

/// The enabled rules.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    #[cfg(test)]
    off: Option<Rule>,
}

impl Rules {
    #[cfg(test)]
    pub(super) fn without(rule: Rule) -> Self {
        Self { off: Some(rule) }
    }

    #[cfg(test)]
    pub(super) fn on(self, rule: Rule) -> bool {
        self.off != Some(rule)
    }

    /// Returns whether a rule is enabled; always, outside tests.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "a test's rules have one switched off")]
    pub(super) fn on(self, _rule: Rule) -> bool {
        true
    }
}
