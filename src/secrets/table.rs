//! The tables of whole names, endings and parts. All are in lower case and without punctuation unless noted.

use super::{Section, ValueKind};

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
    Row {
        part: Part::Whole,
        kind: ValueKind::Secret,
        forms: &["jsessionid", "pass", "psk", "resumptionpsk"],
    },
    // Parts of a private key as `openssl rsa -text` prints them.
    Row {
        part: Part::Whole,
        kind: ValueKind::Secret,
        forms: &["coefficient", "exponent1", "exponent2", "prime1", "prime2", "priv", "privateexponent"],
    },
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
            "accesscode",
            "accesskey",
            "accesskeyid",
            "accountkey",
            "activationkey",
            "adgangskode",
            "adminkey",
            "aeskey",
            "apigeekey",
            "apikey",
            "apikeys",
            "apisecretkey",
            "apitoken",
            "appkey",
            "appsecretkey",
            "authcode",
            "authkey",
            "authorizationcode",
            "authtoken",
            "basicauth",
            "bearer",
            "bindpw",
            "bottoken",
            "cipherkey",
            "clientassertion",
            "clientkey",
            "clientkeydata",
            "codeverifier",
            "connectionstring",
            "connectionuri",
            "connstr",
            "connstring",
            "consumerkey",
            "contrasena",
            "credential",
            "credentials",
            "cryptkey",
            "dbpw",
            "decryptionkey",
            "decryptkey",
            "deploykey",
            "deskey",
            "devicecode",
            "dockercfg",
            "dockerconfigjson",
            "enckey",
            "encryptkey",
            "gpgkey",
            "haslo",
            "heslo",
            "hmackey",
            "ingestionkey",
            "ingestkey",
            "instrumentationkey",
            "integrationkey",
            "jwt",
            "jwtkey",
            "kennwort",
            "keypass",
            "licencekey",
            "licensekey",
            "losenord",
            "masterauth",
            "masterkey",
            "mastersecret",
            "merchantkey",
            "mfacode",
            "mnemonic",
            "motdepasse",
            "otpcode",
            "parola",
            "partnerkey",
            "passcode",
            "passkey",
            "passphrase",
            "passwd",
            "password",
            "passwords",
            "passwort",
            "pgpkey",
            "premastersecret",
            "presharedkey",
            "privatekey",
            "privatekeyid",
            "privkey",
            "productkey",
            "projectkey",
            "pwd",
            "recoverycode",
            "recoverykey",
            "redisauth",
            "registrationkey",
            "requirepass",
            "rootpw",
            "rsakey",
            "salasana",
            "samlassertion",
            "samlrequest",
            "samlresponse",
            "secret",
            "secretaccesskey",
            "secretid",
            "secretkey",
            "secretphrase",
            "secretvalue",
            "securitycode",
            "seedphrase",
            "senha",
            "serverkey",
            "sessionid",
            "sessionkey",
            "sharedaccesssignature",
            "sharedkey",
            "signingkey",
            "signkey",
            "sshkey",
            "sslkey",
            "storagekey",
            "storepass",
            "streamkey",
            "subscriptionkey",
            "symmetrickey",
            "tlskey",
            "token",
            "tokens",
            "totp",
            "unsealkey",
            "usercode",
            "userkey",
            "userpass",
            "verificationcode",
            "wachtwoord",
            "webhookkey",
            "wpakey",
            "writekey",
            "xapikey",
        ],
    },
];

/// What may be appended to a secret name: `password_confirmation`, `password2`, `tokenValue`, `privateKeyPem`.
/// Digits are removed as well.
pub(super) const SUFFIXES: &[&str] = &[
    "again", "arg", "b64", "base64", "confirm", "confirmation", "content", "contents", "current", "data", "decoded",
    "default", "der", "enc", "encoded", "encrypted", "env", "field", "hash", "hashed", "hex", "input", "json", "literal",
    "new", "old", "param", "pem", "plain", "plaintext", "previous", "prod", "raw", "repeat", "repeated", "str", "string",
    "test", "text", "txt", "val", "value", "verify", "yaml",
];

/// Endings whose value is public or a setting, although a secret name precedes [`SUFFIXES`].
pub(super) const HARMLESS_WITH_SUFFIX: &[&str] = &["publickeydata", "publickeypem"];

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

/// Programs with the flag before their password; a program of two words is a command of the first.
pub(crate) const PASSWORD_FLAGS: &[(&str, &str)] = &[
    ("7z", "-p"),
    ("apigeecli", "-t"),
    ("apigeetool", "-p"),
    ("az login", "-p"),
    ("buildah login", "-p"),
    ("cf login", "-p"),
    ("cqlsh", "-p"),
    ("crane auth login", "-p"),
    ("cypher-shell", "-p"),
    ("docker login", "-p"),
    ("hdbsql", "-p"),
    ("helm registry login", "-p"),
    ("helm repo add", "-p"),
    ("ipmitool", "-P"),
    ("isql", "-P"),
    ("ldapadd", "-w"),
    ("ldapdelete", "-w"),
    ("ldapmodify", "-w"),
    ("ldappasswd", "-w"),
    ("ldapsearch", "-w"),
    ("mariadb", "-p"),
    ("mongo", "-p"),
    ("mongodump", "-p"),
    ("mongoexport", "-p"),
    ("mongoimport", "-p"),
    ("mongorestore", "-p"),
    ("mongosh", "-p"),
    ("mosquitto_pub", "-P"),
    ("mosquitto_sub", "-P"),
    ("mysql", "-p"),
    ("mysqladmin", "-p"),
    ("mysqldump", "-p"),
    ("nerdctl login", "-p"),
    ("nodetool", "-pw"),
    ("oc login", "-p"),
    ("openssl enc", "-k"),
    ("oras login", "-p"),
    ("plink", "-pw"),
    ("podman login", "-p"),
    ("pscp", "-pw"),
    ("rabbitmqadmin", "-p"),
    ("redis-cli", "-a"),
    ("sackmesser", "-p"),
    ("skopeo login", "-p"),
    ("snmpget", "-c"),
    ("snmpwalk", "-c"),
    ("sqlcmd", "-P"),
    ("bcp", "-P"),
    ("sshpass", "-p"),
    ("swaks", "-ap"),
    ("unzip", "-P"),
    ("zip", "-P"),
];

/// Programs with a flag that takes `user:password`, or a file and its password.
pub(crate) const PAIR_FLAGS: &[(&str, &str)] = &[
    ("ab", "-A"),
    ("ab", "-P"),
    ("curl", "-E"),
    ("curl", "--cert"),
    ("curl", "--proxy-cert"),
    ("etcdctl", "--user"),
    ("hey", "-a"),
    ("http", "-a"),
    ("http", "--auth"),
    ("https", "-a"),
    ("https", "--auth"),
    ("skopeo", "--creds"),
    ("skopeo", "--dest-creds"),
    ("skopeo", "--src-creds"),
    ("xh", "-a"),
    ("xhs", "-a"),
];

/// Secret parts of a JSON Web Key (RFC 7518 §6).
pub(crate) const WEB_KEY_PARTS: &[&str] = &["d", "dp", "dq", "k", "p", "q", "qi"];

/// Keys that are kept below a secret name: references to a secret, and its settings.
pub(super) const SETTINGS_BELOW_SECRET: &[&str] = &[
    "apiVersion",
    "audience",
    "enabled",
    "expirationSeconds",
    "file",
    "group",
    "key",
    "kind",
    "mode",
    "name",
    "namespace",
    "optional",
    "path",
    "type",
    "url",
    "version",
];
