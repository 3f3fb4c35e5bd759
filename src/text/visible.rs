//! Characters that a terminal would obey, or that a reader would not see, as escapes.
//!
//! Names and messages of clusters, servers and files reach reports and the terminal. Control characters could
//! move the cursor or write to the clipboard, and marks of the direction of writing show one name as another.

use std::fmt::Write;

/// Control characters (C0, C1, DEL), marks of the direction of writing, and characters of no width.
///
/// Of the characters with Unicode's property `Default_Ignorable_Code_Point` and of the general category `Cf`,
/// these are the ones that change what a reader sees.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line of text with every hidden character as an escape: `\u{1b}`. Line ends are hidden characters too.
///
/// A text that has passed once is not changed by a second pass.
#[must_use]
pub fn visible(text: &str) -> String {
    escaped(text, is_hidden)
}

/// Several lines of text with every hidden character but the line feed as an escape.
#[must_use]
pub fn visible_lines(text: &str) -> String {
    escaped(text, |character| character != '\n' && is_hidden(character))
}

/// The first `most` characters of a text as [`visible`] gives them, with `…` behind them if there are more.
///
/// Characters are counted before they are escaped.
#[must_use]
pub fn visible_start(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => visible(&text[..end]) + "…",
        None => visible(text),
    }
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) {
            // Writing to a string cannot fail.
            let _ = write!(clean, "{}", character.escape_unicode());
        } else {
            clean.push(character);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_sent() {
        let clean = "a\\u{1b}[31mb\\u{a}c\\u{202e}\\u{feff}\\u{9b}\\u{7f}";
        assert_eq!(visible("a\u{1b}[31mb\nc\u{202e}\u{feff}\u{9b}\u{7f}"), clean);
        assert_eq!(visible(clean), clean);
        assert_eq!(visible("dev-grp é 漢字 ✗ ·"), "dev-grp é 漢字 ✗ ·");
    }

    #[test]
    fn characters_that_hide_or_turn_text_are_hidden() {
        for number in [0xad, 0x61c, 0x200b, 0x200f, 0x202e, 0x2066, 0x2069, 0xfeff, 0xfffb, 0xe0041] {
            let character = char::from_u32(number).unwrap();
            assert_eq!(visible(&character.to_string()), format!("\\u{{{number:x}}}"));
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(visible_lines("a\u{1b}\r\nb\u{202e}"), "a\\u{1b}\\u{d}\nb\\u{202e}");
    }

    #[test]
    fn a_long_text_is_cut_by_its_characters() {
        assert_eq!(visible_start("é\u{1b}b", 2), "é\\u{1b}…");
        assert_eq!(visible_start("é\u{1b}b", 3), "é\\u{1b}b");
        assert_eq!(visible_start("", 0), "");
    }
}
