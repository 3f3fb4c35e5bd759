//! The JSON of the Management API, in the forms in which it comes: booleans and numbers as strings, lists
//! that are absent or null, aliases as strings or objects.
//!
//! An object with a field of another shape is not read at all: what such a field means cannot be known.

use serde_json::Value;
use serde_json::error::Category;

use super::ciphers;
pub use super::described::described;
use super::fields::{self, Fields, kind};
use super::unique::Unique;
use crate::evidence::edge::{Dialect, Target, TargetOrigin, TlsSettings, VirtualHost};
use crate::wire::BYTE_ORDER_MARK;

/// Maximum depth of an answer.
pub const MAX_DEPTH: usize = 64;

/// Parses an answer.
///
/// # Errors
/// What it is instead of JSON.
pub fn json(bytes: &[u8]) -> Result<Value, String> {
    // Some servers write a byte order mark, which JSON does not have.
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
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
    let read: Result<Unique, _> = serde_json::from_slice(bytes);
    read.map(|Unique(answer)| answer).map_err(|error| match error.classify() {
        Category::Eof => "JSON that ends too early".to_owned(),
        Category::Data => format!("JSON with a field that is there twice (line {})", error.line()),
        Category::Io | Category::Syntax => format!("not JSON (line {})", error.line()),
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

/// Returns the names of a list: of strings, or of objects with a name. Google wraps lists in an object, which
/// is empty where the list is.
///
/// # Errors
/// It is no list, or has an entry without a name.
pub fn names(answer: &Value, dialect: Dialect) -> Result<Vec<String>, String> {
    let list = match answer {
        Value::Object(fields) => match fields.values().find(|value| value.is_array()) {
            Some(list) => list,
            None if fields.is_empty() && dialect == Dialect::Google => return Ok(Vec::new()),
            None => return Err("an object where a list of names was expected".into()),
        },
        other => other,
    };
    let entries = fields::entries(list)?;
    entries.iter().map(|entry| name(entry).ok_or_else(|| "a list with an entry that has no name".into())).collect()
}

fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(fields) => {
            ["aliasName", "alias", "name"].iter().find_map(|field| fields::text(fields.get(*field)?))
        }
        _ => None,
    }
    .filter(|name| !name.is_empty())
}

/// Reads a virtual host.
///
/// # Errors
/// It is no object, or a field has another shape.
pub fn virtual_host(answer: &Value) -> Result<VirtualHost, String> {
    let fields = Fields::of(answer)?;
    let listen = fields.texts("listenOptions")?;
    let aliases = fields.texts("hostAliases")?;
    if aliases.iter().any(|alias| alias.contains('@')) {
        return Err(user_information("a host alias"));
    }
    let mut host = VirtualHost {
        aliases: aliases.iter().map(|alias| without_port(alias)).collect(),
        port: fields.port("port")?,
        tls: fields.object("sSLInfo")?.map(tls).transpose()?,
        built_in_certificate: fields.flag("useBuiltInFreeTrialCert")? == Some(true),
        proxy_protocol: listen.iter().any(|option| option == "proxy_protocol"),
        ..VirtualHost::default()
    };
    for property in properties(fields)? {
        let value = property.text("value")?.or(property.text("__text")?).unwrap_or_default();
        match property.text("name")?.or(property.text("_name")?).as_deref() {
            Some("ssl_protocols") => host.protocols = super::properties::words(&value),
            Some("ssl_ciphers") => host.ciphers = Some(ciphers::expand(&value)),
            _ => {}
        }
    }
    Ok(host)
}

fn user_information(what: &str) -> String {
    format!("{what} has user information before @, which is not repeated here")
}

/// Returns the properties of a virtual host. A list of one may come as the entry alone.
fn properties(fields: Fields<'_>) -> Result<Vec<Fields<'_>>, String> {
    let Some(properties) = fields.object("properties")? else { return Ok(Vec::new()) };
    // OpenAPI and answers disagree about the case of this field.
    let list = match properties.get("property").or_else(|| properties.get("Property")) {
        None => &[],
        Some(one) if one.is_object() => std::slice::from_ref(one),
        Some(several) => fields::entries(several).map_err(|why| format!("property is {why}"))?,
    };
    list.iter().map(|property| Fields::of(property).map_err(|why| format!("a property is {why}"))).collect()
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
/// It is no object, lacks a host, or a field has another shape.
pub fn target_server(name: &str, answer: &Value) -> Result<Target, String> {
    let fields = Fields::of(answer)?;
    let tls = fields.object("sSLInfo")?.map(tls).transpose()?;
    let host = fields.text("host")?.ok_or("it has no host")?;
    if host.contains('@') {
        return Err(user_information("its host"));
    }
    let default = if tls.as_ref().is_some_and(|tls| tls.enabled) { 443 } else { 80 };
    Ok(Target {
        object: format!("targetservers/{name}"),
        origin: TargetOrigin::TargetServer,
        endpoint: None,
        host: (!host.contains(['{', '}'])).then(|| host.trim().trim_matches(['[', ']']).to_ascii_lowercase()),
        port: fields.port("port")?.unwrap_or(default),
        enabled: fields.flag("isEnabled")?.unwrap_or(true),
        tls,
        is_https: false,
    })
}

fn tls(fields: Fields<'_>) -> Result<TlsSettings, String> {
    let common_name = match fields.get("commonName") {
        Some(Value::Object(_)) => fields.object("commonName")?.map_or(Ok(None), |inner| inner.text("value"))?,
        _ => fields.text("commonName")?,
    };
    Ok(TlsSettings {
        enabled: fields.flag("enabled")?.unwrap_or(false),
        client_auth: fields.flag("clientAuthEnabled")?.unwrap_or(false),
        key_store: fields.text("keyStore")?,
        key_alias: fields.text("keyAlias")?,
        trust_store: fields.text("trustStore")?,
        protocols: fields.texts("protocols")?,
        ciphers: fields.texts("ciphers")?,
        ignore_validation_errors: fields.flag("ignoreValidationErrors")?.unwrap_or(false),
        enforce: fields.flag("enforce")?,
        common_name,
    })
}

/// Returns the name of the keystore that a reference names.
///
/// # Errors
/// It names none.
pub fn refers(answer: &Value) -> Result<String, String> {
    Fields::of(answer)?.text("refers")?.ok_or_else(|| "it names no keystore".into())
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
/// It is no object, or lists no aliases. Only Google leaves an empty list out.
pub fn entries(answer: &Value, dialect: Dialect) -> Result<Vec<Entry>, String> {
    let fields = Fields::of(answer)?;
    let keys = fields.get("keys").map(|_| fields.texts("keys")).transpose()?;
    let list = match fields.get("aliases") {
        Some(list) => Some(fields::entries(list).map_err(|why| format!("aliases is {why}"))?),
        None => None,
    };
    let certificates = fields.get("certs").map(|_| fields.texts("certs")).transpose()?;
    if list.is_none() && certificates.is_none() && dialect == Dialect::Edge {
        return Err("it lists neither aliases nor certificates".into());
    }
    let mut entries: Vec<Entry> = Vec::new();
    for alias in list.unwrap_or_default() {
        let name = name(alias).ok_or("it lists an alias without a name")?;
        let field = |name: &str| alias.as_object().and_then(|alias| fields::text(alias.get(name)?));
        let has_key = match (alias.is_object(), &keys) {
            (true, _) if field("key").is_some() => Some(true),
            (_, Some(keys)) if keys.contains(&name) => Some(true),
            // The list may have the names of keys instead of those of aliases.
            (false, Some(keys)) if !keys.is_empty() => None,
            (_, Some(_)) | (true, None) => Some(false),
            (false, None) => None,
        };
        entries.push(Entry { alias: name, certificate: field("cert"), has_key });
    }
    // Older installations list certificates without aliases.
    if entries.is_empty() {
        let alone = |name: String| Entry { alias: name.clone(), certificate: Some(name), has_key: None };
        entries = certificates.unwrap_or_default().into_iter().map(alone).collect();
    }
    Ok(entries)
}

/// Returns whether an alias of Google's API has a private key.
#[must_use]
pub fn alias_has_key(answer: &Value) -> Option<bool> {
    match answer["type"].as_str() {
        Some("KEY_CERT") => Some(true),
        Some("CERT") => Some(false),
        _ => fields::text(&answer["keyName"]).map(|_| true),
    }
}

/// Returns the deployed revisions of a proxy.
///
/// # Errors
/// It is no object with a list of revisions. Google leaves an empty list out.
pub fn deployed_revisions(answer: &Value) -> Result<Vec<String>, String> {
    let fields = Fields::of(answer)?;
    let Some(list) = fields.get("revision").or_else(|| fields.get("deployments")) else { return Ok(Vec::new()) };
    let is_deployed = |entry: &&Value| entry["state"].as_str().is_none_or(|state| state == "deployed");
    let revision = |entry: &Value| {
        let named = ["name", "revision"].iter().find_map(|field| fields::text(entry.get(*field)?));
        named.ok_or_else(|| format!("a list with {} that names no revision", kind(entry)))
    };
    fields::entries(list)?.iter().filter(is_deployed).map(revision).collect()
}

/// Returns what an error answer says: its code and message.
#[must_use]
pub fn error(bytes: &[u8]) -> Option<String> {
    let answer = json(bytes).ok()?;
    let inner = if answer["error"].is_object() { &answer["error"] } else { &answer };
    let parts =
        [fields::text(&inner["code"]).filter(|code| code.parse::<u16>().is_err()), fields::text(&inner["message"])];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    (!text.is_empty()).then(|| crate::text::first_words(&text, 300))
}

/// Fuzzing entry: reads any bytes as every kind of answer.
pub fn fuzz_answers(bytes: &[u8]) {
    let _ = error(bytes);
    let Ok(answer) = json(bytes) else { return };
    for dialect in [Dialect::Edge, Dialect::Google] {
        let _ = (names(&answer, dialect), entries(&answer, dialect));
    }
    let _ = (virtual_host(&answer), target_server("fuzz", &answer), described(&answer));
    let _ = (deployed_revisions(&answer), refers(&answer), alias_has_key(&answer));
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
        let has_key = |answer: Value| entries(&answer, Dialect::Edge).unwrap()[0].has_key;
        assert_eq!(has_key(value!({"aliases": ["a"], "keys": ["a"]})), Some(true));
        assert_eq!(has_key(value!({"aliases": ["a"], "keys": ["a-key"]})), None);
        assert_eq!(has_key(value!({"aliases": ["a"], "keys": []})), Some(false));
        assert_eq!(has_key(value!({"aliases": [{"aliasName": "a", "cert": "a-cert"}]})), Some(false));
        assert_eq!(json(b"\xEF\xBB\xBF[\"a\"]").unwrap(), value!(["a"]));
        let one = value!({"port": "443", "properties": {"property": {"name": "ssl_protocols", "value": "TLSv1"}}});
        assert_eq!(virtual_host(&one).unwrap().protocols, ["TLSv1"]);
    }

    #[test]
    fn a_field_of_another_shape_leaves_the_object_unread() {
        for wrong in [
            value!({"sSLInfo": []}),
            value!({"sSLInfo": "true"}),
            value!({"sSLInfo": {"enabled": "yes"}}),
            value!({"sSLInfo": {"enabled": 1}}),
            value!({"sSLInfo": {"enabled": true, "keyStore": ["ks"]}}),
            value!({"sSLInfo": {"enabled": true, "protocols": "TLSv1.2"}}),
            value!({"sSLInfo": {"enabled": true, "ciphers": {}}}),
            value!({"sSLInfo": {"enabled": true, "clientAuthEnabled": "maybe"}}),
            value!({"sSLInfo": {"enabled": true, "commonName": []}}),
            value!({"port": {}}),
            value!({"port": "many"}),
            value!({"port": 0}),
            value!({"port": 70000}),
        ] {
            let mut host = value!({"hostAliases": ["a.example"], "port": "443"});
            let mut target = value!({"host": "b.example", "port": 443});
            for (name, field) in wrong.as_object().unwrap() {
                host[name] = field.clone();
                target[name] = field.clone();
            }
            assert!(virtual_host(&host).is_err() && target_server("t", &target).is_err(), "{wrong}");
        }
        for wrong in [
            value!([]),
            value!("x"),
            value!({"hostAliases": "a.example"}),
            value!({"hostAliases": {}}),
            value!({"hostAliases": [{}]}),
            value!({"properties": []}),
            value!({"properties": {"property": "ssl_protocols"}}),
        ] {
            assert!(virtual_host(&wrong).is_err(), "{wrong}");
        }
        for wrong in [value!({"host": {}}), value!({"host": "b", "isEnabled": "perhaps"}), value!({"port": 1})] {
            assert!(target_server("t", &wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_of_another_shape_is_not_empty() {
        for wrong in [value!(null), value!({}), value!("a"), value!(["a", 1]), value!([{}]), value!([""])] {
            assert!(names(&wrong, Dialect::Edge).is_err(), "{wrong}");
        }
        assert_eq!(names(&value!({"targetServers": [{"name": "a"}, "b"]}), Dialect::Google).unwrap(), ["a", "b"]);
        assert!(names(&value!({}), Dialect::Google).unwrap().is_empty());
        for wrong in [
            value!({}),
            value!([]),
            value!({"aliases": null}),
            value!({"aliases": {}}),
            value!({"aliases": "a"}),
            value!({"aliases": [7]}),
            value!({"aliases": ["a"], "keys": {}}),
        ] {
            assert!(entries(&wrong, Dialect::Edge).is_err(), "{wrong}");
        }
        assert!(entries(&value!({"name": "k"}), Dialect::Google).unwrap().is_empty());
        assert!(entries(&value!({"aliases": []}), Dialect::Edge).unwrap().is_empty());
        for wrong in [value!({}), value!({"refers": null}), value!({"refers": ["ks"]}), value!("ks")] {
            assert!(refers(&wrong).is_err(), "{wrong}");
        }
        assert!(deployed_revisions(&value!([])).is_err() && deployed_revisions(&value!({"revision": "3"})).is_err());
    }

    #[test]
    fn user_information_of_a_host_is_not_repeated() {
        let target = target_server("t", &value!({"host": "me:pw-SENTINEL-1@b.example"})).unwrap_err();
        let host = virtual_host(&value!({"hostAliases": ["me:pw-SENTINEL-1@a.example"]})).unwrap_err();
        for why in [target, host] {
            assert!(why.contains("user information") && !why.contains("SENTINEL"), "{why}");
        }
    }

    #[test]
    fn lists_entries_of_both_dialects() {
        let edge = value!({"aliases": [{"aliasName": "a", "cert": "a-cert", "key": "a-key"}, {"aliasName": "b", "cert": "b-cert"}], "keys": ["a"]});
        let listed: Vec<_> =
            entries(&edge, Dialect::Edge).unwrap().into_iter().map(|entry| (entry.alias, entry.has_key)).collect();
        assert_eq!(listed, [("a".into(), Some(true)), ("b".into(), Some(false))]);
        let google = value!({"name": "k", "aliases": ["a"]});
        assert_eq!(entries(&google, Dialect::Google).unwrap()[0].has_key, None);
        assert_eq!(alias_has_key(&value!({"type": "KEY_CERT"})), Some(true));
    }

    #[test]
    fn says_what_an_answer_is_instead_of_json() {
        assert_eq!(json(b"<!DOCTYPE html><html>").unwrap_err(), "an HTML page, not JSON");
        assert_eq!(json(b"[1,").unwrap_err(), "JSON that ends too early");
        assert!(json("[".repeat(65).as_bytes()).unwrap_err().contains("levels"));
        assert!(json(b"").is_err());
        assert!(json(br#"[{"enabled": true, "enabled": false}]"#).unwrap_err().contains("there twice"));
        let whole = json(br#"{"a": [1, -2, 1.5, "x", true, null], "b": {"a": {}}}"#).unwrap();
        assert_eq!(whole, value!({"a": [1, -2, 1.5, "x", true, null], "b": {"a": {}}}));
        let edge = br#"{"code":"messaging.config.beans.EnvironmentDoesNotExist","message":"m","contexts":[]}"#;
        assert_eq!(error(edge).unwrap(), "messaging.config.beans.EnvironmentDoesNotExist: m");
        assert_eq!(error(br#"{"error":{"code":404,"message":"gone"}}"#).unwrap(), "gone");
        fuzz_answers(b"{\"aliases\":[1,null]}");
    }
}
