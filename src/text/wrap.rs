//! Line breaks, and text beside labels.
//!
//! By hand: it is twenty lines, and of `textwrap` every option (hyphens, Unicode line breaks, long words,
//! optimal fit) would have to be turned off.

use unicode_width::UnicodeWidthStr;

/// Breaks `line` at spaces so that it fits `width` columns; continued lines begin with `indent` spaces.
///
/// A word that is too long is kept whole, because a cut name cannot be pasted.
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

/// Any text as one line, with one space between its words.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A column of wrapped text with labels before it. All members are in columns of the terminal.
///
/// ```text
/// margin │label      │text that is wrapped
///        │           │and goes on here
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// Where labels begin.
    pub margin: usize,
    /// Where the text begins.
    pub column: usize,
    /// Where lines end.
    pub width: usize,
}

impl Beside {
    /// Lines of `text` with `label` before the first; continued lines begin `indent` columns further in.
    ///
    /// `painted` is written for the label, and may hold colours. Lines end with a line feed and without
    /// spaces. An empty text without a label has no line.
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
    fn text_stands_in_its_column_beside_the_label() {
        let beside = Beside { margin: 2, column: 8, width: 13 };
        assert_eq!(beside.lines("key", "<key>", "one two three", 1), "  <key>   one\n         two\n         three\n");
        assert_eq!(beside.lines("", "", "one", 0), "        one\n");
        assert_eq!(beside.lines("long label", "long label", "one", 0), "  long label one\n");
        assert_eq!(beside.lines("key", "key", "", 0), "  key\n");
        assert_eq!(beside.lines("", "", "", 0), "");
    }
}
