//! Whether a name says that its value is secret.
//!
//! Names are compared by their endings, in small letters and without the signs that separate words, so that `apiKey`,
//! `api_key` and `X-Api-Key` are one. A name that ends in `Path`, `Name`, `Ref` or `File` is a reference and stays.

/// What a name says of its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Named {
    /// A key with which data is encrypted, or the salt of a hash.
    EncryptionKey,
    /// A header whose value goes on to the end of the line, blanks included.
    Header,
    Cookie,
    Secret,
    /// `PWD`: a working directory, or a password.
    Directory,
    /// Secret in the query of a URL, harmless elsewhere (`key: app`).
    InQuery,
    Nothing,
}

/// Longest name that is looked at; a longer one is looked at from its end.
pub(super) const MAX_NAME: usize = 128;

const HEADERS: &[&str] = &["authorization", "proxyauthorization", "xgoogiapjwtassertion", "xserverlessauthorization"];
const COOKIES: &[&str] = &["cookie", "cookie2", "cookies", "setcookie", "setcookie2"];
const ENCRYPTION: &[&str] = &["encryptionkey", "encryptionkeys", "hashsalt", "salt"];

/// Endings of names whose value is secret wherever it stands.
const SECRET_ENDINGS: &[&str] = &[
    "accesskey",
    "accesskeyid",
    "accountkey",
    "apigeekey",
    "apikey",
    "apikeys",
    "apitoken",
    "appkey",
    "authkey",
    "authtoken",
    "basicauth",
    "bearer",
    "bindpw",
    "clientassertion",
    "clientkey",
    "clientkeydata",
    "connectionstring",
    "consumerkey",
    "credential",
    "credentials",
    "cryptkey",
    "dbpw",
    "dockercfg",
    "dockerconfigjson",
    "hmackey",
    "jwt",
    "kennwort",
    "keypass",
    "masterauth",
    "masterkey",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "passwort",
    "privatekey",
    "privatekeyid",
    "privkey",
    "pwd",
    "redisauth",
    "requirepass",
    "rootpw",
    "secret",
    "secretaccesskey",
    "secretkey",
    "secretvalue",
    "serverkey",
    "sessionid",
    "sessionkey",
    "sharedaccesssignature",
    "sharedkey",
    "signingkey",
    "sslkey",
    "storagekey",
    "storepass",
    "subscriptionkey",
    "tlskey",
    "token",
    "tokens",
    "userpass",
    "xapikey",
];

/// Whole names that are secret in a query only.
const IN_QUERY: &[&str] = &[
    "assertion",
    "auth",
    "code",
    "jsessionid",
    "key",
    "keys",
    "otp",
    "pass",
    "pin",
    "samlresponse",
    "session",
    "sid",
    "sig",
    "signature",
    "xamzcredential",
    "xamzsignature",
    "xgoogcredential",
    "xgoogsignature",
];

/// Endings of names that end like a secret and are none.
const HARMLESS: &[&str] = &[
    // A working directory.
    "oldpwd",
    // Whether a pod gets one, not the token.
    "automountserviceaccounttoken",
    // An annotation that makes pods start again.
    "checksumsecret",
];

/// Programs, and the flag behind which each takes a password.
pub(super) const CALLS: &[(&str, &str)] = &[
    ("cqlsh", "-p"),
    ("ldapsearch", "-w"),
    ("mysql", "-p"),
    ("nodetool", "-pw"),
    ("redis-cli", "-a"),
    ("sshpass", "-p"),
];

/// Secret parts of a JSON Web Key (RFC 7518 §6).
pub(super) const WEB_KEY_PARTS: &[&str] = &["d", "dp", "dq", "k", "p", "q", "qi"];

/// Words before `Secret` that make it a secret and not the name of a Kubernetes object.
const SECRET_OF: &[&str] =
    &["api", "app", "auth0", "client", "consumer", "hmac", "jwt", "oauth", "shared", "signing", "token", "webhook"];

/// Whether it names what holds a value, beside or below the name that says what it is: of Kubernetes, Envoy, and its filters.
pub(super) fn is_holder(name: &[u8]) -> bool {
    const HOLDERS: &[&str] = &["inline_bytes", "inline_string", "plain", "raw_value", "rawvalue", "value", "values"];
    HOLDERS.iter().any(|holder| name.eq_ignore_ascii_case(holder.as_bytes()))
}

/// What `name` says of its value.
pub(super) fn of(name: &[u8]) -> Named {
    let name = &name[name.len().saturating_sub(MAX_NAME)..];
    let mut buffer = [0_u8; MAX_NAME];
    let plain = plain(name, &mut buffer);
    let ends = |list: &[&str]| list.iter().any(|ending| plain.ends_with(ending.as_bytes()));
    let is = |list: &[&str]| list.iter().any(|whole| plain == whole.as_bytes());
    if is(HEADERS) || plain.ends_with(b"authorization") {
        return Named::Header;
    }
    if is(COOKIES) || plain.ends_with(b"setcookie") {
        return Named::Cookie;
    }
    if plain == b"pwd" {
        return Named::Directory;
    }
    if ends(HARMLESS) {
        return Named::Nothing;
    }
    if ends(ENCRYPTION) {
        return Named::EncryptionKey;
    }
    if is(IN_QUERY) {
        return if is(&["pass", "jsessionid"]) { Named::Secret } else { Named::InQuery };
    }
    if plain.ends_with(b"secret") && is_reference(name) {
        return Named::Nothing;
    }
    if ends(SECRET_ENDINGS) || pass_of_its_own(name) || is_key_header(plain, name) {
        return Named::Secret;
    }
    Named::Nothing
}

/// Whether an environment variable of this name is redacted.
///
/// Wider than [`of`], because nothing says what a variable is for but its name: a secret word anywhere in it is enough, unless the
/// last word says that the value is a place, a name or a switch.
pub(super) fn is_secret_variable(name: &[u8]) -> bool {
    const ANYWHERE: &[&str] =
        &["auth", "cookie", "credential", "cred", "jwt", "key", "pass", "private", "pwd", "salt", "secret", "token"];
    const HARMLESS_END: &[&str] = &[
        "algorithm",
        "alias",
        "audience",
        "audiences",
        "authenticator",
        "class",
        "dir",
        "directory",
        "enabled",
        "expiration",
        "file",
        "format",
        "header",
        "host",
        "interval",
        "issuer",
        "keyspace",
        "location",
        "method",
        "mode",
        "name",
        "namespace",
        "passthrough",
        "path",
        "policy",
        "port",
        "provider",
        "ref",
        "seconds",
        "size",
        "sock",
        "timeout",
        "ttl",
        "type",
        "url",
        "version",
    ];
    let lower = name.to_ascii_lowercase();
    let has = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    let last = lower.rsplit(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    if !matches!(of(name), Named::Nothing | Named::Directory) {
        return true;
    }
    (ANYWHERE.iter().any(has) || last == b"pat")
        && !HARMLESS_END.iter().any(|end| last == end.as_bytes())
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
    [&b"pass"[..], b"pw"].iter().any(|end| {
        let Some(at) = name.len().checked_sub(end.len()) else { return false };
        let (before, word) = name.split_at(at);
        word.eq_ignore_ascii_case(end)
            && before
                .last()
                .is_none_or(|byte| !byte.is_ascii_alphanumeric() || (word[0] == b'P' && byte.is_ascii_lowercase()))
    })
}

/// `x-acme-key`: a header that somebody made up for a key, and not for one of a cache.
fn is_key_header(plain: &[u8], name: &[u8]) -> bool {
    const OTHER: [&[u8]; 5] = [b"cachekey", b"idempotencykey", b"partitionkey", b"publickey", b"routingkey"];
    name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"x-"))
        && plain.ends_with(b"key")
        && !OTHER.iter().any(|end| plain.ends_with(end))
}

fn plain<'b>(name: &[u8], buffer: &'b mut [u8; MAX_NAME]) -> &'b [u8] {
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
