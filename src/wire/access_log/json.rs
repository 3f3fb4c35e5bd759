//! The grammar of JSON (RFC 8259) over one record, without building a value.
//!
//! Strict where structure is concerned, since a record counts only where its top-level keys are certain.
//! Lenient inside strings: bytes that are not UTF-8, control characters and unknown escapes come from clients
//! (paths, user agents) and must not invalidate the record.

use std::borrow::Cow;

use memchr::memchr2;
use wide::u8x32;

/// Nested arrays and objects within one record; deeper content is not a record. One bit each in a `u128`.
const MAX_DEPTH: u32 = 120;

/// One value, as far as the classifier needs to know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    /// The content between the quotes.
    Text(&'a [u8]),
    /// A number, `true` or `false`.
    Plain(&'a [u8]),
    Object(&'a [u8]),
    Array(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value whose bytes, quotes and brackets included, the grammar has accepted.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it must never be a call per member")]
    pub(super) fn of(raw: &'a [u8]) -> Self {
        match raw {
            [b'"', text @ .., b'"'] => Self::Text(text),
            [b'{', ..] => Self::Object(raw),
            [b'[', ..] => Self::Array(raw),
            [b'n', ..] => Self::Null,
            _ => Self::Plain(raw),
        }
    }

    /// The content of a string, without its escapes.
    pub(super) fn text(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Text(raw) => Some(unescape(raw)),
            _ => None,
        }
    }

    /// Returns the only element of an array, as in Elastic's `fields`; otherwise the value itself.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it must never be a call per member")]
    pub(super) fn single(self) -> Self {
        match self {
            Self::Array(raw) => Self::only(raw).unwrap_or(self),
            _ => self,
        }
    }

    /// Returns the only element of an array.
    fn only(array_of: &'a [u8]) -> Option<Self> {
        let mut found = None;
        let mut count = 0;
        array(array_of, 0, |value| {
            found = Some(value);
            count += 1;
        });
        found.filter(|_| count == 1)
    }

    /// A number, or a string that holds one.
    pub(super) fn number(self) -> Option<f64> {
        let text = match self {
            Self::Plain(raw) => Cow::Borrowed(raw),
            Self::Text(raw) => unescape(raw),
            _ => return None,
        };
        std::str::from_utf8(&text).ok()?.trim().parse().ok()
    }
}

/// One member of an object, with the position of its value.
pub(super) struct Member<'a> {
    pub(super) key: Cow<'a, [u8]>,
    pub(super) value: Value<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Reads the object that begins at `at`, and returns its end, or `None` if the object is malformed. Calls
/// `each` for every top-level member in order, also for those before an error: discard them without an end.
pub(super) fn object<'a>(bytes: &'a [u8], at: usize, mut each: impl FnMut(Member<'a>)) -> Option<usize> {
    let mut at = blank(bytes, take(bytes, at, b'{')?);
    if bytes.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        let after_key = string(bytes, at)?.end;
        let key = unescape(bytes.get(at + 1..after_key - 1)?);
        let start = blank(bytes, take(bytes, blank(bytes, after_key), b':')?);
        let end = value(bytes, start)?;
        each(Member { key, value: Value::of(bytes.get(start..end)?), start, end });
        at = blank(bytes, end);
        match bytes.get(at)? {
            b',' => at = blank(bytes, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Reads the array that begins at `at`; returns its end. Calls `each` as [`object`] does.
pub(super) fn array<'a>(bytes: &'a [u8], at: usize, mut each: impl FnMut(Value<'a>)) -> Option<usize> {
    let mut at = blank(bytes, take(bytes, at, b'[')?);
    if bytes.get(at) == Some(&b']') {
        return Some(at + 1);
    }
    loop {
        let end = value(bytes, at)?;
        each(Value::of(bytes.get(at..end)?));
        at = blank(bytes, end);
        match bytes.get(at)? {
            b',' => at = blank(bytes, at + 1),
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Reads any value that begins at `at`; returns its end.
pub(super) fn value(bytes: &[u8], mut at: usize) -> Option<usize> {
    let key = |at| {
        let at = blank(bytes, string(bytes, at)?.end);
        Some(blank(bytes, take(bytes, at, b':')?))
    };
    // A stack of bits instead of recursion: a set bit is an object, and depth costs no memory.
    let (mut depth, mut kinds) = (0_u32, 0_u128);
    loop {
        let mut empty = false;
        match *bytes.get(at)? {
            open @ (b'{' | b'[') => {
                if depth == MAX_DEPTH {
                    return None;
                }
                let is_object = open == b'{';
                kinds = kinds << 1 | u128::from(is_object);
                depth += 1;
                at = blank(bytes, at + 1);
                if bytes.get(at) == Some(&if is_object { b'}' } else { b']' }) {
                    empty = true;
                } else {
                    if is_object {
                        at = key(at)?;
                    }
                    continue;
                }
            }
            b'"' => at = string(bytes, at)?.end,
            b'n' => at = literal(bytes, at, b"null")?,
            b't' => at = literal(bytes, at, b"true")?,
            b'f' => at = literal(bytes, at, b"false")?,
            _ => at = number(bytes, at)?,
        }
        loop {
            if depth == 0 {
                return Some(at);
            }
            let is_object = kinds & 1 == 1;
            at = blank(bytes, at);
            match *bytes.get(at)? {
                b',' if !empty => {
                    at = blank(bytes, at + 1);
                    if is_object {
                        at = key(at)?;
                    }
                    break;
                }
                close if close == if is_object { b'}' } else { b']' } => {
                    at += 1;
                    depth -= 1;
                    kinds >>= 1;
                    empty = false;
                }
                _ => return None,
            }
        }
    }
}

/// Returns the position of the next byte that is not white space.
pub(super) fn blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// A number as RFC 8259 §6 writes it: no leading zero, no lone dot.
pub(super) fn number(bytes: &[u8], mut at: usize) -> Option<usize> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match bytes.get(at)? {
        b'0' => at + 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Some(at)
}

pub(super) fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Unescapes the content of a string. An unknown escape is kept, and half a surrogate pair becomes U+FFFD.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', raw) else {
        return Cow::Borrowed(raw);
    };
    let (plain, mut rest) = raw.split_at(first);
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(plain);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&escape, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match escape {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0C),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let (character, used) = code_point(rest);
                let mut buffer = [0; 4];
                out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                rest = rest.get(used..).unwrap_or_default();
            }
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// Parses what follows `\u`: returns the character and the number of bytes consumed.
fn code_point(rest: &[u8]) -> (char, usize) {
    let Some(high) = hex4(rest) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if (0xD800..0xDC00).contains(&high)
        && rest.get(4..6) == Some(b"\\u")
        && let Some(low @ 0xDC00..0xE000) = rest.get(6..).and_then(hex4)
    {
        let combined = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.iter().try_fold(0, |sum, &byte| Some(sum << 4 | char::from(byte).to_digit(16)?))
}

fn take(bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
    (*bytes.get(at)? == wanted).then_some(at + 1)
}

/// The end of a string, and whether it has an escape.
pub(super) struct StringEnd {
    pub(super) end: usize,
    pub(super) escaped: bool,
}

/// Reads the string that begins at `at`.
#[inline]
pub(super) fn string(bytes: &[u8], at: usize) -> Option<StringEnd> {
    let mut at = special(bytes, take(bytes, at, b'"')?)?;
    let mut escaped = false;
    while *bytes.get(at)? != b'"' {
        escaped = true;
        at = special(bytes, at + 2)?;
    }
    Some(StringEnd { end: at + 1, escaped })
}

/// Returns the position of the first quote or backslash. Most strings are short: the search is not a call,
/// and most end within the first comparison.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(at..)?;
        let Some(window) = rest.first_chunk() else {
            return Some(at + memchr2(b'"', b'\\', rest)?);
        };
        let window = u8x32::new(*window);
        let hits = window.simd_eq(u8x32::splat(b'"')) | window.simd_eq(u8x32::splat(b'\\'));
        let bits = hits.to_bitmask();
        if bits != 0 {
            return Some(at + bits.trailing_zeros() as usize);
        }
        at += 32;
    }
}

fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length > 0).then_some(at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_that_of_serde_json() {
        let fine = [
            "{}",
            "{ }",
            "[]",
            "[ [] , {} ]",
            r#"{"a":{"b":[1,-0,2.5,1e9,-1E-7,true,false,null,"x\"y"]}}"#,
            r#""""#,
            "0",
            "-0.0",
            r#"{"":""}"#,
            r#"[{"a":[{}]},[[]]]"#,
        ];
        let wrong = [
            "",
            "{",
            "}",
            "[",
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a" "b"}"#,
            "[1 2]",
            "01",
            "1.",
            ".5",
            "-",
            "+1",
            "1e",
            "nul",
            "True",
            "{1:2}",
            "[}",
            "{]",
            r#"[{"a":[}]]"#,
            "[,1]",
            "[[],",
            r#"{"a":1]"#,
            "[]]",
            "{}{}",
        ];
        for (text, expected) in fine.map(|text| (text, true)).into_iter().chain(wrong.map(|text| (text, false))) {
            assert_eq!(value(text.as_bytes(), 0) == Some(text.len()), expected, "{text}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn arrays_have_elements() {
        let mut found = Vec::new();
        let text = br#"[ "a", [1,2] ,{"b":3}, null]x"#;
        let end = array(text, 0, |value| found.push(value));
        assert_eq!(end, Some(text.len() - 1));
        assert_eq!(found, [Value::Text(b"a"), Value::Array(b"[1,2]"), Value::Object(br#"{"b":3}"#), Value::Null]);
        assert_eq!(array(b"[]", 0, |_| ()), Some(2));
        for broken in ["[", "[1", "[1,", "[1,]", "[1 2]", "{}"] {
            assert_eq!(array(broken.as_bytes(), 0, |_| ()), None, "{broken}");
        }
        assert_eq!(Value::Array(br#"[ "x" ]"#).single(), Value::Text(b"x"));
        assert_eq!(Value::Array(b"[1,2]").single(), Value::Array(b"[1,2]"));
        assert_eq!(Value::Null.single(), Value::Null);
    }

    #[test]
    fn depth_has_an_end() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(value(deep(120).as_bytes(), 0).is_some());
        assert!(value(deep(121).as_bytes(), 0).is_none());
        assert!(value(deep(1_000_000).as_bytes(), 0).is_none());
    }

    #[test]
    fn escapes_are_taken_out() {
        for (raw, expected) in [
            ("plain", "plain"),
            (r#"a\"b\\c\/d\n"#, "a\"b\\c/d\n"),
            (r"\u0041\u00e9\ud83d\ude00", "Aé😀"),
            (r"\ud83d", "\u{FFFD}"),
            (r"\u12", "\u{FFFD}12"),
            (r"\q\", "q"),
        ] {
            assert_eq!(String::from_utf8_lossy(&unescape(raw.as_bytes())), expected, "{raw}");
        }
    }
}
