//! Redacted lines that are held back, because a later line decides whether they are secret.
//!
//! Lines of base64 may precede the end of a key whose beginning was not seen. Lines below `data` may be of a
//! Secret whose `kind` follows: `kubectl` and `kustomize` sort keys. Both are bounded; what exceeds the bound
//! is written, or withheld if it may be of a Secret.

use super::line::MARK;
use super::line_state::{indentation, last_word};
use super::prefix::{begins_with_time, is_record, prefix};
use super::value::closing;
use crate::redact::base64;

/// Maximum number of bytes of base64 lines held back.
const MAX_BASE64: usize = 32 * 1024;
/// Maximum number of bytes held back below `data`.
const MAX_DATA: usize = 128 * 1024;
/// Beginning of a line of Docker's json-file driver.
const DOCKER: &[u8] = b"{\"log\":\"";

/// The lines held back.
#[derive(Default)]
pub(super) struct Held {
    base64: Vec<u8>,
    data: Option<HeldData>,
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

    /// Decides about the lines held back.
    pub(super) fn decide(&mut self, is_secret: bool) {
        if let Some(data) = &mut self.data {
            data.is_secret.get_or_insert(is_secret);
        }
    }

    /// Writes a redacted line, now or later.
    pub(super) fn write(&mut self, line: &[u8], end: &[u8], out: &mut Vec<u8>) {
        if self.data.as_ref().is_some_and(|data| data.is_secret.is_some()) {
            self.release_data(out);
        }
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
        self.release_data(out);
        out.append(&mut self.base64);
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
        for line in self.data.iter_mut().flat_map(|data| &mut data.lines) {
            let word = last_word(&line.text);
            if is_base64_line(&line.text, false) {
                line.text.splice(word, MARK.iter().copied());
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
    let (start, end) = if line.starts_with(DOCKER) {
        let close = closing(line, DOCKER.len(), b'"', 0).unwrap_or(line.len());
        (DOCKER.len(), if line[..close].ends_with(b"\\n") { close - 2 } else { close })
    } else {
        (prefix(line).min(line.len()), line.len())
    };
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

/// Returns whether a line ends like a line of PEM or of wrapped base64, whose last line is shorter.
fn is_base64_line(line: &[u8], follows: bool) -> bool {
    let word = &line[last_word(line)];
    let shortest = if follows { 1 } else { base64::MIN_RUN };
    word.len() >= shortest && word.iter().all(|byte| base64::is_base64_char(*byte) || *byte == b'=')
}
