//! Redaction of everything that goes into a support bundle.
//!
//! ```text
//! text ──────────────┐                        ┌ carry: what lines before say
//! pieces ─ stream ───┤                        ├ patterns, values, names
//! objects (typed) ───┼─ engine, line by line ─┤
//! overrides (typed) ─┘                        ├ base64
//!                                             └ pseudonyms, if asked for
//! ```
//!
//! Secrets are replaced in memory, before anything is written; what cannot be understood is withheld with a reason. Names, paths,
//! counts and public certificates stay, because support works with them. It knows a secret by where it stands, by the name it is
//! given or by its shape. It does not know a word in prose (`the password is …`), nor a random text under a harmless name.

mod base64;
mod carry;
mod engine;
mod names;
mod objects;
mod overrides;
mod patterns;
mod pseudonyms;
mod rules;
pub mod self_test;
mod skeleton;
mod stream;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

pub use self::pseudonyms::Pseudonyms;
pub use self::stream::{MAX_LINE, StreamRedactor};

use self::engine::Engine;
use self::patterns::Patterns;
use self::pseudonyms::Table;
use self::rules::{Rule, Rules};

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
}

impl Redactor {
    #[must_use]
    pub fn new(pseudonyms: Pseudonyms) -> Self {
        Self::with(pseudonyms, Rules::default())
    }

    fn with(pseudonyms: Pseudonyms, rules: Rules) -> Self {
        let patterns = Patterns::new(pseudonyms.hosts());
        Self { engine: Arc::new(Engine { patterns, rules, table: Table::new(pseudonyms) }) }
    }

    /// Any text that fits in memory: reports, YAML, events, command output. The number of lines stays.
    #[must_use]
    pub fn text(&self, text: &str, redactions: &mut Redactions) -> String {
        string(self.engine.text(text.as_bytes(), false, redactions))
    }

    /// A log, in pieces of any size.
    #[must_use]
    pub fn stream(&self) -> StreamRedactor {
        StreamRedactor::new(Arc::clone(&self.engine))
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

    /// Pseudonym → original, for a file that stays outside the bundle.
    #[must_use]
    pub fn pseudonym_map(&self) -> BTreeMap<String, String> {
        self.engine.table.map()
    }
}

/// What went in as UTF-8 comes out as UTF-8: only whole letters of ASCII are replaced.
fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
