//! What a name says of its value, and a section of overrides.yaml of the values in it.

/// The kind of a value, derived from its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValueKind {
    /// A key that encrypts data, or the salt of a hash.
    EncryptionKey,
    /// A header whose value extends to the end of the line, including spaces.
    Header,
    Cookie,
    Secret,
    /// `PWD`: a working directory, or a password.
    Directory,
    /// Secret in the query of a URL, not secret elsewhere (`key: app`).
    InQuery,
    NotSecret,
}

impl ValueKind {
    /// Returns whether the value is secret in every context.
    #[must_use]
    pub fn is_secret(self) -> bool {
        match self {
            Self::Cookie | Self::EncryptionKey | Self::Header | Self::Secret => true,
            Self::Directory | Self::InQuery | Self::NotSecret => false,
        }
    }
}

/// A section of overrides.yaml whose values are secret although their own names do not show it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Section {
    /// Credentials, each under the name of its role.
    Credentials,
    /// Variables with names chosen by the user.
    Environment,
    /// Properties with names chosen by the user.
    FreeText,
    /// A proxy or a management interface, with a user name.
    Users,
}
