//! Where keys and certificates begin and end that are written as PEM, whole or cut at either end, and what a line without either says
//! by its form.
//!
//! Only a label that opens its line, behind the prefix of a log at most, says that all lines after it are of a block. A label anywhere
//! else may be a header that a client sent or a message that names it: after it, only lines in the form of a key are redacted.

use std::ops::Range;

use memchr::memmem;

use super::line::{Line, backslashes_before};
use super::line_state::{Carry, indentation, is_margin, last_word};
use super::prefix::{is_record, prefix};
use super::value::closing;
use crate::redact::base64::{self, Content};

/// Bytes between `BEGIN` and `PRIVATE KEY`.
pub(super) const LABEL: usize = 48;
/// Widths in which keys are written: RFC 7468, OpenSSH, and MIME as Java and PGP programs wrap it.
const WIDTHS: [usize; 4] = [64, 70, 72, 76];
/// Shortest last line of a key behind the prefix of a log, unless it ends in padding.
const SHORTEST_REST: usize = 16;
/// Labels of one line that are looked at.
const MAX_LABELS: usize = 16;
/// The first base64 of a block is not shorter.
const SHORTEST_BODY: usize = 8;
/// Lines that stand between a label and the base64 (RFC 1421 §4.6, RFC 9580 §6.2).
const HEADERS: [&[u8]; 5] = [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Hash:"];

/// What a line says of a block that it opens and does not end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Opened {
    /// The lines after it are of a block to redact.
    Secret(Carry),
    /// The lines after it are of a block that everybody may see.
    Public,
}

/// Where the label begins with which something ends. A form has its spaces as `+`.
pub(super) fn end_label(line: &[u8]) -> Option<usize> {
    memmem::find(line, b"END ").or_else(|| memmem::find(line, b"-END+"))
}

/// Behind the dashes that close the label which begins at `at`.
pub(super) fn after_dashes(line: &[u8], at: usize) -> usize {
    let rest = &line[at..line.len().min(at + 2 * LABEL)];
    let before = rest.iter().take_while(|byte| **byte == b'-').count();
    let dashes = memmem::find(&rest[before..], b"----").map_or(rest.len(), |dashes| before + dashes);
    at + dashes + rest[dashes..].iter().take_while(|byte| **byte == b'-').count()
}

/// Whether dashes stand before the `BEGIN` at `begin` or behind its label: words alone (`BEGIN PRIVATE KEY`) are prose.
pub(super) fn has_dashes(line: &[u8], begin: usize) -> bool {
    let before = line[..begin].strip_suffix(b" ").unwrap_or(&line[..begin]);
    let label = &line[begin..line.len().min(begin + 2 * LABEL)];
    before.ends_with(b"--") || memmem::find(label, b"----").is_some()
}

/// The place where the quoted value ends that holds `start`, where it ends in this line.
pub(super) fn value_end(line: &mut Line<'_>, start: usize) -> Option<usize> {
    let bytes = line.bytes;
    if let Some(quote @ (b'"' | b'\'' | b'`')) = start.checked_sub(1).and_then(|before| bytes.get(before)).copied() {
        let escapes = backslashes_before(bytes, start - 1);
        return closing(bytes, start, quote, escapes);
    }
    line.is_quoted(start).then(|| closing(bytes, start, b'"', 0)).flatten()
}

/// The block that a line leaves open. With `certificates`, those are to redact as well.
pub(super) fn opened(line: &[u8], certificates: bool) -> Option<Opened> {
    let last = memmem::rfind(line, b"BEGIN")?;
    let end = memmem::rfind(line, b"--END ").or_else(|| memmem::rfind(line, b"-- END "));
    if end.is_some_and(|end| end > last) {
        return None;
    }
    let is_secret = |label: &[u8]| {
        memmem::find(label, b"PRIVATE KEY").is_some() || certificates && memmem::find(label, b"CERTIFICATE").is_some()
    };
    let mut rest = line;
    // The last label counts; words that are none hide none before them.
    for _ in 0..MAX_LABELS {
        let begin = memmem::rfind(rest, b"BEGIN")?;
        rest = &rest[..begin];
        if end.is_some_and(|end| end > begin) {
            return None;
        }
        let after = after_dashes(line, begin);
        let label = line[begin..after].split(|byte| matches!(byte, b'"' | b'\'' | b'\\')).next().unwrap_or_default();
        if !has_dashes(line, begin) {
            continue;
        }
        let dashes = line[..begin].iter().rev().take(6).take_while(|byte| matches!(byte, b'-' | b' ')).count();
        let start = begin - line[begin - dashes..begin].iter().skip_while(|byte| **byte == b' ').count();
        let opens =
            opens_line(&line[..start]) && !is_record(line) && value_end(&mut Line::new(line, false), start).is_none();
        if !is_secret(label) {
            // A form is one line.
            let is_public = memmem::find(label, b"PRIVATE").is_none();
            return (is_public && opens && line[after..].trim_ascii().is_empty()).then_some(Opened::Public);
        }
        if !is_body(&line[after..]) {
            return None;
        }
        return Some(Opened::Secret(if opens { Carry::pem(start) } else { Carry::body(start) }));
    }
    None
}

/// Whether what stands behind a label can be the beginning of a block: nothing, a header, base64; else it is prose.
fn is_body(rest: &[u8]) -> bool {
    let mut rest = rest;
    loop {
        let inner = rest.trim_ascii_start();
        let signs = inner
            .iter()
            .take_while(|byte| matches!(byte, b'\\' | b'"' | b'\'' | b'`' | b',' | b'}' | b']' | b')'))
            .count();
        let after = &inner[signs..];
        // The letter of an escaped line end.
        let letter = usize::from(inner[..signs].ends_with(b"\\") && matches!(after.first(), Some(b'n' | b'r')));
        if signs + letter == 0 {
            rest = inner;
            break;
        }
        rest = &after[letter..];
    }
    let word = rest.iter().take_while(|byte| base64::is_letter(**byte) || **byte == b'=').count();
    rest.is_empty() || HEADERS.iter().any(|header| rest.starts_with(header)) || word >= SHORTEST_BODY
}

/// Whether what begins behind `before` opens its line: nothing but the prefix of a log, marks of lists and comments, a name and a
/// quote stand there.
fn opens_line(before: &[u8]) -> bool {
    let inner = &before[prefix(before)..];
    let inner = &inner[indentation(inner)..];
    let inner = inner.trim_ascii_end();
    let inner = inner.strip_suffix(b"\"").or(inner.strip_suffix(b"'")).unwrap_or(inner).trim_ascii_end();
    let Some(name) = inner.strip_suffix(b":").or(inner.strip_suffix(b"=")) else { return inner.is_empty() };
    let name = name.trim_ascii_end();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'"');
    name.strip_prefix(b"export ").unwrap_or(name).iter().all(part)
}

/// The word of a line that has the form of a line of a key, and nothing before it but a margin or the prefix of a log. What decodes to
/// text or to something public is none.
pub(super) fn key_line(line: &[u8]) -> Option<KeyLine> {
    let word = last_word(line);
    if !WIDTHS.contains(&word.len()) || !is_random(&line[word.clone()]) {
        return None;
    }
    let before = &line[..word.start];
    if !before.iter().all(|byte| is_margin(*byte)) && prefix(before) < before.len() {
        return None;
    }
    let is_public = match base64::content(&line[word.clone()], 0) {
        Content::Certificate => true,
        Content::Text(_) | Content::Archive => return None,
        Content::Key | Content::Other => false,
    };
    Some(KeyLine { start: word.start, end: word.end, is_public })
}

/// A line of base64, as keys and certificates have them.
pub(super) struct KeyLine {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is_public: bool,
}

/// The part of a line that is of a key which may go on here, where the base64 of the lines before began at `column`.
pub(super) fn body_word(line: &[u8], column: usize) -> Option<Range<usize>> {
    let word = last_word(line);
    let letters = &line[word.clone()];
    if is_pure(letters) && word.start == column && (is_random(letters) || letters.ends_with(b"=")) {
        let is_rest =
            letters.len() >= SHORTEST_REST || letters.ends_with(b"=") || line[..column].trim_ascii().is_empty();
        return is_rest.then_some(word);
    }
    let mut at = 0;
    while let Some(run) = base64::run(line, at) {
        at = run.end;
        if WIDTHS.contains(&run.len()) && is_pure(&line[run.clone()]) && is_random(&line[run.clone()]) {
            return Some(run);
        }
    }
    None
}

/// Base64 as keys have it: not the alphabet of URLs.
pub(super) fn is_pure(letters: &[u8]) -> bool {
    !letters.is_empty() && letters.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

/// Letters of every kind, as random ones are: hexadecimal digests, words and numbers are not.
pub(super) fn is_random(letters: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| letters.iter().any(kind);
    is_pure(letters) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}
