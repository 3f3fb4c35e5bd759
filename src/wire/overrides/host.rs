//! The settings of a virtual host: its valid keys, the types of their values, and those that checks judge.
//!
//! What the chart accepts counts, and what the configuration property reference documents. The chart is that
//! of 1.10 to 1.16.

use super::faults::FaultText;
use super::judge::{Judge, is_empty};
use super::mapping::ResolvedMapping;
use crate::evidence::overrides::{FaultKind, HostSettings, Positioned};
use crate::wire::yaml::{Child, Cut, Node, NodeContent, ScalarKind};

/// Valid keys of an entry of `virtualhosts`: those of the configuration property reference of 1.16,
/// `connectTimeout` and `tlsMode` of the chart, `caCertPath` of the page on TLS at the ingress, and those of
/// hybrid 1.2.
pub(super) const VIRTUAL_HOST_KEYS: &[&str] = &[
    "additionalGateways",
    "caCertPath",
    "cipherSuites",
    "connectTimeout",
    "hostAliases",
    "maxTLSProtocolVersion",
    "minTLSProtocolVersion",
    "name",
    "requestTimeout",
    "routingRules",
    "selector",
    "sslCertPath",
    "sslKeyPath",
    "sslSecret",
    "tlsMode",
];

/// Keys that only hybrid 1.2 reads.
const OLD_KEYS: &[&str] = &["hostAliases", "routingRules"];

/// Values that the chart accepts as a TLS version. It fails for any other.
const VERSIONS: &[&str] = &["AUTO", "1.0", "1.1", "1.2", "1.3"];

impl<'a> Judge<'a, '_, '_, '_> {
    /// Returns the settings that checks judge. `app` is the label of the selector.
    pub(super) fn settings(
        &mut self,
        fields: &ResolvedMapping<'a>,
        app: Option<Positioned<String>>,
        path: &str,
    ) -> HostSettings {
        let old_keys = OLD_KEYS.iter().filter_map(|name| {
            let field = fields.known.get(name)?;
            Some(Positioned { value: (*name).to_owned(), place: field.key.extent.place })
        });
        let has_selector = fields
            .known
            .get("selector")
            .is_some_and(|field| self.document.tree.node(field.value.node).is_some_and(|node| !is_empty_mapping(node)));
        HostSettings {
            has_selector,
            app,
            tls_mode: self.scalar(fields, "tlsMode", path),
            ca_cert_path: self.scalar(fields, "caCertPath", path),
            min_version: self.scalar(fields, "minTLSProtocolVersion", path),
            max_version: self.scalar(fields, "maxTLSProtocolVersion", path),
            cipher_suites: self.suites(fields, path),
            old_keys: old_keys.collect(),
        }
    }

    /// Returns a string. The types of these keys are checked by [`Self::other_types`], so no fault is added.
    fn scalar(&mut self, fields: &ResolvedMapping<'a>, key: &str, path: &str) -> Option<Positioned<String>> {
        let field = self.set(fields, key)?;
        let node = self.document.tree.node(field.value.node)?;
        let is_text = matches!(&node.content, NodeContent::Scalar(_, ScalarKind::Text));
        if is_text { self.text(field.value, &format!("{path}.{key}")) } else { None }
    }

    fn suites(&mut self, fields: &ResolvedMapping<'a>, path: &str) -> Vec<Positioned<String>> {
        let Some(field) = fields.known.get("cipherSuites") else { return Vec::new() };
        self.strings(field.value, &format!("{path}.cipherSuites"))
    }

    /// Checks the types of keys that are not names or paths.
    pub(super) fn other_types(&mut self, fields: &ResolvedMapping<'a>, path: &str) {
        for (key, field) in &fields.known {
            let Some(node) = self.document.tree.node(field.value.node) else { continue };
            // The chart treats an empty value as an absent one.
            if is_empty(node) {
                continue;
            }
            let path = format!("{path}.{key}");
            let place = field.value.place;
            match *key {
                "hostAliases" => {
                    for (number, item) in
                        self.list(field.value, &path, "a list of strings").unwrap_or_default().iter().enumerate()
                    {
                        if !self.budget.take() {
                            return;
                        }
                        self.string_type(*item, &format!("{path}[{number}]"), "a string");
                    }
                }
                "minTLSProtocolVersion" | "maxTLSProtocolVersion" => {
                    self.one_of(field.value, &path, VERSIONS, "one of \"AUTO\", \"1.0\", \"1.1\", \"1.2\", \"1.3\"");
                }
                "caCertPath" => self.string_type(field.value, &path, "a string"),
                "tlsMode" => self.one_of(field.value, &path, &["SIMPLE", "MUTUAL"], "SIMPLE or MUTUAL"),
                "connectTimeout" | "requestTimeout" if !is_number_of_seconds(node) => {
                    self.wrong_type(place, &path, node, "a whole number of seconds, at least 1");
                }
                _ => {}
            }
        }
    }

    fn one_of(&mut self, value: Child, path: &str, allowed: &[&str], expected: &str) {
        self.string_type(value, path, expected);
        let Some(node) = self.document.tree.node(value.node) else { return };
        if let NodeContent::Scalar(text, ScalarKind::Text) = &node.content
            && !allowed.contains(&text.as_ref())
            && self.placeholder(node).is_none()
        {
            self.faults.add(FaultKind::WrongType, value.place, || FaultText::new(path, "another string", expected));
        }
    }

    fn string_type(&mut self, value: Child, path: &str, expected: &str) {
        let Some(node) = self.document.tree.node(value.node) else { return };
        match &node.content {
            NodeContent::Scalar(_, ScalarKind::Text | ScalarKind::Null) => {}
            _ => self.wrong_type(value.place, path, node, expected),
        }
    }
}

fn is_empty_mapping(node: &Node<'_>) -> bool {
    let has_no_label = matches!(&node.content, NodeContent::Map(pairs) if pairs.is_empty() && node.cut == Cut::No);
    has_no_label || is_empty(node)
}

/// The chart prints the value without quotes, so that "120" and 120 give the same object.
fn is_number_of_seconds(node: &Node<'_>) -> bool {
    let NodeContent::Scalar(text, ScalarKind::Integer | ScalarKind::Text) = &node.content else { return false };
    text.parse::<u32>().is_ok_and(|seconds| seconds > 0)
}
