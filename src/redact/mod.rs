//! Redaction of everything that leaves the program: reports, evidence files and support bundles.
//!
//! ```text
//! objects, overrides, evidence ─ typed ─┐
//! text ─────────────────────────────────┼─ text, line by line ─ pseudonyms, if requested
//! pieces of a log ──────────────────────┘
//! ```
//!
//! Each line runs through one loop, which ends when no escape is left (`text::engine`, `unescape`):
//!
//! ```text
//! line ─┬─► patterns, base64, random ─► found ─► spans of the line as written ─► redacted line
//!   ▲   │
//!   └───┴── unescape one level: \x22, \u0022, %22, &quot;
//! ```
//!
//! Secrets are replaced in memory, before anything is written. Content that cannot be parsed safely is
//! withheld with a reason. Names, paths, counts and public certificates are kept, because support works with
//! them.
//!
//! A secret is recognised by its position, by the name it is given, by its shape, or because it looks random
//! and has no harmless form (`random`). Of a sentence (`the password is …`), a secret in quotes is
//! recognised, and a word with digits or punctuation; one that could be a word of a language is not.

mod base64;
mod messages;
mod pseudonyms;
mod random;
mod rules;
pub mod self_test;
mod text;
mod typed;
mod unescape;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::pseudonyms::{Names, Pseudonyms, Revealer};
pub use self::text::{MAX_LINE, StreamRedactor};

use self::pseudonyms::Table;
use self::rules::{Rule, Rules};
use self::text::{Engine, Patterns};
use self::typed::{answers, evidence, objects, overrides, settings};
use crate::evidence::Evidence;
use crate::text::json;
use crate::wire::capture::RecordKind;

/// Number of replacements, by rule.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Redactions(pub BTreeMap<&'static str, u64>);

impl Redactions {
    /// Adds the counts of `other`.
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

    /// Returns the numbers for the manifest of a bundle.
    #[must_use]
    pub fn counts(self) -> BTreeMap<String, u64> {
        self.0.into_iter().map(|(rule, count)| (rule.to_owned(), count)).collect()
    }

    fn count(&mut self, rule: Rule) {
        let total = self.0.entry(rule.name()).or_default();
        *total = total.saturating_add(1);
    }
}

/// Why a content is withheld.
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

/// Redacts the content of one bundle. Equal names get equal pseudonyms in everything that passes through it.
pub struct Redactor {
    engine: Arc<Engine>,
    /// Redacts secrets in what is derived from redacted content, where all that looks random was judged.
    secrets: Arc<Engine>,
    /// Redacts the same secrets as `engine`, without giving pseudonyms.
    without_pseudonyms: Arc<Engine>,
}

impl Redactor {
    /// Redacts secrets, and replaces the kinds of `pseudonyms`: by those of `names`, and by new ones from its
    /// key.
    #[must_use]
    pub fn new(pseudonyms: Pseudonyms, names: Names) -> Self {
        Self::with(pseudonyms, names, Rules::default())
    }

    /// Redacts secrets; names and addresses are kept.
    #[must_use]
    pub fn secrets_only() -> Self {
        Self::with(Pseudonyms::None, Names::new([0; 32]), Rules::default())
    }

    /// Returns the same redactor, without the last pass if `keep` is set: tokens that look random are kept,
    /// as `--keep-random-tokens` requests.
    #[must_use]
    pub fn keep_random_tokens(self, keep: bool) -> Self {
        let changed =
            |engine: &Engine| Arc::new(Engine { random_tokens: engine.random_tokens && !keep, ..engine.clone() });
        Self {
            engine: changed(&self.engine),
            secrets: self.secrets,
            without_pseudonyms: changed(&self.without_pseudonyms),
        }
    }

    fn with(pseudonyms: Pseudonyms, names: Names, rules: Rules) -> Self {
        let none = Arc::new(Table::none());
        let plain = Engine { patterns: Patterns::shared(false), rules, table: none, random_tokens: true };
        let secrets = Arc::new(Engine { random_tokens: false, ..plain.clone() });
        if pseudonyms == Pseudonyms::None {
            let engine = Arc::new(plain);
            return Self { without_pseudonyms: Arc::clone(&engine), engine, secrets };
        }
        let without_names = Engine { patterns: Patterns::shared(true), ..plain };
        let engine = Engine { table: Arc::new(Table::new(pseudonyms, names)), ..without_names.clone() };
        Self { engine: Arc::new(engine), secrets, without_pseudonyms: Arc::new(without_names) }
    }

    /// Redacts a text in memory: reports, YAML, events, command output. The number of lines is kept.
    #[must_use]
    pub fn text(&self, text: &str, redactions: &mut Redactions) -> String {
        string(self.engine.text(text.as_bytes(), false, redactions))
    }

    /// Redacts a text that is derived from evidence with pseudonyms; these are kept.
    #[must_use]
    pub fn derived(&self, text: &str, redactions: &mut Redactions) -> String {
        string(self.secrets.text(text.as_bytes(), false, redactions))
    }

    /// Redacts a JSON document string by string, so that what looks like the start of a secret cannot consume
    /// the punctuation of the document.
    pub fn derived_document(&self, document: &mut Value, redactions: &mut Redactions) {
        match document {
            Value::String(text) => *text = self.derived(text, redactions),
            Value::Array(items) => items.iter_mut().for_each(|item| self.derived_document(item, redactions)),
            Value::Object(fields) => {
                let known = std::mem::take(fields);
                let mut numbers = HashMap::new();
                for (name, mut value) in known {
                    self.derived_document(&mut value, redactions);
                    // Keys hold client addresses and SNI values, too.
                    let name = self.derived(&name, redactions);
                    fields.insert(distinct(name, fields, &mut numbers), value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Redacts evidence and gives pseudonyms, if requested. Everything that leaves the program is made of the
    /// result: reports, evidence files and bundles. Redacting evidence twice changes nothing.
    ///
    /// # Errors
    /// The redacted document is no longer valid evidence.
    pub fn clean(&self, evidence: &Evidence, redactions: &mut Redactions) -> Result<Evidence, serde_json::Error> {
        // As text in between: the code that reads and writes each type is then that of evidence files.
        let mut document = serde_json::from_slice(&json(evidence)?)?;
        self.derived_document(&mut document, redactions);
        let mut evidence = serde_json::from_slice(&json(&document)?)?;
        evidence::redact_labels(&mut evidence, redactions);
        if self.engine.random_tokens {
            evidence::redact_random(&self.without_pseudonyms, &mut evidence, redactions);
        }
        self.evidence(&mut evidence, redactions);
        Ok(evidence)
    }

    /// Gives pseudonyms in evidence, by its types. Secrets must be redacted before.
    pub fn evidence(&self, evidence: &mut Evidence, redactions: &mut Redactions) {
        if self.engine.table.kinds() != Pseudonyms::None {
            evidence::redact(&self.engine.table, self.engine.rules, evidence, redactions);
        }
    }

    /// Redacts the name of a kubeconfig context.
    #[must_use]
    pub fn context(&self, context: &str) -> String {
        let redacted = || self.text(context, &mut Redactions::default());
        self.engine.table.context(context).unwrap_or_else(redacted)
    }

    /// Returns a redactor for a log in pieces of any size.
    #[must_use]
    pub fn stream(&self) -> StreamRedactor {
        StreamRedactor::new(Arc::clone(&self.engine))
    }

    /// Returns a redactor for a log whose lines are selected afterwards.
    ///
    /// Secrets are followed through all lines; only selected lines get pseudonyms, by
    /// [`Self::pseudonymize_lines`]. Selecting first could separate the lines of a key or of a block from
    /// their beginning.
    #[must_use]
    pub fn stream_secrets_only(&self) -> StreamRedactor {
        StreamRedactor::new(Arc::clone(&self.without_pseudonyms))
    }

    /// Appends whole lines of [`Self::stream_secrets_only`] to `out`, with pseudonyms.
    pub fn pseudonymize_lines(&self, lines: &[u8], out: &mut Vec<u8>, redactions: &mut Redactions) {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let inner = line.strip_suffix(b"\n").unwrap_or(line);
            let renamed = self.engine.table.replace(inner, self.engine.rules, redactions);
            out.extend_from_slice(renamed.as_deref().unwrap_or(inner));
            out.extend_from_slice(&line[inner.len()..]);
        }
    }

    /// Masks the secrets of a capture record in place, and clears records of decryption secrets.
    ///
    /// A secret that spans two records is not recognised.
    pub fn record(&self, kind: RecordKind, content: Range<usize>, record: &mut Vec<u8>, redactions: &mut Redactions) {
        if kind == RecordKind::Secrets {
            record.clear();
            redactions.count(Rule::DecryptionSecrets);
        } else if let Some(content) = record.get_mut(content) {
            self.without_pseudonyms.mask(content, redactions);
        }
    }

    /// Redacts a sample of the first bytes of a connection.
    #[must_use]
    pub fn sample(&self, sample: &str, redactions: &mut Redactions) -> String {
        // Commands of protocols are recognised in whole lines only.
        let mut line = [sample.as_bytes(), b"\r\n"].concat();
        self.without_pseudonyms.mask(&mut line, redactions);
        line.truncate(sample.len());
        self.text(&string(line), redactions)
    }

    /// Redacts a Kubernetes object or list, by its kind.
    ///
    /// # Errors
    /// It is not an object, has no `kind`, or is nested too deeply.
    pub fn object(&self, object: &mut Value, redactions: &mut Redactions) -> Result<(), Withheld> {
        objects::redact(&self.engine, object, redactions)
    }

    /// Redacts an overrides file. Only values and comments are replaced, so line numbers are kept.
    ///
    /// # Errors
    /// It is too large, or a secret would be left.
    pub fn overrides(&self, text: &str, redactions: &mut Redactions) -> Result<String, Withheld> {
        overrides::redact(&self.engine, text, redactions)
    }

    /// Redacts an answer of Edge's Management API. With pseudonyms, the names in it are replaced by their
    /// fields.
    ///
    /// # Errors
    /// With pseudonyms: it is not JSON, so that a name could be left.
    pub fn answer(&self, text: &str, redactions: &mut Redactions) -> Result<String, Withheld> {
        let clean = string(self.without_pseudonyms.text(text.as_bytes(), false, redactions));
        let clean = answers::without_user_information(&clean, redactions).unwrap_or(clean);
        if self.kinds() == Pseudonyms::None {
            return Ok(clean);
        }
        answers::redact(&self.engine, &clean, redactions)
    }

    /// Redacts the configuration of a Router. Entries of nginx's tables have no name that says what they are.
    #[must_use]
    pub fn router_configuration(&self, text: &str, redactions: &mut Redactions) -> String {
        self.text(&settings::without_tables(text, redactions), redactions)
    }

    /// Redacts properties. Lines that continue another one are joined with it.
    #[must_use]
    pub fn properties(&self, text: &str, redactions: &mut Redactions) -> String {
        settings::by_name(&self.text(&settings::unfolded(text), redactions), redactions)
    }

    /// Redacts an XML file of a proxy. With pseudonyms, the host of a URL is replaced even if it has one
    /// label.
    #[must_use]
    pub fn proxy_file(&self, text: &str, redactions: &mut Redactions) -> String {
        let clean = answers::urls_without_user_information(&self.text(text, redactions), redactions);
        if self.kinds().hosts() { answers::hosts_of_urls(&self.engine, &clean, redactions) } else { clean }
    }

    /// Returns the kinds that are replaced by pseudonyms.
    #[must_use]
    pub fn kinds(&self) -> Pseudonyms {
        self.engine.table.kinds()
    }

    /// Returns the pseudonyms with their originals, for the file that stays outside the bundle.
    #[must_use]
    pub fn names(&self) -> Names {
        self.engine.table.names()
    }
}

/// Returns the name with a number if another of the object is equal after redaction, so that none is lost.
fn distinct(name: String, fields: &Map<String, Value>, numbers: &mut HashMap<String, u64>) -> String {
    if !fields.contains_key(&name) {
        return name;
    }
    let number = numbers.entry(name.clone()).or_insert(1);
    loop {
        *number += 1;
        let numbered = format!("{name} ({number})");
        if !fields.contains_key(&numbered) {
            return numbered;
        }
    }
}

/// Converts redacted UTF-8 back to a string. Replacements start and end at ASCII characters, so it stays
/// valid.
fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
