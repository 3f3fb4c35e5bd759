//! An entry whose value comes before the name that makes it secret: `- value: x` above `name: DB_PASSWORD`.
//!
//! Its lines are held back until the name or the end of the entry is seen. The limit is that of
//! [`super::held`]: what exceeds it is written.

use std::ops::Range;

use super::line::MARK;
use super::line_state::{indentation, is_pair, is_value_element, is_value_entry};
use super::prefix::{begins_with_time, is_record};
use super::value::is_not_secret;

/// An entry, from the line with its value on.
pub(super) struct Entry {
    /// Column of its keys.
    column: usize,
    /// Whether the last key seen is that of the value, which deeper lines continue.
    is_in_value: bool,
    /// Whether its value may be secret, and is not redacted yet.
    pub(super) has_value: bool,
    /// Whether its name is of a secret, once that is known.
    pub(super) is_secret: Option<bool>,
    /// What of each line is part of the value.
    pub(super) parts: Vec<Part>,
}

/// The part of a line that belongs to the value of an entry.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(super) enum Part {
    #[default]
    None,
    BehindName,
    Whole,
}

impl Entry {
    /// Returns the entry that begins with this line, if that is a value whose name may follow.
    pub(super) fn begin(line: &[u8]) -> Option<Self> {
        if !is_value_entry(line) && !is_value_element(line) || is_record(line) {
            return None;
        }
        let value = &line[value_start(line)?..];
        let value = &value[..memchr::memmem::find(value, b"</").unwrap_or(value.len())];
        let quotes = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',');
        let start = value.iter().position(|byte| !quotes(byte)).unwrap_or(value.len());
        let length = value[start..].iter().rposition(|byte| !quotes(byte)).map_or(0, |last| last + 1);
        let bare = &value[start..start + length];
        // An empty value may continue below.
        let is_open = value.trim_ascii().is_empty();
        let column = indentation(line);
        let has_value = is_open || !is_not_secret(bare, b"");
        Some(Self { column, is_in_value: true, has_value, is_secret: None, parts: Vec::new() })
    }

    /// Takes notice of a line behind the first one, which names a secret variable or not, and returns what of
    /// it belongs to the value.
    pub(super) fn notice(&mut self, line: &[u8], names_secret: bool) -> Part {
        let inner = line.trim_ascii();
        let indent = indentation(line);
        let is_foreign = is_record(line) || begins_with_time(line) && indent == 0;
        if self.is_secret.is_some() || inner.is_empty() || is_foreign {
            return Part::None;
        }
        if indent > self.column {
            return if self.is_in_value { Part::Whole } else { Part::None };
        }
        // `- ` begins the next item of a list.
        let is_pair = is_pair(line) || inner.starts_with(b"<") && !inner.starts_with(b"</");
        let is_sibling = indent == self.column && is_pair && !line[..indent].ends_with(b"- ");
        self.is_in_value = false;
        if !is_sibling {
            self.is_secret = Some(false);
        } else if names_secret {
            self.is_secret = Some(true);
        }
        Part::None
    }
}

/// Replaces the part of a line that belongs to a value. `at` is the range of its content.
pub(super) fn mask(line: &mut Vec<u8>, at: Range<usize>, part: Part) {
    let start = at.start;
    let content = &line[at];
    let from = match part {
        Part::None => return,
        Part::Whole => indentation(content),
        Part::BehindName => value_start(content).unwrap_or(content.len()),
    };
    let around = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\' | b',');
    let value = &content[from..];
    let value = &value[..memchr::memmem::find(value, b"</").unwrap_or(value.len())];
    let Some(first) = value.iter().position(|byte| !around(byte)) else { return };
    let last = value.iter().rposition(|byte| !around(byte)).map_or(first, |last| last + 1);
    // The header of a block, whose lines follow.
    if part == Part::BehindName && matches!(value[first..last], [b'|' | b'>'] | [b'|' | b'>', b'+' | b'-']) {
        return;
    }
    line.splice(start + from + first..start + from + last, MARK.iter().copied());
}

/// Returns where the value of a line begins, behind the colon or the tag of its name.
fn value_start(line: &[u8]) -> Option<usize> {
    let sign = if line[indentation(line)..].starts_with(b"<") { b'>' } else { b':' };
    memchr::memchr(sign, line).map(|at| at + 1)
}
