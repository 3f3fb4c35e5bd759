//! The parts of the evidence, and the visitor that meets every text in them.
//!
//! A part holds what one source showed, or the reason why it showed nothing. It is one file: its types, one [`Part`]
//! for the field of [`Evidence`](super::Evidence), one [`Visit`] for each type. A `visit` takes its struct apart
//! without `..`, so that a field nobody thought of does not compile. Redaction, *not seen*, the manifest of a bundle
//! and the tests iterate over the parts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;
use std::net::IpAddr;

use super::seen::{Reason, Seen, Unavailable};
use super::source::Source;

/// What one source showed.
pub trait Part: Visit {
    /// Name of its field in the JSON of the evidence: `meshLogging`.
    fn name(&self) -> &'static str;

    /// What has to be asked for it; empty for what is known without, or given by the user.
    fn sources(&self) -> &'static [Source];

    /// The part of a run that did not ask, because of `why`.
    fn unasked(why: &str) -> Self
    where
        Self: Sized;

    /// What it was to hold and does not.
    fn gaps(&self) -> Vec<Gap<'_>>;

    /// The numbers that a report adds up.
    fn counts(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new(iter::empty())
    }
}

/// Something that a part was to hold and does not.
#[derive(Clone, Debug)]
pub struct Gap<'a> {
    /// What would have shown it; absent for what no run asks for item by item.
    pub source: Option<Source>,
    pub extent: Extent,
    /// What is missing, as the report lists it.
    pub what: Cow<'a, str>,
    pub why: &'a Unavailable,
    /// The report lists it under NOT SEEN. If false, the report words it itself, or a check reports it where it
    /// matters. The manifest of a bundle lists it in either case.
    pub reported: bool,
}

/// How much is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// The whole part.
    Part,
    /// Another source, which only this part leads to.
    Dependent,
    /// One item of the part.
    Item,
    /// The end of an item; the beginning was seen.
    End,
}

impl<'a> Gap<'a> {
    /// A gap that the report lists by the words of `why`.
    #[must_use]
    pub fn new(source: Source, extent: Extent, why: &'a Unavailable) -> Self {
        Self { source: Some(source), extent, what: Cow::Borrowed(&why.what), why, reported: true }
    }

    /// The same gap, which the report does not list.
    #[must_use]
    pub fn unreported(self) -> Self {
        Self { reported: false, ..self }
    }
}

/// The gap of a part that is missing as a whole.
pub(super) fn whole<T>(seen: &Seen<T>, source: Source) -> Vec<Gap<'_>> {
    item(seen, source, Extent::Part).into_iter().collect()
}

/// The gap where something was not seen.
pub(super) fn item<T>(seen: &Seen<T>, source: Source, extent: Extent) -> Option<Gap<'_>> {
    match seen {
        Seen::Seen(_) => None,
        Seen::Unavailable(why) => Some(Gap::new(source, extent, why)),
    }
}

/// What was not asked for.
pub(super) fn not_requested<T>(what: &str, why: &str) -> Seen<T> {
    Seen::Unavailable(Unavailable::new(what, Reason::NotRequested(why.to_owned())))
}

/// Something that a [`Visitor`] can go through.
pub trait Visit {
    /// Shows every text and every address of it to the visitor, which may replace them.
    fn visit(&mut self, visitor: &mut dyn Visitor);
}

/// Meets every text of the evidence and knows what each is; it needs to know no type of the evidence.
pub trait Visitor {
    fn string(&mut self, kind: Kind, text: &mut String);

    fn address(&mut self, address: &mut IpAddr);

    /// A distinguished name, as `CN=api.example.com, O=Example`. A common name among `dns_names` is a hostname.
    fn distinguished_name(&mut self, name: &mut String, dns_names: &[String]);
}

/// What a text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Name of a kubeconfig context.
    Context,
    /// Name of one of Envoy's counters, which may hold the address of a listener.
    Counter,
    /// Name or path of a file, as the user gave it.
    File,
    /// A hostname, or an address in place of one.
    Hostname,
    /// Serial number or fingerprint of a certificate.
    Number,
    /// Name of an object of the cluster, or of a part of one.
    Object,
    /// Anything else that people or servers wrote: messages, labels, reasons.
    Text,
    /// A word of a protocol, an API or this program, which identifies nobody: a version, a cipher suite, a verb.
    Word,
}

impl dyn Visitor + '_ {
    /// Several texts of one kind.
    pub fn strings<'t>(&mut self, kind: Kind, texts: impl IntoIterator<Item = &'t mut String>) {
        texts.into_iter().for_each(|text| self.string(kind, text));
    }

    /// The keys of a map. Where two become one, the later value is kept.
    pub fn keys<T>(&mut self, kind: Kind, map: &mut BTreeMap<String, T>) {
        let renamed = std::mem::take(map).into_iter().map(|(mut key, value)| {
            self.string(kind, &mut key);
            (key, value)
        });
        *map = renamed.collect();
    }

    /// Keys and values, of labels and the like.
    pub fn labels(&mut self, labels: &mut BTreeMap<String, String>) {
        self.keys(Kind::Text, labels);
        self.strings(Kind::Text, labels.values_mut());
    }
}

impl<T: Visit> Visit for [T] {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.iter_mut().for_each(|item| item.visit(visitor));
    }
}

impl<T: Visit> Visit for Vec<T> {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.as_mut_slice().visit(visitor);
    }
}

impl<T: Visit> Visit for Option<T> {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.iter_mut().for_each(|item| item.visit(visitor));
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
