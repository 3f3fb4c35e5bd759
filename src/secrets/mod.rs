//! Names whose values are secret: one table for reading files and for redaction.
//!
//! Names are compared case-insensitively and without punctuation, so that `apiKey`, `api_key` and `X-Api-Key`
//! are equal. A name that ends in `Path`, `Name`, `Ref` or `File` is a reference and is not secret.
//!
//! A leaf: it depends on no other module of this crate. Readers recognise secret *values* (PEM, web tokens)
//! themselves, and `redact` decides how each kind of secret is redacted.

pub mod disguise;
mod kinds;
pub mod languages;
mod table;

use self::table::{
    DATA_SOURCES, HARMLESS_KEY_HEADERS, HARMLESS_VARIABLE_ENDINGS, HARMLESS_WITH_SUFFIX, NAMES, OVERRIDES_SECTIONS,
    PASSWORD_WORDS, PUBLIC_VALUES, Part, SECRET_PREFIXES, SETTINGS_BELOW_SECRET, SUFFIXES, USER_NAMES, VALUE_HOLDERS,
    VARIABLE_PARTS,
};

pub use self::kinds::{Section, ValueKind};
pub use self::table::{PAIR_FLAGS, PASSWORD_FLAGS, WEB_KEY_PARTS};

/// Maximum number of bytes of a name that are compared; of a longer name the end is compared.
pub const MAX_NAME: usize = 128;

/// Returns the kind of the value of `name`. The first matching row of the table decides.
#[must_use]
pub fn of(name: &[u8]) -> ValueKind {
    let name = &name[name.len().saturating_sub(MAX_NAME)..];
    let kind = of_plain(name);
    if kind == ValueKind::NotSecret && !name.is_ascii() { of_plain(&disguise::plain(name)) } else { kind }
}

fn of_plain(name: &[u8]) -> ValueKind {
    let name = &name[name.len().saturating_sub(MAX_NAME)..];
    let mut buffer = [0_u8; MAX_NAME];
    let normalized = normalize(name, &mut buffer);
    for row in NAMES {
        if row.part == Part::EndOfSecret && normalized.ends_with(b"secret") && is_reference(name) {
            return ValueKind::NotSecret;
        }
        let found = match row.part {
            Part::Whole => row.forms.iter().any(|form| normalized == form.as_bytes()),
            Part::End | Part::EndOfSecret => row.forms.iter().any(|form| normalized.ends_with(form.as_bytes())),
        };
        if found {
            return row.kind;
        }
    }
    if ends_in_the_word_pass(name) || is_secret_header(normalized, name) || has_suffix(name, normalized) {
        ValueKind::Secret
    } else {
        ValueKind::NotSecret
    }
}

/// Returns whether something is appended to a secret name.
fn has_suffix(name: &[u8], normalized: &[u8]) -> bool {
    let mut rest = normalized;
    loop {
        let suffix = SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix.as_bytes()));
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        match suffix {
            Some(before) => rest = before,
            None if digits > 0 => rest = &rest[..rest.len() - digits],
            None => break,
        }
    }
    let is_secret = |row: &table::Row| {
        let matches = |form: &&str| rest.ends_with(form.as_bytes());
        matches!(row.kind, ValueKind::Secret | ValueKind::EncryptionKey)
            && row.part != Part::Whole
            && row.forms.iter().any(matches)
    };
    rest.len() < normalized.len()
        && rest.len() >= 3
        && (NAMES.iter().any(is_secret) || rest == b"pass" || is_pass_before(name, normalized.len() - rest.len()))
        && !HARMLESS_WITH_SUFFIX.iter().any(|end| normalized.ends_with(end.as_bytes()))
}

/// Returns whether the word `pass` precedes the last `length` letters and digits: `db_pass2`.
fn is_pass_before(name: &[u8], length: usize) -> bool {
    let mut left = length;
    let at = name.iter().rposition(|byte| {
        left = left.saturating_sub(usize::from(byte.is_ascii_alphanumeric()));
        left == 0
    });
    at.is_some_and(|at| ends_in_the_word_pass(name[..at].trim_ascii_end()))
}

/// Returns the kind of the value of a key in overrides.yaml: as [`of`], but there `secret` is the name of a
/// Kubernetes Secret.
#[must_use]
pub fn in_overrides(key: &str) -> ValueKind {
    if key == "secret" { ValueKind::NotSecret } else { of(key.as_bytes()) }
}

/// Returns whether the value is a user name, which is secret next to a password.
#[must_use]
pub fn is_user_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    USER_NAMES.iter().any(|(part, form)| if *part == Part::Whole { name == *form } else { name.ends_with(form) })
}

/// Returns the section of overrides.yaml that starts at this key.
#[must_use]
pub fn section(key: &str) -> Option<Section> {
    let named = OVERRIDES_SECTIONS.iter().find(|(name, _)| *name == key).map(|(_, section)| *section);
    // `httpProxy`, `httpForwardProxy`, and names that later versions may add.
    named.or_else(|| key.to_ascii_lowercase().contains("proxy").then_some(Section::Users))
}

/// Returns whether the key holds a value whose name is in a sibling or parent key, as in Kubernetes, Envoy
/// and its filters.
#[must_use]
pub fn is_holder(name: &[u8]) -> bool {
    name.len().checked_sub(5).is_some_and(|at| name[at..].eq_ignore_ascii_case(b"value"))
        || VALUE_HOLDERS.iter().any(|holder| name.eq_ignore_ascii_case(holder.as_bytes()))
}

/// Returns whether the value of a secret name has the form of a public one: `license: Apache-2.0`.
#[must_use]
pub fn is_public_value(name: &[u8], value: &[u8]) -> bool {
    let mut buffer = [0_u8; MAX_NAME];
    let name = normalize(&name[name.len().saturating_sub(MAX_NAME)..], &mut buffer);
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end.as_bytes()));
    let is_url = || memchr::memmem::find(value, b"://").is_some();
    // One word without a digit names a licence.
    let is_word = || ends(&["licence", "license"]) && !value.iter().any(u8::is_ascii_digit);
    let begins = |text: &&str| {
        let is_same = value.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text.as_bytes()));
        // A word ends here, but for a version: `GPLv3`.
        let ends_word = |next: &u8| !next.is_ascii_alphabetic() || *next == b'v';
        let is_open = text.ends_with(|last: char| !last.is_ascii_alphanumeric());
        is_same && (is_open || value.get(text.len()).is_none_or(ends_word))
    };
    PUBLIC_VALUES.iter().any(|(names, beginnings)| ends(names) && beginnings.iter().any(begins))
        || is_word()
        || ends(DATA_SOURCES) && is_url()
}

/// Returns whether the name is of a Kubernetes Secret, whose value is the name of an object.
#[must_use]
pub fn is_name_of_secret(name: &[u8]) -> bool {
    is_reference(name)
}

/// Returns whether a key below a secret name holds a reference to a secret or one of its settings.
#[must_use]
pub fn is_setting_below_secret(key: &str) -> bool {
    SETTINGS_BELOW_SECRET.contains(&key) || key.to_ascii_lowercase().ends_with("name")
}

/// Returns whether an environment variable of this name is redacted.
///
/// Stricter than [`of`], because only the name shows the purpose of a variable. A secret word anywhere in it
/// is enough, unless the last word shows that the value is a location, a name or a switch.
#[must_use]
pub fn is_secret_variable(name: &[u8]) -> bool {
    let lower = disguise::plain(name).to_ascii_lowercase();
    let has = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    let last = lower.rsplit(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    if !matches!(of(name), ValueKind::NotSecret | ValueKind::Directory) {
        return true;
    }
    (VARIABLE_PARTS.iter().any(has) || last == b"pat")
        && !HARMLESS_VARIABLE_ENDINGS.iter().any(|end| last == end.as_bytes())
        && !matches!(&lower[..], b"pwd" | b"oldpwd")
}

/// Returns whether the value is the name of a Kubernetes Secret, which support needs: `sslSecret`,
/// `kmsEncryptionSecret`, `imagePullSecret`.
fn is_reference(name: &[u8]) -> bool {
    let Some(before) = name.strip_suffix(b"Secret") else { return false };
    let word = before.rsplit(|byte| byte.is_ascii_uppercase() || !byte.is_ascii_alphanumeric()).next();
    let begin = before.len() - word.map_or(0, <[u8]>::len);
    let word = before[begin.saturating_sub(1)..].to_ascii_lowercase();
    let word = word.strip_prefix(b"_").or(word.strip_prefix(b"-")).or(word.strip_prefix(b".")).unwrap_or(&word);
    !word.is_empty() && word[0].is_ascii_alphanumeric() && !SECRET_PREFIXES.iter().any(|of| word == of.as_bytes())
}

/// Returns whether the last word of the name is `pass` or `pw`: `db_pass`, `DB-PASS`, `dbPass`, but not
/// `bypass`.
fn ends_in_the_word_pass(name: &[u8]) -> bool {
    PASSWORD_WORDS.iter().any(|end| {
        let Some(at) = name.len().checked_sub(end.len()) else { return false };
        let (before, word) = name.split_at(at);
        word.eq_ignore_ascii_case(end)
            && before
                .last()
                .is_none_or(|byte| !byte.is_ascii_alphanumeric() || (word[0] == b'P' && byte.is_ascii_lowercase()))
    })
}

/// Returns whether the name is a custom header for a key or for another proof of identity, such as
/// `x-acme-key` and `x-backend-auth`, and not for another use of the word, such as a cache key.
fn is_secret_header(normalized: &[u8], name: &[u8]) -> bool {
    let is_custom = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"x-"));
    let plain = SUFFIXES.iter().find_map(|suffix| normalized.strip_suffix(suffix.as_bytes())).unwrap_or(normalized);
    is_custom
        && (plain.ends_with(b"key") || plain.ends_with(b"auth"))
        && !HARMLESS_KEY_HEADERS.iter().any(|end| plain.ends_with(end.as_bytes()))
}

/// Returns the letters and digits of a name in lower case, without punctuation.
fn normalize<'b>(name: &[u8], buffer: &'b mut [u8; MAX_NAME]) -> &'b [u8] {
    let mut length = 0;
    let mut push = |byte: u8| {
        if let Some(slot) = buffer.get_mut(length) {
            *slot = byte;
            length += 1;
        }
    };
    if name.is_ascii() {
        name.iter().filter(|byte| byte.is_ascii_alphanumeric()).for_each(|byte| push(byte.to_ascii_lowercase()));
    } else {
        let letters = name.utf8_chunks().flat_map(|chunk| chunk.valid().chars()).flat_map(char::to_lowercase);
        for letter in letters.filter(|letter| letter.is_alphanumeric()) {
            // The sigma at the end of a word, which has no capital form of its own.
            let letter = if letter == 'ς' { 'σ' } else { letter };
            letter.encode_utf8(&mut [0; 4]).bytes().for_each(&mut push);
        }
    }
    &buffer[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_classified() {
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
            "x-backend-auth",
            "X-Auth",
            "x-internal-auth-value",
            "Dpass",
            "pswd",
            "credencial",
            "connectionString",
            "x-shared-access-signature",
            "REDIS_AUTH",
            "DB_PW",
            "rootPw",
            "pw",
            "basic-auth",
            "password_confirmation",
            "password2",
            "secretString",
            "tokenValue",
            "privateKeyPem",
            "secret_id",
            "password_b64",
            "clientSecretOld1",
            "db_pass2",
            "licenseKey",
            "device_code",
            "code_verifier",
            "integration_key",
            "SAMLResponse",
            "kms_key",
            "license",
            "mongoUri",
            "sentryDsn",
            "service_account_json",
        ] {
            assert_eq!(of(secret.as_bytes()), ValueKind::Secret, "{secret}");
        }
        for salt in ["axHashSalt", "kmsEncryptionKey", "cacheEncryptionKey", "salt"] {
            assert_eq!(of(salt.as_bytes()), ValueKind::EncryptionKey, "{salt}");
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
            "publicKeyPem",
            "tokenType",
            "secretName2",
            "bypass2",
            "passwordPolicy",
            "keyData",
            "passed1",
        ] {
            assert_eq!(of(harmless.as_bytes()), ValueKind::NotSecret, "{harmless}");
        }
        assert_eq!(of(b"key"), ValueKind::InQuery);
        assert_eq!(of(b"Proxy-Authorization"), ValueKind::Header);
        assert_eq!(of(b"Set-Cookie"), ValueKind::Cookie);
    }

    #[test]
    fn names_of_other_languages_and_devices_are_classified() {
        for secret in [
            "contraseña",
            "DB_CONTRASEÑA",
            "Mot de passe",
            "motDePasse2",
            "clave",
            "clave secreta",
            "Пароль",
            "ПАРОЛЬ",
            "数据库密码",
            "パスワード",
            "비밀번호2",
            "كلمة المرور",
            "סיסמה",
            "पासवर्ड",
            "Şifre",
            "mfa",
            "otp",
            "cvv2",
            "db_psw",
            "fernet_key",
            "pаssword",
            "DB_PАSSWORD",
            "pass\u{200b}word",
            "api\u{ad}Key",
            "ｔｏｋｅｎ",
        ] {
            assert_eq!(of(secret.as_bytes()), ValueKind::Secret, "{secret}");
        }
        for harmless in [
            "enclave",
            "palabra clave",
            "clave_pública",
            "密码错误",
            "公钥",
            "mfaRequired",
            "hotpot",
            "паролями",
            "spins",
        ] {
            assert_eq!(of(harmless.as_bytes()), ValueKind::NotSecret, "{harmless}");
        }
    }

    #[test]
    fn variables_are_judged_more_strictly() {
        for secret in [
            "GH_PAT",
            "KEYSTORE_P\u{200b}ASS",
            "APIGEE_АUTH",
            "KEYSTORE_PASS",
            "APIGEE_AUTH",
            "SIGNING_KEYS",
            "TOKEN_2",
            "CASSANDRA_CREDS_JSON",
            "key",
        ] {
            assert!(is_secret_variable(secret.as_bytes()), "{secret}");
        }
        for harmless in ["KEY_PATH", "TOKEN_URL", "POD_NAME", "PWD", "JAVA_OPTS", "SECRET_NAME", "AUTH_ENABLED"] {
            assert!(!is_secret_variable(harmless.as_bytes()), "{harmless}");
        }
    }
}
