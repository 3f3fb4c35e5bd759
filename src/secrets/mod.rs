//! Names that say that their value is secret: one table for reading files and for redaction.
//!
//! Names are compared without the case of letters and without punctuation, so that `apiKey`, `api_key` and
//! `X-Api-Key` are one. A name that ends in `Path`, `Name`, `Ref` or `File` is a reference and is kept.
//!
//! A leaf: it depends on nothing else of this crate. What a *value* looks like (PEM, a web token) is judged
//! where the value is read; which secrets are redacted how is the matter of `redact`.

mod table;

use self::table::{
    KEY_HEADERS_OF_OTHERS, NAMES, NEAR_SECRET, OVERRIDES_SECTIONS, Part, SECRET_OF, USER_NAMES, VALUE_HOLDERS,
    VARIABLE_IS_NO_SECRET, VARIABLE_PARTS,
};

pub(crate) use self::table::{CALLS, COMMENT_WORDS, WEB_KEY_PARTS};

/// What a name says of its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Named {
    /// A key with which data is encrypted, or the salt of a hash.
    EncryptionKey,
    /// A header whose value goes on to the end of the line, spaces included.
    Header,
    Cookie,
    Secret,
    /// `PWD`: a working directory, or a password.
    Directory,
    /// Secret in the query of a URL, harmless elsewhere (`key: app`).
    InQuery,
    Nothing,
}

impl Named {
    /// Whether the value is secret wherever it is.
    pub(crate) fn is_secret(self) -> bool {
        match self {
            Self::Cookie | Self::EncryptionKey | Self::Header | Self::Secret => true,
            Self::Directory | Self::InQuery | Self::Nothing => false,
        }
    }
}

/// Part of an overrides.yaml below which values are secret whose own names do not say so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Section {
    /// Credentials, each below the name of its role.
    Credentials,
    /// Variables with names that the user made up.
    Environment,
    /// Properties with names that the user made up.
    FreeText,
    /// A proxy or a management interface, with a user name.
    Users,
}

/// Longest name that is compared, in bytes; of a longer one the end is.
pub(crate) const MAX_NAME: usize = 128;

/// What `name` says of its value. The first row of the table that fits decides.
pub(crate) fn of(name: &[u8]) -> Named {
    let name = &name[name.len().saturating_sub(MAX_NAME)..];
    let mut buffer = [0_u8; MAX_NAME];
    let letters = letters_and_digits(name, &mut buffer);
    for row in NAMES {
        if row.part == Part::EndOfSecret && letters.ends_with(b"secret") && is_reference(name) {
            return Named::Nothing;
        }
        let found = match row.part {
            Part::Whole => row.forms.iter().any(|form| letters == form.as_bytes()),
            Part::End | Part::EndOfSecret => row.forms.iter().any(|form| letters.ends_with(form.as_bytes())),
        };
        if found {
            return row.says;
        }
    }
    if pass_of_its_own(name) || is_key_header(letters, name) { Named::Secret } else { Named::Nothing }
}

/// What a key of overrides.yaml says of its value: as [`of`], but `secret` is the name of a Kubernetes Secret
/// there.
pub(crate) fn in_overrides(key: &str) -> Named {
    if key == "secret" { Named::Nothing } else { of(key.as_bytes()) }
}

/// Whether it names a user, which is secret beside a password.
pub(crate) fn is_user_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    USER_NAMES.iter().any(|(part, form)| if *part == Part::Whole { name == *form } else { name.ends_with(form) })
}

/// The section of an overrides.yaml that a key begins.
pub(crate) fn section(key: &str) -> Option<Section> {
    let named = OVERRIDES_SECTIONS.iter().find(|(name, _)| *name == key).map(|(_, section)| *section);
    // `httpProxy`, `httpForwardProxy`, and what later versions add.
    named.or_else(|| key.to_ascii_lowercase().contains("proxy").then_some(Section::Users))
}

/// Whether it names what holds a value, beside or below the name that says what it is: of Kubernetes, Envoy,
/// and its filters.
pub(crate) fn is_holder(name: &[u8]) -> bool {
    VALUE_HOLDERS.iter().any(|holder| name.eq_ignore_ascii_case(holder.as_bytes()))
}

/// Whether an environment variable of this name is redacted.
///
/// Wider than [`of`], because nothing says what a variable is for but its name: a secret word anywhere in it
/// is enough, unless the last word says that the value is a place, a name or a switch.
pub(crate) fn is_secret_variable(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let has = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    let last = lower.rsplit(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    if !matches!(of(name), Named::Nothing | Named::Directory) {
        return true;
    }
    (VARIABLE_PARTS.iter().any(has) || last == b"pat")
        && !VARIABLE_IS_NO_SECRET.iter().any(|end| last == end.as_bytes())
        && !matches!(&lower[..], b"pwd" | b"oldpwd")
}

/// `sslSecret`, `kmsEncryptionSecret`, `imagePullSecret`: the name of a Secret, which support needs.
fn is_reference(name: &[u8]) -> bool {
    let Some(before) = name.strip_suffix(b"Secret") else { return false };
    let word = before.rsplit(|byte| byte.is_ascii_uppercase() || !byte.is_ascii_alphanumeric()).next();
    let begin = before.len() - word.map_or(0, <[u8]>::len);
    let word = before[begin.saturating_sub(1)..].to_ascii_lowercase();
    let word = word.strip_prefix(b"_").or(word.strip_prefix(b"-")).or(word.strip_prefix(b".")).unwrap_or(&word);
    !word.is_empty() && word[0].is_ascii_alphanumeric() && !SECRET_OF.iter().any(|of| word == of.as_bytes())
}

/// `db_pass`, `DB-PASS`, `dbPass`, and not `bypass`; the same of `pw`.
fn pass_of_its_own(name: &[u8]) -> bool {
    NEAR_SECRET.iter().any(|end| {
        let Some(at) = name.len().checked_sub(end.len()) else { return false };
        let (before, word) = name.split_at(at);
        word.eq_ignore_ascii_case(end)
            && before
                .last()
                .is_none_or(|byte| !byte.is_ascii_alphanumeric() || (word[0] == b'P' && byte.is_ascii_lowercase()))
    })
}

/// `x-acme-key`: a header that somebody made up for a key, and not for one of a cache.
fn is_key_header(letters: &[u8], name: &[u8]) -> bool {
    name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"x-"))
        && letters.ends_with(b"key")
        && !KEY_HEADERS_OF_OTHERS.iter().any(|end| letters.ends_with(end.as_bytes()))
}

/// Lower-case letters and digits of a name; everything else only separates words.
fn letters_and_digits<'b>(name: &[u8], buffer: &'b mut [u8; MAX_NAME]) -> &'b [u8] {
    let mut length = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        if let Some(place) = buffer.get_mut(length) {
            *place = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    &buffer[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for secret in [
            "password",
            "DB_PASSWORD",
            "spring.datasource.password",
            "apiKey",
            "X-Api-Key",
            "client_secret",
            "clientSecret",
            "private_key",
            "private_key_id",
            "access_token",
            "token",
            "secret",
            "tls.key",
            "db_pass",
            "dbPass",
            "aws_secret_access_key",
            "client-key-data",
            "appSecret",
            "credentials",
            "x-acme-key",
            "connectionString",
            "x-shared-access-signature",
            "REDIS_AUTH",
            "DB_PW",
            "rootPw",
            "pw",
            "basic-auth",
        ] {
            assert_eq!(of(secret.as_bytes()), Named::Secret, "{secret}");
        }
        for salt in ["axHashSalt", "kmsEncryptionKey", "cacheEncryptionKey", "salt"] {
            assert_eq!(of(salt.as_bytes()), Named::EncryptionKey, "{salt}");
        }
        for harmless in [
            "sslSecret",
            "kmsEncryptionSecret",
            "secretName",
            "sslKeyPath",
            "serviceAccountPath",
            "secretKeyRef",
            "tokenPath",
            "bypass",
            "monkey",
            "publicKey",
            "keyfile",
            "OLDPWD",
            "kmsEncryptionPath",
            "imagePullSecrets",
            "credentialName",
            "automountServiceAccountToken",
            "passed",
            "keyAlgorithm",
            "authority",
            "x-idempotency-key",
        ] {
            assert_eq!(of(harmless.as_bytes()), Named::Nothing, "{harmless}");
        }
        assert_eq!(of(b"key"), Named::InQuery);
        assert_eq!(of(b"Proxy-Authorization"), Named::Header);
        assert_eq!(of(b"Set-Cookie"), Named::Cookie);
    }

    #[test]
    fn variables_are_judged_more_strictly() {
        for secret in
            ["GH_PAT", "KEYSTORE_PASS", "APIGEE_AUTH", "SIGNING_KEYS", "TOKEN_2", "CASSANDRA_CREDS_JSON", "key"]
        {
            assert!(is_secret_variable(secret.as_bytes()), "{secret}");
        }
        for harmless in ["KEY_PATH", "TOKEN_URL", "POD_NAME", "PWD", "JAVA_OPTS", "SECRET_NAME", "AUTH_ENABLED"] {
            assert!(!is_secret_variable(harmless.as_bytes()), "{harmless}");
        }
    }
}
