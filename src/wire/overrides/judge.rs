//! From the kept parts of the file to evidence: values with their places, and what is wrong with them.

use std::collections::HashMap;

use super::disclosure::{has_template, kept_value, looks_secret, nearest, quoted_key, quoted_value, shown_key};
use super::faults::{Faults, Texts};
use super::fields::{Field, Fields, Steps, fields};
use super::form;
use super::reader::Document;
use super::source::Source;
use super::{MAX_STEPS, MAX_VIRTUAL_HOSTS};
use crate::evidence::overrides::{FaultKind, Gateways, Overrides, Place, Placed, VirtualHost};
use crate::wire::yaml::{Child, Cut, Node, NodeContent, ScalarKind};

/// What may stand in an entry of `virtualhosts`: the configuration property reference of 1.16, `tlsMode` and
/// `caCertPath` of the page on TLS at the ingress, and `hostAliases`, which old versions knew.
const VIRTUAL_HOST_KEYS: &[&str] = &[
    "additionalGateways",
    "caCertPath",
    "cipherSuites",
    "hostAliases",
    "maxTLSProtocolVersion",
    "minTLSProtocolVersion",
    "name",
    "requestTimeout",
    "selector",
    "sslCertPath",
    "sslKeyPath",
    "sslSecret",
    "tlsMode",
];

/// What may stand in an entry of `ingressGateways`, from the same reference.
const INGRESS_GATEWAY_KEYS: &[&str] = &[
    "image",
    "name",
    "replicaCountMax",
    "replicaCountMin",
    "resources",
    "securityContext",
    "svcAnnotations",
    "svcLoadBalancerIP",
    "svcType",
    "targetCPUUtilizationPercentage",
    "tolerations",
];

const TOP_KEYS: &[&str] = &["ingressGateways", "namespace", "org", "virtualhosts"];

/// A key of the ApigeeRoute that is looked for in overrides.yaml.
const ROUTE_KEY: &str = "enableNonSniClient";

/// The evidence of the judged parts.
pub(super) fn judge(document: &Document<'_>, source: &Source<'_>, faults: &mut Faults) -> Overrides {
    let mut judge = Judge { document, source, faults, steps: Steps::new() };
    let overrides = judge.top();
    if judge.steps.spent() {
        judge.faults.add(FaultKind::Malformed, Place { line: 1, column: 1 }, || {
            let observed =
                format!("virtual hosts and ingress gateways of more than {MAX_STEPS} values, aliases expanded");
            Texts::new("", observed, "fewer; the rest was not judged")
        });
    }
    overrides
}

struct Judge<'a, 'd, 's, 'f> {
    document: &'d Document<'a>,
    source: &'s Source<'a>,
    faults: &'f mut Faults,
    steps: Steps,
}

impl<'a, 'd> Judge<'a, 'd, '_, '_> {
    fn top(&mut self) -> Overrides {
        for (meant, key) in &self.document.odd_keys {
            let name = key.text.as_deref().unwrap_or_default();
            self.faults.add(FaultKind::UnknownKey, key.extent.place, || {
                Texts::new(shown_key(name), quoted_key(name), format!("the key \"{meant}\""))
            });
        }
        let Some(root) = self.document.root else { return Overrides::default() };
        let top = fields(&self.document.tree, root, TOP_KEYS, &mut self.steps);
        self.merges(&top, "");
        let mut overrides = Overrides {
            org: top.known.get("org").and_then(|field| self.text(field.value, "org")),
            namespace: top.known.get("namespace").and_then(|field| self.text(field.value, "namespace")),
            ..Overrides::default()
        };
        for (entry, path) in self.entries(&top, "virtualhosts", MAX_VIRTUAL_HOSTS) {
            if let Some(host) = self.virtual_host(entry, &path) {
                overrides.virtual_hosts.push(host);
            }
        }
        for (entry, path) in self.entries(&top, "ingressGateways", MAX_VIRTUAL_HOSTS) {
            overrides.ingress_gateways.extend(self.ingress_gateway(entry, &path));
        }
        self.repeated(&overrides.virtual_hosts);
        overrides
    }

    /// The items of a top-level list that are mappings, each with its path.
    fn entries(&mut self, top: &Fields<'a>, name: &'static str, limit: usize) -> Vec<(Child, String)> {
        let Some(field) = top.known.get(name) else { return Vec::new() };
        let Some(items) = self.list(field.value, name, "a list of mappings") else { return Vec::new() };
        if let Some(first) = items.get(limit) {
            self.faults.add(FaultKind::Malformed, first.place, || {
                Texts::new(name, format!("more than {limit} entries"), "fewer; the rest was not judged")
            });
        }
        let mut entries = Vec::new();
        for (number, item) in items.iter().take(limit).enumerate() {
            if !self.steps.take() {
                break;
            }
            let path = format!("{name}[{number}]");
            match self.document.tree.node(item.node) {
                Some(Node { content: NodeContent::Map(_), .. }) => entries.push((*item, path)),
                Some(node) => self.wrong_type(item.place, &path, node, "a mapping, as \"name: value\""),
                None => {}
            }
        }
        entries
    }

    fn virtual_host(&mut self, entry: Child, path: &str) -> Option<VirtualHost> {
        let fields = fields(&self.document.tree, entry.node, VIRTUAL_HOST_KEYS, &mut self.steps);
        if self.steps.spent() {
            return None;
        }
        self.unknown(&fields, path, VIRTUAL_HOST_KEYS);
        self.merges(&fields, path);
        self.other_types(&fields, path);

        let place = entry.place;
        let name = self.required_name(&fields, place, path, "the name of the environment group");
        let ingress_name = fields.known.get("selector").and_then(|field| self.ingress_name(field, path));
        let gateways = self.gateways(&fields, entry, path);
        let mut text = |key: &str| {
            let field = fields.known.get(key)?;
            self.text(field.value, &format!("{path}.{key}"))
        };
        Some(VirtualHost {
            place,
            name,
            ingress_name,
            additional_gateways: gateways,
            ssl_secret: text("sslSecret"),
            ssl_cert_path: text("sslCertPath"),
            ssl_key_path: text("sslKeyPath"),
        })
    }

    fn ingress_gateway(&mut self, entry: Child, path: &str) -> Option<Placed<String>> {
        let fields = fields(&self.document.tree, entry.node, INGRESS_GATEWAY_KEYS, &mut self.steps);
        if self.steps.spent() {
            return None;
        }
        self.unknown(&fields, path, INGRESS_GATEWAY_KEYS);
        self.merges(&fields, path);
        self.required_name(&fields, entry.place, path, "the name of the ingress gateway")
    }

    fn required_name(&mut self, fields: &Fields<'a>, place: Place, path: &str, what: &str) -> Option<Placed<String>> {
        let path = format!("{path}.name");
        let named = fields.known.get("name");
        let empty = named.is_none_or(|field| {
            self.is(field.value, |content| matches!(content, NodeContent::Scalar(_, ScalarKind::Null)))
        });
        if empty && fields.cut.is_empty() {
            let place = named.map_or(place, |field| field.key.extent.place);
            self.faults
                .add(FaultKind::WrongType, place, || Texts::new(path.as_str(), "no name", format!("a string: {what}")));
        }
        named.and_then(|field| self.text(field.value, &path))
    }

    fn ingress_name(&mut self, selector: &Field<'a>, path: &str) -> Option<Placed<String>> {
        let path = format!("{path}.selector");
        let node = self.document.tree.node(selector.value.node)?;
        let NodeContent::Map(_) = &node.content else {
            if !is_null(node) {
                self.wrong_type(selector.value.place, &path, node, "a mapping of labels");
            }
            return None;
        };
        let labels = fields(&self.document.tree, selector.value.node, &["app", "ingress_name"], &mut self.steps);
        self.merges(&labels, &path);
        if let Some(app) = labels.known.get("app") {
            self.text(app.value, &format!("{path}.app"));
        }
        labels.known.get("ingress_name").and_then(|field| self.text(field.value, &format!("{path}.ingress_name")))
    }

    fn gateways(&mut self, fields: &Fields<'a>, entry: Child, path: &str) -> Gateways {
        let (tree, source) = (&self.document.tree, self.source);
        let path = format!("{path}.additionalGateways");
        let Some(field) = fields.known.get("additionalGateways") else {
            return Gateways { names: Vec::new(), form: form::absent(tree, source, entry) };
        };
        let form = form::present(tree, source, &field.key, field.value);
        let items = self.list(field.value, &path, "a list of strings").unwrap_or_default();
        let names = items.iter().enumerate().filter_map(|(number, item)| {
            if self.steps.take() { self.text(*item, &format!("{path}[{number}]")) } else { None }
        });
        Gateways { names: names.collect(), form }
    }

    /// The types of the keys whose values are not kept.
    fn other_types(&mut self, fields: &Fields<'a>, path: &str) {
        for (key, field) in &fields.known {
            let Some(node) = self.document.tree.node(field.value.node) else { continue };
            let path = format!("{path}.{key}");
            let place = field.value.place;
            match *key {
                "cipherSuites" | "hostAliases" => {
                    for (number, item) in
                        self.list(field.value, &path, "a list of strings").unwrap_or_default().iter().enumerate()
                    {
                        if !self.steps.take() {
                            return;
                        }
                        self.string_type(*item, &format!("{path}[{number}]"), "a string");
                    }
                }
                "minTLSProtocolVersion" | "maxTLSProtocolVersion" => {
                    const VERSION: &str = "a string with a version, as \"1.2\"";
                    self.string_type(field.value, &path, VERSION);
                    if let NodeContent::Scalar(text, ScalarKind::Text) = &node.content
                        && !is_version(text)
                    {
                        self.faults
                            .add(FaultKind::WrongType, place, || Texts::new(path, "a string of another form", VERSION));
                    }
                }
                "caCertPath" => self.string_type(field.value, &path, "a string"),
                "tlsMode" => {
                    const MODE: &str = "SIMPLE or MUTUAL";
                    self.string_type(field.value, &path, MODE);
                    if let NodeContent::Scalar(text, ScalarKind::Text) = &node.content
                        && !matches!(text.as_ref(), "SIMPLE" | "MUTUAL")
                    {
                        self.faults.add(FaultKind::WrongType, place, || Texts::new(path, "another string", MODE));
                    }
                }
                "requestTimeout" if !is_null(node) && !is_integer(node) => {
                    self.wrong_type(place, &path, node, "a whole number of seconds");
                }
                _ => {}
            }
        }
    }

    fn string_type(&mut self, value: Child, path: &str, expected: &str) {
        let Some(node) = self.document.tree.node(value.node) else { return };
        match &node.content {
            NodeContent::Scalar(_, ScalarKind::Text | ScalarKind::Null) => {}
            _ => self.wrong_type(value.place, path, node, expected),
        }
    }

    /// A string that is kept: of any scalar, because what was meant is plain, but only where it cannot be a secret.
    fn text(&mut self, value: Child, path: &str) -> Option<Placed<String>> {
        let node = self.document.tree.node(value.node)?;
        let NodeContent::Scalar(text, kind) = &node.content else {
            self.wrong_type(value.place, path, node, "a string");
            return None;
        };
        if *kind == ScalarKind::Null {
            return None;
        }
        if looks_secret(text) {
            self.faults.add(FaultKind::WrongType, value.place, || {
                Texts::new(path, "what may be a key or a token (not shown)", "a name or a path")
            });
            return None;
        }
        if *kind != ScalarKind::Text {
            self.wrong_type(value.place, path, node, "a string; in quotes where it could be a number or a boolean");
        } else if has_template(text) {
            self.faults.add(FaultKind::Malformed, value.place, super::syntax::template);
        }
        (*kind != ScalarKind::LongText).then(|| Placed { value: kept_value(text), place: value.place })
    }

    /// The items of a list; an empty value is an empty list.
    fn list(&mut self, value: Child, path: &str, expected: &str) -> Option<&'d [Child]> {
        let node = self.document.tree.node(value.node)?;
        match &node.content {
            NodeContent::List(items) => {
                self.too_many(node, path);
                Some(items)
            }
            NodeContent::Scalar(_, ScalarKind::Null) => Some(&[]),
            _ => {
                self.wrong_type(value.place, path, node, expected);
                None
            }
        }
    }

    fn too_many(&mut self, node: &Node<'_>, path: &str) {
        if node.cut == Cut::Limit {
            self.faults.add(FaultKind::Malformed, node.place, || {
                Texts::new(path, "more values than are kept", "fewer; the rest was not judged")
            });
        }
    }

    fn wrong_type(&mut self, place: Place, path: &str, node: &Node<'_>, expected: &str) {
        match node.content {
            // These were reported where they stand.
            NodeContent::Template | NodeContent::Unfollowed => {}
            // What it would have been is not known.
            _ if node.cut == Cut::Syntax => {}
            _ => self.faults.add(FaultKind::WrongType, place, || Texts::new(path, node.described(), expected)),
        }
    }

    fn unknown(&mut self, fields: &Fields<'a>, path: &str, known: &[&'static str]) {
        for key in &fields.unknown {
            let Some(name) = key.text.as_deref() else {
                self.faults.add(FaultKind::WrongType, key.extent.place, || {
                    Texts::new(path, "a list or a mapping as a key", "a string")
                });
                continue;
            };
            // A missing blank or a colon makes a value part of the name: what is not close to a known one is not shown.
            let meant = nearest(name, known);
            self.faults.add(FaultKind::UnknownKey, key.extent.place, || {
                let expected = match meant {
                    Some(meant) => format!("the key \"{meant}\""),
                    None if name == ROUTE_KEY => "no such key here: it belongs to the ApigeeRoute".to_owned(),
                    None => format!("one of {}", known.join(", ")),
                };
                Texts::new(format!("{path}.{}", shown_key(name)), quoted_key(name), expected)
            });
        }
    }

    fn merges(&mut self, fields: &Fields<'a>, path: &str) {
        for odd in &fields.odd_merges {
            let Some(node) = self.document.tree.node(odd.node) else { continue };
            let path = if path.is_empty() { "<<".to_owned() } else { format!("{path}.<<") };
            self.wrong_type(odd.place, &path, node, "an alias (*) of a mapping");
        }
        for (id, _) in &fields.cut {
            if let Some(node) = self.document.tree.node(*id) {
                self.too_many(node, path);
            }
        }
    }

    /// The same environment group in two entries.
    fn repeated(&mut self, hosts: &[VirtualHost]) {
        let mut first: HashMap<&str, Place> = HashMap::new();
        for name in hosts.iter().filter_map(|host| host.name.as_ref()) {
            if let Some(place) = first.get(name.value.as_str()) {
                self.faults.add(FaultKind::DuplicateVirtualHost, name.place, || {
                    let observed = format!("{} again, first at {place}", quoted_value(&name.value));
                    Texts::new("virtualhosts", observed, "one entry for each environment group")
                });
            } else {
                first.insert(&name.value, name.place);
            }
        }
    }

    fn is(&self, value: Child, test: impl Fn(&NodeContent<'_>) -> bool) -> bool {
        self.document.tree.node(value.node).is_some_and(|node| test(&node.content))
    }
}

fn is_null(node: &Node<'_>) -> bool {
    matches!(node.content, NodeContent::Scalar(_, ScalarKind::Null))
}

fn is_integer(node: &Node<'_>) -> bool {
    matches!(node.content, NodeContent::Scalar(_, ScalarKind::Integer))
}

fn is_version(text: &str) -> bool {
    matches!(text.split_once('.'), Some((major, minor)) if [major, minor].iter().all(|part| {
        !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit())
    }))
}
