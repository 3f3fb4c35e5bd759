//! The parts of the evidence, and the visitor that receives every text in them.
//!
//! A part holds the data of one source, or the reason why it is unavailable. It is one file: its types, one
//! [`Part`] for the field of [`Evidence`](super::Evidence), one [`Visit`] for each type. A `visit`
//! destructures its struct without `..`, so that a forgotten field does not compile. Redaction, *not seen*,
//! the manifest of a bundle and the tests iterate over the parts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;
use std::net::IpAddr;

use super::seen::{Reason, Seen, Unavailable};
use super::source::Source;

/// The data of one source.
pub trait Part: Visit {
    /// Returns the name of its field in the JSON of the evidence, such as `meshLogging`.
    fn name(&self) -> &'static str;

    /// Returns the sources to request for it; empty if no request is needed or the user gives the data.
    fn sources(&self) -> &'static [Source];

    /// Returns the part of a run that did not request it, because of `why`.
    fn not_gathered(why: &str) -> Self
    where
        Self: Sized;

    /// Returns what the part should hold and lacks.
    fn gaps(&self) -> Vec<Gap<'_>>;

    /// Returns the counts that a report sums up, so that their bounds can be checked.
    fn counts(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new(iter::empty())
    }
}

/// Data that a part should hold and lacks.
#[derive(Clone, Debug)]
pub struct Gap<'a> {
    /// The source that would provide it; absent if no single source does.
    pub source: Option<Source>,
    pub extent: Extent,
    /// What is missing, as the report lists it.
    pub what: Cow<'a, str>,
    pub why: &'a Unavailable,
    /// The report lists it under NOT SEEN. If false, the report has a text of its own for it, or a check
    /// reports it where it matters. The manifest of a bundle lists it in both cases.
    pub reported: bool,
}

/// How much is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// The whole part.
    Part,
    /// Another source that depends on this part.
    Dependent,
    /// One item of the part.
    Item,
    /// The end of an item; the beginning was read.
    End,
}

impl<'a> Gap<'a> {
    /// Creates a gap that the report lists with the text of `why`.
    #[must_use]
    pub fn new(source: Source, extent: Extent, why: &'a Unavailable) -> Self {
        Self { source: Some(source), extent, what: Cow::Borrowed(&why.what), why, reported: true }
    }

    /// Returns the same gap, not listed by the report.
    #[must_use]
    pub fn unreported(self) -> Self {
        Self { reported: false, ..self }
    }
}

/// Returns the gap of a part that is missing entirely.
pub(super) fn whole<T>(seen: &Seen<T>, source: Source) -> Vec<Gap<'_>> {
    item(seen, source, Extent::Part).into_iter().collect()
}

/// Returns the gap of unavailable data.
pub(super) fn item<T>(seen: &Seen<T>, source: Source, extent: Extent) -> Option<Gap<'_>> {
    match seen {
        Seen::Seen(_) => None,
        Seen::Unavailable(why) => Some(Gap::new(source, extent, why)),
    }
}

/// Returns data that the user did not request.
pub(super) fn not_requested<T>(what: &str, why: &str) -> Seen<T> {
    Seen::Unavailable(Unavailable::new(what, Reason::NotRequested(why.to_owned())))
}

/// A value whose texts and addresses a [`Visitor`] can read and replace.
pub trait Visit {
    /// Passes every text and every address to the visitor, which may replace them.
    fn visit(&mut self, visitor: &mut dyn Visitor);
}

/// Receives every text of the evidence with its [`Kind`]. It depends on no type of the evidence.
pub trait Visitor {
    fn string(&mut self, kind: Kind, text: &mut String);

    fn address(&mut self, address: &mut IpAddr);

    /// Receives a distinguished name such as `CN=api.example.com, O=Example`. A common name among `dns_names`
    /// is a hostname.
    fn distinguished_name(&mut self, name: &mut String, dns_names: &[String]);

    /// Receives the value of the label `key`.
    fn label(&mut self, _key: &str, value: &mut String) {
        self.string(Kind::Text, value);
    }
}

/// What a text holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Name of a kubeconfig context.
    Context,
    /// Name of an Envoy counter, which may contain the address of a listener.
    Counter,
    /// Name or path of a file, as the user gave it.
    File,
    /// A hostname, or an IP address in its place.
    Hostname,
    /// Serial number or fingerprint of a certificate.
    Number,
    /// Name of a Kubernetes object, or of a part of one.
    Object,
    /// Any other text that people or servers wrote: messages, labels, reasons.
    Text,
    /// A fixed term of a protocol, an API or this program, which identifies nobody: a version, a cipher
    /// suite, a verb.
    Word,
}

impl dyn Visitor + '_ {
    /// Receives several texts of one kind.
    pub fn strings<'t>(&mut self, kind: Kind, texts: impl IntoIterator<Item = &'t mut String>) {
        texts.into_iter().for_each(|text| self.string(kind, text));
    }

    /// Receives the keys of a map. If two keys become equal, the later value is kept.
    pub fn keys<T>(&mut self, kind: Kind, map: &mut BTreeMap<String, T>) {
        let renamed = std::mem::take(map).into_iter().map(|(mut key, value)| {
            self.string(kind, &mut key);
            (key, value)
        });
        *map = renamed.collect();
    }

    /// Receives keys and values of labels and similar maps.
    pub fn labels(&mut self, labels: &mut BTreeMap<String, String>) {
        for (key, value) in labels.iter_mut() {
            self.label(key, value);
        }
        self.keys(Kind::Text, labels);
    }
}

impl<T: Visit> Visit for [T] {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        for item in self {
            item.visit(visitor);
        }
    }
}

impl<T: Visit> Visit for Vec<T> {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.as_mut_slice().visit(visitor);
    }
}

impl<T: Visit> Visit for Option<T> {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        if let Some(item) = self {
            item.visit(visitor);
        }
    }
}

impl<T: Visit> Visit for Seen<T> {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        match self {
            Self::Seen(data) => data.visit(visitor),
            Self::Unavailable(why) => why.visit(visitor),
        }
    }
}

impl Visit for Unavailable {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { what, reason } = self;
        visitor.string(Kind::Text, what);
        match reason {
            Reason::Broken(text) | Reason::Missing(text) | Reason::NotRequested(text) | Reason::Unreachable(text) => {
                visitor.string(Kind::Text, text);
            }
            Reason::Forbidden { verb, resource, group, namespace } => {
                visitor.string(Kind::Word, verb);
                visitor.strings(Kind::Object, [resource, group, namespace]);
            }
            Reason::Interrupted | Reason::TimedOut { milliseconds: _ } => {}
        }
    }
}

#[cfg(test)]
#[path = "part_tests.rs"]
mod tests;
