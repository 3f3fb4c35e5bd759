//! Members whose text is expected: the bytes before a value, and how the value is read.
//!
//! Three ways of reading give the same ends. [`walk`] handles every line. [`walk_plain`] and [`walk_pair`]
//! handle lines without a backslash, where the next quote ends a string: they look at one window of the
//! line per member, and return `None` for whatever is unusual, so that [`walk`] decides. None of them skips
//! a byte: what is read to its end is a well-formed record, and text of a client cannot pass for a member,
//! because a quote within a string needs a backslash.

use memchr::memchr;
use wide::{u8x16, u8x32};

use super::json::{self, Member, Value};

/// Maximum number of members of a record that has a shape. Apigee's format has 23.
pub(super) const MAX_MEMBERS: usize = 64;

/// Maximum length of an expected text: a key and its spaces.
pub(super) const MAX_TEXT_BYTES: usize = 256;

/// Bytes of a text that are compared at once.
const HEAD: usize = 32;

/// Bytes of the line that are looked at per member: a text shorter than [`HEAD`], and the beginning of its
/// value.
const WINDOW: usize = 2 * HEAD;

/// Maximum number of known objects within records, and of attempts to find them.
const MAX_OBJECTS: usize = 4;
const MAX_ATTEMPTS: usize = 32;

/// An expected text, and where the value behind it was found.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) text: Text,
    /// Start and end of the value.
    pub(super) first: (usize, usize),
    /// The same of the second of two lines.
    pub(super) second: (usize, usize),
}

impl Slot {
    pub(super) fn of(text: &[u8]) -> Self {
        Self { text: Text::of(text), first: (0, 0), second: (0, 0) }
    }
}

/// Some bytes to compare with, prepared so that short ones cost no loop.
#[derive(Debug)]
pub(super) struct Text {
    head: [u8x16; 2],
    mask: [u8x16; 2],
    all: Vec<u8>,
}

impl Text {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut head = [[0; HEAD / 2]; 2];
        let mut mask = [[0; HEAD / 2]; 2];
        for ((head, mask), &byte) in head.as_flattened_mut().iter_mut().zip(mask.as_flattened_mut()).zip(text) {
            (*head, *mask) = (byte, 0xFF);
        }
        Self { all: text.to_vec(), head: head.map(u8x16::new), mask: mask.map(u8x16::new) }
    }

    /// Returns whether a window begins with the first [`HEAD`] bytes of this text.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it must never be a call per member")]
    fn begins(&self, window: &[u8; HEAD]) -> bool {
        let (low, high) = window.split_at(HEAD / 2);
        let (Some(low), Some(high)) = (low.first_chunk(), high.first_chunk()) else { return false };
        let [known_low, known_high] = self.head;
        let [mask_low, mask_high] = self.mask;
        let differ = ((u8x16::new(*low) ^ known_low) & mask_low) | ((u8x16::new(*high) ^ known_high) & mask_high);
        differ == u8x16::ZERO
    }

    /// Returns the position after this text, if it is at `at`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it must never be a call per member")]
    pub(super) fn after(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let length = self.all.len();
        let same = match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            Some(window) if length <= HEAD => self.begins(window),
            _ => bytes.get(at..at + length)? == self.all,
        };
        same.then_some(at + length)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

/// Finds the value of each slot from `at` on; returns the end of the last one, and which of them have
/// escapes, as a set of bits.
pub(super) fn walk(slots: &mut [Slot], bytes: &[u8], mut at: usize) -> Option<(usize, u64)> {
    let mut escapes = 0_u64;
    for (place, slot) in slots.iter_mut().enumerate() {
        let start = slot.text.after(bytes, at)?;
        at = match *bytes.get(start)? {
            b'"' => {
                let string = json::string(bytes, start)?;
                escapes |= u64::from(string.escaped) << place;
                string.end
            }
            b'[' => {
                let end = json::value(bytes, start)?;
                // A list of one value is that value.
                escapes |= u64::from(memchr(b'\\', bytes.get(start..end)?).is_some()) << place;
                end
            }
            _ => json::value(bytes, start)?,
        };
        slot.first = (start, at);
    }
    Some((at, escapes))
}

/// Finds the value of each slot from `at` on, on a line without a backslash; returns the end of the last one.
/// `objects` finds the ends of objects.
#[inline]
pub(super) fn walk_plain(slots: &mut [Slot], bytes: &[u8], mut at: usize, objects: &mut Objects) -> Option<usize> {
    for slot in slots {
        slot.first = value(&slot.text, bytes, at, |at| objects.after(bytes, at))?;
        at = slot.first.1;
    }
    Some(at)
}

/// The same for two lines at once: each position depends on the one before, and the processor can follow two
/// such chains in the time of one.
#[inline]
pub(super) fn walk_pair(
    slots: &mut [Slot],
    bytes: &[u8],
    (mut first, mut second): (usize, usize),
    objects: &mut Objects,
) -> Option<(usize, usize)> {
    for slot in slots {
        slot.first = value(&slot.text, bytes, first, |at| objects.after(bytes, at))?;
        slot.second = value(&slot.text, bytes, second, |at| objects.after(bytes, at))?;
        (first, second) = (slot.first.1, slot.second.1);
    }
    Some((first, second))
}

/// Returns where the value behind a text begins and ends, on a line without a backslash.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it must never be a call per member")]
fn value(
    text: &Text,
    bytes: &[u8],
    at: usize,
    mut object: impl FnMut(usize) -> Option<usize>,
) -> Option<(usize, usize)> {
    let window: &[u8; WINDOW] = bytes.get(at..)?.first_chunk()?;
    // For the compiler, which then needs no other check of positions in the window.
    let length = text.all.len();
    if length >= HEAD || !text.begins(window.first_chunk()?) {
        return None;
    }
    let start = at + length;
    let first = *window.get(length)?;
    let end = if first == b'"' {
        let quotes = quotes(window.get(length + 1..)?.first_chunk()?);
        if quotes == 0 { end_of_string(bytes, start + 1 + HEAD)? } else { start + 2 + quotes.trailing_zeros() as usize }
    } else if first.is_ascii_digit() {
        // A fraction or an exponent is not what is expected next, and the other way decides.
        match leading_digits(*window.get(length..)?.first_chunk()?) {
            Some(digits) if first != b'0' || digits == 1 => start + digits,
            _ => json::number(bytes, start)?,
        }
    } else if first == b'n' {
        if window.get(length..)?.first_chunk() != Some(b"null") {
            return None;
        }
        start + 4
    } else if first == b'{' {
        object(start)?
    } else {
        json::value(bytes, start)?
    };
    Some((start, end))
}

/// Returns the places of quotes as a set of bits.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it must never be a call per member")]
fn quotes(window: &[u8; HEAD]) -> u32 {
    u8x32::new(*window).simd_eq(u8x32::splat(b'"')).to_bitmask()
}

/// Returns the position after the next quote, from `at` on.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(at..)?;
        let Some(window) = rest.first_chunk() else {
            return Some(at + memchr(b'"', rest)? + 1);
        };
        let quotes = quotes(window);
        if quotes != 0 {
            return Some(at + quotes.trailing_zeros() as usize + 1);
        }
        at += HEAD;
    }
}

/// Returns the number of digits that a window begins with; `None` for eight.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it must never be a call per member")]
fn leading_digits(window: [u8; 8]) -> Option<usize> {
    // Digits become 0 to 9, so that adding 0x76 sets the highest bit of every other byte. A carry reaches
    // only bytes after such a one.
    let word = u64::from_le_bytes(window) ^ 0x3030_3030_3030_3030;
    let marks = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    (marks != 0).then_some(marks.trailing_zeros() as usize / 8)
}

/// Objects of scalars within records, such as metadata, which also have the same keys in every record.
#[derive(Debug, Default)]
pub(super) struct Objects {
    known: Vec<Object>,
    attempts: usize,
}

#[derive(Debug)]
struct Object {
    slots: Vec<Slot>,
    closing: Text,
}

impl Objects {
    /// Returns the end of the object that begins at `at`, on a line without a backslash.
    #[inline]
    pub(super) fn after(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        match self.known.iter_mut().find_map(|known| known.after(bytes, at)) {
            Some(end) => Some(end),
            None => self.learn(bytes, at),
        }
    }

    #[cold]
    fn learn(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let end = json::value(bytes, at)?;
        if self.known.len() < MAX_OBJECTS && self.attempts < MAX_ATTEMPTS {
            self.attempts += 1;
            self.known.extend(Object::of(bytes.get(at..end)?));
        }
        Some(end)
    }
}

impl Object {
    fn of(object: &[u8]) -> Option<Self> {
        let mut slots = Vec::new();
        let mut fits = true;
        let mut from = 0;
        let end = json::object(object, 0, |member: Member<'_>| {
            let text = object.get(from..member.start).unwrap_or_default();
            from = member.end;
            fits &= slots.len() < MAX_MEMBERS && text.len() < HEAD;
            fits &= !matches!(member.value, Value::Array(_) | Value::Object(_));
            if fits {
                slots.push(Slot::of(text));
            }
        })?;
        let closing = Text::of(object.get(from..end).filter(|text| text.len() < HEAD)?);
        (fits && !slots.is_empty()).then_some(Self { slots, closing })
    }

    #[inline]
    fn after(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let mut at = at;
        for slot in &self.slots {
            at = value(&slot.text, bytes, at, |_| None)?.1;
        }
        self.closing.after(bytes, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same_ends() {
        let values = [
            "0",
            "7",
            "12",
            "1234567",
            "12345678",
            "123456789012",
            "00",
            "01",
            "0.5",
            "1.5e3",
            "1e9",
            "-1",
            "-",
            "1.",
            "9:",
            "9/",
            "0x1",
            "",
            "é",
            "null",
            "nul",
            "nulll",
            "true",
            "tru",
            "\"\"",
            "\"a\"",
            "\"a",
            "\"0123456789012345678901234567890\"",
            "\"01234567890123456789012345678901\"",
            "\"012345678901234567890123456789012\"",
            "{}",
            "{\"x\":1}",
            "{\"x\":1,\"y\":\"z\"}",
            "{\"x\":{}}",
            "{\"x\":[1]}",
            "{\"x\":1,}",
            "{",
            "[]",
            "[{}]",
            "[",
        ];
        let mut objects = Objects::default();
        for value in values {
            // Twice, because an object is known then; near the end of the bytes there is no window.
            for padding in [100, 100, 70, 40, 0] {
                let line = format!("{{\"key\":{value},\"b\":{value}}}{}", "\n".repeat(padding));
                let bytes = line.as_bytes();
                let closing = Text::of(b"}");
                let slots = || vec![Slot::of(b"{\"key\":"), Slot::of(b",\"b\":")];
                let in_full = walk(&mut slots(), bytes, 0).and_then(|(at, _)| closing.after(bytes, at));
                let plain = walk_plain(&mut slots(), bytes, 0, &mut objects).and_then(|at| closing.after(bytes, at));
                let pair = walk_pair(&mut slots(), bytes, (0, 0), &mut objects);
                if padding >= WINDOW && ["0", "12", "12345678", "null", "\"a\"", "{\"x\":1}", "[]"].contains(&value) {
                    assert_eq!(plain, in_full, "{line:?}");
                }
                assert!(plain.is_none() || plain == in_full, "{line:?}");
                let ends = pair.map(|(first, second)| [first, second].map(|at| closing.after(bytes, at)));
                assert!(ends.is_none_or(|ends| ends == [plain, plain]), "{line:?}");
            }
        }
    }

    #[test]
    fn no_more_than_eight_digits_are_counted() {
        for (text, digits) in [
            ("1234567,", Some(7)),
            ("0,      ", Some(1)),
            ("12345678", None),
            (",1234567", Some(0)),
            ("1:/.-\u{6}\u{6}\u{6}", Some(1)),
            ("12\u{e9}3456", Some(2)),
        ] {
            let window = text.as_bytes().first_chunk().expect("eight bytes");
            assert_eq!(leading_digits(*window), digits, "{text}");
        }
    }
}
