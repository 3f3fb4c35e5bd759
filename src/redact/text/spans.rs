//! The spans of a line to redact, ascending and without overlaps.

use std::ops::Range;

use super::line::MARK;
use crate::redact::Redactions;
use crate::redact::rules::Rule;

/// A span of the line to redact.
struct Span {
    range: Range<usize>,
    /// If set, the mark must be a JSON string, with this number of backslashes before its quotes.
    quoted: Option<usize>,
}

/// The spans found so far.
pub(super) struct Spans<'r> {
    spans: Vec<Span>,
    redactions: &'r mut Redactions,
}

impl<'r> Spans<'r> {
    pub(super) fn new(redactions: &'r mut Redactions) -> Self {
        Self { spans: Vec::new(), redactions }
    }

    /// Adds a span, and counts it unless it was known as a whole. Overlapping spans are merged.
    pub(super) fn add(&mut self, range: Range<usize>, quoted: Option<usize>, rule: Rule) {
        if self.merge(range, quoted) {
            self.redactions.count(rule);
        }
    }

    /// Returns whether a range has bytes of a span.
    pub(super) fn touches(&self, range: &Range<usize>) -> bool {
        let begin = self.spans.partition_point(|span| span.range.end <= range.start);
        self.spans.get(begin).is_some_and(|span| span.range.start < range.end)
    }

    /// Counts a value of a preceding line that is held back.
    pub(super) fn count(&mut self, rule: Rule) {
        self.redactions.count(rule);
    }

    /// Adds a span of something that was counted in a preceding line.
    pub(super) fn add_rest(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.merge(range, None);
        }
    }

    fn merge(&mut self, range: Range<usize>, quoted: Option<usize>) -> bool {
        let begin = self.spans.partition_point(|span| span.range.end <= range.start);
        let end = begin + self.spans[begin..].iter().take_while(|span| span.range.start < range.end).count();
        let Some((first, last)) = self.spans.get(begin).zip(self.spans[begin..end].last()) else {
            self.spans.insert(begin, Span { range, quoted });
            return true;
        };
        let joined = range.start.min(first.range.start)..range.end.max(last.range.end);
        let is_known = end - begin == 1 && joined == first.range;
        if !is_known {
            self.spans.splice(begin..end, [Span { range: joined, quoted: None }]);
        }
        !is_known
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.spans.iter().map(|span| span.range.clone())
    }

    /// Returns the gaps between the spans, in a line of this length.
    pub(super) fn gaps(&self, length: usize) -> Vec<Range<usize>> {
        let starts = self.ranges().map(|range| range.start).chain([length]);
        let ends = std::iter::once(0).chain(self.ranges().map(|range| range.end));
        ends.zip(starts).map(|(start, end)| start..end).collect()
    }

    /// Returns the line with a mark for each span; `None` without spans.
    pub(super) fn marked(&self, line: &[u8]) -> Option<Vec<u8>> {
        if self.spans.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(line.len());
        let mut copied = 0;
        for Span { range, quoted } in &self.spans {
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
