//! Joins the lines of a container's log file into lines of the log: runtimes wrap each line in an envelope,
//! and split long lines.
//!
//! ```text
//! CRI     2026-11-29T10:00:00Z stdout P first half            the pieces end at the first `F`
//! Docker  {"log":"first half","stream":"stdout","time":"…"}   the pieces end where `log` ends in a newline
//! ```
//!
//! The joined line is redacted. Its whole redacted text is written in the first piece, and nothing in the
//! others: the file keeps its number of lines, and joining its pieces gives the redacted line.

use std::ops::Range;

use memchr::memmem;

use super::engine::{Engine, TextState};
use super::value::closing;
use crate::redact::Redactions;
use crate::redact::rules::Rule;

/// Maximum number of bytes of a joined line; longer ones are withheld whole.
const MAX_JOINED: usize = super::MAX_LINE;
/// Standard output and standard error are joined separately.
const STREAMS: usize = 2;
/// Maximum length of a time or a tag.
const MAX_WORD: usize = 48;
const DOCKER: &[u8] = b"{\"log\":\"";

/// The incomplete lines, one per stream.
#[derive(Default)]
pub(super) struct Joiner {
    waiting: [Waiting; STREAMS],
}

/// The pieces of one line so far.
#[derive(Default)]
struct Waiting {
    /// The lines of the file, concatenated.
    raw: Vec<u8>,
    pieces: Vec<Piece>,
    /// The joined line of the log.
    content: Vec<u8>,
    /// Number of bytes of a line that is too long, of which nothing more is written.
    withheld: Option<usize>,
}

/// One line of the file.
struct Piece {
    length: usize,
    /// Range of the content in it.
    content: Range<usize>,
    is_json: bool,
}

/// The envelope of a line of the file.
struct Envelope {
    content: Range<usize>,
    stream: usize,
    is_json: bool,
    /// Whether the line of the log ends here.
    is_last: bool,
}

impl Joiner {
    /// Takes a line of the file, and writes what is complete.
    pub(super) fn line(
        &mut self,
        engine: &Engine,
        line: &[u8],
        state: &mut TextState,
        out: &mut Vec<u8>,
        redactions: &mut Redactions,
    ) {
        let Some(envelope) = envelope(line) else {
            self.finish(engine, state, out, redactions);
            engine.line(line, state, out, redactions);
            return;
        };
        let waiting = &mut self.waiting[envelope.stream];
        let is_last = envelope.is_last;
        waiting.add(line, envelope);
        if is_last || waiting.is_full() {
            waiting.write(engine, is_last, state, out, redactions);
        }
    }

    /// Writes the incomplete lines: nothing more follows.
    pub(super) fn finish(
        &mut self,
        engine: &Engine,
        state: &mut TextState,
        out: &mut Vec<u8>,
        redactions: &mut Redactions,
    ) {
        for waiting in &mut self.waiting {
            waiting.write(engine, true, state, out, redactions);
        }
    }
}

impl Waiting {
    fn add(&mut self, line: &[u8], envelope: Envelope) {
        let Envelope { content, stream: _, is_json, is_last: _ } = envelope;
        self.raw.extend_from_slice(line);
        let inner = &line[content.clone()];
        if is_json {
            unescape(inner, &mut self.content);
        } else {
            self.content.extend_from_slice(inner);
        }
        self.pieces.push(Piece { length: line.len(), content, is_json });
    }

    fn is_full(&self) -> bool {
        self.withheld.is_some() || self.raw.len() > MAX_JOINED
    }

    /// Writes the pieces so far. For a line that is too long, writes its length so far in the first piece.
    fn write(
        &mut self,
        engine: &Engine,
        is_last: bool,
        state: &mut TextState,
        out: &mut Vec<u8>,
        redactions: &mut Redactions,
    ) {
        if self.pieces.is_empty() {
            return;
        }
        let clean = if !self.is_full() {
            engine.content(&self.content, state, redactions)
        } else if self.withheld.replace(self.content.len()).is_none() {
            redactions.count(Rule::LongLine);
            state.notice_key(&self.content);
            Some(format!("<redacted: a line of more than {MAX_JOINED} bytes>").into_bytes())
        } else {
            state.notice_key(&self.content);
            Some(Vec::new())
        };
        let mut text = clean.as_deref();
        let mut at = 0;
        for piece in &self.pieces {
            let line = &self.raw[at..at + piece.length];
            at += piece.length;
            let line = piece.with(line, text, engine, redactions);
            state.write_line(&line, out);
            text = text.map(|_| &[][..]);
        }
        self.raw.clear();
        self.pieces.clear();
        self.content.clear();
        if is_last {
            self.withheld = None;
        }
    }
}

impl Piece {
    /// Returns the line of the file, with other content if given.
    fn with(&self, line: &[u8], text: Option<&[u8]>, engine: &Engine, redactions: &mut Redactions) -> Vec<u8> {
        let Range { start, end } = self.content;
        let (head, content, tail) = (&line[..start], &line[start..end], &line[end..]);
        if !self.is_json {
            return [head, text.unwrap_or(content), tail].concat();
        }
        let text = text.map(escape);
        let content = text.as_deref().unwrap_or(content);
        // Labels and variables of the container may follow the stream.
        if memmem::find(tail, b"\"attrs\":").is_none() {
            return [head, content, tail].concat();
        }
        let tail = engine.nested(tail, &mut TextState::default(), redactions);
        [head, content, &tail].concat()
    }
}

/// Returns the range of the content in a line of a container runtime; `None` if the line is none.
pub(super) fn content(line: &[u8]) -> Option<Range<usize>> {
    envelope(line).map(|envelope| envelope.content)
}

/// Parses the envelope of a container runtime; `None` if the line has none.
fn envelope(line: &[u8]) -> Option<Envelope> {
    match line.first()? {
        b'{' => docker(line),
        byte if byte.is_ascii_digit() => cri(line),
        _ => None,
    }
}

/// Parses `2026-11-29T10:00:00.1Z stdout P …`. The tag may continue after a colon.
fn cri(line: &[u8]) -> Option<Envelope> {
    let word = |at: usize| {
        let rest = line.get(at..line.len().min(at + MAX_WORD))?;
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\n' | b'\r')).unwrap_or(rest.len());
        Some(at..at + end)
    };
    let time = word(0)?;
    let is_time = time.len() >= 20 && line[4] == b'-' && line[10] == b'T';
    let stream = word(time.end + 1).filter(|_| is_time)?;
    let number = stream_number(&line[stream.clone()])?;
    let tag = word(stream.end + 1)?;
    let is_last = match line[tag.clone()].split(|byte| *byte == b':').next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    let start = line.len().min(tag.end + usize::from(line.get(tag.end) == Some(&b' ')));
    let end = start + without_end(&line[start..]).len();
    Some(Envelope { content: start..end, stream: number, is_json: false, is_last })
}

/// Parses `{"log":"…\n","stream":"stdout","time":"…"}` of Docker's json-file driver.
fn docker(line: &[u8]) -> Option<Envelope> {
    const STREAM: &[u8] = b"\",\"stream\":\"";
    if !line.starts_with(DOCKER) || !without_end(line).ends_with(b"}") {
        return None;
    }
    let close = closing(line, DOCKER.len(), b'"', 0)?;
    let rest = line[close..].strip_prefix(STREAM)?;
    let name = rest.iter().take(MAX_WORD).position(|byte| *byte == b'"')?;
    let number = stream_number(&rest[..name])?;
    // The line end is kept outside the content.
    let inner = &line[DOCKER.len()..close];
    let backslashes =
        inner.strip_suffix(b"n").map_or(0, |inner| inner.iter().rev().take_while(|byte| **byte == b'\\').count());
    let is_last = backslashes % 2 == 1;
    let end = close - if is_last { 2 } else { 0 };
    Some(Envelope { content: DOCKER.len()..end, stream: number, is_json: true, is_last })
}

fn stream_number(name: &[u8]) -> Option<usize> {
    [&b"stdout"[..], b"stderr"].iter().position(|stream| *stream == name)
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Appends the text of a JSON string. Invalid escapes are kept. A line end inside, which Docker does not
/// write, stays escaped.
fn unescape(inner: &[u8], out: &mut Vec<u8>) {
    if memchr::memchr(b'\\', inner).is_none() {
        return out.extend_from_slice(inner);
    }
    let quoted = [b"\"", inner, b"\""].concat();
    match serde_json::from_slice::<String>(&quoted) {
        Ok(text) => out.extend_from_slice(text.replace('\n', "\\n").as_bytes()),
        Err(_) => out.extend_from_slice(inner),
    }
}

/// Returns a text as JSON string without the quotes.
fn escape(text: &[u8]) -> Vec<u8> {
    let quoted = serde_json::Value::from(String::from_utf8_lossy(text)).to_string();
    quoted.as_bytes()[1..quoted.len() - 1].to_vec()
}
