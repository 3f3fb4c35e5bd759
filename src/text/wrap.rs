//! Line breaks, and columns of text with labels.
//!
//! By hand: it takes twenty lines, and every option of `textwrap` (hyphens, Unicode line breaks, long words,
//! optimal fit) would have to be disabled.

use unicode_width::UnicodeWidthStr;

/// Breaks `line` at spaces so that it fits `width` columns. Continuation lines begin with `indent` spaces.
///
/// Words longer than the width are not broken, because a broken name cannot be pasted.
#[must_use]
pub fn wrap(line: &str, width: usize, indent: usize) -> String {
    let lead = line.len() - line.trim_start_matches(' ').len();
    let mut wrapped = " ".repeat(lead);
    let mut column = lead;
    let mut fresh = true;
    for word in line[lead..].split(' ') {
        let length = word.width();
        if !fresh && column + 1 + length > width {
            wrapped.truncate(wrapped.trim_end_matches(' ').len());
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
            fresh = true;
        }
        if !fresh {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
        fresh = false;
    }
    wrapped
}

/// Joins a text into one line, with one space between words.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the first `most` characters of a text up to the end of a word, and `…` if there are more.
///
/// Only a word that is longer than half of the text is cut.
#[must_use]
pub fn first_words(text: &str, most: usize) -> String {
    let Some((end, next)) = text.char_indices().nth(most) else { return text.to_owned() };
    let (start, is_at_end) = (&text[..end], next.is_whitespace());
    let last = start.rfind(char::is_whitespace).filter(|last| !is_at_end && *last >= end / 2);
    format!("{}…", start[..last.unwrap_or(end)].trim_end())
}

/// A column of wrapped text with labels to its left. All fields are in terminal columns.
///
/// ```text
/// margin │label      │text that is wrapped
///        │           │and continues here
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LabelledText {
    /// First column of the labels.
    pub margin: usize,
    /// First column of the text.
    pub column: usize,
    /// Number of columns of a line.
    pub width: usize,
}

impl LabelledText {
    /// Returns the lines of `text`, with `label` before the first. Continuation lines are indented by
    /// `indent` more columns.
    ///
    /// `painted` is the label as it is written; it may contain colours. Lines end with a line feed and have
    /// no trailing spaces. An empty text without a label has no line.
    #[must_use]
    pub fn lines(self, label: &str, painted: &str, text: &str, indent: usize) -> String {
        let wrapped = wrap(text, self.width.saturating_sub(self.column), indent);
        let mut rest = wrapped.lines();
        let first = match rest.next() {
            None if label.is_empty() => return String::new(),
            first => first.unwrap_or_default(),
        };
        let gap = self.column.saturating_sub(self.margin + label.width()).max(1);
        let head = format!("{}{painted}{}{first}", " ".repeat(self.margin), " ".repeat(gap));
        let mut lines = head.trim_end().to_owned() + "\n";
        let before = " ".repeat(self.column);
        for line in rest {
            lines += format!("{before}{line}").trim_end();
            lines.push('\n');
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_spaces_and_keeps_long_words() {
        assert_eq!(wrap("a bc def", 5, 1), "a bc\n def");
        assert_eq!(wrap("  abcdefgh x", 4, 2), "  abcdefgh\n  x");
        assert_eq!(wrap("a-b-c  d", 5, 0), "a-b-c\n d");
        assert_eq!(wrap("a   b c", 5, 0), "a   b\nc");
        assert_eq!(wrap("漢字 漢字", 8, 0), "漢字\n漢字");
        assert_eq!(wrap("", 4, 2), "");
        assert_eq!(one_line(" a\n  b\t"), "a b");
    }

    #[test]
    fn cuts_after_a_word_unless_it_is_too_long() {
        assert_eq!(first_words("one two", 7), "one two");
        assert_eq!(first_words("one two three", 9), "one two…");
        assert_eq!(first_words("one two three", 7), "one two…");
        assert_eq!(first_words("a bcdefghijkl", 9), "a bcdefgh…");
        assert_eq!(first_words("äöü äöü äöü", 9), "äöü äöü…");
    }

    #[test]
    fn text_is_aligned_right_of_the_label() {
        let column = LabelledText { margin: 2, column: 8, width: 13 };
        assert_eq!(column.lines("key", "<key>", "one two three", 1), "  <key>   one\n         two\n         three\n");
        assert_eq!(column.lines("", "", "one", 0), "        one\n");
        assert_eq!(column.lines("long label", "long label", "one", 0), "  long label one\n");
        assert_eq!(column.lines("key", "key", "", 0), "  key\n");
        assert_eq!(column.lines("", "", "", 0), "");
    }
}
