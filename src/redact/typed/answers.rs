//! Answers of Edge's Management API with pseudonyms: a field that is known to hold a hostname, an address or
//! a distinguished name is replaced whatever the form of its text. Secrets are redacted before.

use serde_json::Value;

use super::evidence::Pseudonymizer;
use crate::evidence::part::{Kind, Visitor};
use crate::redact::text::Engine;
use crate::redact::{Redactions, Withheld};

/// Fields whose texts are hostnames or addresses.
const HOST_FIELDS: [&str; 5] = ["commonName", "host", "hostAliases", "interfaces", "subjectAlternativeNames"];
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
    fn urls_of_one_label_are_hosts_and_references_are_not() {
        let text = "<URL>https://sentinel-one:8443/x</URL><KeyStore>ref://ks-ref</KeyStore><URL>https://{host}/</URL>";
        let clean = redactor().proxy_file(text, &mut Redactions::default());
        assert!(!clean.contains("sentinel-one") && clean.contains(".example:8443/x"), "{clean}");
        assert!(clean.contains("ref://ks-ref") && clean.contains("https://{host}/"), "{clean}");
    }
}
