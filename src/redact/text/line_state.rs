//! State between lines: a key that continues, a block of YAML, a value in the line below its name.

use std::ops::Range;

use super::pem::{after_dashes, body_word, end_label, is_pure, is_random};
use super::prefix::{begins_with_time, is_foreign_below, is_record};
use super::prose::looks_like_a_secret;
use super::shell::MAX_END;
use super::value::is_not_secret;
use crate::redact::base64;
use crate::redact::rules::Rule;
use crate::secrets::{is_holder, is_setting_below_secret};

/// Maximum number of bytes of a private key without an end. A 16384-bit RSA key has 13 KiB; logs interleave
/// other lines.
const MAX_KEY: usize = 32 * 1024;
/// Minimum length of base64 behind the time of a log; shorter ones are words.
const SHORTEST_BODY: usize = 16;
/// Maximum number of bytes of the value of one name.
const MAX_BELOW: usize = 256 * 1024;
/// Maximum number of bytes of a text over several lines without an end.
const MAX_TEXT: usize = 8 * 1024;
/// Maximum number of bytes that other threads write within the value of one name, or before it.
const MAX_INTERRUPTION: usize = 8 * 1024;

/// What the preceding lines imply for the next one. Ordered: of two states the greater one wins.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum LineState {
    #[default]
    Nothing,
    /// A key may have begun, with base64 starting at `column`. Lines in the form of a key are redacted,
    /// others kept.
    Body { left: usize, column: usize },
    /// The name of a secret variable was seen; the next line may hold its value.
    Value,
    /// A name ended its line without a value; the next line may be the value alone. `bare`: nothing but the
    /// name was in the line, not even a separator.
    Prompt { bare: bool },
    /// A flag or a property was seen whose value is the next line.
    Argument,
    /// The line ended in base64 of a key, in a word of `width` characters.
    Base64 { width: usize, left: usize },
    /// A value continues in lines indented further than `indent`: all of them for a block (`|`), otherwise
    /// the values of pairs, and lines that are none.
    Below { indent: usize, block: bool, left: usize, foreign: usize },
    /// Inside a text over several lines, up to the line with this word or these quotes.
    Until { end: [u8; MAX_END], left: usize },
    /// Inside a private key whose label is at `column`.
    Pem { left: usize, column: usize },
}

impl LineState {
    pub(super) fn pem(column: usize) -> Self {
        Self::Pem { left: MAX_KEY, column }
    }

    pub(super) fn body(column: usize) -> Self {
        Self::Body { left: MAX_KEY, column }
    }

    /// Returns whether a private key continues.
    pub(super) fn is_key(self) -> bool {
        matches!(self, Self::Body { .. } | Self::Pem { .. })
    }

    pub(super) fn base64(width: usize) -> Self {
        Self::Base64 { width, left: MAX_KEY }
    }

    pub(super) fn below(line: &[u8], block: bool) -> Self {
        Self::Below { indent: indentation(line), block, left: MAX_BELOW, foreign: 0 }
    }

    /// Returns the state inside a text that a line with `end` ends.
    pub(super) fn until(end: &[u8]) -> Self {
        let mut word = [0; MAX_END];
        word.iter_mut().zip(end).for_each(|(to, from)| *to = *from);
        Self::Until { end: word, left: MAX_TEXT }
    }

    /// Returns the rule under which a word is redacted because of this state.
    pub(super) fn rule(self) -> Rule {
        match self {
            Self::Base64 { .. } => Rule::Base64,
            Self::Body { .. } => Rule::PrivateKey,
            _ => Rule::NamedValue,
        }
    }

    /// Returns what to redact of this line because of the preceding ones, and updates the state for the next
    /// line.
    pub(super) fn apply(&mut self, line: &[u8]) -> Effect {
        let effect = match self {
            Self::Nothing => return Effect::Scan { from: 0 },
            // Empty lines and comments are not values.
            Self::Value | Self::Argument if matches!(line.trim_ascii().first(), None | Some(b'#')) => {
                return Effect::Scan { from: 0 };
            }
            Self::Value if is_record(line) || begins_with_time(line) => return Effect::Scan { from: 0 },
            Self::Value => Effect::Value,
            // The rule below the header of a table, and an empty line, are not the value.
            Self::Prompt { .. } if line.iter().all(|byte| b" \t-+=|".contains(byte)) => {
                return Effect::Scan { from: 0 };
            }
            Self::Prompt { bare } => match value_alone(line, *bare) {
                Some(value) => Effect::Word(value),
                None => Effect::Scan { from: 0 },
            },
            Self::Argument => {
                let punctuation = |byte: &u8| is_margin(*byte) || matches!(byte, b'"' | b'\'');
                let start = line.iter().take_while(|byte| punctuation(byte)).count();
                let rest = line[start..].iter().rev();
                let end = line.len() - rest.take_while(|byte| matches!(**byte, b'"' | b'\'' | b',' | b' ')).count();
                Effect::Word(start..end)
            }
            Self::Pem { left, column } => match end_label(line).filter(|_| !is_record(line)) {
                Some(end) => Effect::Scan { from: after_dashes(line, end) },
                None if shorten(left, line).is_none() => return self.end(),
                None if is_foreign(line, *column) => return Effect::Scan { from: 0 },
                None => {
                    if let Some(word) = body_word(line, *column) {
                        *column = word.start;
                    }
                    return Effect::Whole;
                }
            },
            Self::Body { left, column } => {
                let word = body_word(line, *column);
                let is_over = shorten(left, line).is_none() || word.is_none() && end_label(line).is_some();
                let effect = word.map_or(Effect::Scan { from: 0 }, |word| {
                    *column = word.start;
                    Effect::Word(word)
                });
                if is_over {
                    *self = Self::Nothing;
                }
                return effect;
            }
            Self::Base64 { width, left } => {
                let word = last_word(line);
                let chars = &line[word.clone()];
                let is_pure =
                    !chars.is_empty() && chars.iter().all(|byte| base64::is_base64_char(*byte) || *byte == b'=');
                // Behind the prefix of a log, all lines of a key have the length of the first; only the last
                // one is shorter.
                let is_alone = indentation(line) == word.start;
                let continues = is_pure && (is_alone || chars.len() == *width);
                if continues {
                    return shorten(left, line).map_or_else(|| self.end(), |()| Effect::Word(word));
                }
                // Among other lines, a short word ends a key only if it looks like one.
                let is_rest = chars.len() < *width && (is_alone || is_random(chars) || chars.ends_with(b"="));
                if is_pure && is_rest { Effect::Word(word) } else { Effect::Scan { from: 0 } }
            }
            Self::Below { indent, block, left, foreign } => {
                if line.trim_ascii().is_empty() {
                    return Effect::Scan { from: 0 };
                }
                // Another thread writes in between. A name without a value yet may be the end of a sentence.
                let is_open = *block || *left < MAX_BELOW;
                if is_open && indentation(line) <= *indent && (is_foreign_below(line) || is_no_yaml(line)) {
                    *foreign += line.len() + 1;
                    if *foreign > MAX_INTERRUPTION {
                        *self = Self::Nothing;
                    }
                    return Effect::Scan { from: 0 };
                }
                // `value: …` below a secret name.
                if indentation(line) > *indent && !*block && is_value_entry(line) {
                    *self = Self::Nothing;
                    return Effect::Value;
                }
                if indentation(line) > *indent {
                    let effect = if *block || !is_pair(line) { Effect::Whole } else { Effect::Member };
                    return shorten(left, line).map_or_else(|| self.end(), |()| effect);
                }
                // The answer to a prompt.
                match value_alone(line, false).filter(|_| !*block && *left == MAX_BELOW) {
                    Some(value) => Effect::Word(value),
                    None => Effect::Scan { from: 0 },
                }
            }
            Self::Until { left, .. } if is_record(line) || begins_with_time(line) => {
                if shorten(left, line).is_none() {
                    *self = Self::Nothing;
                }
                return Effect::Scan { from: 0 };
            }
            Self::Until { end, left } => match end_of_text(line, end) {
                Some(from) => Effect::Scan { from },
                None => return shorten(left, line).map_or_else(|| self.end(), |()| Effect::Whole),
            },
        };
        *self = Self::Nothing;
        effect
    }

    /// Ends the state with this line, because its window is used up.
    fn end(&mut self) -> Effect {
        *self = Self::Nothing;
        Effect::Whole
    }
}

/// What the preceding lines imply for a line.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Effect {
    /// Redact everything before `from`, and scan the rest.
    Scan {
        from: usize,
    },
    /// If the name of the line is `value`, redact its value.
    Value,
    /// Redact the value of this pair below a secret name, unless its name is that of a setting.
    Member,
    /// Redact this word, and scan the rest.
    Word(Range<usize>),
    Whole,
}

/// Returns the value that is alone in its line, with quotes, with its type before it, or behind the colon of
/// an explicit key. Below a `bare` name, which may be one of a list, it must look more like a secret.
fn value_alone(line: &[u8], bare: bool) -> Option<Range<usize>> {
    if is_record(line) || begins_with_time(line) {
        return None;
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'}' | b')' | b']');
    let end = line.len() - line.iter().rev().take_while(|byte| ends(byte)).count();
    let text = &line[..end];
    let quote = text.last().copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let open = quote.and_then(|quote| memchr::memchr(quote, &text[..end - 1]));
    let start = match open {
        Some(open) => open + 1,
        None => indentation(text),
    };
    let end = if open.is_some() { end - 1 } else { end - usize::from(quote.is_some()) };
    let end = end - line[..end].iter().rev().take_while(|byte| **byte == b'\\').count();
    let before = &line[..start.min(line.len())];
    // Only a type, as of PHP: `string(8) "…"`.
    let is_alone =
        before.iter().all(|byte| is_margin(*byte) || byte.is_ascii_alphanumeric() || b"()\"'\\".contains(byte));
    let start = start + if line[start..].starts_with(b": ") { 2 } else { 0 };
    let word = line.get(start..end).filter(|word| is_alone && !word.iter().any(u8::is_ascii_whitespace))?;
    let has = |kind: fn(&u8) -> bool| word.iter().any(kind);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && !has(|byte| *byte == b'.');
    let is_explicit = line[..start].ends_with(b": ");
    let is_secret = looks_like_a_secret(word) && !word.contains(&b':') && (!bare || is_mixed || is_explicit);
    is_secret.then_some(start..end)
}

/// Returns whether a line within a key belongs to another thread: a JSON record, or a message with its own
/// time.
fn is_foreign(line: &[u8], column: usize) -> bool {
    if is_record(line) {
        return true;
    }
    let word = last_word(line);
    let chars = &line[word.clone()];
    let is_body = is_pure(chars) && (word.start == column || chars.len() >= SHORTEST_BODY);
    begins_with_time(line) && !is_body
}

/// Returns where a text over several lines ends in a line: at its quotes, or with the word that is the whole
/// line but for the punctuation of a shell.
fn end_of_text(line: &[u8], end: &[u8; MAX_END]) -> Option<usize> {
    let end = &end[..end.iter().position(|byte| *byte == 0).unwrap_or(MAX_END)];
    if !end[0].is_ascii_alphanumeric() {
        return memchr::memmem::find(line, end);
    }
    let rest = line.trim_ascii().strip_prefix(end)?;
    rest.iter().all(|byte| !byte.is_ascii_alphanumeric()).then_some(0)
}

/// Takes a line off the window; `None` if it is used up.
fn shorten(left: &mut usize, line: &[u8]) -> Option<()> {
    *left = left.checked_sub(line.len() + 1)?;
    Some(())
}

/// Returns the last word of a line, without surrounding quotes and brackets.
pub(super) fn last_word(line: &[u8]) -> Range<usize> {
    let punctuation =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b',' | b']' | b'}' | b')');
    let end = line.len() - line.iter().rev().take_while(|byte| punctuation(byte)).count();
    let start = line[..end].iter().rposition(|byte| punctuation(byte) || matches!(byte, b'[' | b'(' | b'{' | b':'));
    start.map_or(0, |start| start + 1)..end
}

/// Returns the number of columns before the first character. Marks of comments and list items count, so that
/// a block in a comment is recognised.
pub(in crate::redact) fn indentation(line: &[u8]) -> usize {
    line.iter().take_while(|byte| is_margin(**byte)).count()
}

pub(super) fn is_margin(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'#' | b'-' | b'+')
}

/// Returns whether a line is `value: …`, with or without quotes around the name.
pub(super) fn is_value_entry(line: &[u8]) -> bool {
    let inner = line[indentation(line)..].trim_ascii_start();
    let inner = inner.strip_prefix(b"\"").unwrap_or(inner);
    let length = inner.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    is_holder(&inner[..length]) && matches!(inner.get(length), Some(b':' | b'"'))
}

/// Returns whether a line is `<value>…</value>`.
pub(super) fn is_value_element(line: &[u8]) -> bool {
    let Some(inner) = line[indentation(line)..].strip_prefix(b"<") else { return false };
    let length = inner.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    is_holder(&inner[..length]) && inner.get(length) == Some(&b'>')
}

/// Returns whether a line of YAML is a pair, and so not part of a plain scalar above it.
pub(super) fn is_pair(line: &[u8]) -> bool {
    pair_end(line).is_some()
}

/// Returns whether a line can be no key, item, document or bracket of YAML, and so is of another thread.
fn is_no_yaml(line: &[u8]) -> bool {
    let is_words = line.first().is_some_and(u8::is_ascii_alphanumeric) && line.contains(&b' ');
    is_words && memchr::memchr(b':', line).is_none()
}

/// Returns the value of a line that is a pair, and is below a secret name; `None` if it is a setting or a
/// reference.
pub(super) fn member(line: &[u8]) -> Option<Range<usize>> {
    let colon = pair_end(line)?;
    let name = line[indentation(line)..colon].trim_ascii();
    let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    let start = colon + 1 + line[colon + 1..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let end = start + line[start..].trim_ascii_end().len();
    let value = &line[start..end];
    let is_open = value.is_empty() || matches!(value, b"{" | b"[") || matches!(value[0], b'|' | b'>' | b'&' | b'#');
    let is_setting = str::from_utf8(name).is_ok_and(is_setting_below_secret);
    let quotes = |byte: &u8| matches!(byte, b'"' | b'\'' | b',');
    let bare = &value[value.iter().take_while(|byte| quotes(byte)).count()..];
    let bare = &bare[..bare.len() - bare.iter().rev().take_while(|byte| quotes(byte)).count()];
    (!is_open && !is_setting && !is_not_secret(bare, name)).then_some(start..end)
}

/// Returns the offset of the colon of a line that is a pair.
fn pair_end(line: &[u8]) -> Option<usize> {
    let margin = indentation(line);
    let inner = &line[margin..];
    let end = match inner.first() {
        Some(quote @ (b'"' | b'\'')) => match memchr::memchr(*quote, &inner[1..]) {
            Some(at) => at + 2,
            None => return None,
        },
        _ => inner
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || b"_.-/".contains(byte)))
            .unwrap_or(inner.len()),
    };
    let is_pair = end > 0 && inner[end..].starts_with(b":") && inner.get(end + 1).is_none_or(u8::is_ascii_whitespace);
    is_pair.then_some(margin + end)
}
