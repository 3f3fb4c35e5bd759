//! Writes into the bundle what was redacted before, and lists what is missing.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::bundle::BundleWriter;
use crate::bundle::manifest::{Absence, Skipped};
use crate::bundle::objects::RoutesAndEvents;
use crate::bundle::pages::Page;
use crate::cli::KeptLogs;
use crate::evidence::{Reason, Unavailable};
use crate::plan::Item;
use crate::redact::{Redactions, Redactor};
use crate::report::formats::yaml;

/// Redacts everything that is gathered and writes it into the bundle.
#[derive(Clone)]
pub(in crate::commands) struct RedactingWriter {
    pub(in crate::commands) writer: Arc<BundleWriter>,
    pub(in crate::commands) redactor: Arc<Redactor>,
    pub(in crate::commands) logs: KeptLogs,
    pub(in crate::commands) log_limit: u64,
    /// What the pages need of the objects that were written.
    pub(in crate::commands) objects: Arc<Mutex<RoutesAndEvents>>,
}

impl RedactingWriter {
    /// Writes a page, or lists it as missing.
    pub(in crate::commands) fn page(&self, page: &Page) {
        let Page { path, origin, why, text, is_verbatim } = page;
        let mut redactions = Redactions::default();
        match text {
            Err(error) => self.lost(path, origin, error),
            Ok(text) if *is_verbatim => self.write_clean(path, origin, why, text.as_bytes(), redactions),
            Ok(text) => {
                let clean = self.redactor.derived(text, &mut redactions);
                self.write_clean(path, origin, why, clean.as_bytes(), redactions);
            }
        }
    }

    /// Writes bytes that are already redacted.
    pub(in crate::commands) fn write_clean(
        &self,
        path: &str,
        origin: &str,
        why: &str,
        bytes: &[u8],
        redactions: Redactions,
    ) {
        if let Err(why) = self.writer.write(path, origin, why, bytes, redactions.counts()) {
            self.lost(path, origin, &why);
        }
    }

    /// Redacts a text from outside for use in the manifest or in a path.
    pub(in crate::commands) fn redact_text(&self, text: &str) -> String {
        self.redactor.text(text, &mut Redactions::default())
    }

    /// Lists something that was planned and could not be collected.
    pub(in crate::commands) fn lost(&self, item: &str, origin: &str, why: &str) {
        self.absent(Absence::Lost, item, origin, why);
    }

    /// Lists something that is not in the bundle.
    pub(in crate::commands) fn absent(&self, absence: Absence, item: &str, origin: &str, why: &str) {
        let (item, origin, why) = (item.to_owned(), origin.to_owned(), why.to_owned());
        self.writer.skip(Skipped { item, origin, absence, why, needs: None });
    }

    /// Records a source that the bundled evidence reports as unavailable.
    pub(in crate::commands) fn unavailable(&self, item: &str, origin: &str, why: &Unavailable) {
        self.skip_unavailable(item, origin.to_owned(), why.reason.to_string(), &why.reason);
    }

    /// Like [`Self::unavailable`], with texts that are not redacted yet.
    pub(in crate::commands) fn redact_unavailable(&self, item: &str, origin: &str, why: &Unavailable) {
        self.skip_unavailable(item, self.redact_text(origin), self.redact_text(&why.reason.to_string()), &why.reason);
    }

    fn skip_unavailable(&self, item: &str, origin: String, why: String, reason: &Reason) {
        let absence = match reason {
            Reason::NotRequested(_) => Absence::NotAsked,
            _ => Absence::Lost,
        };
        self.writer.skip(Skipped { item: item.to_owned(), origin, absence, why, needs: needs(reason) });
    }

    /// Redacts an object; remembers what the pages need of it. Returns `None` if it is withheld.
    pub(in crate::commands) fn clean(
        &self,
        item: &'static Item,
        origin: &str,
        mut object: Value,
        redactions: &mut Redactions,
    ) -> Option<Value> {
        if let Err(withheld) = self.redactor.object(&mut object, redactions) {
            self.lost(item.name(), origin, &withheld.to_string());
            return None;
        }
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).add(item.source, &object);
        Some(object)
    }

    pub(in crate::commands) fn yaml(
        &self,
        path: &str,
        origin: &str,
        item: &'static Item,
        value: &Value,
        redactions: Redactions,
    ) {
        match yaml::of(value) {
            Ok(yaml) => self.write_clean(path, origin, item.why, yaml.as_bytes(), redactions),
            Err(error) => self.lost(item.name(), origin, &error.to_string()),
        }
    }
}

/// Returns the missing right, as `verb resource`.
fn needs(reason: &Reason) -> Option<String> {
    match reason {
        Reason::Forbidden { verb, resource, .. } => Some(format!("{verb} {resource}")),
        _ => None,
    }
}

/// Returns the base name of a user's file, as used in the bundle.
pub(in crate::commands) fn base(name: &str) -> &str {
    match name {
        "-" => "standard-input",
        name => name.rsplit(['/', '\\']).next().unwrap_or(name),
    }
}
