//! Markdown, for tickets and comments: each document has its own, made of the pieces here. Names of the
//! cluster and words of clients cannot become markup.

use std::convert::Infallible;

use crate::report::document::Object;
use crate::report::{Document, Located, TextOptions};
use crate::text::visible;

pub(super) const ABOUT: Option<&str> = Some("Markdown, for a ticket");

/// Characters that begin markup somewhere in a line.
const MARKUP: &[char] = &['\\', '`', '*', '_', '[', ']', '<', '>', '|', '#', '~', '!', '&'];

#[expect(clippy::unnecessary_wraps, reason = "formats have one shape")]
pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, Infallible> {
    Ok(document.markdown())
}

/// Returns a table of findings; one sentence where there is none.
pub(in crate::report) fn table(findings: &[Located<'_>]) -> String {
    if findings.is_empty() {
        return "No finding.\n".to_owned();
    }
    let mut table = String::from("| Level | Check | Object | Finding |\n| --- | --- | --- | --- |\n");
    for finding in findings {
        let subject = finding.subject_in_front();
        table += &format!(
            "| {} | {} | {} | {} |\n",
            finding.level.as_str(),
            finding.code,
            plain(&format!("{subject}{}", Object::describe(finding.objects))),
            plain(finding.message)
        );
    }
    table
}

/// Returns text that has no markup. Words that a forge would turn into a mention or a link are code.
pub(in crate::report) fn plain(text: &str) -> String {
    visible(text).split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn word(word: &str) -> String {
    let is_live = word.contains('@') || word.contains("://") || word.starts_with("www.");
    if is_live && !word.contains(['`', '|']) {
        return format!("`{word}`");
    }
    let mut escaped = String::new();
    for character in word.chars() {
        if MARKUP.contains(&character) {
            escaped.push('\\');
        }
        escaped.push(character);
        // Nothing may follow these for a mention or a link.
        if is_live && matches!(character, '@' | ':') {
            escaped.push(' ');
        }
    }
    escaped
}

/// Returns a block of code. Its fence is longer than any in the text.
pub(in crate::report) fn code(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: String = text.lines().map(|line| visible(line) + "\n").collect();
    format!("{fence}\n{lines}{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_clients_are_no_markup() {
        assert_eq!(plain("to @everyone: (http://evil)"), "to `@everyone:` `(http://evil)`");
        assert_eq!(plain("@a|b"), "@ a\\|b");
        assert_eq!(plain("a|b <img> [x](y) `c`"), "a\\|b \\<img\\> \\[x\\](y) \\`c\\`");
        assert_eq!(code("echo ```\n"), "````\necho ```\n````\n");
        assert_eq!(code("a\nb"), "```\na\nb\n```\n");
    }
}
