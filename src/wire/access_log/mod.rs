//! Access logs of the ingress, byte by byte as they arrive, into counts.
//!
//! ```text
//! bytes ─ lines ─┬ a known shape ─────────────┐
//!                ├ any other record ─ learn ──┼─ class ─ counts
//!                └ a document ─ element ──────┘
//! ```
//!
//! Nothing is kept of a record but its counts, and no line, however long, costs more memory than [`MAX_RECORD_BYTES`].
//! The parts: `shape` reads lines like the ones before (with `specials`), `json` all others, `document` those that are
//! spread over lines, and `record` says what a record means.

mod document;
mod json;
mod moment;
mod own;
mod record;
mod shape;
mod specials;

use jiff::Timestamp;
use memchr::{memchr, memchr_iter, memchr2, memmem, memrchr};

use self::document::{Document, Step};
use self::json::Value;
use self::record::{Counter, Record};
use self::shape::{Line, Shapes};
use self::specials::Specials;
use crate::evidence::AccessLog;

/// The longest line, and the largest element of an array, that is read as a record; what is longer is a broken line.
/// Envoy's own limit on request headers, 60 KiB by default, leaves records far below it.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// Bytes of lines that are marked at a time; with their marks they stay in the nearest caches.
const BLOCK_BYTES: usize = 32 << 10;

/// The same after a document: the next one may begin within a few lines, and what was marked beyond is marked in vain.
const SMALL_BLOCK_BYTES: usize = 256;

/// How far into a line a text record may begin, after what `kubectl logs --prefix` and others write in front.
const MAX_PREFIX_BYTES: usize = 512;

/// Counts the records of one log while its bytes arrive in pieces of any size.
#[derive(Debug)]
pub struct AccessLogScanner {
    counter: Counter,
    mode: Mode,
    /// The beginning of a line whose end has not arrived.
    carry: Vec<u8>,
    document: Document,
    shapes: Shapes,
    specials: Specials,
    /// Between [`SMALL_BLOCK_BYTES`] and [`BLOCK_BYTES`].
    block_bytes: usize,
    cut_keys: [memmem::Finder<'static>; 3],
    met_document: bool,
    /// The last byte was not a line end.
    line_open: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Lines,
    Document,
    /// The rest of a line that is given up.
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
            counter: Counter::default(),
            mode: Mode::Lines,
            carry: Vec::new(),
            document: Document::default(),
            shapes: Shapes::default(),
            specials: Specials::default(),
            block_bytes: BLOCK_BYTES,
            cut_keys: ["sni_host\"", "status_details\"", "upstream_response_flags\""].map(memmem::Finder::new),
            met_document: false,
            line_open: false,
        }
    }

    /// Leaves out records that began before this moment, as if the log did not reach back further. Records without a
    /// readable `start_time`, foreign and text records stay, and so do the counts of bytes and lines.
    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.counter.since = since;
        self
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        self.counter.log.bytes += bytes.len() as u64;
        self.line_open = last != b'\n';
        self.drive(bytes);
    }

    /// Whether the log held JSON that is spread over lines, or records of this program's own handshakes. Then, and only
    /// then, a line means something else in the middle of the log than by itself, and parts that begin at line starts
    /// must not be read apart and merged.
    #[must_use]
    pub fn depends_on_order(&self) -> bool {
        self.met_document || !self.counter.log.own.is_empty()
    }

    /// Whether a record of this program's own handshake with this server name has come, among the latest
    /// [`MAX_PROBE_NAMES`](crate::evidence::access_log::MAX_PROBE_NAMES): one who follows the log has then read far enough.
    #[must_use]
    pub fn saw(&self, name: &str) -> bool {
        self.counter.log.own.names.contains_key(name)
    }

    /// Ends the log here, and gives its counts.
    #[must_use]
    pub fn finish(mut self) -> AccessLog {
        if !self.carry.is_empty() {
            let carry = std::mem::take(&mut self.carry);
            self.line(&carry, false);
        }
        if self.mode != Mode::Lines && self.line_open {
            self.counter.log.lines += 1;
        }
        if self.document.in_element() {
            self.counter.log.broken_lines += 1;
        }
        self.counter.finish()
    }

    fn drive(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = match self.mode {
                Mode::Lines => self.lines(rest),
                Mode::Document => self.document(rest),
                Mode::Skip => self.skip(rest),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// Reads whole lines, or takes what there is of one; returns how many bytes it used.
    fn lines(&mut self, bytes: &[u8]) -> usize {
        if !self.carry.is_empty() {
            return self.carry_on(bytes);
        }
        let block = bytes.get(..self.block_bytes).unwrap_or(bytes);
        self.block_bytes = BLOCK_BYTES.min(self.block_bytes * 2);
        if let Some(end) = memrchr(b'\n', block) {
            return self.block(block.get(..=end).unwrap_or_default());
        }
        match memchr(b'\n', bytes.get(..=MAX_RECORD_BYTES).unwrap_or(bytes)) {
            Some(end) => {
                self.line(bytes.get(..end).unwrap_or_default(), true);
                end + 1
            }
            None => self.carry_on(bytes),
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
            carry.push(b'\n');
            self.block(&carry);
            carry.clear();
            self.carry = carry;
            return part.len() + 1;
        }
        if Document::is_array(&self.carry) {
            let carry = std::mem::take(&mut self.carry);
            self.enter_document(&carry);
        } else if self.carry.len() > MAX_RECORD_BYTES {
            self.carry.clear();
            self.counter.log.broken_lines += 1;
            self.mode = Mode::Skip;
        }
        part.len()
    }

    /// Reads a block of whole lines, up to its end or to where a document begins.
    fn block(&mut self, block: &[u8]) -> usize {
        self.specials.mark(block);
        let mut at = 0;
        while at < block.len() {
            if let Some(fit) = self.shapes.read(block, at, &self.specials) {
                at = fit.next;
                self.counter.log.lines += 1;
                match fit.line {
                    Line::Ordinary(start) => self.counter.ordinary(start),
                    Line::Record(record) => self.counter.record(&record),
                }
                continue;
            }
            let rest = block.get(at..).unwrap_or_default();
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            self.line(rest.get(..length).unwrap_or_default(), true);
            at += length + 1;
            if self.mode != Mode::Lines {
                break;
            }
        }
        at
    }

    /// Reads the line the long way, without its line end.
    fn line(&mut self, line: &[u8], is_terminated: bool) {
        if Document::opens_with(line) {
            self.enter_document(line);
            if is_terminated {
                self.drive(b"\n");
            }
            return;
        }
        self.counter.log.lines += 1;
        if line.len() > MAX_RECORD_BYTES {
            self.counter.log.broken_lines += 1;
        } else {
            self.content(line.trim_ascii(), false);
        }
        // The first line never comes another way: until one was read there is no shape to go by.
        if self.counter.log.lines == 1 {
            self.counter.log.begins_with_record = self.counter.log.records == 1;
        }
    }

    /// Reads what a line, or a log entry's text, holds.
    fn content(&mut self, text: &[u8], is_wrapped: bool) {
        if text.is_empty() {
            return;
        }
        if !text.starts_with(b"{") && is_text_record(text) {
            self.counter.log.text_records += 1;
            return;
        }
        let first = next_object(text, 0);
        let Some(start) = first else {
            self.counter.log.proxy_lines += u64::from(is_dated(text));
            self.counter.log.broken_lines += u64::from(self.holds_part_of_record(text));
            return;
        };
        let mut record = Record::default();
        let end = json::object(text, start, |member| record.member(&member));
        match end {
            Some(end) if memchr(b'"', text.get(end..).unwrap_or_default()).is_none() => {
                if !is_wrapped && record.is_judgeable() {
                    self.shapes.learn(text.get(start..end).unwrap_or_default());
                }
                self.judge(&record, is_wrapped);
            }
            Some(_) if self.objects(text, is_wrapped) => {}
            _ => {
                let is_broken = start == 0 || self.holds_part_of_record(text);
                self.counter.log.broken_lines += u64::from(is_broken);
            }
        }
    }

    /// Reads a line of several objects; false, and nothing counted, where the line is not just that: what follows a
    /// nested object on a line whose beginning is missing must not make the nested object a record.
    fn objects(&mut self, text: &[u8], is_wrapped: bool) -> bool {
        let next = |at| {
            let start = next_object(text, at)?;
            Some((start, json::object(text, start, |_| ())))
        };
        // Looked through before anything is counted, and then once more: a list of what was found would be as long as
        // the line allows.
        let mut at = 0;
        while let Some((_, end)) = next(at) {
            let Some(end) = end else { return false };
            at = end;
        }
        if memchr(b'"', text.get(at..).unwrap_or_default()).is_some() {
            return false;
        }
        at = 0;
        while let Some((start, Some(end))) = next(at) {
            self.object(text.get(start..end).unwrap_or_default(), is_wrapped);
            at = end;
        }
        true
    }

    /// Reads one object that is neither more nor less.
    fn object(&mut self, object: &[u8], is_wrapped: bool) {
        let mut record = Record::default();
        match json::object(object, 0, |member| record.member(&member)) {
            Some(end) if end == object.len() => self.judge(&record, is_wrapped),
            _ => self.counter.log.broken_lines += 1,
        }
    }

    /// Counts a whole object, or what is wrapped in it.
    fn judge(&mut self, record: &Record<'_>, is_wrapped: bool) {
        if record.is_judgeable() {
            self.counter.record(record);
            return;
        }
        match record.payload {
            Some(Value::Object(payload)) if !is_wrapped => self.object(payload, true),
            Some(Value::Text(payload)) if !is_wrapped => {
                self.content(json::unescape(payload).trim_ascii(), true);
            }
            _ => self.counter.log.foreign_records += u64::from(record.is_foreign()),
        }
    }

    fn enter_document(&mut self, bytes: &[u8]) {
        self.met_document = true;
        self.block_bytes = SMALL_BLOCK_BYTES;
        self.mode = Mode::Document;
        self.drive(bytes);
    }

    fn document(&mut self, bytes: &[u8]) -> usize {
        let (used, step) = self.document.feed(bytes);
        let line_ends = memchr_iter(b'\n', bytes.get(..used).unwrap_or_default()).count();
        self.counter.log.lines += line_ends as u64;
        match step {
            Step::More => {}
            Step::Element => match self.document.take_element() {
                Some(element) => {
                    self.object(element.trim_ascii(), false);
                    self.document.reuse(element);
                }
                None => self.counter.log.broken_lines += 1,
            },
            Step::LineEnd => self.mode = Mode::Lines,
            Step::Broken { in_element, at_line_start } => {
                self.counter.log.broken_lines += u64::from(in_element);
                self.mode = if at_line_start { Mode::Lines } else { Mode::Skip };
            }
        }
        used
    }

    fn skip(&mut self, bytes: &[u8]) -> usize {
        match memchr(b'\n', bytes) {
            Some(end) => {
                self.counter.log.lines += 1;
                self.mode = Mode::Lines;
                end + 1
            }
            None => bytes.len(),
        }
    }

    fn holds_part_of_record(&self, text: &[u8]) -> bool {
        self.cut_keys.iter().any(|key| key.find(text).is_some())
    }
}

/// The line begins with a date, as what Envoy (`[2025-05-19 04:46:20.117][1][info]…`) and the istio agent
/// (`2025-05-19T04:46:20.117Z info …`) write about themselves does.
fn is_dated(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"[").unwrap_or(text);
    text.get(..10).is_some_and(|date| {
        date.iter().enumerate().all(|(i, byte)| if matches!(i, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() })
    })
}

/// Reads any bytes, whole and in halves.
///
/// # Panics
/// When the two give different counts, which is what a fuzzer is to find.
pub fn fuzz_access_log(data: &[u8]) {
    let scan = |pieces: &[&[u8]]| {
        let mut scanner = AccessLogScanner::new();
        for piece in pieces {
            scanner.feed(piece);
        }
        scanner.finish()
    };
    let whole = scan(&[data]);
    let (left, right) = data.split_at(data.len() / 2);
    assert_eq!(scan(&[left, right]), whole, "a log must not depend on how its bytes arrive");
}

/// Where the next object begins, with no quote in front of it: a quote would make it a part of something whose beginning
/// is missing.
fn next_object(text: &[u8], mut from: usize) -> Option<usize> {
    // One step from bracket to bracket: looking for the quote first would read the rest of the line for every object.
    loop {
        let at = from + memchr2(b'{', b'"', text.get(from..)?)?;
        if text.get(at) == Some(&b'"') {
            return None;
        }
        if matches!(text.get(json::blank(text, at + 1)), Some(b'"' | b'}')) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Whether the line is one of Envoy's default text format: a moment in brackets, then the request in quotes.
fn is_text_record(text: &[u8]) -> bool {
    let head = text.get(..MAX_PREFIX_BYTES).unwrap_or(text);
    let Some(close) = memmem::find(head, b"] \"") else {
        return false;
    };
    let Some(open) = head.get(..close).and_then(|before| memrchr(b'[', before)) else {
        return false;
    };
    let moment = head.get(open + 1..close).unwrap_or_default();
    let form = b"0000-00-00T00:00:00";
    moment.len() > form.len()
        && moment.iter().zip(form).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        })
}
