//! Quotes words of a command line, so that POSIX shells, fish and PowerShell read the same. Names come from
//! the cluster and from logs, so none is put into a command as it is.

use crate::text::is_hidden;

/// In place of a name that begins with a hyphen: even in quotes it would be read as a flag. No name of a
/// cluster begins so.
const FLAG: &str = "NAME_THAT_READS_AS_A_FLAG";

/// In place of a text that no form of quotes keeps the same in all shells.
const UNQUOTABLE: &str = "NAME_TO_QUOTE_BY_HAND";

/// Returns the word as a shell reads it: plain names as they are, anything else in quotes.
pub(crate) fn word(text: &str) -> String {
    if text.starts_with('-') {
        return FLAG.to_owned();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=".contains(&byte);
    // zsh expands `=name`, PowerShell `@name`, and old versions of fish `%name`.
    let plain_first = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./:".contains(byte);
    if text.as_bytes().first().is_some_and(plain_first) && text.bytes().all(plain) {
        return text.to_owned();
    }
    quoted(text).unwrap_or_else(|| UNQUOTABLE.to_owned())
}

/// Returns the text in quotes; `None` where no form is read alike by all shells.
///
/// What is hidden would be written as an escape. In single quotes, fish reads `\\` and `\'` as one character,
/// and PowerShell takes curly quotes for straight ones. In double quotes, shells expand `$`, backquotes and
/// `!`.
pub(crate) fn quoted(text: &str) -> Option<String> {
    let curly = |character: char| ('\u{2018}'..='\u{201f}').contains(&character);
    if text.chars().any(|character| is_hidden(character) || curly(character)) {
        return None;
    }
    if !text.contains('\'') && !text.contains("\\\\") && !text.ends_with('\\') {
        return Some(format!("'{text}'"));
    }
    (!text.contains(['"', '$', '`', '\\', '!'])).then(|| format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_read() {
        for (text, expected) in [
            ("a-b.c/d:1", "a-b.c/d:1"),
            ("", "''"),
            ("$(id)", "'$(id)'"),
            ("a,b", "'a,b'"),
            ("=ls", "'=ls'"),
            ("@file", "'@file'"),
            ("it's", "\"it's\""),
            ("C:\\Users\\ann", "'C:\\Users\\ann'"),
            ("--all", FLAG),
            ("it's $5", UNQUOTABLE),
            ("\\\\server\\share", UNQUOTABLE),
            ("ends\\", UNQUOTABLE),
            ("a\u{2019}b", UNQUOTABLE),
            ("a\nb", UNQUOTABLE),
            ("a\u{202e}b", UNQUOTABLE),
        ] {
            assert_eq!(word(text), expected, "{text}");
        }
    }
}
