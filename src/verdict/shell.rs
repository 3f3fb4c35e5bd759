//! Words of a command line. Names come from the cluster and from logs, so none goes into a command as it is.

/// The word as a shell takes it: plain names as they are, anything else between quotes.
pub(super) fn word(text: &str) -> String {
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
    }
}
