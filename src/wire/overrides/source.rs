//! Decodes the bytes of a file: encoding, byte order marks, line ends. Text after an invalid byte is cut off
//! and reported.

use std::str;

use memchr::{memchr, memchr_iter};

use super::MAX_DIRECTIVES;
use super::faults::{FaultText, Faults};
use crate::evidence::overrides::{FaultKind, LineEnds, Position};
use crate::wire::BYTE_ORDER_MARK;
use crate::wire::encoding::{WideText, unmarked_wide};
use crate::wire::yaml::saturated;

/// The valid text of the file.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    /// The text as it is in the file, with its placeholders; of the same length.
    pub(super) original: &'a str,
    pub(super) line_ends: LineEnds,
    /// The text was cut off, so a syntax error at its end is not an error of the file.
    pub(super) cut: bool,
    /// Lines are the same for YAML, editors and `patch`. A lone carriage return is a line end only for YAML.
    pub(super) plain_lines: bool,
    /// The file has too many directives. The parser would keep all of them.
    pub(super) many_directives: bool,
}

/// Decodes `bytes`, of which `wide` is the text if they are UTF-16. Reports the first invalid byte and cuts
/// the text off at the beginning of its line.
pub(super) fn decode<'a>(bytes: &'a [u8], wide: Option<&'a WideText>, faults: &mut Faults) -> Source<'a> {
    if let Some(wide) = wide {
        return decoded(wide, faults);
    }
    if let Some(name) = unmarked_wide(bytes) {
        let start = Position { line: 1, column: 1 };
        faults.add(FaultKind::Malformed, start, || {
            FaultText::new("", format!("text in {name}, which is not read"), "a file in UTF-8")
        });
        return Source::of("", true);
    }
    let marked = bytes.strip_prefix(BYTE_ORDER_MARK);
    let body = marked.unwrap_or(bytes);
    let before = bytes.len() - body.len();

    let valid = match str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default(),
    };
    // The parser takes NUL for the end of its input and would silently ignore the rest.
    let bad =
        memchr(0, valid.as_bytes()).map(|at| (at, true)).or((valid.len() < body.len()).then_some((valid.len(), false)));
    let Some((at, nul)) = bad else {
        return Source::of(valid, false);
    };
    faults.add(FaultKind::Malformed, place_of(valid, at), || {
        let byte = at + before;
        if nul {
            FaultText::new("", format!("a NUL byte (byte {byte} of the file)"), "text")
        } else {
            let observed = format!("a byte that is not UTF-8 (byte {byte} of the file)");
            FaultText::new("", observed, "a file in UTF-8; ISO 8859-1 and Windows-1252 have to be converted")
        }
    });
    Source::of(&valid[..line_start(valid, at)], true)
}

/// Returns the source of a file in UTF-16. Its lines are not those of a diff, which is made for UTF-8.
fn decoded<'a>(wide: &'a WideText, faults: &mut Faults) -> Source<'a> {
    let WideText { text, broken_at } = wide;
    let nul = memchr(0, text.as_bytes());
    let (end, cut) = match (nul, broken_at) {
        (Some(at), _) => {
            faults.add(FaultKind::Malformed, place_of(text, at), || {
                FaultText::new("", "the character NUL in a file in UTF-16", "text")
            });
            (line_start(text, at), true)
        }
        (None, Some(byte)) => {
            faults.add(FaultKind::Malformed, place_of(text, text.len()), || {
                let observed = format!("bytes that are not UTF-16 (byte {byte} of the file)");
                FaultText::new("", observed, "a file in UTF-8, or whole characters of UTF-16")
            });
            (line_start(text, text.len()), true)
        }
        (None, None) => (text.len(), false),
    };
    Source { plain_lines: false, ..Source::of(&text[..end], cut) }
}

/// Returns where the line of an offset begins.
fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

impl<'a> Source<'a> {
    fn of(text: &'a str, cut: bool) -> Self {
        let bytes = text.as_bytes();
        let crlf = memchr(b'\n', bytes).is_some_and(|end| end > 0 && bytes[end - 1] == b'\r');
        let terminated = cut || text.is_empty() || text.ends_with('\n');
        let unterminated = (!terminated).then(|| saturated(memchr_iter(b'\n', bytes).count() + 1));
        let plain_lines = memchr_iter(b'\r', bytes).all(|at| bytes.get(at + 1) == Some(&b'\n'));
        let directives = memchr_iter(b'%', bytes).filter(|at| *at == 0 || bytes[at - 1] == b'\n');
        let many_directives = directives.take(MAX_DIRECTIVES + 1).count() > MAX_DIRECTIVES;
        let line_ends = LineEnds { crlf, unterminated };
        Self { text, original: text, line_ends, cut, plain_lines, many_directives }
    }

    /// Returns the source with this text for the parser, in which placeholders are replaced.
    pub(super) fn masked(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// Returns a span as it is in the file, if the parser gets something else.
    pub(super) fn replaced(&self, start: usize, end: usize) -> Option<&'a str> {
        let original = self.original.get(start..end)?;
        (self.text.get(start..end) != Some(original)).then_some(original)
    }

    /// Returns the line before and after a span, without the line end; `None` if either side is longer than
    /// `longest` bytes.
    pub(super) fn around(&self, start: usize, end: usize, longest: usize) -> Option<(&'a str, &'a str)> {
        let bytes = self.original.as_bytes();
        let first = start.saturating_sub(longest);
        let begin = match memchr::memrchr(b'\n', bytes.get(first..start)?) {
            Some(at) => first + at + 1,
            None if first == 0 => 0,
            None => return None,
        };
        let last = end.saturating_add(longest).min(bytes.len());
        let finish = match memchr(b'\n', bytes.get(end..last)?) {
            Some(at) => end + at,
            None if last == bytes.len() => last,
            None => return None,
        };
        let after = self.original.get(end..finish)?;
        let after = if self.line_ends.crlf && finish < bytes.len() { after.strip_suffix('\r')? } else { after };
        Some((self.original.get(begin..start)?, after))
    }
}

fn place_of(text: &str, at: usize) -> Position {
    let before = text.get(..at).unwrap_or(text);
    let line = memchr_iter(b'\n', before.as_bytes()).count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Position { line: saturated(line), column: saturated(column) }
}
