//! Redacted lines that are held back, because a later line decides whether they are secret.
//!
//! Lines of base64 may precede the end of a key whose beginning was not seen. Lines below `data` may be of a
//! Secret whose `kind` follows: `kubectl` and `kustomize` sort keys. A value may precede the name that makes
//! it secret (`entry`). All are bounded; what exceeds the bound is written, or withheld if it may be of a
//! Secret.

use std::ops::Range;

use super::entry::{self, Entry, Part};
use super::joiner;
use super::line::MARK;
use super::line_state::{indentation, last_word};
use super::prefix::{begins_with_time, is_record, prefix};
use crate::redact::base64;

/// Maximum number of bytes of base64 lines held back.
const MAX_BASE64: usize = 32 * 1024;
/// Maximum number of bytes of an entry held back.
const MAX_ENTRY: usize = 32 * 1024;
/// Maximum number of bytes held back below `data`.
const MAX_DATA: usize = 128 * 1024;

/// The lines held back.
#[derive(Default)]
pub(super) struct Held {
    base64: Vec<u8>,
    data: Option<HeldData>,
    /// The entry that the next line may belong to.
    entry: Option<HeldEntry>,
    /// The entry that begins with the next line, and what of that line belongs to the present one.
    next: Option<Entry>,
    part: Part,
}

/// The lines of an entry: its own, or those of the held data from `first` on.
struct HeldEntry {
    entry: Entry,
    first: Option<usize>,
    lines: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

/// The lines of a document of unknown kind, from its `data` on.
pub(super) struct HeldData {
    /// Indentation of the keys of the object.
    indent: usize,
    lines: Vec<HeldLine>,
    bytes: usize,
    /// Offset of an inline value, for the line that names `data`.
    inline: Option<usize>,
    /// Whether the next line to be written is below `data`.
    is_below: bool,
    /// Whether the lines are of a Secret, once it is known.
    is_secret: Option<bool>,
}

struct HeldLine {
    text: Vec<u8>,
    end: Vec<u8>,
    /// Whether it is below `data`, or names it together with a value.
    mask: Mask,
}

#[derive(Clone, Copy)]
enum Mask {
    None,
    Whole,
    /// From this number of bytes of the content on.
    From(usize),
}

/// What a line says of the kind of its object.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum KindOfLine {
    None,
    Other,
    Secret,
}

impl KindOfLine {
    pub(super) fn of(is_kind: bool) -> Self {
        if is_kind { Self::Other } else { Self::None }
    }
}

impl HeldData {
    /// Returns an empty list for the lines below `data` with this indentation; its own line ends, or goes on
    /// with a value, at `end`.
    pub(super) fn below(indent: usize, end: usize) -> Self {
        Self { indent, lines: Vec::new(), bytes: 0, inline: Some(end), is_below: false, is_secret: None }
    }
}

impl Held {
    /// Begins to hold lines back.
    pub(super) fn begin(&mut self, data: HeldData) {
        match &mut self.data {
            // `stringData` behind `data`, or another object nested in the same one.
            Some(known) if known.indent <= data.indent => known.inline = data.inline,
            _ => self.data = Some(data),
        }
    }

    /// Takes notice of a line before it is redacted.
    pub(super) fn notice(&mut self, line: &[u8], kind: KindOfLine) {
        let Some(data) = self.data.as_mut().filter(|data| data.is_secret.is_none()) else { return };
        data.inline = None;
        let inner = line.trim_ascii();
        // Lines of other threads say nothing.
        if inner.is_empty() || is_record(line) || begins_with_time(line) && indentation(line) == 0 {
            return;
        }
        let indent = indentation(line);
        let is_bracket = inner.iter().all(|byte| matches!(byte, b'{' | b'}' | b'[' | b']' | b','));
        if indent > data.indent || is_bracket {
            return;
        }
        data.is_below = false;
        let is_key = indent == data.indent && inner.contains(&b':');
        match kind {
            KindOfLine::Secret if is_key => data.is_secret = Some(true),
            KindOfLine::None if is_key => {}
            _ => data.is_secret = Some(false),
        }
    }

    /// Takes notice of a line that was searched. If it gives a secret name to a value that came before,
    /// returns whether that value is redacted for it.
    pub(super) fn notice_entry(&mut self, line: &[u8], names_secret: bool) -> Option<bool> {
        let next = Entry::begin(line);
        let Some(HeldEntry { entry, .. }) = &mut self.entry else {
            self.next = next;
            return None;
        };
        let was_open = entry.is_secret.is_none();
        self.part = entry.notice(line, names_secret);
        // A value may be nested in another one.
        if self.part == Part::None && next.is_some() {
            entry.is_secret.get_or_insert(false);
            self.next = next;
        }
        (was_open && entry.is_secret == Some(true)).then_some(entry.has_value)
    }

    /// Decides about the lines held back.
    pub(super) fn decide(&mut self, is_secret: bool) {
        if let Some(data) = &mut self.data {
            data.is_secret.get_or_insert(is_secret);
        }
    }

    /// Writes a redacted line, now or later.
    pub(super) fn write(&mut self, line: &[u8], end: &[u8], out: &mut Vec<u8>) {
        let is_decided = self.data.as_ref().is_some_and(|data| data.is_secret.is_some());
        let is_over = |held: &HeldEntry| held.entry.is_secret.is_some() || held.first.is_none() == self.data.is_some();
        if is_decided || self.entry.as_ref().is_some_and(is_over) {
            self.release_entry(out);
        }
        if is_decided {
            self.release_data(out);
        }
        if let Some(entry) = self.next.take() {
            let first = self.data.as_ref().map(|data| data.lines.len());
            self.entry = Some(HeldEntry { entry, first, lines: Vec::new(), bytes: 0 });
            self.part = Part::BehindName;
        }
        let part = std::mem::take(&mut self.part);
        if let Some(held) = &mut self.entry {
            held.entry.parts.push(part);
            held.bytes += line.len() + end.len() + size_of::<(Vec<u8>, Vec<u8>)>();
            let is_full = held.bytes > MAX_ENTRY;
            if held.first.is_none() {
                held.lines.push((line.to_vec(), end.to_vec()));
            }
            let is_held = held.first.is_none();
            if is_full {
                self.release_entry(out);
            }
            if is_held {
                return;
            }
        }
        self.write_behind_entry(line, end, out);
    }

    /// Writes a line that no entry holds back.
    fn write_behind_entry(&mut self, line: &[u8], end: &[u8], out: &mut Vec<u8>) {
        if let Some(data) = &mut self.data {
            data.push(line, end);
            // Too much to wait for: better withheld than shown.
            if data.bytes > MAX_DATA {
                data.is_secret = Some(true);
                self.release_data(out);
            }
            return;
        }
        let waits = is_base64_line(line, !self.base64.is_empty());
        if !waits || self.base64.len() + line.len() > MAX_BASE64 {
            out.append(&mut self.base64);
        }
        let out = if waits && line.len() < MAX_BASE64 { &mut self.base64 } else { out };
        out.extend_from_slice(line);
        out.extend_from_slice(end);
    }

    /// Writes all lines: nothing more follows.
    pub(super) fn release(&mut self, out: &mut Vec<u8>) {
        self.release_entry(out);
        self.release_data(out);
        out.append(&mut self.base64);
    }

    /// Masks the value of the entry if it is secret, and writes its lines.
    fn release_entry(&mut self, out: &mut Vec<u8>) {
        let Some(HeldEntry { entry, first, mut lines, .. }) = self.entry.take() else { return };
        if entry.has_value && entry.is_secret == Some(true) {
            let mask = |text: &mut Vec<u8>, part: Part| {
                // A line of an entry has no other prefix.
                let content = joiner::content(text).unwrap_or(0..text.len());
                entry::mask(text, content, part);
            };
            let data = self.data.iter_mut().flat_map(|data| data.lines.iter_mut().skip(first.unwrap_or(usize::MAX)));
            data.map(|line| &mut line.text)
                .chain(lines.iter_mut().map(|(text, _)| text))
                .zip(&entry.parts)
                .for_each(|(text, part)| mask(text, *part));
        }
        // Data that began behind the entry does not hold its lines.
        let data = self.data.take();
        for (line, end) in lines {
            self.write_behind_entry(&line, &end, out);
        }
        self.data = data;
    }

    fn release_data(&mut self, out: &mut Vec<u8>) {
        let Some(data) = self.data.take() else { return };
        out.append(&mut self.base64);
        let is_secret = data.is_secret.unwrap_or(false);
        for line in data.lines {
            let HeldLine { text, end, mask } = line;
            match mask {
                Mask::Whole if is_secret => mask_content(&text, 0, out),
                Mask::From(at) if is_secret => mask_content(&text, at, out),
                _ => out.extend_from_slice(&text),
            }
            out.extend_from_slice(&end);
        }
    }

    /// Redacts the lines of base64, which belong to a private key.
    pub(super) fn withhold_base64(&mut self) {
        let held = std::mem::take(&mut self.base64);
        for line in held.split_inclusive(|byte| *byte == b'\n') {
            let word = last_word(line);
            self.base64.extend_from_slice(&line[..word.start]);
            self.base64.extend_from_slice(MARK);
            self.base64.extend_from_slice(&line[word.end..]);
        }
        let of_data = self.data.iter_mut().flat_map(|data| &mut data.lines).map(|line| &mut line.text);
        let of_entry = self.entry.iter_mut().flat_map(|held| &mut held.lines).map(|(text, _)| text);
        for text in of_data.chain(of_entry) {
            let word = last_word(text);
            if is_base64_line(text, false) {
                text.splice(word, MARK.iter().copied());
            }
        }
    }
}

impl HeldData {
    fn push(&mut self, line: &[u8], end: &[u8]) {
        let mask = match self.inline.take() {
            Some(at) => {
                self.is_below = true;
                Mask::From(at)
            }
            None if self.is_below && !line.trim_ascii().is_empty() => Mask::Whole,
            None => Mask::None,
        };
        self.bytes += line.len() + end.len() + size_of::<HeldLine>();
        self.lines.push(HeldLine { text: line.to_vec(), end: end.to_vec(), mask });
    }
}

/// Appends a line with a mark for its content, without the first `from` bytes of it. The envelope of a
/// runtime, the prefix of a log and the indentation are kept, and so is a line that opens or closes a
/// mapping.
fn mask_content(line: &[u8], from: usize, out: &mut Vec<u8>) {
    let Range { start, end } = self::content(line);
    let content = &line[start..end];
    let margin = if from == 0 { indentation(content) } else { from.min(content.len()) };
    let rest = content[margin..].trim_ascii();
    if rest.is_empty() || rest.iter().all(|byte| matches!(byte, b'{' | b'}' | b'[' | b']' | b',')) {
        return out.extend_from_slice(line);
    }
    out.extend_from_slice(&line[..start + margin]);
    if from > 0 {
        out.push(b' ');
    }
    out.extend_from_slice(MARK);
    out.extend_from_slice(&line[end..]);
}

/// Returns where the content of a line begins and ends, without the envelope of a runtime and the prefix of a
/// log.
fn content(line: &[u8]) -> Range<usize> {
    joiner::content(line).unwrap_or_else(|| prefix(line).min(line.len())..line.len())
}

/// Returns whether a line ends like a line of PEM or of wrapped base64, whose last line is shorter.
fn is_base64_line(line: &[u8], follows: bool) -> bool {
    let word = &line[last_word(line)];
    let shortest = if follows { 1 } else { base64::MIN_RUN };
    word.len() >= shortest && word.iter().all(|byte| base64::is_base64_char(*byte) || *byte == b'=')
}
