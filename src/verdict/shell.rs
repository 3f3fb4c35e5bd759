//! Quotes words of a command line. Names come from the cluster and from logs, so none is put into a command
//! as it is.

/// Returns the word as a shell reads it: plain names as they are, anything else in quotes.
///
/// A word that begins with a hyphen would be read as a flag even in quotes, so it is replaced. No name of a
/// cluster begins so.
pub(crate) fn word(text: &str) -> String {
    if text.starts_with('-') {
        return "NAME_THAT_READS_AS_A_FLAG".to_owned();
    }
    let plain =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn quotes_what_a_shell_would_read() {
        assert_eq!(word("a-b.c/d:1"), "a-b.c/d:1");
        assert_eq!(word(""), "''");
        assert_eq!(word("$(id)"), "'$(id)'");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word("--all"), "NAME_THAT_READS_AS_A_FLAG");
    }
}
