//! The parts of a line that go, in order and apart from each other.

use std::ops::Range;

use super::line::MARK;
use crate::redact::Redactions;
use crate::redact::rules::Rule;

/// A part of a line that goes.
struct Place {
    range: Range<usize>,
    /// The mark has to be a string of JSON, with so many backslashes before its quotes.
    quoted: Option<usize>,
}

/// What was found in a line so far.
pub(super) struct Places<'r> {
    places: Vec<Place>,
    redactions: &'r mut Redactions,
}

impl<'r> Places<'r> {
    pub(super) fn new(redactions: &'r mut Redactions) -> Self {
        Self { places: Vec::new(), redactions }
    }

    /// Adds a part, and counts it where it was not known as a whole. Parts that meet become one.
    pub(super) fn add(&mut self, range: Range<usize>, quoted: Option<usize>, rule: Rule) {
        if self.take(range, quoted) {
            self.redactions.count(rule);
        }
    }

    /// Adds a part of what was counted in a line before.
    pub(super) fn add_rest(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.take(range, None);
        }
    }

    fn take(&mut self, range: Range<usize>, quoted: Option<usize>) -> bool {
        let begin = self.places.partition_point(|place| place.range.end <= range.start);
        let end = begin + self.places[begin..].iter().take_while(|place| place.range.start < range.end).count();
        let Some((first, last)) = self.places.get(begin).zip(self.places[begin..end].last()) else {
            self.places.insert(begin, Place { range, quoted });
            return true;
        };
        let joined = range.start.min(first.range.start)..range.end.max(last.range.end);
        let is_known = end - begin == 1 && joined == first.range;
        if !is_known {
            self.places.splice(begin..end, [Place { range: joined, quoted: None }]);
        }
        !is_known
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.places.iter().map(|place| place.range.clone())
    }

    /// What lies between them in a line of this length.
    pub(super) fn gaps(&self, length: usize) -> Vec<Range<usize>> {
        let starts = self.ranges().map(|range| range.start).chain([length]);
        let ends = std::iter::once(0).chain(self.ranges().map(|range| range.end));
        ends.zip(starts).map(|(start, end)| start..end).collect()
    }

    /// The line with a mark for each, where there is any.
    pub(super) fn marked(&self, line: &[u8]) -> Option<Vec<u8>> {
        if self.places.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(line.len());
        let mut copied = 0;
        for Place { range, quoted } in &self.places {
            let quote = quoted.map_or_else(String::new, |escapes| "\\".repeat(escapes) + "\"");
            for part in [&line[copied..range.start], quote.as_bytes(), MARK, quote.as_bytes()] {
                out.extend_from_slice(part);
            }
            copied = range.end;
        }
        out.extend_from_slice(&line[copied..]);
        Some(out)
    }
}
