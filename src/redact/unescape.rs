//! Undoes the escapes of a line (`\x22`, `\u0022`, `%22`, `&quot;`, and `""` of CSV), removes terminal
//! colours and characters without width, and replaces letters that look like ASCII.
//!
//! Programs log what they received in the escapes of their own format, and what they received was escaped by
//! others. A quoted password may therefore be surrounded by any of these, nested. Patterns match plain text
//! only; each match is mapped back to its range in the line as written. UTF-8 stays UTF-8.
//!
//! The decoder is our own because libraries undo one kind of escape each, and none maps positions back.

use std::iter;
use std::ops::Range;

use memchr::memmem;

use crate::secrets::disguise::{self, Disguise};

/// Maximum number of nested escapes that are undone.
const MAX_LEVELS: usize = 8;
/// Maximum number of backslashes before an escape, as nested JSON doubles them.
const MAX_BACKSLASHES: usize = 16;
/// Maximum number of characters of the parameters of a colour: `ESC [ 1;38;5;208 m`.
const MAX_COLOUR: usize = 24;
const ESCAPE: u8 = 0x1B;
/// A quote in a cell of CSV, and the end of a name of JSON in one. An empty name of JSON looks the same.
const DOUBLED: &[u8] = b"\"\"";
const DOUBLED_NAME: &[u8] = b"\"\":";

const ENTITIES: &[(&[u8], char)] =
    &[(b"quot;", '"'), (b"apos;", '\''), (b"amp;", '&'), (b"lt;", '<'), (b"gt;", '>'), (b"nbsp;", ' ')];

/// A line with escapes undone, and the origin of each of its bytes.
pub(super) struct Unescaped {
    pub(super) bytes: Vec<u8>,
    /// Offset of each byte in the line as written, then the length of that line.
    origins: Vec<u32>,
    /// Offsets in `bytes` of the escapes undone by the last step, ascending.
    undone: Vec<u32>,
}

impl Unescaped {
    /// Undoes one level of escapes; `None` if the line has none.
    fn once(line: &[u8]) -> Option<Self> {
        let has_doubled = memmem::find(line, DOUBLED_NAME).is_some();
        let disguised = line.is_ascii().then_some(line.len());
        let mut escapes = Escapes { line, at: 0, escape: None, colour: None, has_doubled, doubled: None, disguised };
        let first = escapes.next()?;
        let mut unescaped = Self {
            bytes: Vec::with_capacity(line.len()),
            origins: Vec::with_capacity(line.len() + 1),
            undone: Vec::new(),
        };
        let (mut at, mut escape) = (0, Some(first));
        while let Some((place, decoded)) = escape {
            unescaped.copy(line, at..place.start);
            unescaped.undone.push(offset(unescaped.bytes.len()));
            unescaped.push(decoded, place.start);
            at = place.end;
            escape = escapes.next();
        }
        unescaped.copy(line, at..line.len());
        unescaped.origins.push(offset(line.len()));
        Some(unescaped)
    }

    /// Returns the results of undoing one level after the other.
    pub(super) fn levels(line: &[u8]) -> impl Iterator<Item = Self> {
        iter::successors(Self::once(line), Self::deeper).take(MAX_LEVELS)
    }

    /// Undoes one more level.
    fn deeper(&self) -> Option<Self> {
        let mut inner = Self::once(&self.bytes)?;
        for place in &mut inner.origins {
            *place = self.origins.get(*place as usize).copied().unwrap_or_default();
        }
        Some(inner)
    }

    /// Undoes all levels.
    pub(super) fn deepest(line: &[u8]) -> Option<Self> {
        Self::levels(line).last()
    }

    /// Maps a range of `bytes` to the line as written.
    pub(super) fn source_range(&self, range: &Range<usize>) -> Range<usize> {
        let place = |at: usize| self.origins.get(at).map_or(0, |place| *place as usize);
        place(range.start)..place(range.end)
    }

    /// Returns whether the last step undid an escape in this range.
    pub(super) fn is_new(&self, range: &Range<usize>) -> bool {
        let first = self.undone.partition_point(|place| (*place as usize) < range.start);
        self.undone.get(first).is_some_and(|place| *place as usize <= range.end)
    }

    fn copy(&mut self, line: &[u8], range: Range<usize>) {
        self.origins.extend(range.clone().map(offset));
        self.bytes.extend_from_slice(&line[range]);
    }

    fn push(&mut self, decoded: Decoded, at: usize) {
        let mut buffer = [0; 4];
        let bytes: &[u8] = match decoded {
            Decoded::None => return,
            // An escaped line end must not end this line.
            Decoded::Byte(b'\n') | Decoded::Char('\n') => b"\\n",
            Decoded::Byte(b'\r') | Decoded::Char('\r') => b"\\r",
            Decoded::Byte(0) | Decoded::Char('\0') => b" ",
            Decoded::Byte(byte) => {
                buffer[0] = byte;
                &buffer[..1]
            }
            Decoded::Char(char) => char.encode_utf8(&mut buffer).as_bytes(),
        };
        self.bytes.extend_from_slice(bytes);
        self.origins.extend(iter::repeat_n(offset(at), bytes.len()));
    }
}

/// What an escape represents.
#[derive(Clone, Copy)]
enum Decoded {
    /// A colour, or a character without width, which represents no character.
    None,
    Byte(u8),
    Char(char),
}

/// Converts an offset; lines are far shorter than `u32::MAX`.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Iterates over the escapes of a line, with their ranges and what they stand for.
struct Escapes<'a> {
    line: &'a [u8],
    at: usize,
    /// Offsets of the next possible escape and of the next colour; the length of the line if there is none.
    escape: Option<usize>,
    colour: Option<usize>,
    /// Whether quotes are doubled, and the next pair of them.
    has_doubled: bool,
    doubled: Option<usize>,
    /// Offset of the next character in disguise; the length of the line if there is none.
    disguised: Option<usize>,
}

impl Iterator for Escapes<'_> {
    type Item = (Range<usize>, Decoded);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.line.get(self.at..)?;
            let from = self.at;
            let place = |found: Option<usize>| found.map_or(self.line.len(), |found| from + found);
            let escape = *self.escape.get_or_insert_with(|| place(memchr::memchr3(b'\\', b'%', b'&', rest)));
            let colour = *self.colour.get_or_insert_with(|| place(memchr::memchr(ESCAPE, rest)));
            let pair = || place(memmem::find(rest, DOUBLED).filter(|_| self.has_doubled));
            let doubled = *self.doubled.get_or_insert_with(pair);
            let disguised = *self.disguised.get_or_insert_with(|| next_disguised(self.line, from));
            self.at = escape.min(colour).min(doubled).min(disguised);
            let rest = self.line.get(self.at..).filter(|rest| !rest.is_empty())?;
            let found = match rest[0] {
                ESCAPE => self::colour(rest),
                b'"' => Some((DOUBLED.len(), Decoded::Byte(b'"'))),
                b'%' => percent(rest),
                b'&' => entity(rest),
                b'\\' => backslash(rest),
                _ => self::disguised(self.line, self.at),
            };
            let begin = self.at;
            // A row of backslashes that begins no escape is skipped whole.
            let row = || rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count().max(1);
            self.at += found.map_or_else(row, |(length, _)| length);
            self.escape = self.escape.filter(|escape| *escape >= self.at);
            self.colour = self.colour.filter(|colour| *colour >= self.at);
            self.doubled = self.doubled.filter(|doubled| *doubled >= self.at);
            self.disguised = self.disguised.filter(|disguised| *disguised >= self.at);
            if let Some((_, decoded)) = found {
                return Some((begin..self.at, decoded));
            }
        }
    }
}

/// Returns the offset of the next character in disguise at or after `from`.
fn next_disguised(line: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = line.get(at..)
        && let Some(beyond) = rest.iter().position(|byte| !byte.is_ascii())
    {
        at += beyond;
        if disguised(line, at).is_some() {
            return at;
        }
        at += 1;
    }
    line.len()
}

/// Decodes a character without width, a full-width form, and a letter of another script beside one of ASCII.
fn disguised(line: &[u8], at: usize) -> Option<(usize, Decoded)> {
    let rest = line.get(at..)?;
    let character = rest.get(..rest.len().min(4))?.utf8_chunks().next()?.valid().chars().next()?;
    let length = character.len_utf8();
    let is_letter = |at: Option<usize>| at.and_then(|at| line.get(at)).is_some_and(u8::is_ascii_alphabetic);
    let decoded = match disguise::of(character)? {
        Disguise::Nothing => Decoded::None,
        Disguise::Always(plain) => Decoded::Char(plain),
        Disguise::AmongLetters(plain) if is_letter(at.checked_sub(1)) || is_letter(Some(at + length)) => {
            Decoded::Char(plain)
        }
        Disguise::AmongLetters(_) => return None,
    };
    Some((length, decoded))
}

/// Decodes `ESC [ … m`, and `ESC [ K`, which programs that highlight matches write as well.
fn colour(rest: &[u8]) -> Option<(usize, Decoded)> {
    let digits = rest
        .strip_prefix(&[ESCAPE, b'['])?
        .iter()
        .take(MAX_COLOUR)
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    matches!(rest.get(2 + digits), Some(b'm' | b'K')).then_some((2 + digits + 1, Decoded::None))
}

/// Decodes `%22`.
fn percent(rest: &[u8]) -> Option<(usize, Decoded)> {
    let value = hexadecimal(rest.get(1..3)?)?;
    Some((3, Decoded::Byte(u8::try_from(value).ok()?)))
}

/// Decodes `&quot;`, `&#34;` and `&#x22;`.
fn entity(rest: &[u8]) -> Option<(usize, Decoded)> {
    let inner = &rest[1..];
    if let Some((name, letter)) = ENTITIES.iter().find(|(name, _)| inner.starts_with(name)) {
        return Some((1 + name.len(), Decoded::Char(*letter)));
    }
    let number = inner.strip_prefix(b"#")?;
    let end = number.iter().take(8).position(|byte| *byte == b';')?;
    let value = match &number[..end] {
        [b'x' | b'X', digits @ ..] => hexadecimal(digits)?,
        digits => str::from_utf8(digits).ok()?.parse().ok()?,
    };
    Some((2 + end + 1, Decoded::Char(char::from_u32(value)?)))
}

/// Decodes `\x22` and `\u0022`, also behind several backslashes, and the dots of a regular expression
/// (`api\.acme\.com`).
fn backslash(rest: &[u8]) -> Option<(usize, Decoded)> {
    let backslashes = rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    let (length, decoded) = match rest.get(backslashes)? {
        b'x' => (2, Decoded::Byte(u8::try_from(hexadecimal(rest.get(backslashes + 1..backslashes + 3)?)?).ok()?)),
        b'u' => {
            let digits = rest.get(backslashes + 1..backslashes + 5)?;
            (4, Decoded::Char(char::from_u32(hexadecimal(digits)?)?))
        }
        b'.' => (0, Decoded::Byte(b'.')),
        _ => return None,
    };
    Some((backslashes + 1 + length, decoded))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str) -> String {
        Unescaped::deepest(text.as_bytes())
            .map_or(text.to_owned(), |unescaped| String::from_utf8(unescaped.bytes).unwrap())
    }

    #[test]
    fn undoes_every_kind_of_escape() {
        for (written, plain) in [
            (r"{\x22a\x22:1}", r#"{"a":1}"#),
            (r"{\u0022a\u0022:1}", r#"{"a":1}"#),
            (r"{\\u0022a\\\\u0022:1}", r#"{"a":1}"#),
            ("{&quot;a&#34;:&#x22;b&apos;}", "{\"a\":\"b'}"),
            ("a%2Eb%3a%2525", "a.b:%"),
            ("%252522", "\""),
            ("%5Cu0022&amp;quot;", "\"\""),
            ("\u{1b}[1;31mred\u{1b}[0m \\u001b[0mx", "red x"),
            ("a%0Ab\\x0dc%00", "a\\nb\\rc "),
            ("m%C3%BCller m\\u00fcller", "müller müller"),
            (r"C:\xylo 100% a&b \u12 \n \\", r"C:\xylo 100% a&b \u12 \n \\"),
            (r"^api\\.acme\.com$", "^api.acme.com$"),
            ("\u{1b}[01;31m\u{1b}[Ka\u{1b}[m\u{1b}[K=b", "a=b"),
            ("pass\u{200b}word pаѕѕword ｔｏｋｅｎ：x", "password password token:x"),
            ("пароль é 漢字", "пароль é 漢字"),
        ] {
            assert_eq!(undone(written), plain, "{written}");
        }
    }

    #[test]
    fn maps_ranges_back_to_the_line_as_written() {
        let line = "say %2522api%252eacme.com%2522 twice";
        let unescaped = Unescaped::deepest(line.as_bytes()).unwrap();
        assert_eq!(unescaped.bytes, b"say \"api.acme.com\" twice");
        assert_eq!(&line[unescaped.source_range(&(5..17))], "api%252eacme.com");
        assert_eq!(&line[unescaped.source_range(&(4..18))], "%2522api%252eacme.com%2522");
        assert_eq!(unescaped.source_range(&(0..unescaped.bytes.len())), 0..line.len());
    }
}
