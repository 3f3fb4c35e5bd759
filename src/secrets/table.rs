//! The tables of whole names, endings and parts. All are in lower case and without punctuation unless noted.

use super::kinds::{Section, ValueKind};

/// Names that give a value the same kind.
pub(super) struct Row {
    pub(super) part: Part,
    pub(super) kind: ValueKind,
    pub(super) forms: &'static [&'static str],
}

/// Which part of a name has to match.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Part {
    Whole,
    End,
    /// The end, unless the name is that of a Kubernetes Secret (`sslSecret`).
    EndOfSecret,
}

/// In order of precedence.
pub(super) const NAMES: &[Row] = &[
    Row { part: Part::Whole, kind: ValueKind::Header, forms: &["xgoogiapjwtassertion"] },
    Row { part: Part::End, kind: ValueKind::Header, forms: &["authorization"] },
    Row { part: Part::Whole, kind: ValueKind::Cookie, forms: &["cookie", "cookie2", "cookies", "setcookie2"] },
    Row { part: Part::End, kind: ValueKind::Cookie, forms: &["setcookie"] },
    Row { part: Part::Whole, kind: ValueKind::Directory, forms: &["pwd"] },
    // Names that end like a secret and are not: a working directory, whether a pod gets a token, and an
    // annotation that restarts pods.
    Row {
        part: Part::End,
        kind: ValueKind::NotSecret,
        forms: &["oldpwd", "automountserviceaccounttoken", "checksumsecret"],
    },
    Row {
        part: Part::End,
        kind: ValueKind::EncryptionKey,
        forms: &["encryptionkey", "encryptionkeys", "hashsalt", "salt"],
    },
    Row { part: Part::Whole, kind: ValueKind::Secret, forms: &["jsessionid", "pass"] },
    Row {
        part: Part::Whole,
        kind: ValueKind::InQuery,
        forms: &[
            "assertion",
            "auth",
            "code",
            "key",
            "keys",
            "otp",
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
        ],
    },
    Row {
        part: Part::EndOfSecret,
        kind: ValueKind::Secret,
        forms: &[
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
        ],
    },
];

/// Last words of secret names, either separate or with a capital letter: `db_pass`, `dbPw`, but not `bypass`.
pub(super) const PASSWORD_WORDS: &[&[u8]] = &[b"pass", b"pw"];

/// Endings of headers (`x-…-key`) that are not secret.
pub(super) const HARMLESS_KEY_HEADERS: &[&str] =
    &["cachekey", "idempotencykey", "partitionkey", "publickey", "routingkey"];

/// Words before `Secret` that make the value a secret and not the name of a Kubernetes Secret.
pub(super) const SECRET_PREFIXES: &[&str] =
    &["api", "app", "auth0", "client", "consumer", "hmac", "jwt", "oauth", "shared", "signing", "token", "webhook"];

/// Keys that hold a user name, case-insensitive.
pub(super) const USER_NAMES: &[(Part, &str)] = &[(Part::Whole, "user"), (Part::End, "username")];

/// Keys of overrides.yaml, in their spelling there. Source: configuration property reference of Apigee
/// hybrid.
pub(super) const OVERRIDES_SECTIONS: &[(&str, Section)] = &[
    ("annotations", Section::FreeText),
    ("auth", Section::Credentials),
    ("cwcAppend", Section::FreeText),
    ("env", Section::Environment),
    ("envVars", Section::Environment),
    ("extraEnv", Section::Environment),
    ("jmx", Section::Users),
    ("jolokia", Section::Users),
];

/// Whole names, case-insensitive, with punctuation.
pub(super) const VALUE_HOLDERS: &[&str] =
    &["inline_bytes", "inline_string", "plain", "raw_value", "rawvalue", "value", "values"];

/// Words that indicate a secret in a comment of a YAML file.
pub(crate) const COMMENT_WORDS: &[&str] =
    &["apikey", "credential", "encryptionkey", "passphrase", "passw", "private", "pwd", "salt", "secret", "token"];

/// Words that make an environment variable secret, anywhere in its name.
pub(super) const VARIABLE_PARTS: &[&str] =
    &["auth", "cookie", "credential", "cred", "jwt", "key", "pass", "private", "pwd", "salt", "secret", "token"];

/// Last words in the names of variables that hold a location, a name or a switch.
pub(super) const HARMLESS_VARIABLE_ENDINGS: &[&str] = &[
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

/// Programs with the flag before their password.
pub(crate) const PASSWORD_FLAGS: &[(&str, &str)] = &[
    ("cqlsh", "-p"),
    ("ldapsearch", "-w"),
    ("mysql", "-p"),
    ("nodetool", "-pw"),
    ("redis-cli", "-a"),
    ("sshpass", "-p"),
];

/// Secret parts of a JSON Web Key (RFC 7518 §6).
pub(crate) const WEB_KEY_PARTS: &[&str] = &["d", "dp", "dq", "k", "p", "q", "qi"];
