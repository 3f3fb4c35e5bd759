//! Kubernetes objects in files given with `-f`: what `kubectl get … -o yaml` or `-o json` prints, parts of
//! it that `jq` or `yq` select, or a manifest to apply.
//!
//! ApigeeRoutes, ApigeeRouteConfigs, TLS Secrets and the mesh settings become the evidence that the cluster
//! would have given. A list holds all objects of its kind; single objects hold only some, so nothing is
//! concluded from those that seem absent. With a list of their kind, single objects add nothing: it has them
//! as the cluster has them.

use std::collections::BTreeSet;

use openssl::base64::encode_block;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::evidence::hybrid::{ManifestFile, MeshLogging, RouteConfigs, Routes};
use crate::evidence::stored::{ClientCas, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Evidence, Reason, Seen, Unavailable};
use crate::gather::hybrid::mesh;
use crate::gather::hybrid::routes::{route, route_config};
use crate::gather::hybrid::tls_secrets;
use crate::gather::kubernetes::json;
use crate::wire::BYTE_ORDER_MARK;
use crate::wire::overrides::text_of_utf16;

/// Beginning of the header of `kubectl get`.
const TABLE: &[u8] = b"NAME ";
/// Beginnings of what kubectl writes in the place of objects.
const ERRORS: &[&str] = &[
    "Error from server",
    "No resources found",
    "The connection to the server ",
    "Unable to connect to the server",
    "error: You must be logged in",
    "error: the server ",
];
const EMPTY: &str = "it has no object";

/// Lists inside lists: kubectl writes none, and people join two by hand.
const MAX_DEPTH: u8 = 4;

const GIVE_YAML: &str = "give what `kubectl get … -o yaml` prints";
const GROUP: &str = "apigee.cloud.google.com/";

/// The objects of one file.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub name: String,
    objects: Result<Vec<Listed>, String>,
}

/// An object, and whether it is an item of a list.
#[derive(Clone, Debug)]
struct Listed {
    object: Value,
    in_list: bool,
}

/// Returns the objects of a file; `None` if the file is not a manifest.
#[must_use]
pub fn manifest(name: &str, bytes: &[u8]) -> Option<Manifest> {
    let objects = documents(bytes)?.and_then(|documents| {
        let mut objects = Vec::new();
        for document in documents {
            objects.extend(items(document, 0)?);
        }
        if objects.is_empty() { Err(EMPTY.to_owned()) } else { Ok(objects) }
    });
    Some(Manifest { name: name.to_owned(), objects })
}

/// Returns the top-level objects and lists of a manifest; `None` if the text is not a manifest, and an error
/// if it cannot be parsed.
pub fn documents(bytes: &[u8]) -> Option<Result<Vec<Value>, String>> {
    // As `>` of older PowerShells writes it.
    let wide = text_of_utf16(bytes);
    let bytes = wide.as_deref().map_or(bytes, str::as_bytes);
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok()?;
    let has_line = |start: &str| text.lines().any(|line| line.starts_with(start));
    if bytes.starts_with(TABLE) {
        return Some(Err(format!("it is the table of kubectl get: {GIVE_YAML}")));
    }
    if ERRORS.iter().any(|start| text.starts_with(start)) {
        return Some(Err(format!("it is an error message of kubectl: {GIVE_YAML}")));
    }
    if has_line("API Version:") && has_line("Kind:") {
        return Some(Err(format!("it is the output of kubectl describe: {GIVE_YAML}")));
    }
    if text.trim_start().starts_with(['{', '[']) {
        return json_documents(text);
    }
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#') && !line.starts_with("---"));
    let are_json = first.is_some_and(|line| line.starts_with('{')) && text.contains("\"apiVersion\"");
    let are_objects = has_line("apiVersion:") && has_line("kind:");
    let are_items =
        first.is_some_and(|line| line.starts_with("- ")) && text.contains("apiVersion:") && text.contains("kind:");
    if !(are_objects || are_json || are_items) {
        return None;
    }
    let parsed: Result<Vec<Value>, _> = serde_saphyr::from_multiple(text);
    Some(match parsed {
        Ok(documents) => {
            let objects: Vec<Value> = documents.into_iter().flat_map(entries).filter(is_object).collect();
            if objects.is_empty() && !are_objects {
                return None;
            }
            Ok(objects)
        }
        Err(error) => {
            // The parser's text may quote a value.
            let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
            Err(format!("it cannot be parsed{}", place.unwrap_or_default()))
        }
    })
}

/// Returns the objects of JSON texts behind each other, as `jq '.items[]'` prints them, or of an array of
/// them. `None` if the first is no object of Kubernetes.
fn json_documents(text: &str) -> Option<Result<Vec<Value>, String>> {
    let mut objects = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(value) => objects.extend(entries(value)),
            Err(_) if objects.is_empty() => return None,
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                return Some(Err(format!("it cannot be parsed at {place}")));
            }
        }
        if !objects.first().is_some_and(is_object) {
            return None;
        }
    }
    objects.retain(is_object);
    Some(Ok(objects))
}

/// Returns the entries of an array, or the value itself. Whether an array has all objects of a list is not
/// known: people select with `jq`.
fn entries(value: Value) -> Vec<Value> {
    match value {
        Value::Array(entries) => entries,
        other => vec![other],
    }
}

fn is_object(value: &Value) -> bool {
    json::text(value, &["kind"]).is_some() && json::text(value, &["apiVersion"]).is_some()
}

/// Returns the items of a list and of lists in it, or the object itself. Items of a typed list have no kind
/// of their own.
fn items(mut document: Value, depth: u8) -> Result<Vec<Listed>, String> {
    let kind = json::text(&document, &["kind"]).unwrap_or_default();
    let version = json::text(&document, &["apiVersion"]).unwrap_or_default();
    let Some(of) = kind.strip_suffix("List") else {
        return Ok(vec![Listed { object: document, in_list: depth > 0 }]);
    };
    let Some(Value::Array(entries)) = document.get_mut("items").map(Value::take) else {
        return Err(format!("the {kind} in it has no list of items: {GIVE_YAML}"));
    };
    if depth == MAX_DEPTH {
        return Err(format!("it has more than {MAX_DEPTH} lists inside each other"));
    }
    let mut listed = Vec::new();
    for entry in entries {
        let Value::Object(mut fields) = entry else {
            return Err(format!("an item of the {kind} in it is no object: {GIVE_YAML}"));
        };
        if !of.is_empty() {
            fields.entry("kind").or_insert_with(|| of.into());
            fields.entry("apiVersion").or_insert_with(|| version.clone().into());
        }
        listed.extend(items(Value::Object(fields), depth + 1)?);
    }
    Ok(listed)
}

/// Adds the objects to the evidence: to the parts that the cluster did not give.
pub fn add(manifests: Vec<Manifest>, evidence: &mut Evidence) {
    let mut objects = Vec::new();
    let mut files = Vec::new();
    for Manifest { name, objects: of_file } in manifests {
        let number = files.len();
        let (of_file, why) = match of_file {
            Ok(of_file) => (of_file, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        objects.extend(of_file.into_iter().map(|listed| (number, listed)));
        files.push(ManifestFile { name, why, ..ManifestFile::default() });
    }
    if evidence.question.is_offline() && evidence.routes.seen().is_err() {
        take_namespace(evidence, &objects);
    }
    let namespace = evidence.question.namespace().to_owned();
    let lists = Lists::of(&objects, &namespace);
    let mut found = Found::default();
    let can_take = CanTake {
        routes: evidence.routes.seen().is_err(),
        configs: evidence.route_configs.seen().is_err(),
        mesh: evidence.mesh_logging.seen().is_err(),
        secrets: evidence.routes.seen().is_err() || evidence.stored_certificates.seen().is_err(),
    };
    for (number, listed) in objects {
        let Some(file) = files.get_mut(number) else { continue };
        let kind = json::text(&listed.object, &["kind"]).unwrap_or_default();
        let own = json::text(&listed.object, &["metadata", "namespace"]);
        let result = match own.filter(|own| *own != namespace) {
            Some(other) => Err(format!("namespace {other}: -n judges another namespace than {namespace}")),
            None if !listed.in_list && lists.has(&kind, &listed.object) => Ok(()),
            None if !listed.in_list && lists.are_complete(&kind) => {
                Err(format!("the list of {kind} objects that was given too does not have it"))
            }
            None => found.take(&kind, &listed, &can_take),
        };
        match result {
            Ok(()) if !file.judged.contains(&kind) => file.judged.push(kind),
            Ok(()) => {}
            Err(why) => {
                if !file.not_judged.contains(&kind) {
                    file.not_judged.push(kind);
                }
                file.why.get_or_insert(why);
            }
        }
    }
    found.put(evidence);
    evidence.manifests.extend(files);
}

/// Judges the namespace of the objects, if all have the same one: without a cluster nothing else is in the
/// namespace of the command line.
fn take_namespace(evidence: &mut Evidence, objects: &[(usize, Listed)]) {
    let namespaces: BTreeSet<String> =
        objects.iter().filter_map(|(_, listed)| json::text(&listed.object, &["metadata", "namespace"])).collect();
    if let (Some(namespace), 1) = (namespaces.first(), namespaces.len()) {
        evidence.question.judge_namespace(namespace.clone());
    }
}

/// The names of the objects in lists, by kind.
struct Lists(BTreeSet<(String, String)>);

impl Lists {
    fn of(objects: &[(usize, Listed)], namespace: &str) -> Self {
        let in_lists = objects.iter().map(|(_, listed)| listed).filter(|listed| listed.in_list);
        let named = in_lists.filter_map(|Listed { object, .. }| {
            let own = json::text(object, &["metadata", "namespace"]);
            let is_judged = own.is_none_or(|own| own == namespace);
            is_judged.then(|| Some((json::text(object, &["kind"])?, name_of(object)?))).flatten()
        });
        Self(named.collect())
    }

    fn has(&self, kind: &str, object: &Value) -> bool {
        name_of(object).is_some_and(|name| self.0.contains(&(kind.to_owned(), name)))
    }

    /// Returns whether a list has all objects of the kind. Of Secrets, people list those they need.
    fn are_complete(&self, kind: &str) -> bool {
        kind != "Secret" && self.0.iter().any(|(known, _)| known == kind)
    }
}

fn name_of(object: &Value) -> Option<String> {
    json::text(object, &["metadata", "name"])
}

/// Which parts the cluster did not give.
#[expect(clippy::struct_excessive_bools, reason = "each names a part")]
struct CanTake {
    routes: bool,
    configs: bool,
    mesh: bool,
    secrets: bool,
}

/// The parts that the files give.
#[derive(Default)]
struct Found {
    routes: Option<Routes>,
    configs: Option<RouteConfigs>,
    mesh: Option<MeshLogging>,
    secrets: Vec<(String, StoredContent)>,
}

impl Found {
    /// Takes an object, or returns why it is not judged.
    fn take(&mut self, kind: &str, Listed { object, in_list }: &Listed, can_take: &CanTake) -> Result<(), String> {
        let of_cluster = || Err("the cluster's own objects were read".to_owned());
        let version = json::text(object, &["apiVersion"]).unwrap_or_default();
        match kind {
            "ApigeeRoute" if version.starts_with(GROUP) => {
                if !can_take.routes {
                    return of_cluster();
                }
                let routes = self.routes.get_or_insert_with(|| Routes {
                    served_versions: vec![version.clone()],
                    api_version: version,
                    ..Routes::default()
                });
                routes.partial |= !in_list;
                routes.items.push(route(object));
                Ok(())
            }
            "ApigeeRouteConfig" if version.starts_with(GROUP) => {
                if !can_take.configs {
                    return of_cluster();
                }
                let configs = self
                    .configs
                    .get_or_insert_with(|| RouteConfigs { api_version: version, ..RouteConfigs::default() });
                configs.partial |= !in_list;
                configs.items.push(route_config(object));
                Ok(())
            }
            "ConfigMap" if name_of(object).as_deref() == Some(mesh::CONFIG_MAP) => {
                if !can_take.mesh {
                    return of_cluster();
                }
                let settings = json::text(object, &["data", "mesh"]).ok_or("it has no key \"mesh\"")?;
                self.mesh = Some(mesh::parse(&settings)?);
                Ok(())
            }
            "Secret" if !can_take.secrets => of_cluster(),
            "Secret" => self.take_secret(object),
            "Application" | "ConfigMap" | "HelmRelease" => {
                Err("overrides inside such an object are not read: give them as a file of their own".into())
            }
            _ => {
                Err("only ApigeeRoutes, ApigeeRouteConfigs, TLS Secrets and the mesh settings are judged from files"
                    .into())
            }
        }
    }

    fn take_secret(&mut self, object: &Value) -> Result<(), String> {
        let name = json::text(object, &["metadata", "name"]).ok_or("it has no name")?;
        let body = Zeroizing::new(with_encoded_data(object).to_string());
        let content = tls_secrets::reduce(body.as_bytes(), &name)?;
        if content.certificate_entry.is_none() && content.client_cas.is_none() {
            return Err("a Secret without a certificate is not judged".into());
        }
        self.secrets.push((name, content));
        Ok(())
    }

    fn put(mut self, evidence: &mut Evidence) {
        if let Some(mut routes) = self.routes {
            routes.items.sort_by(|one, other| one.name.cmp(&other.name));
            routes.items.dedup_by(|one, other| one.name == other.name);
            evidence.routes = Seen::Seen(routes);
        }
        if let Some(mut configs) = self.configs {
            configs.items.sort_by(|one, other| one.name.cmp(&other.name));
            configs.items.dedup_by(|one, other| one.name == other.name);
            evidence.route_configs = Seen::Seen(configs);
        }
        if let Some(mesh) = self.mesh {
            evidence.mesh_logging = Seen::Seen(mesh);
        }
        self.secrets.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.secrets.dedup_by(|(one, _), (other, _)| one == other);
        let beside = self.secrets.clone();
        let stored: Vec<StoredCertificate> = self
            .secrets
            .into_iter()
            .map(|(name, mut content)| {
                content.client_cas = of_clients(&beside, &name).or(content.client_cas);
                StoredCertificate { origin: StoredIn::Secret { name }, content: Seen::Seen(content) }
            })
            .collect();
        match &mut evidence.stored_certificates {
            Seen::Seen(known) => known.extend(stored),
            Seen::Unavailable(_) if !stored.is_empty() => evidence.stored_certificates = Seen::Seen(stored),
            Seen::Unavailable(_) => {}
        }
    }
}

/// Returns the CAs of `<name>-cacert`, which takes precedence. Whether the cluster has a Secret that was not
/// given is not known.
fn of_clients(given: &[(String, StoredContent)], name: &str) -> Option<Seen<ClientCas>> {
    let beside = format!("{name}-cacert");
    if let Some((_, content)) = given.iter().find(|(known, _)| *known == beside) {
        return content.client_cas.clone();
    }
    let has_own = given.iter().any(|(known, content)| known == name && content.client_cas.is_some());
    let why = Reason::NotRequested("it is not among the objects given with -f".into());
    (!has_own).then(|| Seen::Unavailable(Unavailable::new(format!("Secret {beside}"), why)))
}

/// Returns the Secret as the API server stores it: `stringData` is encoded into `data`.
fn with_encoded_data(object: &Value) -> Value {
    let mut object = object.clone();
    let Some(fields) = object.as_object_mut() else { return object };
    let Some(Value::Object(plain)) = fields.remove("stringData") else { return object };
    let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(data) = data {
        let encoded =
            plain.iter().filter_map(|(key, value)| Some((key.clone(), encode_block(value.as_str()?.as_bytes()))));
        data.extend(encoded.map(|(key, value)| (key, Value::String(value))));
    }
    object
}

#[cfg(test)]
#[path = "manifests_tests.rs"]
mod tests;
