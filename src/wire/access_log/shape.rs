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

use super::expected::{self, MAX_MEMBERS, MAX_TEXT_BYTES, Objects, Slot, Text};
use super::format::Format;
use super::json::{self, Member, Value};
use super::own::is_own;
use super::prefix::is_of_chaining;
use super::record::{Field, MISDIRECTED, NO_FILTER_CHAIN, NO_ROUTE, Record, is_present};

/// Maximum number of known shapes: two formats in one stream, each with and without some member.
const MAX_SHAPES: usize = 4;

/// The shapes that were learnt from the lines of one log.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: Vec<Shape>,
    objects: Objects,
    /// The shape of the last line that had a known one.
    latest: usize,
    /// The shape that the next one replaces.
    oldest: usize,
}

/// The content of a line that fits.
#[expect(clippy::large_enum_variant, reason = "a box would cost an allocation per record")]
pub(super) enum Line<'a> {
    /// A client's server name, and no reason to doubt its filter chain, as in nearly all records: only the
    /// `start_time` matters.
    Ordinary(Option<Value<'a>>),
    Record(Record<'a>),
}

impl Shapes {
    /// Reads the line of `bytes` from `start` to its line end at `end`, if its record has a known shape. Text
    /// in front of the record is allowed if it has no quote and no backslash.
    #[inline]
    pub(super) fn read<'a>(
        &mut self,
        bytes: &'a [u8],
        start: usize,
        end: usize,
        has_escapes: bool,
    ) -> Option<Line<'a>> {
        let start = if *bytes.get(start)? == b'{' {
            start
        } else {
            let object = start + memchr3(b'{', b'"', b'\\', bytes.get(start..end)?)?;
            if is_of_chaining(bytes.get(start..object)?) {
                return None;
            }
            object
        };
        let Self { known, objects, latest, .. } = self;
        let mut shapes = known.iter_mut().enumerate();
        shapes.find_map(|(place, shape)| {
            let line = shape.read(bytes, start, end, has_escapes, objects)?;
            *latest = place;
            Some(line)
        })
    }

    /// Reads two lines without backslashes, if both are records of the shape that was met last.
    #[inline]
    pub(super) fn read_pair<'a>(&mut self, bytes: &'a [u8], lines: [(usize, usize); 2]) -> Option<[Line<'a>; 2]> {
        self.known.get_mut(self.latest)?.read_pair(bytes, lines, &mut self.objects)
    }

    /// Learns the shape of the record that begins the line, if the record can be judged.
    pub(super) fn learn(&mut self, line: &[u8], format: &Format) {
        let Some(shape) = Shape::of(line, format) else { return };
        // A line of a known shape may still have taken the slow path, because of an escape in a value that is
        // judged.
        if self.known.iter().any(|known| known.is_same(&shape)) {
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
#[derive(Debug)]
struct Shape {
    slots: Vec<Slot>,
    closing: Text,
    /// The members that are judged, by their place.
    fields: Vec<(Field, usize)>,
    /// The places of five of them, which every line needs.
    name: usize,
    details: Option<usize>,
    status: Option<usize>,
    start: Option<usize>,
    failure: Option<usize>,
    /// The same as a set of bits.
    deciding: u64,
}

impl Shape {
    fn of(line: &[u8], format: &Format) -> Option<Self> {
        let mut slots = Vec::new();
        let mut fields = Vec::new();
        let (mut repeated, mut too_much, mut long_way) = (false, false, false);
        let mut from = 0;
        let end = json::object(line, 0, |member: Member<'_>| {
            let text = line.get(from..member.start).unwrap_or_default();
            from = member.end;
            too_much |= slots.len() == MAX_MEMBERS || text.len() > MAX_TEXT_BYTES;
            if too_much {
                return;
            }
            long_way |= format.takes_long_way(&member.key);
            if let Some(field) = format.field(&member.key) {
                repeated |= fields.iter().any(|&(known, _)| known == field);
                fields.push((field, slots.len()));
            }
            slots.push(Slot::of(text));
        })?;
        let place = |wanted| fields.iter().find(|&&(field, _)| field == wanted).map(|&(_, place)| place);
        let (name, details, start) = (place(Field::Name)?, place(Field::Details), place(Field::Start));
        let (status, failure) = (place(Field::Status), place(Field::Failure));
        let judgeable = details.is_some() || (status.is_some() && place(Field::Flags).is_some());
        if repeated || too_much || long_way || !judgeable {
            return None;
        }
        let deciding = fields.iter().fold(0, |bits, &(_, place)| bits | 1 << place);
        Some(Self {
            closing: Text::of(line.get(from..end).filter(|text| text.len() <= MAX_TEXT_BYTES)?),
            slots,
            fields,
            name,
            details,
            status,
            start,
            failure,
            deciding,
        })
    }

    /// Returns whether it has the same texts, from which everything else follows.
    fn is_same(&self, other: &Self) -> bool {
        self.closing == other.closing
            && self.slots.iter().map(|slot| &slot.text).eq(other.slots.iter().map(|slot| &slot.text))
    }

    /// Only the end of the record is compared with `end`: what reads beyond it, such as a string that is not
    /// closed, never comes back.
    #[inline]
    fn read<'a>(
        &mut self,
        bytes: &'a [u8],
        start: usize,
        end: usize,
        has_escapes: bool,
        objects: &mut Objects,
    ) -> Option<Line<'a>> {
        let plain = if has_escapes { None } else { expected::walk_plain(&mut self.slots, bytes, start, objects) };
        let at = if let Some(at) = plain {
            at
        } else {
            let (at, escapes) = expected::walk(&mut self.slots, bytes, start)?;
            // The slow path decodes an escaped value that is judged.
            if escapes & self.deciding != 0 {
                return None;
            }
            at
        };
        self.closes(bytes, at, end).then(|| self.line(bytes, |slot| slot.first))
    }

    /// Reads two lines without escapes.
    #[inline]
    fn read_pair<'a>(
        &mut self,
        bytes: &'a [u8],
        lines: [(usize, usize); 2],
        objects: &mut Objects,
    ) -> Option<[Line<'a>; 2]> {
        let [first, second] = lines;
        let (after_first, after_second) = expected::walk_pair(&mut self.slots, bytes, (first.0, second.0), objects)?;
        if !self.closes(bytes, after_first, first.1) || !self.closes(bytes, after_second, second.1) {
            return None;
        }
        Some([self.line(bytes, |slot| slot.first), self.line(bytes, |slot| slot.second)])
    }

    /// Returns whether the record's last value ends at `at` and its line at `end`.
    #[inline]
    fn closes(&self, bytes: &[u8], at: usize, end: usize) -> bool {
        self.closing.after(bytes, at).is_some_and(|at| at == end || at + 1 == end && bytes.get(at) == Some(&b'\r'))
    }

    /// Returns what is judged of a line, whose values are at the slots' spans.
    #[inline]
    fn line<'a>(&self, bytes: &'a [u8], span: impl Fn(&Slot) -> (usize, usize)) -> Line<'a> {
        let value = |place: usize| value_at(bytes, span(self.slots.get(place)?));
        if is_ordinary(value(self.name), self.details.and_then(value), self.status.and_then(value))
            && self.failure.is_none_or(|place| !is_present(value(place)))
        {
            return Line::Ordinary(self.start.and_then(value));
        }
        let mut record = Record::default();
        for &(field, place) in &self.fields {
            *record.field(field) = value(place);
        }
        Line::Record(record)
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it must never be a call per member")]
fn value_at(bytes: &[u8], (start, end): (usize, usize)) -> Option<Value<'_>> {
    let raw = bytes.get(start..end)?;
    Some(Value::of(raw).single())
}

/// Returns whether a record has a server name, not one of this program's probes, and neither a reason to
/// doubt its filter chain nor one to doubt its route.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it must never be a call per member")]
fn is_ordinary(name: Option<Value<'_>>, details: Option<Value<'_>>, status: Option<Value<'_>>) -> bool {
    matches!(name, Some(Value::Text(name)) if !matches!(name, b"" | b"-") && !is_own(name))
        && !matches!(details, None | Some(Value::Null | Value::Text(NO_FILTER_CHAIN | NO_ROUTE | b"" | b"-")))
        && match status {
            // A number of more digits may be 421 in another form, such as 421.0.
            Some(Value::Plain(status)) => status != MISDIRECTED && status.len() <= MISDIRECTED.len(),
            Some(Value::Text(_)) => false,
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

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
