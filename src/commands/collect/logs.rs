//! Logs on their way into the bundle: redacted, reduced to the relevant lines, and scanned in the same pass
//! where they are judged.

use std::io::Write;
use std::sync::Arc;

use super::redacting_writer::{RedactingWriter, base};
use crate::bundle::manifest::{Kept, Truncation};
use crate::bundle::{EntryWriter, layout};
use crate::cli::KeptLogs;
use crate::evidence::{AccessLog, LogOrigin, Source, Unavailable};
use crate::gather::LogSink;
use crate::gather::hybrid::retained::RetainedLog;
use crate::plan::folder;
use crate::redact::{Redactions, Redactor, StreamRedactor};
use crate::wire::access_log::{AccessLogScanner, Format};
use crate::wire::log_window::{LogWindow, WindowSummary};

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

/// A log that is written to the bundle but not scanned.
pub(super) struct UnjudgedLog {
    pub(super) sink: RedactingWriter,
    pub(super) origin: LogOrigin,
    pub(super) file: Option<LogFile>,
}

impl RetainedLog for UnjudgedLog {
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

/// Writes one log into the bundle: redacts it, selects the lines to keep, then writes them.
///
/// Redaction comes before selection, because it depends on preceding lines that the selection may leave out.
pub(super) struct LogFile {
    sink: RedactingWriter,
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
    /// Returns the bundle file for the log of a container or of the user; `None` with `--logs none`.
    pub(super) fn new(sink: &RedactingWriter, origin: &LogOrigin, suffix: &str) -> Option<Self> {
        if sink.logs == KeptLogs::None {
            return None;
        }
        let (path, from) = match origin {
            LogOrigin::Container { pod, container } => {
                let (pod, container) = (sink.redact_text(pod), sink.redact_text(container));
                let (of_pod, file) = (layout::segment(&pod), layout::segment(&container));
                let path = format!("{}/{of_pod}/{file}{suffix}.log", folder::LOGS);
                (path, format!("GET pods/{pod}/log?container={container}"))
            }
            LogOrigin::Store(name) => {
                let name = sink.redact_text(name);
                let path = format!("{}/stores/{}{suffix}.log", folder::LOGS, layout::segment(&name));
                (path, format!("--log-store: {name}"))
            }
            LogOrigin::File(name) => {
                let base = sink.redact_text(base(name));
                let path = format!("{}/given/{}{suffix}.log", folder::LOGS, layout::segment(&base));
                (path, format!("--access-log {base}"))
            }
        };
        Some(Self {
            sink: sink.clone(),
            entry: None,
            path,
            from,
            selection: (sink.logs == KeptLogs::Window).then(|| WindowSelection::new(sink.log_limit)),
            redactor: match sink.logs {
                KeptLogs::Window => sink.redactor.stream_secrets_only(),
                _ => sink.redactor.stream(),
            },
            clean: Vec::new(),
            fault: None,
        })
    }

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

fn finish(entry: Option<EntryWriter>, redactions: Redactions, truncated: Option<Truncation>) -> Result<(), String> {
    match entry {
        Some(entry) => entry.finish(redactions.counts(), truncated).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}
