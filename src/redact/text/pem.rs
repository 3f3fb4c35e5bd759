//! Finds where PEM keys and certificates begin and end, whole or cut at either end, and recognises key lines
//! by their form.
//!
//! Only a label that starts its line, at most behind the prefix of a log, makes all following lines part of a
//! block. A label elsewhere may be a header sent by a client or a message that names it; after it, only lines
//! in the form of a key are redacted.

use std::ops::Range;

use memchr::memmem;

use super::line::{Line, backslashes_before};
use super::line_state::{LineState, indentation, is_margin, last_word};
use super::prefix::{is_record, prefix};
use super::value::closing;
use crate::redact::base64::{self, Base64Content};

/// Maximum number of bytes between `BEGIN` and `PRIVATE KEY`.
pub(super) const LABEL: usize = 48;
/// Line widths of keys: RFC 7468, OpenSSH, and MIME as Java and PGP programs wrap it.
const WIDTHS: [usize; 4] = [64, 70, 72, 76];
/// Minimum length of the last line of a key behind the prefix of a log, unless it ends in padding.
const SHORTEST_REST: usize = 16;
/// Maximum number of labels inspected per line.
const MAX_LABELS: usize = 16;
/// Minimum length of the first base64 of a block.
const SHORTEST_BODY: usize = 8;
/// Headers between a label and the base64 (RFC 1421 §4.6, RFC 9580 §6.2).
const HEADERS: [&[u8]; 5] = [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Hash:"];

/// The block that a line opens and does not end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Opened {
    /// The following lines belong to a block to redact.
    Secret(LineState),
    /// The following lines belong to a public block.
    Public,
}

/// Returns the offset of an end label. A form encodes its spaces as `+`.
pub(super) fn end_label(line: &[u8]) -> Option<usize> {
    memmem::find(line, b"END ").or_else(|| memmem::find(line, b"-END+"))
}

/// Returns the offset behind the dashes that close the label at `at`.
pub(super) fn after_dashes(line: &[u8], at: usize) -> usize {
    let rest = &line[at..line.len().min(at + 2 * LABEL)];
    let before = rest.iter().take_while(|byte| **byte == b'-').count();
    let dashes = memmem::find(&rest[before..], b"----").map_or(rest.len(), |dashes| before + dashes);
    at + dashes + rest[dashes..].iter().take_while(|byte| **byte == b'-').count()
}

/// Returns whether dashes surround the label at `begin`: words alone (`BEGIN PRIVATE KEY`) are prose.
pub(super) fn has_dashes(line: &[u8], begin: usize) -> bool {
    let before = line[..begin].strip_suffix(b" ").unwrap_or(&line[..begin]);
    let label = &line[begin..line.len().min(begin + 2 * LABEL)];
    before.ends_with(b"--") || memmem::find(label, b"----").is_some()
}

/// Returns where the quoted value around `start` ends, if it ends in this line.
pub(super) fn value_end(line: &mut Line<'_>, start: usize) -> Option<usize> {
    let bytes = line.bytes;
    if let Some(quote @ (b'"' | b'\'' | b'`')) = start.checked_sub(1).and_then(|before| bytes.get(before)).copied() {
        let escapes = backslashes_before(bytes, start - 1);
        return closing(bytes, start, quote, escapes);
    }
    line.is_quoted(start).then(|| closing(bytes, start, b'"', 0)).flatten()
}

/// Returns the block that a line leaves open. With `certificates`, those are redacted as well.
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
    // The last label counts; prose does not hide a label before it.
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
            // Form encoding has no line breaks.
            let is_public = memmem::find(label, b"PRIVATE").is_none();
            return (is_public && opens && line[after..].trim_ascii().is_empty()).then_some(Opened::Public);
        }
        if !is_body(&line[after..]) {
            return None;
        }
        return Some(Opened::Secret(if opens { LineState::pem(start) } else { LineState::body(start) }));
    }
    None
}

/// Returns whether the text behind a label can begin a block (nothing, a header, base64); otherwise it is
/// prose.
fn is_body(rest: &[u8]) -> bool {
    let mut rest = rest;
    loop {
        let inner = rest.trim_ascii_start();
        let punctuation = inner
            .iter()
            .take_while(|byte| matches!(byte, b'\\' | b'"' | b'\'' | b'`' | b',' | b'}' | b']' | b')'))
            .count();
        let after = &inner[punctuation..];
        // The character of an escaped line end.
        let escaped = usize::from(inner[..punctuation].ends_with(b"\\") && matches!(after.first(), Some(b'n' | b'r')));
        if punctuation + escaped == 0 {
            rest = inner;
            break;
        }
        rest = &after[escaped..];
    }
    let word = rest.iter().take_while(|byte| base64::is_base64_char(**byte) || **byte == b'=').count();
    rest.is_empty() || HEADERS.iter().any(|header| rest.starts_with(header)) || word >= SHORTEST_BODY
}

/// Returns whether the text behind `before` starts its line: only a log prefix, marks of lists and comments,
/// a name and a quote may precede it.
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

/// Returns the word of a line in the form of a key line, behind nothing but a margin or a log prefix. Base64
/// of text or of public data is not one.
pub(super) fn key_line(line: &[u8]) -> Option<KeyLine> {
    let word = last_word(line);
    if !WIDTHS.contains(&word.len()) || !is_random(&line[word.clone()]) {
        return None;
    }
    let before = &line[..word.start];
    if !before.iter().all(|byte| is_margin(*byte)) && prefix(before) < before.len() {
        return None;
    }
    let is_public = match base64::classify(&line[word.clone()], 0) {
        Base64Content::Certificate => true,
        Base64Content::Text(_) | Base64Content::Archive => return None,
        Base64Content::Key | Base64Content::Other => false,
    };
    Some(KeyLine { start: word.start, end: word.end, is_public })
}

/// A line of base64 of a key or a certificate.
pub(super) struct KeyLine {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is_public: bool,
}

/// Returns the part of a line that continues a key whose base64 began at `column` in the preceding lines.
pub(super) fn body_word(line: &[u8], column: usize) -> Option<Range<usize>> {
    let word = last_word(line);
    let chars = &line[word.clone()];
    if is_pure(chars) && word.start == column && (is_random(chars) || chars.ends_with(b"=")) {
        let is_rest = chars.len() >= SHORTEST_REST || chars.ends_with(b"=") || line[..column].trim_ascii().is_empty();
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

/// Returns whether the bytes are standard base64, as in keys, and not the URL alphabet.
pub(super) fn is_pure(chars: &[u8]) -> bool {
    !chars.is_empty() && chars.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

/// Returns whether the bytes are base64 of upper case, lower case and digits, as random data is. Hexadecimal
/// digests, words and numbers are not.
pub(super) fn is_random(chars: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| chars.iter().any(kind);
    is_pure(chars) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}
