//! What a line says about the lines after it: a key that goes on, a block of YAML, a value that stands below its name.

use std::ops::Range;

use super::pem::{after_dashes, body_word, end_label, is_pure, is_random};
use super::prefix::{begins_with_time, is_record};
use crate::redact::base64;
use crate::redact::rules::Rule;
use crate::secrets::is_holder;

/// Bytes of a private key that has no end, before the text is taken for something else again. The key of RSA with 16384 bits has
/// 13 KiB; a log writes other lines between those of a key.
const MAX_KEY: usize = 32 * 1024;
/// Behind the time of a log, base64 that is shorter is a word.
const SHORTEST_BODY: usize = 16;
/// Bytes that belong to one name.
const MAX_BELOW: usize = 256 * 1024;

#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Carry {
    #[default]
    Nothing,
    /// A key may have begun, in base64 whose lines begin at `column`: what has its form goes, other lines are as they are.
    Body { left: usize, column: usize },
    /// The name of a secret variable was seen: the next line may hold its value.
    Value,
    /// A flag or a property was seen whose value is the next line.
    Argument,
    /// The line ended in base64 of a key, in a word of so many letters.
    Base64 { width: usize, left: usize },
    /// A value that goes on in lines further in than `indent`: of a block (`|`) all of them, else until one is a pair itself.
    Below { indent: usize, block: bool, left: usize },
    /// Inside a private key whose label stands at `column`.
    Pem { left: usize, column: usize },
}

impl Carry {
    pub(super) fn pem(column: usize) -> Self {
        Self::Pem { left: MAX_KEY, column }
    }

    pub(super) fn body(column: usize) -> Self {
        Self::Body { left: MAX_KEY, column }
    }

    /// Whether it is a private key that goes on.
    pub(super) fn is_key(self) -> bool {
        matches!(self, Self::Body { .. } | Self::Pem { .. })
    }

    pub(super) fn base64(width: usize) -> Self {
        Self::Base64 { width, left: MAX_KEY }
    }

    pub(super) fn below(line: &[u8], block: bool) -> Self {
        Self::Below { indent: indentation(line), block, left: MAX_BELOW }
    }

    /// Why a word goes because of it.
    pub(super) fn rule(self) -> Rule {
        match self {
            Self::Base64 { .. } => Rule::Base64,
            Self::Body { .. } => Rule::PrivateKey,
            _ => Rule::NamedValue,
        }
    }

    /// What goes of this line because of those before it, and what is said of the next. The rest of the line is to be looked at.
    pub(super) fn apply(&mut self, line: &[u8]) -> Effect {
        let effect = match self {
            Self::Nothing => return Effect::Look { from: 0 },
            // A blank line or a comment is none.
            Self::Value | Self::Argument if matches!(line.trim_ascii().first(), None | Some(b'#')) => {
                return Effect::Look { from: 0 };
            }
            Self::Value => Effect::Value,
            Self::Argument => {
                let sign = |byte: &u8| is_margin(*byte) || matches!(byte, b'"' | b'\'');
                let start = line.iter().take_while(|byte| sign(byte)).count();
                let rest = line[start..].iter().rev();
                let end = line.len() - rest.take_while(|byte| matches!(**byte, b'"' | b'\'' | b',' | b' ')).count();
                Effect::Word(start..end)
            }
            Self::Pem { left, column } => match end_label(line).filter(|_| !is_record(line)) {
                Some(end) => Effect::Look { from: after_dashes(line, end) },
                None if shorten(left, line).is_none() => return self.end(),
                None if is_foreign(line, *column) => return Effect::Look { from: 0 },
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
                let effect = word.map_or(Effect::Look { from: 0 }, |word| {
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
                let letters = &line[word.clone()];
                let is_pure =
                    !letters.is_empty() && letters.iter().all(|byte| base64::is_letter(*byte) || *byte == b'=');
                // Behind the prefix of a log all lines of a key are as long as the first; only the last one is shorter.
                let is_alone = indentation(line) == word.start;
                let goes_on = is_pure && (is_alone || letters.len() == *width);
                if goes_on {
                    return shorten(left, line).map_or_else(|| self.end(), |()| Effect::Word(word));
                }
                // Among the lines of others a short word is the end of a key only where it looks like one.
                let is_rest = letters.len() < *width && (is_alone || is_random(letters) || letters.ends_with(b"="));
                if is_pure && is_rest { Effect::Word(word) } else { Effect::Look { from: 0 } }
            }
            Self::Below { indent, block, left } => {
                if line.trim_ascii().is_empty() {
                    return Effect::Look { from: 0 };
                }
                // `value: …` below a secret name.
                if indentation(line) > *indent && !*block && is_held(line) {
                    *self = Self::Nothing;
                    return Effect::Value;
                }
                if indentation(line) > *indent && (*block || !is_pair(line)) {
                    return shorten(left, line).map_or_else(|| self.end(), |()| Effect::Whole);
                }
                Effect::Look { from: 0 }
            }
        };
        *self = Self::Nothing;
        effect
    }

    /// The last line of a window.
    fn end(&mut self) -> Effect {
        *self = Self::Nothing;
        Effect::Whole
    }
}

/// What a line has to expect from those before it.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Effect {
    /// All before `from` goes, the rest is looked at.
    Look {
        from: usize,
    },
    /// If its name is `value`, the value goes.
    Value,
    /// Only this goes, and the rest is looked at.
    Word(Range<usize>),
    Whole,
}

/// Whether a line between those of a key is of another thread: a record of JSON, or a message behind a time of its own.
fn is_foreign(line: &[u8], column: usize) -> bool {
    if is_record(line) {
        return true;
    }
    let word = last_word(line);
    let letters = &line[word.clone()];
    let is_body = is_pure(letters) && (word.start == column || letters.len() >= SHORTEST_BODY);
    begins_with_time(line) && !is_body
}

/// Nothing when the window is used up.
fn shorten(left: &mut usize, line: &[u8]) -> Option<()> {
    *left = left.checked_sub(line.len() + 1)?;
    Some(())
}

/// The last word of a line, without the quotes and brackets around it.
pub(super) fn last_word(line: &[u8]) -> Range<usize> {
    let sign =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b',' | b']' | b'}' | b')');
    let end = line.len() - line.iter().rev().take_while(|byte| sign(byte)).count();
    let start = line[..end].iter().rposition(|byte| sign(byte) || matches!(byte, b'[' | b'(' | b'{' | b':'));
    start.map_or(0, |start| start + 1)..end
}

/// Columns before the first letter. Marks of comments and of list items count, so that a block in a comment is one too.
pub(in crate::redact) fn indentation(line: &[u8]) -> usize {
    line.iter().take_while(|byte| is_margin(**byte)).count()
}

pub(super) fn is_margin(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'#' | b'-' | b'+')
}

/// `value: …`, the name alone or in quotes.
fn is_held(line: &[u8]) -> bool {
    let inner = line[indentation(line)..].trim_ascii_start();
    let inner = inner.strip_prefix(b"\"").unwrap_or(inner);
    let length = inner.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    is_holder(&inner[..length]) && matches!(inner.get(length), Some(b':' | b'"'))
}

/// Whether a line of YAML is a pair: then it is no part of a plain value above it.
fn is_pair(line: &[u8]) -> bool {
    let inner = &line[indentation(line)..];
    let end = match inner.first() {
        Some(quote @ (b'"' | b'\'')) => match memchr::memchr(*quote, &inner[1..]) {
            Some(at) => at + 2,
            None => return false,
        },
        _ => inner
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || b"_.-/".contains(byte)))
            .unwrap_or(inner.len()),
    };
    end > 0 && inner[end..].starts_with(b":") && inner.get(end + 1).is_none_or(u8::is_ascii_whitespace)
}
