//! The parts of a line that go, in order and apart from each other.

use std::ops::Range;

use super::line::MARK;

/// A part of a line that goes.
struct Place {
    range: Range<usize>,
    /// The mark has to be a string of JSON, with so many backslashes before its quotes.
    quoted: Option<usize>,
}

#[derive(Default)]
pub(super) struct Places(Vec<Place>);

impl Places {
    /// Adds a part, and whether it was not known as a whole. Parts that meet become one.
    pub(super) fn add(&mut self, range: Range<usize>, quoted: Option<usize>) -> bool {
        let begin = self.0.partition_point(|place| place.range.end <= range.start);
        let end = begin + self.0[begin..].iter().take_while(|place| place.range.start < range.end).count();
        let Some((first, last)) = self.0.get(begin).zip(self.0[begin..end].last()) else {
            self.0.insert(begin, Place { range, quoted });
            return true;
        };
        let joined = range.start.min(first.range.start)..range.end.max(last.range.end);
        let is_known = end - begin == 1 && joined == first.range;
        if !is_known {
            self.0.splice(begin..end, [Place { range: joined, quoted: None }]);
        }
        !is_known
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.0.iter().map(|place| place.range.clone())
    }

    /// What lies between them in a line of this length.
    pub(super) fn gaps(&self, length: usize) -> Vec<Range<usize>> {
        let starts = self.ranges().map(|range| range.start).chain([length]);
        let ends = std::iter::once(0).chain(self.ranges().map(|range| range.end));
        ends.zip(starts).map(|(start, end)| start..end).collect()
    }

    /// The line with a mark for each.
    pub(super) fn marked(&self, line: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(line.len());
        let mut copied = 0;
        for Place { range, quoted } in &self.0 {
            let quote = quoted.map_or_else(String::new, |escapes| "\\".repeat(escapes) + "\"");
            for part in [&line[copied..range.start], quote.as_bytes(), MARK, quote.as_bytes()] {
                out.extend_from_slice(part);
            }
            copied = range.end;
        }
        out.extend_from_slice(&line[copied..]);
        out
    }
}
