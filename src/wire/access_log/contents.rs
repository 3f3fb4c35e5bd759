//! Counts the records in one line, one log entry or one element of a document.
//!
//! A record may be wrapped: in the entry of a log store, in text inside that, or in lines of a container
//! runtime that split it. Everything but plain records takes this path, so it may be slower.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::{memchr, memmem, memrchr};

use super::csv::Csv;
use super::envelope;
use super::format::Format;
use super::json::{self, Value};
use super::prefix::{self, is_dated, next_object, without_colours};
use super::record::MAX_RECORD_BYTES;
use super::record::{Counter, Field, NO_FILTER_CHAIN, Record};
use super::shape::Shapes;

/// Maximum depth at which a record is searched in entries and their text: OpenTelemetry's `resourceLogs` have
/// eight levels.
const MAX_WRAPPED: u8 = 12;

/// Maximum offset of a text record in its line, after a prefix such as that of `kubectl logs --prefix`.
const MAX_PREFIX_BYTES: usize = 512;

/// Keys that show the rest of a record that was cut.
const CUT_KEYS: [&str; 5] = [
    "sni_host\"",
    "requested_server_name\"",
    "status_details\"",
    "response_code_details\"",
    // Also the end of upstream_response_flags.
    "response_flags\"",
];

/// Names of fields without which a line is no record, whatever its form.
const NAME_WORDS: [&str; 2] = ["sni_host", "requested_server_name"];
const END_WORDS: [&str; 4] = ["filter_chain_not_found", "response_flags", "status_details", "response_code_details"];

/// What Envoy logs when it cannot load a certificate or its key, before the reason.
const SECRET_REJECTED: &[u8] = b"Secret rejected: ";

/// Reads contents into counts.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) counter: Counter,
    pub(super) shapes: Shapes,
    format: Arc<Format>,
    cut_keys: [memmem::Finder<'static>; 5],
    /// Parts of lines that container runtimes have split: of standard output and standard error, and of both
    /// in Docker's entries.
    partial: [Vec<u8>; 4],
    /// A part of a line was read that has no meaning without the next one.
    pub(super) met_partial: bool,
    /// Whether lines that look like records in text are of a format that is read.
    texts: Texts,
    /// A line had colours of a terminal.
    is_coloured: bool,
}

/// What lines in a text format have shown of the log.
#[derive(Clone, Copy, Debug)]
enum Texts {
    /// None was read; so many look like records, of a format that is not known.
    Unread(u64),
    /// Records were read: a line that cannot be read is a broken one, and says nothing of the others.
    Read,
}

/// Size of the parts into which Docker splits a line.
const DOCKER_PART_BYTES: usize = 16 << 10;

/// The first place of Docker's among the parts.
const DOCKER: usize = 2;

/// How the content was reached.
#[derive(Clone, Copy)]
pub(super) struct Way {
    level: u8,
    /// By keys that are known to hold records, so that other access logs are expected there too.
    is_known: bool,
}

impl Way {
    /// On a line of its own, or an element of a document.
    pub(super) const PLAIN: Self = Self { level: 0, is_known: true };

    fn within(self, is_known: bool) -> Self {
        Self { level: self.level + 1, is_known }
    }
}

impl Contents {
    pub(super) fn new(format: Arc<Format>) -> Self {
        let mut counter = Counter::default();
        counter.clock.stated(format.start_pattern());
        Self {
            counter,
            shapes: Shapes::default(),
            format,
            cut_keys: CUT_KEYS.map(memmem::Finder::new),
            partial: Default::default(),
            met_partial: false,
            texts: Texts::Unread(0),
            is_coloured: false,
        }
    }

    /// Begins an export as comma-separated values if the line is its header.
    pub(super) fn csv(&self, line: &[u8]) -> Option<Csv> {
        Csv::of_header(line, &self.format)
    }

    /// Whether the next line may be the rest of one before.
    pub(super) fn is_partial(&self) -> bool {
        self.partial.iter().any(|part| !part.is_empty())
    }

    /// Counts the pending parts of lines whose end is missing.
    pub(super) fn end(&mut self) {
        for part in &mut self.partial {
            self.counter.log.broken_lines += u64::from(!part.is_empty());
            part.clear();
        }
    }

    /// Reads the lines of a document that is no entry. A record that has its fields on several lines is one
    /// in another form.
    pub(super) fn lines(&mut self, lines: &[u8]) {
        if let Some(entry) = flattened(lines) {
            return self.object(&entry, Way::PLAIN);
        }
        let before = self.counter.counted();
        lines.split(|&byte| byte == b'\n').for_each(|line| self.line(line));
        if self.counter.counted() == before && (names_fields(lines) || tells_reset(lines)) {
            self.counter.log.other_forms += 1;
        }
    }

    /// Reads a line. Spaces at the end of a part of a line are its own.
    pub(super) fn line(&mut self, line: &[u8]) {
        let plain = without_colours(line);
        self.is_coloured |= plain.is_some();
        let line = plain.as_deref().unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
        let Some(runtime) = prefix::runtime(line) else {
            return self.content(line.trim_ascii_end(), Way::PLAIN, false);
        };
        let stream = usize::from(runtime.is_stderr);
        if !runtime.is_partial && self.partial.get(stream).is_none_or(Vec::is_empty) {
            return self.content(runtime.text.trim_ascii(), Way::PLAIN, true);
        }
        if !self.add_partial(stream, runtime.text) || runtime.is_partial {
            return;
        }
        let whole = self.partial.get_mut(stream).map(std::mem::take).unwrap_or_default();
        self.content(whole.trim_ascii(), Way::PLAIN, true);
    }

    /// Keeps a part of a line; false where it is given up because the whole is above the limit.
    fn add_partial(&mut self, stream: usize, text: &[u8]) -> bool {
        self.met_partial = true;
        let Some(part) = self.partial.get_mut(stream) else { return false };
        if part.len() + text.len() > MAX_RECORD_BYTES {
            part.clear();
            self.counter.log.broken_lines += 1;
            return false;
        }
        part.extend_from_slice(text);
        true
    }

    /// Reads the content of a line, or of a log entry's text. Text that had a date and is no record is the
    /// proxy's own log.
    fn content(&mut self, text: &[u8], way: Way, is_proxys: bool) {
        let may_be_text = !text.starts_with(b"{");
        if text.is_empty()
            || (may_be_text || self.format.states_text()) && self.text_record(text)
            || may_be_text && (self.text_records(text) || self.strings(text, way))
        {
            return;
        }
        let Some(start) = next_object(text, 0) else {
            self.counter.log.proxy_lines += u64::from(is_proxys || is_dated(text));
            if let Some(at) = memmem::find(text, SECRET_REJECTED) {
                let why = text.get(at..).unwrap_or_default().split(|byte| *byte == b'\t').next().unwrap_or_default();
                self.counter.tls_failure(why);
            }
            return self.unread(text, false);
        };
        if prefix::is_of_chaining(text.get(..start).unwrap_or_default()) {
            self.counter.log.chaining_lines += 1;
            return;
        }
        let mut record = Record::default();
        let end = json::object(text, start, |member| record.member(&member, &self.format));
        match end {
            Some(end) if memchr(b'"', text.get(end..).unwrap_or_default()).is_none() => {
                let object = text.get(start..end).unwrap_or_default();
                // A value with colours has the form of another value.
                if way.level == 0 && record.is_judgeable() && !self.is_coloured {
                    self.shapes.learn(object, &self.format);
                }
                self.judge(&record, object, way);
            }
            Some(_) if self.objects(text, way) => {}
            _ => self.unread(text, start == 0),
        }
    }

    /// Counts a text that is not parsed.
    fn unread(&mut self, text: &[u8], begins_object: bool) {
        let is_part = self.cut_keys.iter().any(|key| key.find(text).is_some());
        if (names_fields(text) || tells_reset(text)) && !has_proper_key(text) {
            self.counter.log.other_forms += 1;
        } else {
            self.counter.log.broken_lines += u64::from(begins_object || is_part);
        }
    }

    /// Counts a record in a text format; returns false if the text is not a record.
    fn text_record(&mut self, text: &[u8]) -> bool {
        // Where one record ends in such a line is for clients to say, who write tabs too.
        if text.split(|&byte| byte == b'\t').filter(|field| field.starts_with(b"[2") && is_text_record(field)).count()
            > 1
        {
            self.counter.log.other_forms += 1;
            return true;
        }
        let format = Arc::clone(&self.format);
        for known in format.texts().iter().filter(|known| known.has_fields()) {
            let mut record = Record::default();
            if known.read(text, &mut record) {
                if record.is_judgeable() {
                    self.counter.record(&record);
                    if let Texts::Unread(lines) = std::mem::replace(&mut self.texts, Texts::Read) {
                        self.counter.log.text_records = self.counter.log.text_records.saturating_sub(lines);
                        self.counter.log.broken_lines += lines;
                    }
                } else {
                    self.counter.log.text_records += 1;
                    known.lacking().for_each(|operator| self.counter.lacks(operator));
                }
                return true;
            }
        }
        false
    }

    /// Counts the records in the fields of a line whose fields have tabs between them, and a text that looks
    /// like a record; returns false if the text is neither.
    fn text_records(&mut self, text: &[u8]) -> bool {
        let mut is_read = false;
        if memchr(b'\t', text).is_some() {
            for field in text.split(|&byte| byte == b'\t') {
                is_read |= !field.starts_with(b"{") && self.text_record(field.trim_ascii());
            }
        }
        let looks_like_one = !is_read && is_text_record(text);
        match &mut self.texts {
            _ if !looks_like_one => {}
            Texts::Read => self.counter.log.broken_lines += 1,
            Texts::Unread(lines) => {
                *lines += 1;
                self.counter.log.text_records += 1;
            }
        }
        is_read || looks_like_one
    }

    /// Reads a line that is a string of JSON, or a list of them, as `aws --query 'events[].message'` and `jq`
    /// write messages; returns false if it is neither.
    fn strings(&mut self, text: &[u8], way: Way) -> bool {
        let is_list = text.starts_with(b"[\"");
        if !is_list && !text.starts_with(b"\"") || way.level > 0 {
            return false;
        }
        let text = text.strip_suffix(b",").unwrap_or(text);
        if json::value(text, 0) != Some(text.len()) {
            return false;
        }
        let before = self.counter.counted();
        self.value(Value::of(text), way.within(true));
        self.counter.counted() > before
    }

    /// Reads a line of several objects. Returns false and counts nothing if the line has other content: on a
    /// line whose beginning is missing, a nested object must not count as a record.
    fn objects(&mut self, text: &[u8], way: Way) -> bool {
        let next = |at| {
            let start = next_object(text, at)?;
            Some((start, json::object(text, start, |_| ())))
        };
        // Parsed once before anything is counted, and then again: a list of the objects would grow with the
        // line.
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
            self.object(text.get(start..end).unwrap_or_default(), way);
            at = end;
        }
        true
    }

    /// Reads content that is exactly one object.
    pub(super) fn object(&mut self, object: &[u8], way: Way) {
        let mut record = Record::default();
        match json::object(object, 0, |member| record.member(&member, &self.format)) {
            Some(end) if end == object.len() => self.judge(&record, object, way),
            _ => self.counter.log.broken_lines += 1,
        }
    }

    /// Counts a complete object, or the record wrapped in it.
    fn judge(&mut self, record: &Record<'_>, object: &[u8], way: Way) {
        if record.is_judgeable() {
            self.counter.record(record);
            return;
        }
        let before = self.counter.counted();
        if let Some(Value::Object(payload) | Value::Array(payload) | Value::Text(payload)) = record.payload
            && prefix::is_entry_of_chaining(object, payload)
        {
            self.counter.log.chaining_lines += 1;
            return;
        }
        if way.level < MAX_WRAPPED {
            match record.payload {
                Some(Value::Object(payload)) => self.object(payload, way.within(true)),
                Some(Value::Array(payload)) => {
                    let text = envelope::bytes(payload).unwrap_or_default();
                    self.content(text.trim_ascii(), way.within(true), false);
                }
                Some(Value::Text(payload)) => {
                    let waits = self.partial.iter().skip(DOCKER).any(|part| !part.is_empty());
                    let entry = if waits || !payload.ends_with(b"\\n") { envelope::docker(object) } else { None };
                    let docker = entry.map(|is_stderr| DOCKER + usize::from(is_stderr));
                    self.payload(payload, way.within(true), docker);
                }
                _ => {}
            }
            if self.counter.counted() == before && (record.payload.is_some() || !record.is_foreign()) {
                self.members(object, record.payload, way);
            }
        }
        if self.counter.counted() > before || !way.is_known {
            return;
        }
        let nested = if way.level == 0 { Record::nested(object, &self.format) } else { Record::default() };
        if nested.is_judgeable() && nested.tells_resets() {
            self.counter.record(&nested);
        } else if record.is_foreign() || record.similar_keys.max(nested.similar_keys) >= 2 {
            self.counter.log.foreign_records += 1;
            let operator = if record.name.is_none() { "REQUESTED_SERVER_NAME" } else { "RESPONSE_CODE_DETAILS" };
            self.counter.lacks(operator);
            if record.name.is_none() && nested.name.is_none() {
                self.counter.without_name(record);
            }
        } else if tells_reset(object) {
            self.counter.log.other_forms += 1;
        }
    }

    /// Reads the text of an entry. `docker` is the place of the parts of its stream, if Docker wrote the
    /// entry.
    fn payload(&mut self, raw: &[u8], way: Way, docker: Option<usize>) {
        let place = docker.unwrap_or(DOCKER);
        let text = json::unescape(raw);
        let is_ended = text.ends_with(b"\n");
        let trimmed = text.trim_ascii();
        let is_object = || json::object(trimmed, 0, |_| ()).is_some();
        let waits = self.partial.get(place).is_some_and(|part| !part.is_empty());
        // Docker splits lines after 16 KiB, and only the last part ends with the line.
        if waits && !(trimmed.starts_with(b"{") && is_object()) {
            if self.add_partial(place, &text) && (is_ended || self.is_whole_partial(place)) {
                let whole = self.partial.get_mut(place).map(std::mem::take).unwrap_or_default();
                self.content(whole.trim_ascii(), way, false);
            }
            return;
        }
        if waits {
            self.partial.get_mut(place).map(Vec::clear);
            self.counter.log.broken_lines += 1;
        }
        // A collector may have removed the line ends of entries in Docker's form, which are whole then.
        let may_go_on = || match docker {
            Some(_) => {
                let begins_record = trimmed.starts_with(b"{") || trimmed.starts_with(b"[2") && !is_proxys(trimmed);
                (begins_record || text.len() >= DOCKER_PART_BYTES) && !self.is_text_record(trimmed)
            }
            None => trimmed.starts_with(b"{\"") && self.holds_record(trimmed),
        };
        if !is_ended && may_go_on() && !is_object() {
            self.add_partial(place, &text);
            return;
        }
        self.content(trimmed, way, false);
    }

    fn is_whole_partial(&self, place: usize) -> bool {
        let Some(part) = self.partial.get(place) else { return false };
        json::object(part.trim_ascii(), 0, |_| ()).is_some() || self.is_text_record(part.trim_ascii())
    }

    /// Returns whether a text is a whole record in a known text format.
    fn is_text_record(&self, text: &[u8]) -> bool {
        let mut formats = self.format.texts().iter().filter(|known| known.has_fields());
        formats.any(|known| known.read(text, &mut Record::default()))
    }

    /// Searches every member for records, except the one that was already searched.
    fn members(&mut self, object: &[u8], but: Option<Value<'_>>, way: Way) {
        if let Some(rows) = envelope::rows(object, &self.format) {
            rows.each(|row| self.object(row, way.within(true)));
            return;
        }
        json::object(object, 0, |member| {
            if but != Some(member.value) {
                self.value(member.value, way.within(false));
            }
        });
    }

    /// Searches a value for records.
    pub(super) fn value(&mut self, value: Value<'_>, way: Way) {
        match value {
            _ if way.level > MAX_WRAPPED => {}
            Value::Object(object) => self.object(object, way),
            Value::Array(array) => match envelope::pairs(array, &self.format) {
                Some(object) => self.object(&object, way),
                None => {
                    json::array(array, 0, |element| self.value(element, way.within(way.is_known)));
                }
            },
            Value::Text(raw) if self.holds_record(raw) => self.payload(raw, way, None),
            Value::Null | Value::Plain(_) | Value::Text(_) => {}
        }
    }

    /// Returns whether text found anywhere in an entry may contain a record.
    fn holds_record(&self, text: &[u8]) -> bool {
        text.starts_with(b"[2")
            || NAME_WORDS.iter().any(|word| memmem::find(text, word.as_bytes()).is_some())
            || self.format.key_of(Field::Name).is_some_and(|key| memmem::find(text, key).is_some())
            || self.format.states_text() && self.is_text_record(json::unescape(text).trim_ascii())
    }
}

/// Returns the entry that lines of a path and a value describe, as `gcloud --format=flattened` writes it:
/// `jsonPayload.sni_host:    null`. Values have no quotes there, so that the lines are no YAML.
fn flattened(lines: &[u8]) -> Option<Vec<u8>> {
    let mut object = envelope::Object::default();
    let mut names_server = false;
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let (path, value) = line.split_at_checked(memchr(b':', line)?)?;
        let is_path =
            !path.is_empty() && path.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-/[]".contains(byte));
        let value = value.strip_prefix(b":").filter(|value| is_path && value.starts_with(b" "))?.trim_ascii();
        names_server |= NAME_WORDS.iter().any(|word| path.ends_with(word.as_bytes()));
        match value {
            b"null" => object.member(path, Value::Null),
            value => object.text(path, value),
        }
    }
    names_server.then(|| object.finish())
}

/// Returns whether a text is a line of Envoy about itself: `[2025-05-19 04:46:20.117][1][info]…`.
fn is_proxys(text: &[u8]) -> bool {
    let head = text.get(..MAX_PREFIX_BYTES).unwrap_or(text);
    memmem::find(head, b"][").is_some() && memmem::find(head, b"] \"").is_none()
}

/// Returns whether the line is in Envoy's default text format: a moment in brackets, then the request in
/// quotes.
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

/// Returns whether a line names both a server name and the end of a connection, in any form.
fn names_fields(text: &[u8]) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| memmem::find(text, word.as_bytes()).is_some());
    has(&NAME_WORDS) && has(&END_WORDS)
}

/// Returns whether a text has the word that Envoy writes for a connection without a filter chain.
fn tells_reset(text: &[u8]) -> bool {
    memmem::find(text, NO_FILTER_CHAIN).is_some()
}

/// Returns whether a line contains a field's name as a JSON key: in quotes that are neither escaped nor
/// doubled.
fn has_proper_key(text: &[u8]) -> bool {
    let unquoted = |text: &[u8]| !matches!(text.last(), Some(b'"' | b'\\'));
    NAME_WORDS.iter().chain(&END_WORDS).any(|word| {
        memmem::find_iter(text, word.as_bytes()).any(|at| {
            let (before, after) = text.split_at(at);
            let before: Cow<'_, [u8]> = match before.strip_suffix(b"upstream_") {
                Some(before) => before.into(),
                None => before.into(),
            };
            let after = after.get(word.len()..).unwrap_or_default();
            before.strip_suffix(b"\"").is_some_and(unquoted)
                && after.strip_prefix(b"\"").is_some_and(|rest| !rest.starts_with(b"\""))
        })
    })
}
