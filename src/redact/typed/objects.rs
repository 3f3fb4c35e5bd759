//! Redaction of Kubernetes objects: by type where it is known, by name and by pattern everywhere else.
//!
//! Of a Secret only names, sizes and certificates are kept. Environment variables are judged by their names,
//! more strictly than other fields. Former versions kept by `kubectl apply` and field managers are dropped:
//! they are a second copy that support does not read.

use serde_json::{Map, Value};

use crate::redact::rules::Rule;
use crate::redact::text::{Engine, MARK, is_not_secret};
use crate::redact::{Redactions, Withheld, base64, string};
use crate::secrets::{self, PASSWORD_FLAGS, ValueKind, WEB_KEY_PARTS, is_holder};
use crate::wire::certificate::public_part;

/// Maximum number of nesting levels. The API server rejects more than a hundred in a custom resource.
const MAX_DEPTH: usize = 128;
/// Keys of a Secret whose value is a certificate.
const CERTIFICATE_KEYS: &[&str] = &["ca.crt", "cacert", "cert", "tls.crt"];
/// Keys whose values are hostnames, whatever their form.
const HOST_KEYS: &[&str] = &[
    "commonName",
    "dnsNames",
    "externalName",
    "host",
    "hostname",
    "hostnames",
    "hosts",
    "serverName",
    "serverNames",
    "sni",
    "sniHosts",
];
/// Fields of a Secret that are kept.
const SECRET_FIELDS: &[&str] = &["apiVersion", "immutable", "kind", "type"];

/// Redacts an object in place. On an error it is replaced by null.
pub(in crate::redact) fn redact(
    engine: &Engine,
    object: &mut Value,
    redactions: &mut Redactions,
) -> Result<(), Withheld> {
    let result = ObjectRedactor { engine, redactions }.object(object, None, 0);
    if result.is_err() {
        *object = Value::Null;
    }
    result
}

struct ObjectRedactor<'a> {
    engine: &'a Engine,
    redactions: &'a mut Redactions,
}

/// The context of a value.
#[derive(Clone, Copy, Default)]
struct Below {
    depth: usize,
    /// Below a key that names a proxy, where user names are redacted as well.
    proxy: bool,
    /// The rule of a secret name above it.
    secret: Option<Rule>,
    parent: Parent,
}

/// The key directly above a value.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Parent {
    /// The list of a container's environment variables.
    Environment,
    /// A key of [`HOST_KEYS`].
    Hosts,
    /// The configuration of the client of a webhook.
    Webhook,
    #[default]
    Other,
}

impl Parent {
    fn of(key: &str) -> Self {
        match key {
            "env" | "envVars" | "environment" | "extraEnv" | "extraEnvVars" => Self::Environment,
            "clientConfig" => Self::Webhook,
            key if HOST_KEYS.contains(&key) => Self::Hosts,
            _ => Self::Other,
        }
    }
}

impl ObjectRedactor<'_> {
    /// Redacts an object by its `kind`, or by `kind` if it has none: items of a list have none.
    fn object(&mut self, value: &mut Value, kind: Option<&str>, depth: usize) -> Result<(), Withheld> {
        let Value::Object(map) = value else { return Err(Withheld::because("it is not an object")) };
        let own = map.get("kind").and_then(Value::as_str).map(str::to_owned);
        let Some(kind) = own.or(kind.map(str::to_owned)).filter(|kind| !kind.is_empty()) else {
            return Err(Withheld::because("it has no kind"));
        };
        if let Some(of) = kind.strip_suffix("List")
            && let Some(Value::Array(items)) = map.get_mut("items")
        {
            for item in items {
                // An item that cannot be redacted is withheld alone.
                if let Err(Withheld { why }) = self.object(item, Some(of), depth + 1) {
                    *item = serde_json::json!({ "withheld": why });
                    self.redactions.count(Rule::NotUnderstood);
                }
            }
            let items = map.remove("items");
            self.map(map, Below { depth, ..Below::default() })?;
            map.extend(items.map(|items| ("items".to_owned(), items)));
            return Ok(());
        }
        if kind.eq_ignore_ascii_case("Secret") {
            return self.secret(map, depth);
        }
        if kind.eq_ignore_ascii_case("ConfigMap") {
            self.sizes(map.get_mut("binaryData"), true);
            self.settings(map.get_mut("data"));
        }
        self.map(map, Below { depth, ..Below::default() })
    }

    fn secret(&mut self, map: &mut Map<String, Value>, depth: usize) -> Result<(), Withheld> {
        if !self.engine.rules.on(Rule::SecretData) {
            return Ok(());
        }
        let mut kept = Map::new();
        for (key, mut value) in std::mem::take(map) {
            match key.as_str() {
                "metadata" => self.value(&key, &mut value, Below { depth: depth + 1, ..Below::default() })?,
                "data" => self.sizes(Some(&mut value), true),
                "stringData" => self.sizes(Some(&mut value), false),
                field if SECRET_FIELDS.contains(&field) => {
                    self.value(field, &mut value, Below { depth, ..Below::default() })?;
                }
                _ => {
                    self.redactions.count(Rule::SecretData);
                    continue;
                }
            }
            kept.insert(key, value);
        }
        *map = kept;
        Ok(())
    }

    /// Replaces each value by its size, except certificates.
    fn sizes(&mut self, data: Option<&mut Value>, encoded: bool) {
        match data {
            None | Some(Value::Null) => {}
            Some(Value::Object(data)) => {
                for (key, value) in data {
                    *value = self.size(key, value.as_str(), encoded);
                }
            }
            Some(other) => {
                self.hide(other, Rule::SecretData);
            }
        }
    }

    /// Redacts entries of a ConfigMap that become environment variables.
    fn settings(&mut self, data: Option<&mut Value>) {
        for (key, value) in data.and_then(Value::as_object_mut).into_iter().flatten() {
            let is_variable = !key.bytes().any(|byte| byte.is_ascii_lowercase());
            let secret = is_variable && secrets::is_secret_variable(key.as_bytes()) && is_secret(key, value);
            if secret && self.engine.rules.on(Rule::EnvironmentValue) {
                self.hide(value, Rule::EnvironmentValue);
            }
        }
    }

    fn hide(&mut self, value: &mut Value, rule: Rule) {
        self.redactions.count(rule);
        *value = string(MARK.to_vec()).into();
    }

    fn size(&mut self, key: &str, value: Option<&str>, encoded: bool) -> Value {
        let bytes = value.unwrap_or_default().as_bytes();
        let plain = if encoded { base64::decode(bytes) } else { bytes.to_vec() };
        let hidden = |size| format!("<redacted: {size} bytes>");
        if CERTIFICATE_KEYS.contains(&key) && !self.engine.patterns.certificates {
            let (mut public, other) = public_part(&plain);
            if !public.is_empty() {
                if other > 0 {
                    self.redactions.count(Rule::SecretData);
                    public.push_str(&hidden(other));
                }
                return public.into();
            }
        }
        self.redactions.count(Rule::SecretData);
        hidden(plain.len()).into()
    }

    /// Redacts the value of the key `name`; empty for the items of a list.
    fn value(&mut self, name: &str, value: &mut Value, below: Below) -> Result<(), Withheld> {
        if below.depth > MAX_DEPTH {
            return Err(Withheld::because(format!("it has more than {MAX_DEPTH} levels of nesting")));
        }
        match value {
            Value::String(text) => {
                if !(below.parent == Parent::Hosts && self.host(text)) {
                    self.text(name, text, below.depth)?;
                }
            }
            Value::Array(items) => self.array(name, items, below)?,
            Value::Object(map) => {
                let secret =
                    map.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("Secret"));
                if secret && (map.contains_key("data") || map.contains_key("stringData")) {
                    self.secret(map, below.depth)?;
                } else {
                    self.map(map, below)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    fn map(&mut self, map: &mut Map<String, Value>, below: Below) -> Result<(), Withheld> {
        self.drop_copies(map);
        let named = |key: &str| ["name", "key", "header"].iter().any(|of| key.eq_ignore_ascii_case(of));
        let variable = map.iter().filter(|(key, _)| named(key)).filter_map(|(_, name)| name.as_str()).any(|name| {
            secrets::is_secret_variable(name.as_bytes())
                && (below.parent == Parent::Environment
                    || secrets::of(name.as_bytes()) != ValueKind::NotSecret
                    || name.bytes().any(|byte| byte.is_ascii_uppercase()))
        });
        // A JSON Web Key has to say its type (RFC 7517 §4.1).
        let web_key = map.contains_key("kty");
        for (key, mut value) in std::mem::take(map) {
            let inner = self.below(&key, below);
            if let Value::String(url) = &mut value
                && (below.parent == Parent::Webhook && key == "url" || is_name_of_webhook(&key))
                && self.engine.rules.on(Rule::Token)
                && let Some(hidden) = without_path(url)
            {
                self.redactions.count(Rule::Token);
                *url = hidden;
            }
            match &mut value {
                scalar @ (Value::String(_) | Value::Number(_)) => {
                    let rule = match &*key {
                        holder if variable && is_holder(holder.as_bytes()) => Some(Rule::EnvironmentValue),
                        name if below.parent == Parent::Environment && secrets::is_secret_variable(name.as_bytes()) => {
                            Some(Rule::EnvironmentValue)
                        }
                        part if web_key && WEB_KEY_PARTS.contains(&part) => Some(Rule::PrivateKey),
                        key => rule(key, below),
                    };
                    let secret = rule.filter(|rule| self.engine.rules.on(*rule) && is_secret(&key, scalar));
                    if let Some(rule) = secret {
                        self.hide(scalar, rule);
                    } else {
                        self.value(&key, scalar, inner)?;
                    }
                }
                Value::Array(items) if variable && is_holder(key.as_bytes()) => {
                    self.array(&key, items, Below { secret: Some(Rule::EnvironmentValue), ..inner })?;
                }
                other => self.value(&key, other, inner)?,
            }
            let key = string(self.engine.text(key.as_bytes(), false, self.redactions));
            map.insert(key, value);
        }
        Ok(())
    }

    fn below(&self, key: &str, below: Below) -> Below {
        let named = rule(key, below).filter(|rule| self.engine.rules.on(*rule));
        Below {
            depth: below.depth + 1,
            proxy: below.proxy || key.to_ascii_lowercase().contains("proxy"),
            // `secret:` of a volume is a mapping of names.
            secret: named.filter(|_| key != "secret"),
            parent: Parent::of(key),
        }
    }

    fn array(&mut self, name: &str, items: &mut [Value], below: Below) -> Result<(), Withheld> {
        let mut before = String::new();
        let is_pair = items.len() == 2;
        let mut flag = None;
        for item in items {
            // `["--password", "hunter2"]`, `["cookie", "a=b"]`, and a list under a secret name.
            let follows = is_flag(&before) || is_pair && names_secret(&before);
            let is_argument = follows || flag == Some(&*before) || is_user(&before, item) || is_glued(flag, item);
            let rule = if is_argument { Some(Rule::NamedValue) } else { below.secret };
            flag = item.as_str().and_then(|text| flag_of(&before, text)).or(flag);
            item.as_str().unwrap_or_default().clone_into(&mut before);
            if let (Some(rule), Value::String(_) | Value::Number(_)) =
                (rule.filter(|rule| self.engine.rules.on(*rule)), &*item)
            {
                self.hide(item, rule);
            } else if let Some((name, _)) = item
                .as_str()
                .and_then(|text| text.split_once('='))
                .filter(|(name, _)| below.parent == Parent::Environment && secrets::is_secret_variable(name.as_bytes()))
            {
                self.redactions.count(Rule::EnvironmentValue);
                *item = format!("{name}={}", string(MARK.to_vec())).into();
            } else {
                self.value(name, item, Below { depth: below.depth + 1, ..below })?;
            }
        }
        Ok(())
    }

    /// Redacts a text. If it holds an object, as in an annotation or a template in a ConfigMap, it is
    /// redacted as one.
    fn text(&mut self, name: &str, text: &mut String, depth: usize) -> Result<(), Withheld> {
        if text.trim_start().starts_with(['{', '['])
            && text.contains("\"kind\"")
            && let Ok(mut inner) = serde_json::from_str::<Value>(text)
        {
            if inner.get("kind").is_some_and(Value::is_string) {
                self.object(&mut inner, None, depth + 1)?;
            } else {
                self.value("", &mut inner, Below { depth: depth + 1, ..Below::default() })?;
            }
            *text = inner.to_string();
            return Ok(());
        }
        *text = string(self.engine.value(name.as_bytes(), text.as_bytes(), self.redactions));
        Ok(())
    }

    /// Replaces a hostname by its pseudonym, and returns whether it was one.
    fn host(&mut self, text: &mut String) -> bool {
        let is_name =
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'*'));
        let other = self.engine.table.host_or_address(text).filter(|(rule, _)| is_name && self.engine.rules.on(*rule));
        other
            .map(|(rule, other)| {
                self.redactions.count(rule);
                *text = other;
            })
            .is_some()
    }

    fn drop_copies(&mut self, map: &mut Map<String, Value>) {
        let (engine, redactions) = (self.engine, &mut *self.redactions);
        map.retain(|key, _| {
            let rule = match key.as_str() {
                "managedFields" => Rule::ManagedFields,
                key if key.ends_with("/last-applied-configuration") => Rule::Annotation,
                _ => return true,
            };
            if engine.rules.on(rule) {
                redactions.count(rule);
            }
            !engine.rules.on(rule)
        });
    }
}

/// Returns why the value of this key is redacted.
fn rule(key: &str, below: Below) -> Option<Rule> {
    match secrets::of(key.as_bytes()) {
        ValueKind::EncryptionKey => Some(Rule::EncryptionKey),
        ValueKind::Header => Some(Rule::AuthorizationHeader),
        ValueKind::Cookie => Some(Rule::Cookie),
        ValueKind::Secret => Some(Rule::NamedValue),
        ValueKind::InQuery if key.eq_ignore_ascii_case("auth") => Some(Rule::NamedValue),
        ValueKind::InQuery | ValueKind::Directory | ValueKind::NotSecret => {
            let user = ["user", "username"].iter().any(|name| key.eq_ignore_ascii_case(name));
            let is_setting = secrets::is_setting_below_secret(key);
            (below.proxy && user).then_some(Rule::UserName).or(below.secret.filter(|_| !is_setting))
        }
    }
}

/// Returns whether the value of a key is the URL of a webhook: `webhookUrl`, `slack_webhook`.
fn is_name_of_webhook(key: &str) -> bool {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    ["webhook", "webhookurl", "webhookuri"].iter().any(|end| key.to_ascii_lowercase().ends_with(end))
}

/// Returns the URL of a webhook with scheme and host alone, because path and query hold tokens; `None` if it
/// has neither, or is no URL.
fn without_path(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#'])?);
    let mark = string(MARK.to_vec());
    (path != "/" && path != format!("/{mark}")).then(|| format!("{scheme}://{host}/{mark}"))
}

fn is_secret(key: &str, value: &Value) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    !is_not_secret(text.as_bytes(), key.as_bytes())
}

/// Returns whether an argument is a flag such as `--password`, whose value is the next argument.
fn is_flag(argument: &str) -> bool {
    argument.starts_with('-') && names_secret(argument.trim_start_matches('-'))
}

fn names_secret(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !matches!(secrets::of(name.as_bytes()), ValueKind::NotSecret | ValueKind::Directory | ValueKind::InQuery)
}

/// Returns the flag before the password of a program, given the arguments that name it and its command.
fn flag_of(before: &str, argument: &str) -> Option<&'static str> {
    let base = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let (before, argument) = (base(before), base(argument));
    let is_called = |program: &str| match program.rsplit_once(' ') {
        Some((first, command)) => command == argument && first.ends_with(&before) && !before.is_empty(),
        None => program == argument,
    };
    PASSWORD_FLAGS.iter().find(|(program, _)| is_called(program)).map(|(_, flag)| *flag)
}

/// Returns whether an argument holds a flag and its value: `["mysql", "-phunter2"]`.
fn is_glued(flag: Option<&str>, argument: &Value) -> bool {
    let rest = |flag: &str| argument.as_str().and_then(|text| text.strip_prefix(flag)).map(str::len);
    flag.filter(|flag| flag.len() == 2).and_then(rest).is_some_and(|length| length > 0)
}

/// Returns whether an argument is `user:password` behind `-u` or a like flag. A numeric user and group is no
/// secret.
fn is_user(flag: &str, argument: &Value) -> bool {
    let pair = |text: &str| text.contains(':') && !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let short_flags = flag.strip_prefix('-').filter(|flags| flags.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_flag = short_flags.is_some_and(|flags| flags.len() < 5 && flags.ends_with('u'));
    (is_flag || matches!(flag, "--user" | "--proxy-user")) && argument.as_str().is_some_and(pair)
}
