//! Redaction of everything that goes into a support bundle.
//!
//! ```text
//! objects, overrides, evidence ─ typed ─┐
//! text ─────────────────────────────────┼─ text, line by line ─ pseudonyms, if asked for
//! pieces of a log ──────────────────────┘
//! ```
//!
//! Secrets are replaced in memory, before anything is written; what cannot be understood is withheld with a reason. Names, paths,
//! counts and public certificates stay, because support works with them. It knows a secret by where it stands, by the name it is
//! given or by its shape. It does not know a word in prose (`the password is …`), nor a random text under a harmless name.

mod base64;
mod pseudonyms;
mod rules;
pub mod self_test;
mod text;
mod typed;
mod unescape;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

pub use self::pseudonyms::{Names, Pseudonyms};
pub use self::text::{MAX_LINE, StreamRedactor};

use self::pseudonyms::Table;
use self::rules::{Rule, Rules};
use self::text::{Engine, Patterns};
use self::typed::{evidence, objects, overrides};
use crate::evidence::Evidence;
use crate::wire::capture::RecordKind;

/// What was replaced, by rule.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Redactions(pub BTreeMap<&'static str, u64>);

impl Redactions {
    /// Adds what was replaced elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (rule, count) in &other.0 {
            let total = self.0.entry(rule).or_default();
            *total = total.saturating_add(*count);
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |total, count| total.saturating_add(*count))
    }

    fn count(&mut self, rule: Rule) {
        let total = self.0.entry(rule.name()).or_default();
        *total = total.saturating_add(1);
    }
}

/// Why a content cannot be shown at all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Withheld {
    pub why: String,
}

impl Withheld {
    fn because(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "withheld: {}", self.why)
    }
}

impl std::error::Error for Withheld {}

/// Redacts for one bundle: pseudonyms are the same in all that goes through one of these.
pub struct Redactor {
    engine: Arc<Engine>,
    /// Knows no pseudonyms.
    secrets: Arc<Engine>,
    /// Redacts what `engine` does before it gives pseudonyms.
    unnamed: Arc<Engine>,
}

impl Redactor {
    /// Takes out secrets, and gives pseudonyms where `pseudonyms` says so: those of `names`, and new ones by its key.
    #[must_use]
    pub fn new(pseudonyms: Pseudonyms, names: Names) -> Self {
        Self::with(pseudonyms, names, Rules::default())
    }

    /// Takes out secrets; names and addresses stay.
    #[must_use]
    pub fn of_secrets() -> Self {
        Self::with(Pseudonyms::None, Names::new([0; 32]), Rules::default())
    }

    fn with(pseudonyms: Pseudonyms, names: Names, rules: Rules) -> Self {
        let without_names = |certificates| {
            Arc::new(Engine { patterns: Arc::new(Patterns::new(certificates)), rules, table: Table::none() })
        };
        let secrets = without_names(false);
        if pseudonyms == Pseudonyms::None {
            return Self { engine: Arc::clone(&secrets), unnamed: Arc::clone(&secrets), secrets };
        }
        let unnamed = without_names(true);
        let patterns = Arc::clone(&unnamed.patterns);
        let engine = Arc::new(Engine { patterns, rules, table: Table::new(pseudonyms, names) });
        Self { engine, secrets, unnamed }
    }

    /// Any text that fits in memory: reports, YAML, events, command output. The number of lines stays.
    #[must_use]
    pub fn text(&self, text: &str, redactions: &mut Redactions) -> String {
        string(self.engine.text(text.as_bytes(), false, redactions))
    }

    /// A text that was made of evidence that has its pseudonyms: these stay as they are.
    #[must_use]
    pub fn derived(&self, text: &str, redactions: &mut Redactions) -> String {
        string(self.secrets.text(text.as_bytes(), false, redactions))
    }

    /// The same of a document, text by text: what looks like the beginning of a secret must not take the document's own signs with it.
    pub fn derived_document(&self, document: &mut Value, redactions: &mut Redactions) {
        match document {
            Value::String(text) => *text = self.derived(text, redactions),
            Value::Array(items) => items.iter_mut().for_each(|item| self.derived_document(item, redactions)),
            Value::Object(fields) => {
                let known = std::mem::take(fields);
                for (name, mut value) in known {
                    self.derived_document(&mut value, redactions);
                    // Names are clients' addresses and server names, too.
                    fields.insert(self.derived(&name, redactions), value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Evidence less its secrets, with its pseudonyms where there are any. Whatever leaves the program is made of this value: reports,
    /// evidence files and bundles. Evidence that went through here once comes out as it went in.
    ///
    /// # Errors
    /// It could not be taken for evidence again.
    pub fn clean(&self, evidence: &Evidence, redactions: &mut Redactions) -> Result<Evidence, serde_json::Error> {
        let mut document = serde_json::to_value(evidence)?;
        self.derived_document(&mut document, redactions);
        let mut evidence = serde_json::from_value(document)?;
        self.evidence(&mut evidence, redactions);
        Ok(evidence)
    }

    /// Pseudonyms for evidence, by its types. Secrets have to be taken out before.
    pub fn evidence(&self, evidence: &mut Evidence, redactions: &mut Redactions) {
        if self.engine.table.kinds() != Pseudonyms::None {
            evidence::redact(&self.engine.table, self.engine.rules, evidence, redactions);
        }
    }

    /// The name of a kubeconfig's context.
    #[must_use]
    pub fn context(&self, context: &str) -> String {
        let plain = || self.text(context, &mut Redactions::default());
        self.engine.table.context(context).unwrap_or_else(plain)
    }

    /// A log, in pieces of any size.
    #[must_use]
    pub fn stream(&self) -> StreamRedactor {
        StreamRedactor::new(Arc::clone(&self.engine))
    }

    /// A log of which lines are chosen later: secrets are followed through all lines, and only what is chosen gets pseudonyms, by
    /// [`Self::rename`]. A choice before it would take the beginning of a key or of a block away from its lines.
    #[must_use]
    pub fn stream_of_secrets(&self) -> StreamRedactor {
        StreamRedactor::new(Arc::clone(&self.unnamed))
    }

    /// Appends whole lines of [`Self::stream_of_secrets`] with their pseudonyms.
    pub fn rename(&self, lines: &[u8], out: &mut Vec<u8>, redactions: &mut Redactions) {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let inner = line.strip_suffix(b"\n").unwrap_or(line);
            let renamed = self.engine.table.replace(inner, self.engine.rules, redactions);
            out.extend_from_slice(renamed.as_deref().unwrap_or(inner));
            out.extend_from_slice(&line[inner.len()..]);
        }
    }

    /// A record of a capture: secrets in its content are masked in their places, keys that decrypt packets go with their record.
    /// It sees one record: a secret that begins in one and ends in another is not known.
    pub fn record(&self, kind: RecordKind, content: Range<usize>, record: &mut Vec<u8>, redactions: &mut Redactions) {
        if kind == RecordKind::Secrets {
            record.clear();
            redactions.count(Rule::DecryptionSecrets);
        } else if let Some(content) = record.get_mut(content) {
            self.secrets.mask(content, redactions);
        }
    }

    /// A Kubernetes object or list, by its kind.
    ///
    /// # Errors
    /// It is no object, it does not say what it is, or it is nested too deeply.
    pub fn object(&self, object: &mut Value, redactions: &mut Redactions) -> Result<(), Withheld> {
        objects::redact(&self.engine, object, redactions)
    }

    /// An overrides.yaml with its comments and places: only values are replaced, so that line numbers stay.
    ///
    /// # Errors
    /// It is too large, or a secret would have been left.
    pub fn overrides(&self, text: &str, redactions: &mut Redactions) -> Result<String, Withheld> {
        overrides::redact(&self.engine, text, redactions)
    }

    /// Which pseudonyms there are and what they stand for, for a file that stays outside the bundle.
    #[must_use]
    pub fn names(&self) -> Names {
        self.engine.table.names()
    }
}

/// What went in as UTF-8 comes out as UTF-8: only whole letters of ASCII are replaced.
fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
