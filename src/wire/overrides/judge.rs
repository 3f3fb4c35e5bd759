//! Converts the kept parts of the file to evidence: values with their positions, and faults.

use std::collections::HashMap;

use super::disclosure::{
    displayable_key, evidence_value, has_template, looks_secret, nearest, quoted_key, quoted_value,
};
use super::faults::{FaultText, Faults};
use super::form;
use super::host::VIRTUAL_HOST_KEYS;
use super::mapping::{NodeBudget, ResolvedEntry, ResolvedMapping, resolve};
use super::reader::Document;
use super::source::Source;
use super::{MAX_JUDGED_NODES, MAX_LOG_FORMAT, MAX_VIRTUAL_HOSTS, MAX_VISITED_NODES};
use crate::evidence::hybrid::MeshLogging;
use crate::evidence::overrides::{FaultKind, Gateways, Overrides, Position, Positioned, VirtualHost};
use crate::text::{has_placeholder, is_placeholder_in_delimiters};
use crate::wire::access_log::mesh_logging;
use crate::wire::yaml::{Child, Cut, Node, NodeContent, ScalarKind};

/// Valid keys of an entry of `ingressGateways`, from the same reference.
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

const TOP_KEYS: &[&str] = &["ingressGateways", "istiod", "namespace", "org", "virtualhosts"];

/// A key of the ApigeeRoute that users put into overrides.yaml by mistake.
const ROUTE_KEY: &str = "enableNonSniClient";

/// Returns the evidence of the judged parts.
pub(super) fn judge(document: &Document<'_>, source: &Source<'_>, faults: &mut Faults) -> Overrides {
    let mut judge = Judge { document, source, faults, budget: NodeBudget::new() };
    let overrides = judge.top();
    if judge.budget.spent() {
        judge.faults.add(FaultKind::Unjudged, Position { line: 1, column: 1 }, || {
            let limit = format!("at most {MAX_VISITED_NODES} values are judged, with aliases expanded");
            FaultText::new("", "the last virtual hosts and ingress gateways", limit)
        });
    }
    overrides
}

pub(super) struct Judge<'a, 'd, 's, 'f> {
    pub(super) document: &'d Document<'a>,
    source: &'s Source<'a>,
    pub(super) faults: &'f mut Faults,
    pub(super) budget: NodeBudget,
}

impl<'a, 'd> Judge<'a, 'd, '_, '_> {
    fn top(&mut self) -> Overrides {
        for (meant, key) in &self.document.odd_keys {
            let name = key.text.as_deref().unwrap_or_default();
            self.faults.add(FaultKind::UnknownKey, key.extent.place, || {
                FaultText::new(displayable_key(name), quoted_key(name), format!("the key \"{meant}\""))
            });
        }
        let Some(root) = self.document.root else { return Overrides::default() };
        let top = resolve(&self.document.tree, root, TOP_KEYS, &mut self.budget);
        self.merges(&top, "");
        let mut overrides = Overrides {
            org: self.set(&top, "org").and_then(|field| self.text(field.value, "org")),
            namespace: self.set(&top, "namespace").and_then(|field| self.text(field.value, "namespace")),
            empty_virtual_hosts: self.emptied(&top, "virtualhosts"),
            empty_org: self.blank(&top, "org"),
            empty_ingress_gateways: self.emptied(&top, "ingressGateways"),
            access_log: self.access_log(&top),
            environment_alias: self.document.environment_alias,
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
        let gateways = top.known.get("ingressGateways");
        overrides.ingress_gateways.extend(gateways.and_then(|field| self.stand_in(field.value)));
        self.repeated(&overrides.virtual_hosts);
        overrides
    }

    /// Returns the access-log settings, if `istiod` has a format of its own.
    fn access_log(&mut self, top: &ResolvedMapping<'a>) -> Option<MeshLogging> {
        let istiod = top.known.get("istiod")?.value;
        let tree = &self.document.tree;
        let is_map = matches!(tree.node(istiod.node)?.content, NodeContent::Map(_));
        let fields =
            is_map.then(|| resolve(tree, istiod.node, &["accessLogFile", "accessLogFormat"], &mut self.budget))?;
        let text = |name: &str| match &tree.node(fields.known.get(name)?.value.node)?.content {
            NodeContent::Scalar(text, _) => Some(text.as_ref()),
            _ => None,
        };
        let format = text("accessLogFormat").map(str::trim).filter(|format| is_log_format(format))?;
        // Values of the chart apigee-ingress-manager, which sets the encoding itself.
        let file = text("accessLogFile").unwrap_or("/dev/stdout");
        let file = (!looks_secret(file)).then(|| evidence_value(file));
        Some(mesh_logging(file, Some("1".to_owned()), Some(&serde_json::Value::from(format))))
    }

    /// Returns the position of a top-level list that the file sets to nothing.
    fn emptied(&self, top: &ResolvedMapping<'a>, name: &str) -> Option<Position> {
        let field = top.known.get(name)?;
        let node = self.document.tree.node(field.value.node)?;
        let is_empty = match &node.content {
            NodeContent::List(items) => items.is_empty() && node.cut == Cut::No,
            NodeContent::Scalar(_, ScalarKind::Null) => true,
            _ => false,
        };
        is_empty.then_some(field.key.extent.place)
    }

    /// Returns the position of a top-level name that has no value. The chart treats an empty string as an
    /// absent one.
    fn blank(&self, top: &ResolvedMapping<'a>, name: &str) -> Option<Position> {
        let field = top.known.get(name)?;
        self.document.tree.node(field.value.node).filter(|node| is_empty(node)).map(|_| field.key.extent.place)
    }

    /// Returns the entry of a key with a value. The chart treats an empty string as an absent one.
    pub(super) fn set<'r>(&self, fields: &'r ResolvedMapping<'a>, key: &str) -> Option<&'r ResolvedEntry<'a>> {
        fields.known.get(key).filter(|field| !self.document.tree.node(field.value.node).is_some_and(is_empty))
    }

    /// Returns a placeholder in the place of a list or a mapping: any of its values may be in it.
    pub(super) fn stand_in(&self, value: Child) -> Option<Positioned<String>> {
        let placeholder = self.placeholder(self.document.tree.node(value.node)?)?;
        Some(Positioned { value: evidence_value(placeholder), place: value.place })
    }

    /// Returns the items of a top-level list that are mappings, each with its path.
    fn entries(&mut self, top: &ResolvedMapping<'a>, name: &'static str, limit: usize) -> Vec<(Child, String)> {
        let Some(field) = top.known.get(name) else { return Vec::new() };
        let Some(items) = self.list(field.value, name, "a list of mappings") else { return Vec::new() };
        if let Some(first) = items.get(limit) {
            let (all, left_out) = (items.len(), items.len() - limit);
            self.faults.add(FaultKind::Unjudged, first.place, || {
                let what = format!("the last {left_out} of {all} entries of {name}");
                FaultText::new(name, what, format!("at most {limit} of a file are judged"))
            });
        }
        let mut entries = Vec::new();
        for (number, item) in items.iter().take(limit).enumerate() {
            if !self.budget.take() {
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
        let fields = resolve(&self.document.tree, entry.node, VIRTUAL_HOST_KEYS, &mut self.budget);
        if self.budget.spent() {
            return None;
        }
        self.unknown(&fields, path, VIRTUAL_HOST_KEYS);
        self.merges(&fields, path);
        self.other_types(&fields, path);

        let place = entry.place;
        let name = self.required_name(&fields, place, path, "the name of the environment group");
        let (app, ingress_name) = fields.known.get("selector").map_or((None, None), |field| self.selector(field, path));
        let settings = self.settings(&fields, app, path);
        let gateways = self.gateways(&fields, entry, path);
        let mut text = |key: &str| {
            let field = self.set(&fields, key)?;
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
            settings: Some(settings),
        })
    }

    fn ingress_gateway(&mut self, entry: Child, path: &str) -> Option<Positioned<String>> {
        let fields = resolve(&self.document.tree, entry.node, INGRESS_GATEWAY_KEYS, &mut self.budget);
        if self.budget.spent() {
            return None;
        }
        self.unknown(&fields, path, INGRESS_GATEWAY_KEYS);
        self.merges(&fields, path);
        self.required_name(&fields, entry.place, path, "the name of the ingress gateway")
    }

    fn required_name(
        &mut self,
        fields: &ResolvedMapping<'a>,
        place: Position,
        path: &str,
        what: &str,
    ) -> Option<Positioned<String>> {
        let path = format!("{path}.name");
        let named = fields.known.get("name");
        let empty = named.is_none_or(|field| {
            self.is(field.value, |content| matches!(content, NodeContent::Scalar(_, ScalarKind::Null)))
        });
        if empty && fields.cut.is_empty() {
            let place = named.map_or(place, |field| field.key.extent.place);
            self.faults.add(FaultKind::WrongType, place, || {
                FaultText::new(path.as_str(), "no name", format!("a string: {what}"))
            });
        }
        named.and_then(|field| self.text(field.value, &path))
    }

    /// Returns the labels `app` and `ingress_name` of a selector.
    fn selector(
        &mut self,
        selector: &ResolvedEntry<'a>,
        path: &str,
    ) -> (Option<Positioned<String>>, Option<Positioned<String>>) {
        let path = format!("{path}.selector");
        let Some(node) = self.document.tree.node(selector.value.node) else { return (None, None) };
        let NodeContent::Map(_) = &node.content else {
            if !is_empty(node) {
                self.wrong_type(selector.value.place, &path, node, "a mapping of labels");
            }
            let labels = self.stand_in(selector.value);
            return (labels.clone(), labels);
        };
        let labels = resolve(&self.document.tree, selector.value.node, &["app", "ingress_name"], &mut self.budget);
        self.merges(&labels, &path);
        let mut label = |name: &str| {
            let field = labels.known.get(name)?;
            self.text(field.value, &format!("{path}.{name}"))
        };
        (label("app"), label("ingress_name"))
    }

    fn gateways(&mut self, fields: &ResolvedMapping<'a>, entry: Child, path: &str) -> Gateways {
        let (tree, source) = (&self.document.tree, self.source);
        let path = format!("{path}.additionalGateways");
        let Some(field) = fields.known.get("additionalGateways") else {
            return Gateways { names: Vec::new(), form: form::absent(tree, source, entry) };
        };
        let form = form::present(tree, source, &field.key, field.value);
        Gateways { names: self.strings(field.value, &path), form }
    }

    /// Returns the strings of a list. An empty string is an empty list.
    pub(super) fn strings(&mut self, value: Child, path: &str) -> Vec<Positioned<String>> {
        if self.document.tree.node(value.node).is_some_and(is_empty) {
            return Vec::new();
        }
        let items = self.list(value, path, "a list of strings").unwrap_or_default();
        let mut strings: Vec<Positioned<String>> = self.stand_in(value).into_iter().collect();
        for (number, item) in items.iter().enumerate() {
            if !self.budget.take() {
                break;
            }
            strings.extend(self.text(*item, &format!("{path}[{number}]")));
        }
        strings
    }

    /// Returns a string for the evidence. Accepts any scalar, because the intention is clear, unless it may
    /// be a secret.
    pub(super) fn text(&mut self, value: Child, path: &str) -> Option<Positioned<String>> {
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
                FaultText::new(path, "a possible key or token (not shown)", "a name or a path")
            });
            return None;
        }
        if has_template(text) {
            self.faults.add(FaultKind::Malformed, value.place, super::syntax::template);
        } else if let Some(placeholder) = self.placeholder(node) {
            self.unfilled(value.place, path, placeholder);
            return Some(Positioned { value: evidence_value(placeholder), place: value.place });
        } else if *kind != ScalarKind::Text {
            self.wrong_type(value.place, path, node, "a string; quoted if it could be a number or a boolean");
        }
        (*kind != ScalarKind::LongText).then(|| Positioned { value: evidence_value(text), place: value.place })
    }

    /// Returns the text of a value that contains a placeholder, as it is in the file.
    pub(super) fn placeholder<'n>(&self, node: &'n Node<'a>) -> Option<&'n str> {
        let NodeContent::Scalar(text, _) = &node.content else { return None };
        let original: &'n str = self.source.replaced(node.start, node.end).unwrap_or(text);
        (has_placeholder(original) && !looks_secret(original)).then_some(original)
    }

    fn unfilled(&mut self, place: Position, path: &str, placeholder: &str) {
        self.faults.add(FaultKind::Placeholder, place, || {
            FaultText::new(path, quoted_value(placeholder), "the value in its place")
        });
    }

    /// Returns the items of a list. An empty value is an empty list.
    pub(super) fn list(&mut self, value: Child, path: &str, expected: &str) -> Option<&'d [Child]> {
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
            self.faults.add(FaultKind::Unjudged, node.place, || {
                let limit = format!("at most {MAX_JUDGED_NODES} values are kept");
                FaultText::new(path, format!("the last values of {path}"), limit)
            });
        }
    }

    pub(super) fn wrong_type(&mut self, place: Position, path: &str, node: &Node<'a>, expected: &str) {
        if let Some(placeholder) = self.placeholder(node) {
            return self.unfilled(place, path, placeholder);
        }
        match node.content {
            // The reader has reported these.
            NodeContent::Template | NodeContent::Unfollowed => {}
            // The type of an incomplete value is not known.
            _ if node.cut == Cut::Syntax => {}
            _ => self.faults.add(FaultKind::WrongType, place, || FaultText::new(path, node.described(), expected)),
        }
    }

    fn unknown(&mut self, fields: &ResolvedMapping<'a>, path: &str, known: &[&'static str]) {
        for key in &fields.unknown {
            let Some(name) = key.text.as_deref() else {
                self.faults.add(FaultKind::WrongType, key.extent.place, || {
                    FaultText::new(path, "a list or a mapping as a key", "a string")
                });
                continue;
            };
            if is_placeholder_key(name) {
                self.faults.add(FaultKind::Placeholder, key.extent.place, || {
                    FaultText::new(path, quoted_value(name), "the key in its place")
                });
                continue;
            }
            // A missing space or an extra colon makes a value part of the name, so a name that may be secret
            // is not shown.
            let meant = nearest(name, known);
            self.faults.add(FaultKind::UnknownKey, key.extent.place, || {
                let expected = match meant {
                    Some(meant) => format!("the key \"{meant}\""),
                    None if name == ROUTE_KEY => "no such key here: it belongs to the ApigeeRoute".to_owned(),
                    None => format!("one of {}", known.join(", ")),
                };
                FaultText::new(format!("{path}.{}", displayable_key(name)), quoted_key(name), expected)
            });
        }
    }

    fn merges(&mut self, fields: &ResolvedMapping<'a>, path: &str) {
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

    /// Reports environment groups that have two entries.
    fn repeated(&mut self, hosts: &[VirtualHost]) {
        let mut first: HashMap<&str, Position> = HashMap::new();
        let names = hosts.iter().filter_map(|host| host.name.as_ref());
        for name in names.filter(|name| !has_placeholder(&name.value)) {
            if let Some(place) = first.get(name.value.as_str()) {
                self.faults.add(FaultKind::DuplicateVirtualHost, name.place, || {
                    let observed = format!("{} again, first at {place}", quoted_value(&name.value));
                    FaultText::new("virtualhosts", observed, "one entry for each environment group")
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

/// Returns whether the chart treats the value as absent: it has none, or an empty string.
/// Returns whether a text may be a format of Envoy: it has a command operator, and is no template.
fn is_log_format(text: &str) -> bool {
    let operators = text.split('%').skip(1).step_by(2);
    let is_operator = |part: &str| part.starts_with(|first: char| first.is_ascii_uppercase());
    text.len() <= MAX_LOG_FORMAT && operators.into_iter().any(is_operator) && !has_template(text)
}

pub(super) fn is_empty(node: &Node<'_>) -> bool {
    match &node.content {
        NodeContent::Scalar(_, ScalarKind::Null) => true,
        NodeContent::Scalar(text, ScalarKind::Text) => text.is_empty(),
        _ => false,
    }
}

/// Returns whether a key is a placeholder. Capital letters alone may be a misspelt key.
fn is_placeholder_key(key: &str) -> bool {
    let has_delimiter = !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (is_placeholder_in_delimiters(key) || has_delimiter && has_placeholder(key)) && !looks_secret(key)
}
