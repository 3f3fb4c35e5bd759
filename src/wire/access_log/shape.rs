//! The shape of a record: everything on its line that is not a value.
//!
//! Envoy writes every record of a gateway with the same keys in the same order, so the text between the
//! values of one record is expected in the next. A line that fits a known shape is read to its end, which
//! proves that it is a well-formed record: no byte is skipped. A line that fits none takes the slow path and
//! may add a new shape.
//!
//! ```text
//! {"bytes_sent":0,"host":null,"sni_host":"api.example.com","status":200}
//! └── text ────┘ ^└ text ┘^^^^└── text ──┘^^^^^^^^^^^^^^^^^└─ text ─┘^^^ closing
//! ```

use memchr::memchr3;
use wide::u8x16;

use super::format::Format;
use super::json::{self, Member, Value};
use super::own::is_own;
use super::record::{Field, MISDIRECTED, NO_FILTER_CHAIN, NO_ROUTE, Record};

/// Maximum number of known shapes: two formats in one stream, each with and without some member.
const MAX_SHAPES: usize = 4;

/// Maximum number of members of a record that has a shape. Apigee's format has 23.
const MAX_MEMBERS: usize = 64;

/// Maximum length of a text in a shape: a key and its spaces.
const MAX_TEXT_BYTES: usize = 256;

/// Bytes of a text that are compared at once.
const HEAD: usize = 32;

/// The shapes that were learnt from the lines of one log.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: Vec<Shape>,
    spans: Spans,
    /// The shape that the next one replaces.
    oldest: usize,
}

/// The content of a line that fits.
pub(super) enum Line<'a> {
    /// A client's server name, and no reason to doubt its filter chain, as in nearly all records: only the
    /// `start_time` matters.
    Ordinary(Option<Value<'a>>),
    Record(Record<'a>),
}

/// Positions of the values of a line; kept between lines only to avoid allocating again.
#[derive(Debug)]
struct Spans([(usize, usize); MAX_MEMBERS]);

impl Default for Spans {
    fn default() -> Self {
        Self([(0, 0); MAX_MEMBERS])
    }
}

impl Shapes {
    /// Reads the line of `bytes` from `start` to its line end at `end`, if its record has a known shape. Text
    /// in front of the record is allowed if it has no quote and no backslash.
    #[inline]
    pub(super) fn read<'a>(&mut self, bytes: &'a [u8], start: usize, end: usize) -> Option<Line<'a>> {
        let start = match *bytes.get(start)? {
            b'{' => start,
            _ => start + memchr3(b'{', b'"', b'\\', bytes.get(start..end)?)?,
        };
        let spans = &mut self.spans;
        self.known.iter().find_map(|shape| shape.read(bytes, start, end, spans))
    }

    /// Learns the shape of the record that begins the line, if the record can be judged.
    pub(super) fn learn(&mut self, line: &[u8], format: &Format) {
        let Some(shape) = Shape::of(line, format) else { return };
        // A line of a known shape may still have taken the slow path, because of an escape in a value that is
        // judged.
        if self.known.contains(&shape) {
            return;
        }
        if self.known.len() < MAX_SHAPES {
            self.known.push(shape);
        } else if let Some(known) = self.known.get_mut(self.oldest) {
            *known = shape;
            self.oldest = (self.oldest + 1) % MAX_SHAPES;
        }
    }
}

/// The texts before the values, and after the last.
#[derive(Debug, PartialEq)]
struct Shape {
    texts: Vec<Text>,
    closing: Text,
    /// The members that are judged, by their place.
    fields: Vec<(Field, usize)>,
    /// The places of four of them, which every line needs.
    name: usize,
    details: Option<usize>,
    status: Option<usize>,
    start: Option<usize>,
    /// The same as a set of bits.
    deciding: u64,
}

impl Shape {
    fn of(line: &[u8], format: &Format) -> Option<Self> {
        let mut texts = Vec::new();
        let mut fields = Vec::new();
        let (mut repeated, mut too_much, mut long_way) = (false, false, false);
        let mut from = 0;
        let end = json::object(line, 0, |member: Member<'_>| {
            let text = line.get(from..member.start).unwrap_or_default();
            from = member.end;
            too_much |= texts.len() == MAX_MEMBERS || text.len() > MAX_TEXT_BYTES;
            if too_much {
                return;
            }
            long_way |= format.takes_long_way(&member.key);
            if let Some(field) = format.field(&member.key) {
                repeated |= fields.iter().any(|&(known, _)| known == field);
                fields.push((field, texts.len()));
            }
            texts.push(Text::of(text));
        })?;
        let place = |wanted| fields.iter().find(|&&(field, _)| field == wanted).map(|&(_, place)| place);
        let (name, details, start) = (place(Field::Name)?, place(Field::Details), place(Field::Start));
        let status = place(Field::Status);
        let judgeable = details.is_some() || (status.is_some() && place(Field::Flags).is_some());
        if repeated || too_much || long_way || !judgeable {
            return None;
        }
        let deciding = fields.iter().fold(0, |bits, &(_, place)| bits | 1 << place);
        Some(Self {
            closing: Text::of(line.get(from..end).filter(|text| text.len() <= MAX_TEXT_BYTES)?),
            texts,
            fields,
            name,
            details,
            status,
            start,
            deciding,
        })
    }

    /// Only the end of the record is compared with `end`: what reads beyond it, such as a string that is not
    /// closed, never comes back.
    #[inline]
    fn read<'a>(&self, bytes: &'a [u8], start: usize, end: usize, spans: &mut Spans) -> Option<Line<'a>> {
        let mut at = start;
        let mut escapes = 0_u64;
        for (place, (text, span)) in self.texts.iter().zip(&mut spans.0).enumerate() {
            let start = text.after(bytes, at)?;
            at = match *bytes.get(start)? {
                b'"' => {
                    let string = json::string(bytes, start)?;
                    escapes |= u64::from(string.escaped) << place;
                    string.end
                }
                b'n' => json::literal(bytes, start, b"null")?,
                b'0'..=b'9' | b'-' => number(bytes, start)?,
                _ => json::value(bytes, start)?,
            };
            *span = (start, at);
        }
        at = self.closing.after(bytes, at)?;
        if at != end && (at + 1 != end || *bytes.get(at)? != b'\r') {
            return None;
        }
        // The slow path decodes an escaped value that is judged.
        if escapes & self.deciding != 0 {
            return None;
        }
        let value = |place: usize| {
            let &(start, end) = spans.0.get(place)?;
            bytes.get(start..end).map(Value::of)
        };
        if is_ordinary(value(self.name), self.details.and_then(value), self.status.and_then(value)) {
            return Some(Line::Ordinary(self.start.and_then(value)));
        }
        let mut record = Record::default();
        for &(field, place) in &self.fields {
            *record.field(field) = value(place);
        }
        Some(Line::Record(record))
    }
}

/// Returns whether a record has a server name, not one of this program's probes, and neither a reason to
/// doubt its filter chain nor one to doubt its route.
#[inline]
fn is_ordinary(name: Option<Value<'_>>, details: Option<Value<'_>>, status: Option<Value<'_>>) -> bool {
    matches!(name, Some(Value::Text(name)) if !matches!(name, b"" | b"-") && !is_own(name))
        && !matches!(details, None | Some(Value::Text(NO_FILTER_CHAIN | NO_ROUTE)))
        && !matches!(status, Some(Value::Plain(MISDIRECTED) | Value::Text(_)))
}

/// Some bytes to compare with, prepared so that short ones cost no loop.
#[derive(Debug, PartialEq)]
struct Text {
    all: Vec<u8>,
    head: [u8x16; 2],
    mask: [u8x16; 2],
}

impl Text {
    fn of(text: &[u8]) -> Self {
        let mut head = [[0; HEAD / 2]; 2];
        let mut mask = [[0; HEAD / 2]; 2];
        for ((head, mask), &byte) in head.as_flattened_mut().iter_mut().zip(mask.as_flattened_mut()).zip(text) {
            (*head, *mask) = (byte, 0xFF);
        }
        Self { all: text.to_vec(), head: head.map(u8x16::new), mask: mask.map(u8x16::new) }
    }

    /// Returns the position after this text, if it is at `at`.
    #[inline]
    fn after(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let length = self.all.len();
        let same = match bytes.get(at..).and_then(|rest| rest.first_chunk::<HEAD>()).map(|head| head.as_chunks::<16>())
        {
            Some(([low, high], _)) if length <= HEAD => {
                let [known_low, known_high] = self.head;
                let [mask_low, mask_high] = self.mask;
                let differ =
                    ((u8x16::new(*low) ^ known_low) & mask_low) | ((u8x16::new(*high) ^ known_high) & mask_high);
                differ == u8x16::ZERO
            }
            _ => bytes.get(at..at + length)? == self.all,
        };
        same.then_some(at + length)
    }
}

/// A number; a whole one of at most seven digits, which nearly all are, without a loop.
#[inline]
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    if let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        // A byte is a digit when its upper half is 3, also after adding 6: every other byte leaves a mark.
        let marks = ((word & 0xF0F0_F0F0_F0F0_F0F0) ^ 0x3030_3030_3030_3030)
            | ((word.wrapping_add(0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) ^ 0x3030_3030_3030_3030);
        let length = marks.trailing_zeros() as usize / 8;
        let leading_zero = eight[0] == b'0' && length > 1;
        if (1..8).contains(&length) && !leading_zero && !matches!(eight[length], b'.' | b'e' | b'E') {
            return Some(at + length);
        }
    }
    json::number(bytes, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_grammar() {
        for text in [
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
        ] {
            for tail in ["", ",", "}", " ,\"abcdefgh", "\u{6}\u{6}\u{6}\u{6}\u{6}\u{6}\u{6}"] {
                let text = format!("{text}{tail}");
                assert_eq!(number(text.as_bytes(), 0), json::number(text.as_bytes(), 0), "{text:?}");
            }
        }
    }

    #[test]
    fn a_shape_needs_a_record_that_can_be_judged() {
        let of = |line: &[u8]| Shape::of(line, &Format::default());
        assert!(of(br#"{"sni_host":null,"status":0,"response_flags":"NR"}"#).is_some());
        assert!(of(br#"{"sni_host":null,"status_details":null}"#).is_some());
        assert!(of(br#"{"sni_host":null,"status":0}"#).is_none());
        assert!(of(br#"{"sni_host":null,"x":0}"#).is_none());
        assert!(of(br#"{"sni_host":null,"status_details":null,"sni_host":"a"}"#).is_none());
        assert!(of(br#"{"sni_host":null,"status_details":null"#).is_none());
    }
}
