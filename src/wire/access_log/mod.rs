//! Counts the records of the ingress's access logs while their bytes arrive.
//!
//! ```text
//! bytes ─ lines ─┬ a known shape ────────────────────┐
//!                ├ any other ─ contents ─ learn ─────┤
//!                ├ a JSON document ─ element ─ contents ┼─ class ─ counts
//!                ├ CSV ─ row ─ contents ─────────────┤
//!                └ YAML ─ document ─ contents ───────┘
//! ```
//!
//! Only counts of a record are kept, and no line uses more memory than [`MAX_RECORD_BYTES`]. The parts:
//! `shape` reads lines of a known shape, with `expected`; `contents` reads all others, with `json`,
//! `text_format`, `prefix` and `envelope`; `document`, `csv` and `yaml` find the entries of exports that are
//! not one per line; `format` identifies the values of a record (with `operators` and `members`), and
//! `record` interprets them.

mod contents;
mod csv;
mod document;
mod envelope;
mod expected;
mod format;
mod json;
mod ledger;
mod members;
mod moment;
mod operators;
mod own;
mod prefix;
mod record;
mod running;
mod settings;
mod shape;
mod text_format;
mod yaml;

use std::sync::Arc;

use jiff::Timestamp;
use memchr::{memchr, memchr_iter, memchr2};

use self::contents::{Contents, Way};
use self::csv::Csv;
use self::document::{Document, Step};
pub use self::format::Format;
use self::json::Value;
pub use self::ledger::{Ledger, LedgerSource};
pub(in crate::wire) use self::own::{FOLLOWS_WITHIN, NAMED_WITHIN, is_loopback};
pub use self::record::MAX_RECORD_BYTES;
pub(in crate::wire) use self::record::{Field, without_port};
pub use self::settings::mesh_logging;
use self::shape::Line;
use self::yaml::Yaml;
use crate::evidence::AccessLog;
use crate::evidence::hybrid::MeshLogging;
use crate::wire::encoding::Encoding;

/// Number of lines that are read one by one after a pair could not be read together.
const LINES_APART: usize = 4;

/// Counts the records of one log while its bytes arrive in pieces of any size.
#[derive(Debug)]
pub struct AccessLogScanner {
    contents: Contents,
    mode: Mode,
    encoding: Encoding,
    /// The beginning of a line whose end has not arrived.
    carry: Vec<u8>,
    document: Document,
    csv: Csv,
    yaml: Yaml,
    /// The log so far is not one record per line.
    met_document: bool,
    /// The last byte was not a line end.
    line_open: bool,
    /// A line was read.
    has_begun: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Lines,
    Document,
    Csv,
    Yaml,
    /// The rest of a line that is dropped.
    Skip,
}

impl Default for AccessLogScanner {
    fn default() -> Self {
        Self::new()
    }
}

impl AccessLogScanner {
    #[must_use]
    pub fn new() -> Self {
        Self {
            contents: Contents::new(Arc::default()),
            mode: Mode::Lines,
            encoding: Encoding::default(),
            carry: Vec::new(),
            document: Document::default(),
            csv: Csv::default(),
            yaml: Yaml::default(),
            met_document: false,
            line_open: false,
            has_begun: false,
        }
    }

    /// Reads records of this format too. Call it before the first bytes.
    #[must_use]
    pub fn reading(mut self, format: Arc<Format>) -> Self {
        self.read_as(format);
        self
    }

    /// Reads records of this format too. Has no effect once bytes have been read.
    pub fn read_as(&mut self, format: Arc<Format>) {
        if self.contents.counter.log.bytes == 0 {
            let (since, until) = (self.contents.counter.since, self.contents.counter.until);
            let ledger = self.contents.counter.ledger.take();
            self.contents = Contents::new(format);
            (self.contents.counter.since, self.contents.counter.until) = (since, until);
            self.contents.counter.ledger = ledger;
        }
    }

    /// Leaves out records that another log of the ledger has too, if this log is a file or a store.
    #[must_use]
    pub fn comparing(mut self, source: Option<LedgerSource>) -> Self {
        self.contents.counter.ledger = source;
        self
    }

    /// Leaves out records that began before this time, as if the log began there. Records without a readable
    /// `start_time`, foreign and text records are kept, and so are the counts of bytes and lines.
    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.contents.counter.since = since;
        self
    }

    /// Leaves out records that began at this time or later, but for those of this program's probe traffic, by
    /// which a log is known to be live.
    #[must_use]
    pub fn until(mut self, until: Option<Timestamp>) -> Self {
        self.contents.counter.until = until;
        self
    }

    /// Reads the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        self.contents.counter.log.bytes += bytes.len() as u64;
        if let Encoding::Bytes = self.encoding {
            return self.feed_decoded(bytes, last);
        }
        let before = self.encoding.note(bytes);
        let before = before.as_slice();
        match &mut self.encoding {
            Encoding::Unknown | Encoding::First(_) => self.line_open = true,
            Encoding::Bytes => {
                self.drive(before);
                self.feed_decoded(bytes, last);
            }
            Encoding::Wide(wide) => {
                let mut decoded = Vec::with_capacity(bytes.len());
                wide.decode(before, &mut decoded);
                wide.decode(bytes, &mut decoded);
                self.met_document = true;
                if let Some(&last) = decoded.last() {
                    self.feed_decoded(&decoded, last);
                }
            }
        }
    }

    fn feed_decoded(&mut self, bytes: &[u8], last: u8) {
        self.line_open = last != b'\n';
        self.drive(bytes);
    }

    /// Returns whether the log has content that spans lines, or records of probe traffic of this program.
    /// Only then does the meaning of a line depend on preceding lines, and parts of the log must not be read
    /// separately and merged.
    #[must_use]
    pub fn depends_on_order(&self) -> bool {
        self.met_document || self.contents.met_partial || !self.contents.counter.log.own.is_empty()
    }

    /// Returns whether the log has a record of the marker probe with this server name, among the latest
    /// [`MAX_PROBE_NAMES`](crate::evidence::access_log::MAX_PROBE_NAMES): a reader that follows the log can
    /// then stop.
    #[must_use]
    pub fn saw(&self, name: &str) -> bool {
        self.contents.counter.log.own.names.contains_key(name)
    }

    /// Ends the log here, and returns its counts.
    #[must_use]
    pub fn finish(self) -> AccessLog {
        self.finish_with_end().0
    }

    /// Ends the log here, and returns its counts, and whether it ends within a line that a container runtime
    /// has split: the rest of that line is missing.
    #[must_use]
    pub fn finish_with_end(mut self) -> (AccessLog, bool) {
        if let Some(only) = self.encoding.end() {
            self.drive(&[only]);
        }
        if !self.carry.is_empty() {
            let carry = std::mem::take(&mut self.carry);
            match self.mode {
                Mode::Yaml => self.yaml_line(&carry),
                _ => self.line(&carry, false),
            }
        }
        if matches!(self.mode, Mode::Document | Mode::Skip | Mode::Csv) && self.line_open {
            self.contents.counter.log.lines += 1;
        }
        if self.document.in_element() {
            self.contents.counter.log.broken_lines += 1;
        }
        let elements = self.document.take_elements();
        if !elements.is_empty() {
            self.contents.value(Value::of(&elements), Way::PLAIN);
        }
        if self.csv.in_row() {
            let step = self.csv.end();
            self.csv_step(step);
        }
        let document = self.yaml.end();
        self.yaml_document(document);
        let ends_within_line = self.contents.is_partial();
        self.contents.end();
        (self.contents.counter.finish(), ends_within_line)
    }

    fn drive(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = match self.mode {
                Mode::Lines => self.lines(rest),
                Mode::Document => self.document(rest),
                Mode::Csv => self.csv(rest),
                Mode::Yaml => self.yaml(rest),
                Mode::Skip => self.skip(rest),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// Reads whole lines up to the beginning of a document, or the beginning of a line; returns the number of
    /// bytes consumed.
    fn lines(&mut self, bytes: &[u8]) -> usize {
        if !self.carry.is_empty() {
            return self.carry_on(bytes);
        }
        let mut at = 0;
        let mut apart = 0;
        while self.mode == Mode::Lines
            && let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty())
        {
            let within = rest.get(..=MAX_RECORD_BYTES).unwrap_or(rest);
            let Some((length, has_escapes)) = line_end(within) else { return at + self.carry_on(rest) };
            if apart == 0 && !has_escapes && !self.contents.is_partial() {
                let next =
                    rest.get(length + 1..).and_then(|rest| line_end(rest.get(..=MAX_RECORD_BYTES).unwrap_or(rest)));
                if let Some((next, false)) = next {
                    let second = at + length + 1;
                    let lines = [(at, at + length), (second, second + next)];
                    if let Some(lines) = self.contents.shapes.read_pair(bytes, lines) {
                        for line in &lines {
                            self.known(line);
                        }
                        at = second + next + 1;
                        continue;
                    }
                }
                apart = LINES_APART;
            }
            apart = apart.saturating_sub(1);
            self.whole_line(bytes, at, at + length, has_escapes);
            at += length + 1;
        }
        at
    }

    /// Counts a line of a known shape.
    #[inline]
    fn known(&mut self, line: &Line<'_>) {
        self.contents.counter.log.lines += 1;
        match line {
            Line::Ordinary(start) => self.contents.counter.ordinary(*start),
            Line::Record(record) => self.contents.counter.record(record),
        }
    }

    /// Reads the line of `bytes` from `start` to its line end at `end`.
    fn whole_line(&mut self, bytes: &[u8], start: usize, end: usize, has_escapes: bool) {
        if !self.contents.is_partial()
            && let Some(line) = self.contents.shapes.read(bytes, start, end, has_escapes)
        {
            self.known(&line);
        } else {
            self.line(bytes.get(start..end).unwrap_or_default(), true);
        }
    }

    /// Adds to a line that began in an earlier piece.
    fn carry_on(&mut self, bytes: &[u8]) -> usize {
        let room = (MAX_RECORD_BYTES + 1).saturating_sub(self.carry.len());
        let within = bytes.get(..room).unwrap_or(bytes);
        let end = memchr(b'\n', within);
        let part = within.get(..end.unwrap_or(within.len())).unwrap_or_default();
        self.carry.extend_from_slice(part);
        if end.is_some() {
            let mut carry = std::mem::take(&mut self.carry);
            let length = carry.len();
            carry.push(b'\n');
            self.whole_line(&carry, 0, length, memchr(b'\\', &carry).is_some());
            carry.clear();
            self.carry = carry;
            return part.len() + 1;
        }
        let is_full = self.carry.len() > MAX_RECORD_BYTES;
        if Document::is_array(&self.carry) || is_full && self.carry.trim_ascii_start().starts_with(b"{") {
            let carry = std::mem::take(&mut self.carry);
            self.enter_document(&carry);
        } else if is_full {
            self.carry.clear();
            self.contents.counter.log.broken_lines += 1;
            self.mode = Mode::Skip;
        }
        part.len()
    }

    /// Reads the line on the slow path, without its line end.
    fn line(&mut self, line: &[u8], is_terminated: bool) {
        if Document::opens_with(line) {
            self.enter_document(line);
            if is_terminated {
                self.drive(b"\n");
            }
            return;
        }
        self.contents.counter.log.lines += 1;
        // Not by the count of lines, which `take` begins anew.
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if line.len() > MAX_RECORD_BYTES {
            self.contents.counter.log.broken_lines += 1;
        } else if is_first && let Some(csv) = self.contents.csv(line) {
            self.csv = csv;
            self.met_document = true;
            self.mode = Mode::Csv;
        } else if Yaml::opens_with(line) {
            self.met_document = true;
            self.mode = Mode::Yaml;
            let document = self.yaml.line(line);
            self.yaml_document(document);
        } else {
            self.contents.line(line);
        }
        // The first line always takes this path, because no shape is known yet.
        if is_first {
            self.contents.counter.log.begins_with_record = self.contents.counter.log.records == 1;
        }
    }

    fn enter_document(&mut self, bytes: &[u8]) {
        self.met_document = true;
        self.mode = Mode::Document;
        self.drive(bytes);
    }

    fn document(&mut self, bytes: &[u8]) -> usize {
        let (used, step) = self.document.feed(bytes);
        let line_ends = memchr_iter(b'\n', bytes.get(..used).unwrap_or_default()).count();
        self.contents.counter.log.lines += line_ends as u64;
        match step {
            Step::More => {}
            Step::Element => match self.document.take_element() {
                Some(element) => {
                    self.contents.object(element.trim_ascii(), Way::PLAIN);
                    self.document.reuse(element);
                }
                None => self.contents.counter.log.broken_lines += 1,
            },
            Step::Elements => {
                let elements = self.document.take_elements();
                self.contents.value(Value::of(elements.trim_ascii()), Way::PLAIN);
            }
            Step::LineEnd => self.mode = Mode::Lines,
            Step::Broken { in_element, at_line_start } => {
                self.contents.counter.log.broken_lines += u64::from(in_element);
                self.mode = if at_line_start { Mode::Lines } else { Mode::Skip };
            }
        }
        used
    }

    fn csv(&mut self, bytes: &[u8]) -> usize {
        let (used, step) = self.csv.feed(bytes);
        let line_ends = memchr_iter(b'\n', bytes.get(..used).unwrap_or_default()).count();
        self.contents.counter.log.lines += line_ends as u64;
        self.csv_step(step);
        used
    }

    fn csv_step(&mut self, step: csv::Step) {
        match step {
            csv::Step::Row(Some(row)) => self.contents.object(&row, Way::PLAIN),
            csv::Step::More | csv::Step::Row(None) => {}
            csv::Step::TooLong => self.contents.counter.log.broken_lines += 1,
        }
    }

    /// Reads the next line of a YAML export, or ends the export before it.
    fn yaml(&mut self, bytes: &[u8]) -> usize {
        let end = memchr(b'\n', bytes);
        if self.carry.len() + end.unwrap_or(bytes.len()) > MAX_RECORD_BYTES {
            self.end_yaml();
            return 0;
        }
        let Some(end) = end else {
            self.carry.extend_from_slice(bytes);
            return bytes.len();
        };
        let line = bytes.get(..end).unwrap_or_default();
        if self.carry.is_empty() {
            if Yaml::goes_on_with(line) {
                self.yaml_line(line);
                return end + 1;
            }
            self.end_yaml();
            return 0;
        }
        let mut carry = std::mem::take(&mut self.carry);
        carry.extend_from_slice(line);
        self.yaml_line(&carry);
        end + 1
    }

    fn yaml_line(&mut self, line: &[u8]) {
        if !Yaml::goes_on_with(line) {
            self.end_yaml();
            self.line(line, true);
            return;
        }
        self.contents.counter.log.lines += 1;
        let document = self.yaml.line(line);
        self.yaml_document(document);
    }

    fn end_yaml(&mut self) {
        let document = self.yaml.end();
        self.yaml_document(document);
        self.mode = Mode::Lines;
    }

    /// Counts an entry, or reads its lines as log lines.
    fn yaml_document(&mut self, document: Option<yaml::Document>) {
        let lines = match document {
            None => return,
            Some(yaml::Document::TooLong) => {
                self.contents.counter.log.broken_lines += 1;
                return;
            }
            Some(yaml::Document::Lines(lines)) => lines,
            Some(yaml::Document::Entry(entry, lines)) => {
                let before = self.contents.counter.counted();
                self.contents.object(&entry, Way::PLAIN);
                if self.contents.counter.counted() > before {
                    return;
                }
                lines
            }
        };
        self.contents.lines(&lines);
    }

    fn skip(&mut self, bytes: &[u8]) -> usize {
        match memchr(b'\n', bytes) {
            Some(end) => {
                self.contents.counter.log.lines += 1;
                self.mode = Mode::Lines;
                end + 1
            }
            None => bytes.len(),
        }
    }
}

/// Returns the length of the line that begins here, and whether it has a backslash.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it must never be a call per member")]
fn line_end(bytes: &[u8]) -> Option<(usize, bool)> {
    let found = memchr2(b'\n', b'\\', bytes)?;
    let rest = bytes.get(found..)?;
    if rest.first() == Some(&b'\n') { Some((found, false)) } else { Some((found + memchr(b'\n', rest)?, true)) }
}

/// Fuzz entry point. Reads any bytes, whole and in halves: as a log, and, with the first line as a text
/// format, in that format.
///
/// # Panics
/// If the two give different counts.
pub fn fuzz_access_log(data: &[u8]) {
    let check = |format: &Arc<Format>, data: &[u8]| {
        let scan = |pieces: &[&[u8]]| {
            let mut scanner = AccessLogScanner::new().reading(Arc::clone(format));
            for piece in pieces {
                scanner.feed(piece);
            }
            scanner.finish()
        };
        let (left, right) = data.split_at(data.len() / 2);
        assert_eq!(scan(&[left, right]), scan(&[data]), "a log must not depend on how its bytes arrive");
    };
    check(&Arc::default(), data);
    let (first, rest) = data.split_at(memchr(b'\n', data).map_or(0, |end| end + 1));
    if first.contains(&b'%') {
        let format = Some(String::from_utf8_lossy(first).into_owned());
        let mesh = MeshLogging { text_format: true, format, ..MeshLogging::default() };
        check(&Arc::new(Format::of(&mesh)), rest);
    }
}
