//! The JSON of the Management API, in the forms in which it comes: booleans and numbers as strings, dates as
//! numbers or strings, lists that are absent or null, aliases as strings or objects.

use jiff::Timestamp;
use serde_json::Value;

use super::ciphers;
use crate::evidence::certificate::{Certificate, PublicKey};
use crate::evidence::edge::{Target, TargetOrigin, TlsSettings, VirtualHost};

/// Maximum depth of an answer.
pub const MAX_DEPTH: usize = 64;
/// Maximum number of names in a list.
const MAX_NAMES: usize = 10_000;

/// Parses an answer.
///
/// # Errors
/// What it is instead of JSON.
pub fn json(bytes: &[u8]) -> Result<Value, String> {
    // Some servers write a byte order mark, which JSON does not have.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = bytes.trim_ascii_start();
    if start.is_empty() {
        return Err("an empty answer, not JSON".into());
    }
    if start.starts_with(b"<") {
        let is_html = start.len() >= 5
            && start[..start.len().min(512)].to_ascii_lowercase().windows(5).any(|part| part == b"<html");
        return Err(if is_html { "an HTML page, not JSON".into() } else { "XML or HTML, not JSON".into() });
    }
    if depth(bytes) > MAX_DEPTH {
        return Err(format!("JSON of more than {MAX_DEPTH} levels"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() { "JSON that ends too early".to_owned() } else { format!("not JSON (line {})", error.line()) }
    })
}

/// Returns how deep brackets are nested outside of strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Returns the names of a list: of strings, or of objects with a name. Google wraps lists in an object.
///
/// # Errors
/// It is no list.
pub fn names(answer: &Value) -> Result<Vec<String>, String> {
    let list = match answer {
        Value::Array(list) => list,
        Value::Object(fields) => match fields.values().find_map(Value::as_array) {
            Some(list) => list,
            None if fields.is_empty() => return Ok(Vec::new()),
            None => return Err("an object where a list of names was expected".into()),
        },
        Value::Null => return Ok(Vec::new()),
        _ => return Err("a value where a list of names was expected".into()),
    };
    Ok(list.iter().take(MAX_NAMES).filter_map(name).collect())
}

fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(_) => ["aliasName", "alias", "name"].iter().find_map(|field| string(&value[*field])),
        _ => None,
    }
}

/// Reads a virtual host.
///
/// # Errors
/// It is no object.
pub fn virtual_host(answer: &Value) -> Result<VirtualHost, String> {
    let fields = answer.as_object().ok_or("not an object")?;
    let listen = strings(&answer["listenOptions"]);
    let mut host = VirtualHost {
        aliases: strings(&answer["hostAliases"]).iter().map(|alias| without_port(alias)).collect(),
        port: number(&answer["port"]),
        tls: fields.get("sSLInfo").and_then(tls),
        built_in_certificate: boolean(&answer["useBuiltInFreeTrialCert"]) == Some(true),
        proxy_protocol: listen.iter().any(|option| option == "proxy_protocol"),
        ..VirtualHost::default()
    };
    // OpenAPI and answers disagree about the case of this field.
    let properties = &answer["properties"];
    let list = [&properties["property"], &properties["Property"]].into_iter().find(|list| !list.is_null());
    let one_or_several = match list {
        Some(Value::Array(several)) => several.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    for property in one_or_several {
        let value = string(&property["value"]).or_else(|| string(&property["__text"])).unwrap_or_default();
        match property["name"].as_str().or(property["_name"].as_str()) {
            Some("ssl_protocols") => host.protocols = super::properties::words(&value),
            Some("ssl_ciphers") => host.ciphers = Some(ciphers::expand(&value)),
            _ => {}
        }
    }
    Ok(host)
}

/// A host alias may carry the port of its virtual host.
fn without_port(alias: &str) -> String {
    let name = match alias.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => alias,
    };
    name.to_ascii_lowercase()
}

/// Reads a target server.
///
/// # Errors
/// It is no object, or lacks host or port.
pub fn target_server(name: &str, answer: &Value) -> Result<Target, String> {
    let fields = answer.as_object().ok_or("not an object")?;
    let tls = fields.get("sSLInfo").and_then(tls);
    let host = string(&answer["host"]).filter(|host| !host.is_empty()).ok_or("it has no host")?;
    let default = if tls.as_ref().is_some_and(|tls| tls.enabled) { 443 } else { 80 };
    Ok(Target {
        object: format!("targetservers/{name}"),
        origin: TargetOrigin::TargetServer,
        endpoint: None,
        host: (!host.contains(['{', '}'])).then(|| host.trim().trim_matches(['[', ']']).to_ascii_lowercase()),
        port: number(&answer["port"]).unwrap_or(default),
        enabled: boolean(&answer["isEnabled"]).unwrap_or(true),
        tls,
        is_https: false,
    })
}

fn tls(value: &Value) -> Option<TlsSettings> {
    value.as_object()?;
    let text = |field: &str| string(&value[field]).filter(|text| !text.is_empty());
    let flag = |field: &str| boolean(&value[field]);
    Some(TlsSettings {
        enabled: flag("enabled").unwrap_or(false),
        client_auth: flag("clientAuthEnabled").unwrap_or(false),
        key_store: text("keyStore"),
        key_alias: text("keyAlias"),
        trust_store: text("trustStore"),
        protocols: strings(&value["protocols"]),
        ciphers: strings(&value["ciphers"]),
        ignore_validation_errors: flag("ignoreValidationErrors").unwrap_or(false),
        enforce: flag("enforce"),
        common_name: text("commonName").or_else(|| string(&value["commonName"]["value"])),
    })
}

/// Returns the name of the keystore that a reference names.
#[must_use]
pub fn refers(answer: &Value) -> Option<String> {
    string(&answer["refers"]).filter(|name| !name.is_empty())
}

/// An entry in the listing of a keystore.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub alias: String,
    /// Name of the certificate, by which older installations export it.
    pub certificate: Option<String>,
    /// It has a private key; absent if the listing does not say.
    pub has_key: Option<bool>,
}

/// Returns the entries of a keystore.
///
/// # Errors
/// It is no object.
pub fn entries(answer: &Value) -> Result<Vec<Entry>, String> {
    if !answer.is_object() {
        return Err("not an object".into());
    }
    let keys = answer["keys"].as_array().map(|_| strings(&answer["keys"]));
    let mut entries: Vec<Entry> = Vec::new();
    for alias in answer["aliases"].as_array().into_iter().flatten().take(MAX_NAMES) {
        let Some(name) = name(alias) else { continue };
        let key = string(&alias["key"]);
        let has_key = match (alias.is_object(), &keys) {
            (true, _) if key.is_some() => Some(true),
            (_, Some(keys)) if keys.contains(&name) => Some(true),
            // The list may have the names of keys instead of those of aliases.
            (false, Some(keys)) if !keys.is_empty() => None,
            (_, Some(_)) | (true, None) => Some(false),
            (false, None) => None,
        };
        entries.push(Entry { alias: name, certificate: string(&alias["cert"]), has_key });
    }
    // Older installations list certificates without aliases.
    for certificate in strings(&answer["certs"]) {
        if entries.iter().all(|entry| entry.certificate.as_ref() != Some(&certificate)) && entries.is_empty() {
            entries.push(Entry { alias: certificate.clone(), certificate: Some(certificate), has_key: None });
        }
    }
    Ok(entries)
}

/// Returns whether an alias of Google's API has a private key.
#[must_use]
pub fn alias_has_key(answer: &Value) -> Option<bool> {
    match answer["type"].as_str() {
        Some("KEY_CERT") => Some(true),
        Some("CERT") => Some(false),
        _ => string(&answer["keyName"]).map(|_| true),
    }
}

/// Returns the certificates that an alias or a certificate is described with.
#[must_use]
pub fn described(answer: &Value) -> Vec<Certificate> {
    let list = [&answer["certsInfo"]["certInfo"], &answer["certInfo"]];
    let list = list.into_iter().find_map(Value::as_array);
    let mut certificates: Vec<Certificate> =
        list.into_iter().flatten().take(crate::evidence::certificate::MAX_CERTIFICATES).map(certificate).collect();
    let subjects: Vec<String> = certificates.iter().map(|certificate| certificate.subject.clone()).collect();
    for certificate in &mut certificates {
        certificate.signer = subjects.iter().position(|subject| *subject == certificate.issuer);
    }
    certificates
}

fn certificate(info: &Value) -> Certificate {
    let text = |field: &str| string(&info[field]).unwrap_or_default();
    let (mut dns_names, mut ip_addresses) = (Vec::new(), Vec::new());
    for name in strings(&info["subjectAlternativeNames"]) {
        let name = name
            .split_once(':')
            .filter(|(kind, _)| kind.chars().all(char::is_alphabetic))
            .map_or(name.as_str(), |(_, rest)| rest.trim());
        match name.parse() {
            Ok(address) => ip_addresses.push(address),
            Err(_) => dns_names.push(name.to_ascii_lowercase()),
        }
    }
    let key = text("publicKey");
    let bits = key.split(|character: char| !character.is_ascii_digit()).find_map(|word| word.parse().ok());
    let serial: String = text("serialNumber").chars().filter(char::is_ascii_hexdigit).collect();
    Certificate {
        subject: text("subject"),
        issuer: text("issuer"),
        serial: serial.trim_start_matches('0').to_ascii_lowercase(),
        dns_names,
        ip_addresses,
        names_cut: false,
        not_before: date(&info["validFrom"]).unwrap_or(Timestamp::MIN),
        not_after: date(&info["expiryDate"]).unwrap_or(Timestamp::MIN),
        key: PublicKey {
            algorithm: key.split_whitespace().next().unwrap_or("unknown").to_owned(),
            bits: bits.unwrap_or(0),
            curve: None,
        },
        signature_algorithm: text("sigAlgName"),
        fingerprint: String::new(),
        is_ca: text("basicConstraints").to_ascii_uppercase().contains("CA:TRUE"),
        server_use: None,
        client_use: None,
        issuer_urls: Vec::new(),
        must_staple: false,
        signer: None,
    }
}

/// Milliseconds since 1970, as a number or as a string.
fn date(value: &Value) -> Option<Timestamp> {
    let text = || value.as_str().map(str::trim);
    let milliseconds = value.as_i64().or_else(|| text()?.parse().ok());
    // Some serialisers write large numbers with an exponent. A date is exact to the second.
    let exponent = || value.as_f64().or_else(|| text()?.parse().ok()).filter(|number: &f64| number.abs() < 1e15);
    let milliseconds = milliseconds.or_else(|| format!("{:.0}", exponent()?).parse().ok())?;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// Returns the deployed revisions of a proxy.
#[must_use]
pub fn deployed_revisions(answer: &Value) -> Vec<String> {
    let list = answer["revision"].as_array().or_else(|| answer["deployments"].as_array());
    let is_deployed = |entry: &&Value| entry["state"].as_str().is_none_or(|state| state == "deployed");
    let revision = |entry: &Value| string(&entry["name"]).or_else(|| string(&entry["revision"]));
    list.into_iter().flatten().filter(is_deployed).filter_map(revision).collect()
}

/// Returns what an error answer says: its code and message.
#[must_use]
pub fn error(bytes: &[u8]) -> Option<String> {
    let answer = json(bytes).ok()?;
    let inner = if answer["error"].is_object() { &answer["error"] } else { &answer };
    let parts = [string(&inner["code"]).filter(|code| code.parse::<u16>().is_err()), string(&inner["message"])];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    (!text.is_empty()).then(|| text.chars().take(300).collect())
}

fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().take(MAX_NAMES).filter_map(string).collect(),
        Value::String(text) if !text.is_empty() => super::properties::words(text),
        _ => Vec::new(),
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).or_else(|| value.as_str()?.trim().parse().ok())
}

/// Fuzzing entry: reads any bytes as every kind of answer.
pub fn fuzz_answers(bytes: &[u8]) {
    let _ = error(bytes);
    let Ok(answer) = json(bytes) else { return };
    let _ = (names(&answer), virtual_host(&answer), target_server("fuzz", &answer), entries(&answer));
    let _ = (described(&answer), deployed_revisions(&answer), refers(&answer), alias_has_key(&answer));
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    #[test]
    fn reads_booleans_and_numbers_of_both_kinds() {
        for (enabled, port) in [(value!("true"), value!("8443")), (value!(true), value!(8443))] {
            let answer = value!({"host": "B.example", "port": port, "isEnabled": enabled, "sSLInfo": {"enabled": enabled,
                "keyStore": null, "trustStore": "ref://ts", "commonName": {"value": "x", "wildcardMatch": true}}});
            let target = target_server("t", &answer).unwrap();
            assert_eq!((target.port, target.enabled, target.has_tls()), (8443, true, true));
            assert_eq!(target.host.as_deref(), Some("b.example"));
            let tls = target.tls.unwrap();
            assert_eq!((tls.key_store, tls.common_name.as_deref()), (None, Some("x")));
        }
    }

    #[test]
    fn reads_a_virtual_host_with_and_without_tls() {
        let plain = value!({"hostAliases": ["A.example:8443", "*.b.example"], "port": "80"});
        let plain = virtual_host(&plain).unwrap();
        assert_eq!(plain.aliases, ["a.example", "*.b.example"]);
        assert!(plain.tls.is_none());
        let with = value!({"port": 443, "sSLInfo": {"enabled": "true", "clientAuthEnabled": "true"},
            "properties": {"property": [{"name": "ssl_protocols", "value": "TLSv1.2 TLSv1.3"}]}});
        let with = virtual_host(&with).unwrap();
        assert_eq!((with.port, with.protocols.len()), (Some(443), 2));
        assert!(with.tls.unwrap().client_auth);
    }

    #[test]
    fn keys_by_another_name_leave_it_open_whether_an_alias_has_one() {
        let has_key = |answer: Value| entries(&answer).unwrap()[0].has_key;
        assert_eq!(has_key(value!({"aliases": ["a"], "keys": ["a"]})), Some(true));
        assert_eq!(has_key(value!({"aliases": ["a"], "keys": ["a-key"]})), None);
        assert_eq!(has_key(value!({"aliases": ["a"], "keys": []})), Some(false));
        assert_eq!(has_key(value!({"aliases": [{"aliasName": "a", "cert": "a-cert"}]})), Some(false));
        assert_eq!(json(b"\xEF\xBB\xBF[\"a\"]").unwrap(), value!(["a"]));
        let one = value!({"port": "443", "properties": {"property": {"name": "ssl_protocols", "value": "TLSv1"}}});
        assert_eq!(virtual_host(&one).unwrap().protocols, ["TLSv1"]);
    }

    #[test]
    fn dates_count_and_a_described_certificate_has_no_fingerprint() {
        for expiry in [value!(1_456_258_950_000_i64), value!("1456258950000"), value!(1.456_258_95e12)] {
            let answer = value!({"certsInfo": {"certInfo": [{"expiryDate": expiry, "isValid": "Yes", "subject": "CN=a",
                "issuer": "CN=i", "serialNumber": "07:bc", "publicKey": "RSA Public Key, 1024 bits",
                "sigAlgName": "SHA1withRSA", "subjectAlternativeNames": null}, {"subject": "CN=i", "issuer": "CN=i"}]}});
            let list = described(&answer);
            assert_eq!(list[0].not_after.as_millisecond(), 1_456_258_950_000);
            assert_eq!((list[0].serial.as_str(), list[0].key.bits, list[0].signer), ("7bc", 1024, Some(1)));
            assert!(list[0].fingerprint.is_empty() && list[1].is_self_signed(1));
        }
    }

    #[test]
    fn lists_entries_of_both_dialects() {
        let edge = value!({"aliases": [{"aliasName": "a", "cert": "a-cert", "key": "a-key"}, {"aliasName": "b", "cert": "b-cert"}], "keys": ["a"]});
        let listed: Vec<_> = entries(&edge).unwrap().into_iter().map(|entry| (entry.alias, entry.has_key)).collect();
        assert_eq!(listed, [("a".into(), Some(true)), ("b".into(), Some(false))]);
        let google = value!({"name": "k", "aliases": ["a"]});
        assert_eq!(entries(&google).unwrap()[0].has_key, None);
        assert_eq!(alias_has_key(&value!({"type": "KEY_CERT"})), Some(true));
    }

    #[test]
    fn says_what_an_answer_is_instead_of_json() {
        assert_eq!(json(b"<!DOCTYPE html><html>").unwrap_err(), "an HTML page, not JSON");
        assert_eq!(json(b"[1,").unwrap_err(), "JSON that ends too early");
        assert!(json("[".repeat(65).as_bytes()).unwrap_err().contains("levels"));
        assert!(json(b"").is_err());
        let edge = br#"{"code":"messaging.config.beans.EnvironmentDoesNotExist","message":"m","contexts":[]}"#;
        assert_eq!(error(edge).unwrap(), "messaging.config.beans.EnvironmentDoesNotExist: m");
        assert_eq!(error(br#"{"error":{"code":404,"message":"gone"}}"#).unwrap(), "gone");
        fuzz_answers(b"{\"aliases\":[1,null]}");
    }
}
