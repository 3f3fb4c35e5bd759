//! Writes what gathering hands over into the bundle: redacted first, each object in a file of its own.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::objects::Objects;
use super::read::Read;
use crate::bundle::manifest::{Absence, Kept, Skipped, Truncation};
use crate::bundle::{BundleWriter, EntryWriter, layout};
use crate::cli::KeptLogs;
use crate::evidence::{AccessLog, LogOrigin, Reason, Source, Unavailable};
use crate::gather::hybrid::kept::{LogKeeper, ObjectKeeper};
use crate::gather::plan::{Item, folder};
use crate::gather::{Keeper, LogSink};
use crate::redact::{Redactions, Redactor, StreamRedactor};
use crate::wire::access_log::{AccessLogScanner, Format};
use crate::wire::log_window::{LogWindow, WindowSummary};

/// Maximum number of bytes of an overrides file: its redaction needs several times as much memory.
const MAX_OVERRIDES: usize = 16 << 20;
/// Name of the `-f` files in the manifest.
pub(super) const OVERRIDES: &str = "overrides.yaml";

/// Redacts everything that is gathered and writes it into the bundle.
#[derive(Clone)]
pub(super) struct BundleSink {
    pub(super) writer: Arc<BundleWriter>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) logs: KeptLogs,
    pub(super) log_limit: u64,
    /// Routes and lines of events, for the pages that are made of them ([`super::pages`]).
    pub(super) read: Arc<Mutex<Read>>,
}

impl BundleSink {
    /// Writes a text that is derived from what is in the bundle.
    pub(super) fn write_derived(&self, path: &str, origin: &str, why: &str, text: &str) {
        let mut redactions = Redactions::default();
        let clean = self.redactor.derived(text, &mut redactions);
        self.write_clean(path, origin, why, clean.as_bytes(), redactions);
    }

    /// Writes bytes that are already redacted.
    pub(super) fn write_clean(&self, path: &str, origin: &str, why: &str, bytes: &[u8], redactions: Redactions) {
        let mut entry = self.writer.entry(path, origin, why);
        let written = entry.write_all(bytes).map_err(|error| error.to_string());
        let finished =
            written.and_then(|()| entry.finish(counted(redactions), None).map_err(|error| error.to_string()));
        if let Err(why) = finished {
            self.lost(path, origin, &why);
        }
    }

    /// Redacts a text from outside for use in the manifest or in a path.
    pub(super) fn redact_text(&self, text: &str) -> String {
        self.redactor.text(text, &mut Redactions::default())
    }

    /// Lists something that was planned and could not be collected.
    pub(super) fn lost(&self, item: &str, origin: &str, why: &str) {
        self.absent(Absence::Lost, item, origin, why);
    }

    /// Lists something that is not in the bundle.
    pub(super) fn absent(&self, absence: Absence, item: &str, origin: &str, why: &str) {
        let (item, origin, why) = (item.to_owned(), origin.to_owned(), why.to_owned());
        self.writer.skip(Skipped { item, origin, absence, why, needs: None });
    }

    /// Records a source that the bundled evidence reports as unavailable.
    pub(super) fn unavailable(&self, item: &str, origin: &str, why: &Unavailable) {
        self.skip_unavailable(item, origin.to_owned(), why.reason.to_string(), &why.reason);
    }

    /// Like [`Self::unavailable`], with texts that are not redacted yet.
    pub(super) fn redact_unavailable(&self, item: &str, origin: &str, why: &Unavailable) {
        self.skip_unavailable(item, self.redact_text(origin), self.redact_text(&why.reason.to_string()), &why.reason);
    }

    fn skip_unavailable(&self, item: &str, origin: String, why: String, reason: &Reason) {
        let absence = match reason {
            Reason::NotRequested(_) => Absence::NotAsked,
            _ => Absence::Lost,
        };
        self.writer.skip(Skipped { item: item.to_owned(), origin, absence, why, needs: needs(reason) });
    }

    /// Returns the bundle file for the log of a container or of the user; `None` with `--logs none`.
    pub(super) fn log_file(&self, origin: &LogOrigin, suffix: &str) -> Option<LogFile> {
        if self.logs == KeptLogs::None {
            return None;
        }
        let (path, from) = match origin {
            LogOrigin::Container { pod, container } => {
                let (pod, container) = (self.redact_text(pod), self.redact_text(container));
                let (of_pod, file) = (layout::segment(&pod), layout::segment(&container));
                let path = format!("{}/{of_pod}/{file}{suffix}.log", folder::LOGS);
                (path, format!("GET pods/{pod}/log?container={container}"))
            }
            LogOrigin::File(name) => {
                let base = self.redact_text(base(name));
                let path = format!("{}/given/{}{suffix}.log", folder::LOGS, layout::segment(&base));
                (path, format!("--access-log {base}"))
            }
        };
        Some(LogFile {
            sink: self.clone(),
            entry: None,
            path,
            from,
            selection: (self.logs == KeptLogs::Window).then(|| WindowSelection::new(self.log_limit)),
            redactor: match self.logs {
                KeptLogs::Window => self.redactor.stream_secrets_only(),
                _ => self.redactor.stream(),
            },
            clean: Vec::new(),
            fault: None,
        })
    }

    /// Redacts an object; remembers what the pages need of it. Returns `None` if it is withheld.
    pub(super) fn clean(
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
        self.read.lock().unwrap_or_else(PoisonError::into_inner).add(item.source, &object);
        Some(object)
    }

    pub(super) fn yaml(&self, path: &str, origin: &str, item: &'static Item, value: &Value, redactions: Redactions) {
        match serde_yaml::to_string(value) {
            Ok(yaml) => self.write_clean(path, origin, item.why, yaml.as_bytes(), redactions),
            Err(error) => self.lost(item.name(), origin, &error.to_string()),
        }
    }
}

impl Keeper for BundleSink {
    fn objects(&self, item: &'static Item, origin: &str) -> Box<dyn ObjectKeeper> {
        Box::new(Objects::new(self.clone(), item, self.redact_text(origin)))
    }

    fn missing(&self, item: &'static Item, origin: &str, why: Unavailable) {
        self.redact_unavailable(item.name(), origin, &why);
    }

    fn overrides(&self, number: usize, name: &str, content: Result<&[u8], &Unavailable>) {
        let origin = format!("-f {}", self.redact_text(base(name)));
        let item = OVERRIDES;
        let text = match content {
            Err(why) => return self.redact_unavailable(item, &origin, why),
            Ok(bytes) if bytes.len() > MAX_OVERRIDES => {
                return self.lost(item, &origin, &format!("it is larger than {MAX_OVERRIDES} bytes"));
            }
            Ok(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => return self.lost(item, &origin, &format!("it is not UTF-8: {error}")),
            },
        };
        let mut redactions = Redactions::default();
        match self.redactor.overrides(text, &mut redactions) {
            Ok(clean) => {
                let number = if number == 1 { String::new() } else { format!("-{number}") };
                let path = format!("{}/overrides{number}.yaml", folder::OVERRIDES);
                self.write_clean(&path, &origin, "the intended virtual hosts", clean.as_bytes(), redactions);
            }
            Err(withheld) => self.lost(item, &origin, &withheld.to_string()),
        }
    }

    fn log(&self, origin: &LogOrigin, is_previous: bool) -> Box<dyn LogKeeper> {
        let suffix = if is_previous { ".previous" } else { "" };
        Box::new(UnjudgedLog { sink: self.clone(), origin: origin.clone(), file: self.log_file(origin, suffix) })
    }
}

/// A log that is written to the bundle but not scanned.
struct UnjudgedLog {
    sink: BundleSink,
    origin: LogOrigin,
    file: Option<LogFile>,
}

impl LogKeeper for UnjudgedLog {
    fn feed(&mut self, piece: &[u8]) {
        if let Some(file) = &mut self.file {
            file.feed(piece);
        }
    }

    fn finish(self: Box<Self>, cut: Option<Unavailable>) {
        if let Some(file) = self.file {
            file.finish(cut);
        }
    }

    fn missing(self: Box<Self>, why: Unavailable) {
        self.sink.redact_unavailable(Source::Logs.name(), &self.origin.to_string(), &why);
    }
}

/// Feeds a log to the scanner and to the bundle in one pass.
pub(super) struct Tee {
    pub(super) scanner: AccessLogScanner,
    pub(super) file: Option<LogFile>,
}

impl LogSink for Tee {
    fn feed(&mut self, piece: &[u8]) {
        self.scanner.feed(piece);
        if let Some(file) = &mut self.file {
            file.feed(piece);
        }
    }

    fn finish(self, cut: Option<&Unavailable>) -> AccessLog {
        if let Some(file) = self.file {
            file.finish(cut.cloned());
        }
        self.scanner.finish()
    }

    fn saw(&self, server_name: &str) -> bool {
        self.scanner.saw(server_name)
    }

    fn read_as(&mut self, format: &Arc<Format>) {
        self.scanner.read_as(Arc::clone(format));
    }
}

/// Writes one log into the bundle: redacts it, selects the lines to keep, then writes them.
///
/// Redaction comes before selection, because it depends on preceding lines that the selection may leave out.
pub(super) struct LogFile {
    sink: BundleSink,
    /// Opened with the first byte: most of the logs of twenty pods wait for their turn.
    entry: Option<EntryWriter>,
    path: String,
    from: String,
    selection: Option<WindowSelection>,
    redactor: StreamRedactor,
    clean: Vec<u8>,
    /// Why nothing more can be written, after a failed write.
    fault: Option<String>,
}

/// Selects the lines of a redacted log to keep (`--logs window`).
struct WindowSelection {
    window: LogWindow,
    /// Number of bytes of the original log.
    bytes: u64,
    chosen: Vec<u8>,
    /// Counts of what pseudonyms replaced.
    redactions: Redactions,
}

impl WindowSelection {
    fn new(limit: u64) -> Self {
        Self { window: LogWindow::new(limit), bytes: 0, chosen: Vec::new(), redactions: Redactions::default() }
    }

    /// Replaces `clean` with its selected lines, with pseudonyms.
    fn feed(&mut self, redactor: &Redactor, clean: &mut Vec<u8>) {
        self.window.feed(clean, &mut self.chosen);
        clean.clear();
        redactor.pseudonymize_lines(&self.chosen, clean, &mut self.redactions);
        self.chosen.clear();
    }

    /// Selects the last lines. Returns the summary of the window and the number of bytes of the whole log.
    fn finish(mut self, redactor: &Redactor, clean: &mut Vec<u8>, redactions: &mut Redactions) -> (WindowSummary, u64) {
        self.window.feed(clean, &mut self.chosen);
        clean.clear();
        let summary = self.window.finish(&mut self.chosen);
        redactor.pseudonymize_lines(&self.chosen, clean, &mut self.redactions);
        redactions.merge(&self.redactions);
        (summary, self.bytes)
    }
}

impl LogFile {
    pub(super) fn feed(&mut self, piece: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        self.redactor.feed(piece, &mut self.clean);
        if let Some(selection) = &mut self.selection {
            selection.bytes += piece.len() as u64;
            selection.feed(&self.sink.redactor, &mut self.clean);
        }
        self.write();
    }

    pub(super) fn finish(mut self, cut: Option<Unavailable>) {
        let mut clean = std::mem::take(&mut self.clean);
        let redactor = std::mem::replace(&mut self.redactor, self.sink.redactor.stream());
        let mut redactions = redactor.finish(&mut clean);
        let left_out =
            self.selection.take().map(|selection| selection.finish(&self.sink.redactor, &mut clean, &mut redactions));
        if self.fault.is_none() {
            self.fault = self.opened().write_all(&clean).err().map(|error| error.to_string());
        }
        let truncated = match (cut, left_out) {
            (Some(cut), _) => {
                Some(Truncation { kept: Kept::Beginning, why: cut.reason.to_string(), whole_bytes: None })
            }
            (None, Some((summary, bytes))) if summary.left_out_lines > 0 || summary.beyond_limit > 0 => {
                let mut why = format!("--logs window: {} lines left out", summary.left_out_lines);
                if summary.beyond_limit > 0 {
                    why += &format!(", {} of them relevant but beyond --log-limit", summary.beyond_limit);
                }
                Some(Truncation { kept: Kept::Window, why, whole_bytes: Some(bytes) })
            }
            _ => None,
        };
        let finished = match self.fault {
            Some(fault) => Err(fault),
            None => finish(self.entry, redactions, truncated),
        };
        if let Err(why) = finished {
            self.sink.lost(Source::Logs.name(), &self.from, &why);
        }
    }

    fn write(&mut self) {
        if self.fault.is_none() && !self.clean.is_empty() {
            let clean = std::mem::take(&mut self.clean);
            self.fault = self.opened().write_all(&clean).err().map(|error| error.to_string());
            self.clean = clean;
        }
        self.clean.clear();
    }

    fn opened(&mut self) -> &mut EntryWriter {
        let why = "connections without a matching filter chain, and warnings and errors of the proxy";
        self.entry.get_or_insert_with(|| self.sink.writer.entry(&self.path, &self.from, why))
    }
}

/// Returns the missing right, as `verb resource`.
fn needs(reason: &Reason) -> Option<String> {
    match reason {
        Reason::Forbidden { verb, resource, .. } => Some(format!("{verb} {resource}")),
        _ => None,
    }
}

fn finish(entry: Option<EntryWriter>, redactions: Redactions, truncated: Option<Truncation>) -> Result<(), String> {
    match entry {
        Some(entry) => entry.finish(counted(redactions), truncated).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// Returns the base name of a user's file, as used in the bundle.
pub(super) fn base(name: &str) -> &str {
    match name {
        "-" => "standard-input",
        name => name.rsplit(['/', '\\']).next().unwrap_or(name),
    }
}

pub(super) fn counted(redactions: Redactions) -> std::collections::BTreeMap<String, u64> {
    redactions.0.into_iter().map(|(rule, count)| (rule.to_owned(), count)).collect()
}
