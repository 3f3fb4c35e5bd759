//! The last pass and pseudonyms for evidence: a text that its part calls a hostname or an address is replaced
//! whatever its form.
//!
//! It is a [`Visitor`] of the evidence and knows none of its types: each part says what its texts are. What
//! checks compare stays comparable: names keep their common endings, addresses their version, certificate
//! numbers their equality. Secrets are redacted before.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::evidence::Evidence;
use crate::evidence::part::{Kind, Visit, Visitor};
use crate::redact::pseudonyms::Table;
use crate::redact::rules::{Rule, Rules};
use crate::redact::text::{Engine, MARK, is_not_secret, is_variable_name};
use crate::redact::{Redactions, string};

/// Gives pseudonyms in place.
pub(in crate::redact) fn redact(table: &Table, rules: Rules, evidence: &mut Evidence, redactions: &mut Redactions) {
    evidence.visit(&mut Pseudonymizer { table, rules, redactions });
}

/// Redacts the values of labels with secret names.
pub(in crate::redact) fn redact_labels(evidence: &mut Evidence, redactions: &mut Redactions) {
    evidence.visit(&mut SecretLabels { redactions });
}

/// Redacts tokens that look random in the texts of evidence. Names that are part of the evidence are kept,
/// wherever they are.
pub(in crate::redact) fn redact_random(engine: &Engine, evidence: &mut Evidence, redactions: &mut Redactions) {
    let mut names = Names::default();
    evidence.visit(&mut names);
    evidence.visit(&mut RandomTokens { engine, names: names.0, redactions });
}

/// Collects the names that are part of the evidence.
#[derive(Default)]
struct Names(HashSet<Vec<u8>>);

impl Names {
    fn add(&mut self, name: &str) {
        self.0.insert(name.as_bytes().to_vec());
    }
}

impl Visitor for Names {
    fn string(&mut self, kind: Kind, text: &mut String) {
        match kind {
            Kind::Counter | Kind::Context | Kind::Hostname | Kind::Number | Kind::Object | Kind::Word => self.add(text),
            Kind::File | Kind::Text => {}
        }
    }

    fn address(&mut self, _address: &mut IpAddr) {}

    fn distinguished_name(&mut self, _name: &mut String, _dns_names: &[String]) {}
}

struct SecretLabels<'a> {
    redactions: &'a mut Redactions,
}

impl Visitor for SecretLabels<'_> {
    fn string(&mut self, _kind: Kind, _text: &mut String) {}

    fn address(&mut self, _address: &mut IpAddr) {}

    fn distinguished_name(&mut self, _name: &mut String, _dns_names: &[String]) {}

    fn label(&mut self, key: &str, value: &mut String) {
        let (name, text) = (key.as_bytes(), value.as_bytes());
        if is_variable_name(name) && !is_not_secret(text, name) {
            self.redactions.count(Rule::NamedValue);
            *value = string(MARK.to_vec());
        }
    }
}

struct RandomTokens<'a> {
    engine: &'a Engine,
    names: HashSet<Vec<u8>>,
    redactions: &'a mut Redactions,
}

impl Visitor for RandomTokens<'_> {
    fn string(&mut self, kind: Kind, text: &mut String) {
        if kind == Kind::Text {
            let known = |name: &[u8]| self.names.contains(name);
            if let Some(out) = self.engine.random(text.as_bytes(), &known, self.redactions) {
                *text = string(out);
            }
        }
    }

    fn address(&mut self, _address: &mut IpAddr) {}

    fn distinguished_name(&mut self, _name: &mut String, _dns_names: &[String]) {}
}

pub(super) struct Pseudonymizer<'a> {
    pub(super) table: &'a Table,
    pub(super) rules: Rules,
    pub(super) redactions: &'a mut Redactions,
}

impl Visitor for Pseudonymizer<'_> {
    fn string(&mut self, kind: Kind, text: &mut String) {
        match kind {
            Kind::Context => self.context(text),
            Kind::Counter => self.counter(text),
            Kind::Hostname => self.host(text),
            Kind::Number => self.number(text),
            // The name of a file or an object may contain a hostname without being one.
            Kind::File | Kind::Object | Kind::Text => self.text(text),
            Kind::Word => {}
        }
    }

    fn address(&mut self, address: &mut IpAddr) {
        if let Some(other) = self.table.evidence_address(*address) {
            self.redactions.count(Rule::Address);
            *address = other;
        }
    }

    /// Replaces the hostnames of a distinguished name. Its common name may be a hostname that only
    /// `dns_names` tells to be one.
    fn distinguished_name(&mut self, name: &mut String, dns_names: &[String]) {
        let mut parts: Vec<String> = name.split(", ").map(str::to_owned).collect();
        for part in &mut parts {
            match part.strip_prefix("CN=").map(str::to_owned) {
                Some(mut common) if dns_names.iter().any(|known| known.eq_ignore_ascii_case(&common)) => {
                    self.host(&mut common);
                    *part = format!("CN={common}");
                }
                _ => self.text(part),
            }
        }
        self.domain(&mut parts);
        *name = parts.join(", ");
    }
}

impl Pseudonymizer<'_> {
    fn text(&mut self, text: &mut String) {
        if let Some(out) = self.table.replace(text.as_bytes(), self.rules, self.redactions) {
            *text = string(out);
        }
    }

    /// Replaces addresses in the name of an Envoy counter, which looks like a hostname and may hold the
    /// address of a listener.
    fn counter(&mut self, name: &mut String) {
        if let Some(out) = self.table.replace_addresses(name.as_bytes(), self.rules, self.redactions) {
            *name = string(out);
        }
    }

    fn host(&mut self, name: &mut String) {
        // A URL, a path or a sentence is not a hostname.
        if name.contains(['/', ' ', '=']) {
            return self.text(name);
        }
        if let Some((rule, other)) = self.table.host_or_address(name) {
            self.redactions.count(rule);
            *name = other;
        }
    }

    fn context(&mut self, context: &mut String) {
        match self.table.context(context) {
            Some(other) => *context = other,
            None => self.text(context),
        }
    }

    fn number(&mut self, number: &mut String) {
        if self.table.kinds().hosts() {
            self.redactions.count(Rule::CertificateNumber);
            *number = self.table.number(number);
        }
    }

    /// Replaces a hostname given as `DC=acme, DC=com`, in either order, as CAs of Active Directory are named
    /// (RFC 4519 §2.4).
    fn domain(&mut self, parts: &mut Vec<String>) {
        let is_label = |part: &String| part.starts_with("DC=");
        let Some(begin) = parts.iter().position(is_label) else { return };
        let end = begin + parts[begin..].iter().take_while(|part| is_label(part)).count();
        let mut labels: Vec<String> = parts[begin..end].iter().map(|part| part["DC=".len()..].to_owned()).collect();
        // The top-level domain is shorter than the labels below it.
        let is_reversed = labels.first().map(String::len) <= labels.last().map(String::len);
        if is_reversed {
            labels.reverse();
        }
        let mut name = labels.join(".");
        self.host(&mut name);
        let mut labels: Vec<String> = name.split('.').map(|label| format!("DC={label}")).collect();
        if is_reversed {
            labels.reverse();
        }
        parts.splice(begin..end, labels);
    }
}
