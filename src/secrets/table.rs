//! The table itself: whole names, endings and parts, all in lower case and without punctuation unless said
//! otherwise.

use super::{Named, Section};

/// Forms that say the same of a value.
pub(super) struct Row {
    pub(super) part: Part,
    pub(super) says: Named,
    pub(super) forms: &'static [&'static str],
}

/// Which part of a name has to have the form.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Part {
    Whole,
    End,
    /// The end, unless the name is that of a Kubernetes Secret (`sslSecret`).
    EndOfSecret,
}

/// In order of precedence.
pub(super) const NAMES: &[Row] = &[
    Row { part: Part::Whole, says: Named::Header, forms: &["xgoogiapjwtassertion"] },
    Row { part: Part::End, says: Named::Header, forms: &["authorization"] },
    Row { part: Part::Whole, says: Named::Cookie, forms: &["cookie", "cookie2", "cookies", "setcookie2"] },
    Row { part: Part::End, says: Named::Cookie, forms: &["setcookie"] },
    Row { part: Part::Whole, says: Named::Directory, forms: &["pwd"] },
    // Names that end like a secret and are none: a working directory, whether a pod gets a token, and an
    // annotation that makes pods start again.
    Row { part: Part::End, says: Named::Nothing, forms: &["oldpwd", "automountserviceaccounttoken", "checksumsecret"] },
    Row {
        part: Part::End,
        says: Named::EncryptionKey,
        forms: &["encryptionkey", "encryptionkeys", "hashsalt", "salt"],
    },
    Row { part: Part::Whole, says: Named::Secret, forms: &["jsessionid", "pass"] },
    Row {
        part: Part::Whole,
        says: Named::InQuery,
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
        says: Named::Secret,
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

/// Words that are secret where they stand alone or begin with a capital: `db_pass`, `dbPw`, and not `bypass`.
pub(super) const NEAR_SECRET: &[&[u8]] = &[b"pass", b"pw"];

/// Ends of headers (`x-…-key`) that are no secret.
pub(super) const KEY_HEADERS_OF_OTHERS: &[&str] =
    &["cachekey", "idempotencykey", "partitionkey", "publickey", "routingkey"];

/// Words before `Secret` that make it a secret and not the name of a Kubernetes object.
pub(super) const SECRET_OF: &[&str] =
    &["api", "app", "auth0", "client", "consumer", "hmac", "jwt", "oauth", "shared", "signing", "token", "webhook"];

/// Names of users, in any case.
pub(super) const USER_NAMES: &[(Part, &str)] = &[(Part::Whole, "user"), (Part::End, "username")];

/// Keys of overrides.yaml, as they are written there. Source: configuration property reference of Apigee
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

/// Whole names, in any case and with their punctuation.
pub(super) const VALUE_HOLDERS: &[&str] =
    &["inline_bytes", "inline_string", "plain", "raw_value", "rawvalue", "value", "values"];

/// Words that make a comment in a YAML file more than a note.
pub(crate) const COMMENT_WORDS: &[&str] =
    &["apikey", "credential", "encryptionkey", "passphrase", "passw", "private", "pwd", "salt", "secret", "token"];

/// Words anywhere in the name of an environment variable that is secret.
pub(super) const VARIABLE_PARTS: &[&str] =
    &["auth", "cookie", "credential", "cred", "jwt", "key", "pass", "private", "pwd", "salt", "secret", "token"];

/// Last words of the name of a variable that is a place, a name or a switch.
pub(super) const VARIABLE_IS_NO_SECRET: &[&str] = &[
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

/// Programs, and the flag behind which each takes a password.
pub(crate) const CALLS: &[(&str, &str)] = &[
    ("cqlsh", "-p"),
    ("ldapsearch", "-w"),
    ("mysql", "-p"),
    ("nodetool", "-pw"),
    ("redis-cli", "-a"),
    ("sshpass", "-p"),
];

/// Secret parts of a JSON Web Key (RFC 7518 §6).
pub(crate) const WEB_KEY_PARTS: &[&str] = &["d", "dp", "dq", "k", "p", "q", "qi"];
