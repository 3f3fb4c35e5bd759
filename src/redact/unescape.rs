//! A line as it reads when its escapes are undone: `\x22`, `\u0022`, `%22`, `&quot;`, and the colours of a terminal.
//!
//! Programs log what they were sent in the spelling of their own format, and what they were sent was spelled by others, so that
//! a password in quotes may have any of these around it, one inside another. Patterns know the plain spelling alone; what they find
//! in it is carried back to where it stands. Text in UTF-8 stays text in UTF-8.
//!
//! A decoder of its own, because libraries undo one spelling each, and none says where a letter came from.

use std::iter;
use std::ops::Range;

/// Spellings inside spellings that are undone.
const MAX_LEVELS: usize = 8;
/// Backslashes before one escape, as JSON inside JSON doubles them.
const MAX_BACKSLASHES: usize = 16;
/// Of a colour: `ESC [ 1;38;5;208 m`.
const MAX_COLOUR: usize = 24;
const ESCAPE: u8 = 0x1B;

const ENTITIES: &[(&[u8], char)] =
    &[(b"quot;", '"'), (b"apos;", '\''), (b"amp;", '&'), (b"lt;", '<'), (b"gt;", '>'), (b"nbsp;", ' ')];

/// A line with escapes undone.
pub(super) struct Plain {
    pub(super) bytes: Vec<u8>,
    /// Where each byte begins in the line as it is written, and last where that ends.
    places: Vec<u32>,
    /// Where an escape was undone last, in ascending order.
    undone: Vec<u32>,
}

impl Plain {
    /// Nothing where there is no escape.
    fn of(line: &[u8]) -> Option<Self> {
        let mut escapes = Escapes { line, at: 0, sign: None, colour: None };
        let first = escapes.next()?;
        let mut plain = Self {
            bytes: Vec::with_capacity(line.len()),
            places: Vec::with_capacity(line.len() + 1),
            undone: Vec::new(),
        };
        let (mut at, mut escape) = (0, Some(first));
        while let Some((place, letter)) = escape {
            plain.copy(line, at..place.start);
            plain.undone.push(number(plain.bytes.len()));
            plain.push(letter, place.start);
            at = place.end;
            escape = escapes.next();
        }
        plain.copy(line, at..line.len());
        plain.places.push(number(line.len()));
        Some(plain)
    }

    /// With one escape after the other undone that others made, each in turn.
    pub(super) fn levels(line: &[u8]) -> impl Iterator<Item = Self> {
        iter::successors(Self::of(line), Self::deeper).take(MAX_LEVELS)
    }

    /// The same once more.
    fn deeper(&self) -> Option<Self> {
        let mut inner = Self::of(&self.bytes)?;
        for place in &mut inner.places {
            *place = self.places.get(*place as usize).copied().unwrap_or_default();
        }
        Some(inner)
    }

    /// As far as it can be undone.
    pub(super) fn deepest(line: &[u8]) -> Option<Self> {
        Self::levels(line).last()
    }

    /// Where this stands in the line as it is written.
    pub(super) fn written(&self, range: &Range<usize>) -> Range<usize> {
        let place = |at: usize| self.places.get(at).map_or(0, |place| *place as usize);
        place(range.start)..place(range.end)
    }

    /// Whether an escape was undone in this part since the line that this was made of.
    pub(super) fn is_new(&self, range: &Range<usize>) -> bool {
        let first = self.undone.partition_point(|place| (*place as usize) < range.start);
        self.undone.get(first).is_some_and(|place| *place as usize <= range.end)
    }

    fn copy(&mut self, line: &[u8], range: Range<usize>) {
        self.places.extend(range.clone().map(number));
        self.bytes.extend_from_slice(&line[range]);
    }

    fn push(&mut self, letter: Letter, at: usize) {
        let mut buffer = [0; 4];
        let bytes: &[u8] = match letter {
            Letter::None => return,
            // What ends a line there ends none here.
            Letter::Byte(b'\n') | Letter::Char('\n') => b"\\n",
            Letter::Byte(b'\r') | Letter::Char('\r') => b"\\r",
            Letter::Byte(0) | Letter::Char('\0') => b" ",
            Letter::Byte(byte) => {
                buffer[0] = byte;
                &buffer[..1]
            }
            Letter::Char(letter) => letter.encode_utf8(&mut buffer).as_bytes(),
        };
        self.bytes.extend_from_slice(bytes);
        self.places.extend(iter::repeat_n(number(at), bytes.len()));
    }
}

/// What an escape stands for.
#[derive(Clone, Copy)]
enum Letter {
    /// A colour.
    None,
    Byte(u8),
    Char(char),
}

/// Lines are far shorter.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The escapes of a line, one after the other: where each stands, and what for.
struct Escapes<'a> {
    line: &'a [u8],
    at: usize,
    /// The next sign that begins one, and the next colour: each is looked for once. The length of the line where there is none.
    sign: Option<usize>,
    colour: Option<usize>,
}

impl Iterator for Escapes<'_> {
    type Item = (Range<usize>, Letter);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.line.get(self.at..)?;
            let from = self.at;
            let place = |found: Option<usize>| found.map_or(self.line.len(), |found| from + found);
            let sign = *self.sign.get_or_insert_with(|| place(memchr::memchr3(b'\\', b'%', b'&', rest)));
            let colour = *self.colour.get_or_insert_with(|| place(memchr::memchr(ESCAPE, rest)));
            self.at = sign.min(colour);
            let rest = self.line.get(self.at..).filter(|rest| !rest.is_empty())?;
            let found = match rest[0] {
                ESCAPE => self::colour(rest),
                b'%' => percent(rest),
                b'&' => entity(rest),
                _ => backslash(rest),
            };
            let begin = self.at;
            // Of a row of backslashes that is no escape all were looked at.
            let row = || rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count().max(1);
            self.at += found.map_or_else(row, |(length, _)| length);
            self.sign = self.sign.filter(|sign| *sign >= self.at);
            self.colour = self.colour.filter(|colour| *colour >= self.at);
            if let Some((_, letter)) = found {
                return Some((begin..self.at, letter));
            }
        }
    }
}

/// `ESC [ … m`, and `ESC [ K`, which programs that colour what they found write as well.
fn colour(rest: &[u8]) -> Option<(usize, Letter)> {
    let digits = rest
        .strip_prefix(&[ESCAPE, b'['])?
        .iter()
        .take(MAX_COLOUR)
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    matches!(rest.get(2 + digits), Some(b'm' | b'K')).then_some((2 + digits + 1, Letter::None))
}

/// `%22`.
fn percent(rest: &[u8]) -> Option<(usize, Letter)> {
    let value = hexadecimal(rest.get(1..3)?)?;
    Some((3, Letter::Byte(u8::try_from(value).ok()?)))
}

/// `&quot;`, `&#34;`, `&#x22;`.
fn entity(rest: &[u8]) -> Option<(usize, Letter)> {
    let inner = &rest[1..];
    if let Some((name, letter)) = ENTITIES.iter().find(|(name, _)| inner.starts_with(name)) {
        return Some((1 + name.len(), Letter::Char(*letter)));
    }
    let number = inner.strip_prefix(b"#")?;
    let end = number.iter().take(8).position(|byte| *byte == b';')?;
    let value = match &number[..end] {
        [b'x' | b'X', digits @ ..] => hexadecimal(digits)?,
        digits => str::from_utf8(digits).ok()?.parse().ok()?,
    };
    Some((2 + end + 1, Letter::Char(char::from_u32(value)?)))
}

/// `\x22` and `\u0022`, and with more backslashes. The dots of an expression (`api\.acme\.com`) are dots.
fn backslash(rest: &[u8]) -> Option<(usize, Letter)> {
    let signs = rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    let (length, letter) = match rest.get(signs)? {
        b'x' => (2, Letter::Byte(u8::try_from(hexadecimal(rest.get(signs + 1..signs + 3)?)?).ok()?)),
        b'u' => {
            let digits = rest.get(signs + 1..signs + 5)?;
            (4, Letter::Char(char::from_u32(hexadecimal(digits)?)?))
        }
        b'.' => (0, Letter::Byte(b'.')),
        _ => return None,
    };
    Some((signs + 1 + length, letter))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str) -> String {
        Plain::deepest(text.as_bytes()).map_or(text.to_owned(), |plain| String::from_utf8(plain.bytes).unwrap())
    }

    #[test]
    fn every_spelling_is_undone() {
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
        ] {
            assert_eq!(undone(written), plain, "{written}");
        }
    }

    #[test]
    fn what_was_found_stands_where_it_is_written() {
        let line = "say %2522api%252eacme.com%2522 twice";
        let plain = Plain::deepest(line.as_bytes()).unwrap();
        assert_eq!(plain.bytes, b"say \"api.acme.com\" twice");
        assert_eq!(&line[plain.written(&(5..17))], "api%252eacme.com");
        assert_eq!(&line[plain.written(&(4..18))], "%2522api%252eacme.com%2522");
        assert_eq!(plain.written(&(0..plain.bytes.len())), 0..line.len());
    }
}
