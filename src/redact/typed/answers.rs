//! Answers of Edge's Management API with pseudonyms: a field that is known to hold a hostname, an address or
//! a distinguished name is replaced whatever the form of its text. Secrets are redacted before.

use serde_json::Value;

use super::evidence::Pseudonymizer;
use crate::evidence::part::{Kind, Visitor};
use crate::redact::rules::Rule;
use crate::redact::text::{Engine, MARK};
use crate::redact::{Redactions, Withheld};

/// Fields whose texts are hostnames or addresses.
const HOST_FIELDS: [&str; 5] = ["commonName", "host", "hostAliases", "interfaces", "subjectAlternativeNames"];
/// Fields in which user and password may be before a host.
const USER_FIELDS: [&str; 4] = ["baseUrl", "host", "hostAliases", "interfaces"];
/// Fields with a distinguished name.
const NAME_FIELDS: [&str; 2] = ["issuer", "subject"];
/// Fields with the number of a certificate.
const NUMBER_FIELDS: [&str; 1] = ["serialNumber"];

/// Gives pseudonyms in an answer.
pub(in crate::redact) fn redact(engine: &Engine, text: &str, redactions: &mut Redactions) -> Result<String, Withheld> {
    let not_json = |_| Withheld::because("--redact replaces names in JSON, and this answer is not JSON");
    let mut answer: Value = serde_json::from_str(text).map_err(not_json)?;
    let mut pseudonymizer = Pseudonymizer { table: &engine.table, rules: engine.rules, redactions };
    value(&mut pseudonymizer, &mut answer, Kind::Text);
    serde_json::to_string_pretty(&answer).map_err(not_json)
}

/// Redacts user and password before the hosts of an answer, which no scheme shows to be a URL. Returns `None`
/// if there are none.
pub(in crate::redact) fn without_user_information(text: &str, redactions: &mut Redactions) -> Option<String> {
    let mut answer: Value = serde_json::from_str(text).ok()?;
    let mut found = 0;
    hosts_without_user_information(&mut answer, false, &mut found);
    (0..found).for_each(|_| redactions.count(Rule::UrlUserinfo));
    (found > 0).then(|| serde_json::to_string_pretty(&answer).ok()).flatten()
}

/// The depth is bounded by the parser.
fn hosts_without_user_information(value: &mut Value, is_host: bool, found: &mut usize) {
    match value {
        Value::String(text) if is_host => {
            if let Some(other) = without_user(text) {
                *text = other;
                *found += 1;
            }
        }
        Value::Array(items) => {
            for item in items {
                hosts_without_user_information(item, is_host, found);
            }
        }
        Value::Object(fields) => {
            for (name, inner) in fields {
                let is_host = is_host || USER_FIELDS.contains(&name.as_str());
                hosts_without_user_information(inner, is_host, found);
            }
        }
        _ => {}
    }
}

/// Replaces what is before the last `@` of a host, except a scheme.
fn without_user(host: &str) -> Option<String> {
    let (before, after) = host.rsplit_once('@')?;
    let scheme = before.find("://").map_or("", |at| &before[..at + "://".len()]);
    let mark = String::from_utf8_lossy(MARK);
    (before[scheme.len()..] != *mark).then(|| format!("{scheme}{mark}@{after}"))
}

/// Redacts user and password in the URLs of a file of a proxy: before the last `@` in front of the path.
pub(in crate::redact) fn urls_without_user_information(text: &str, redactions: &mut Redactions) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("<URL") {
        let content = rest[begin..].find('>').map_or(rest.len(), |end| begin + end + 1);
        let end = rest[content..].find("</URL").map_or(rest.len(), |end| content + end);
        let url = &rest[content..end];
        let authority = url.find("://").map_or(0, |at| at + "://".len());
        let path = url[authority..].find('/').map_or(url.len(), |at| authority + at);
        let (host, path) = url.split_at(path);
        out += &rest[..content];
        let clean = without_user(host);
        if clean.is_some() {
            redactions.count(Rule::UrlUserinfo);
        }
        out += clean.as_deref().unwrap_or(host);
        out += path;
        rest = &rest[end..];
    }
    out + rest
}

/// Replaces the hosts of URLs of one label, such as `https://backend:8443`, which text alone does not show to
/// be hosts.
pub(in crate::redact) fn hosts_of_urls(engine: &Engine, text: &str, redactions: &mut Redactions) -> String {
    let mut pseudonymizer = Pseudonymizer { table: &engine.table, rules: engine.rules, redactions };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("://") {
        let (before, after) = rest.split_at(begin + "://".len());
        out += before;
        let is_web = ["http", "https"].iter().any(|scheme| before[..begin].to_ascii_lowercase().ends_with(scheme));
        let end = after.find(|character: char| !character.is_ascii_alphanumeric() && !"-_".contains(character));
        let (label, others) = after.split_at(end.unwrap_or(after.len()));
        let is_whole = !others.starts_with(['.', '{', '@', '%']);
        let mut host = label.to_owned();
        if is_web && is_whole && !label.is_empty() {
            pseudonymizer.string(Kind::Hostname, &mut host);
        }
        out += &host;
        rest = others;
    }
    out + rest
}

/// The depth is bounded by the parser.
fn value(pseudonymizer: &mut Pseudonymizer<'_>, value: &mut Value, kind: Kind) {
    match value {
        Value::String(text) if kind == Kind::Hostname => host(pseudonymizer, text),
        Value::String(text) => pseudonymizer.string(kind, text),
        Value::Array(items) => items.iter_mut().for_each(|item| self::value(pseudonymizer, item, kind)),
        Value::Object(fields) => {
            let dns_names = names(fields.get("subjectAlternativeNames"));
            for (mut name, mut inner) in std::mem::take(fields) {
                match &mut inner {
                    Value::String(text) if NAME_FIELDS.contains(&name.as_str()) => {
                        pseudonymizer.distinguished_name(text, &dns_names);
                    }
                    inner => self::value(pseudonymizer, inner, kind_of(&name, kind)),
                }
                pseudonymizer.string(Kind::Text, &mut name);
                fields.insert(name, inner);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The kind of a field, and of what is below it.
fn kind_of(name: &str, above: Kind) -> Kind {
    match name {
        _ if HOST_FIELDS.contains(&name) => Kind::Hostname,
        _ if NUMBER_FIELDS.contains(&name) => Kind::Number,
        // `commonName` is a text, or an object with this field.
        "value" => above,
        _ => Kind::Text,
    }
}

/// Replaces a host that may have a port behind it, or the type of a SAN before it (`DNS:api.example.com`).
fn host(pseudonymizer: &mut Pseudonymizer<'_>, text: &mut String) {
    let bare = without_type(text);
    let prefix = text[..text.len() - bare.len()].to_owned();
    let (mut name, port) = match bare.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name.to_owned(), format!(":{port}"))
        }
        _ => (bare.to_owned(), String::new()),
    };
    pseudonymizer.string(Kind::Hostname, &mut name);
    *text = format!("{prefix}{name}{port}");
}

fn names(list: Option<&Value>) -> Vec<String> {
    let texts = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.map(|text| without_type(text).to_owned()).collect()
}

fn without_type(name: &str) -> &str {
    let types = ["DNS:", "DNS Name:", "IP:", "IP Address:"];
    types.iter().find_map(|kind| name.strip_prefix(kind)).map_or(name, str::trim_start)
}

#[cfg(test)]
mod tests {
    use crate::redact::{Names, Pseudonyms, Redactions, Redactor};

    fn redactor() -> Redactor {
        Redactor::new(Pseudonyms::Both, Names::new([7; 32]))
    }

    #[test]
    fn fields_of_hosts_are_replaced_whatever_their_form() {
        let answer = r#"{"name": "secure", "host": "sentinel-one", "port": "443", "hostAliases": ["api.sentinel.test:8443",
            "*.sentinel.test"], "commonName": {"value": "sentinel_two", "wildcardMatch": true}, "certInfo": [{"subject":
            "CN=sentinel-three, O=Harbor", "subjectAlternativeNames": ["DNS:sentinel-three", "203.0.113.77"],
            "serialNumber": "0a:be:ef"}], "sentinel-key.sentinel.test": 1, "password": "pw-sentinel-four"}"#;
        let clean = redactor().answer(answer, &mut Redactions::default()).unwrap();
        for left in ["sentinel", "203.0.113.77", "0a:be:ef"] {
            assert!(!clean.contains(left), "{left} in {clean}");
        }
        let value: serde_json::Value = serde_json::from_str(&clean).unwrap();
        assert_eq!((value["name"].as_str(), value["port"].as_str()), (Some("secure"), Some("443")));
        assert!(value["hostAliases"][0].as_str().unwrap().ends_with(".example:8443"), "{clean}");
        assert!(value["hostAliases"][1].as_str().unwrap().starts_with("*."), "{clean}");
    }

    #[test]
    fn an_answer_that_is_not_json_is_withheld_only_with_pseudonyms() {
        let text = "<html>api.sentinel.test</html>";
        assert!(redactor().answer(text, &mut Redactions::default()).is_err());
        assert_eq!(Redactor::secrets_only().answer(text, &mut Redactions::default()).unwrap(), text);
    }

    #[test]
    fn user_and_password_before_a_host_are_redacted() {
        for redactor in [Redactor::secrets_only(), redactor()] {
            for host in [
                "me:pw-SENTINEL-1@backend.test",
                "me:pw-SENTINEL/2@backend.test",
                "SENTINEL@backend.test:8443",
                "https://me:SENTINEL@3@backend.test",
                "me\\u003aSENTINEL-4\\u0040backend.test",
            ] {
                let answer = format!(
                    r#"{{"name": "orders", "host": "{host}", "hostAliases": ["{host}"], "baseUrl": "{host}"}}"#
                );
                let mut redactions = Redactions::default();
                let clean = redactor.answer(&answer, &mut redactions).unwrap();
                assert!(!clean.contains("SENTINEL") && clean.contains("orders"), "{host}: {clean}");
                assert!(!redactions.is_empty());
                let xml =
                    format!("<HTTPTargetConnection><URL>{host}/path</URL><Path>a@b</Path></HTTPTargetConnection>");
                if !host.contains(['\\', '/']) || host.contains("://") {
                    let clean = redactor.proxy_file(&xml, &mut Redactions::default());
                    assert!(!clean.contains("SENTINEL") && clean.contains("/path</URL><Path>a@b"), "{clean}");
                }
            }
        }
        let plain = "{\"host\":   \"backend\"}";
        assert_eq!(Redactor::secrets_only().answer(plain, &mut Redactions::default()).unwrap(), plain, "as it was");
    }

    #[test]
    fn urls_of_one_label_are_hosts_and_references_are_not() {
        let text = "<URL>https://sentinel-one:8443/x</URL><KeyStore>ref://ks-ref</KeyStore><URL>https://{host}/</URL>";
        let clean = redactor().proxy_file(text, &mut Redactions::default());
        assert!(!clean.contains("sentinel-one") && clean.contains(".example:8443/x"), "{clean}");
        assert!(clean.contains("ref://ks-ref") && clean.contains("https://{host}/"), "{clean}");
    }
}
