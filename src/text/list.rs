//! Lists of names in one line.

/// Names that a line lists where it says what was seen.
const SOME: usize = 3;

/// Names that a line lists where a reader has to find one in it.
const FIRST: usize = 20;

/// At most three of the names and the number of the others: `a, b, c and 4 more`; `none` if there are none.
#[must_use]
pub fn some_of<S: AsRef<str>>(names: &[S]) -> String {
    if names.is_empty() { "none".to_owned() } else { at_most(names, SOME) }
}

/// At most twenty of the names and the number of the others. Empty if there are none.
#[must_use]
pub fn first_of<S: AsRef<str>>(names: &[S]) -> String {
    at_most(names, FIRST)
}

/// The first `most` names and the number of the others. Empty if there are none.
#[must_use]
pub fn at_most<S: AsRef<str>>(names: &[S], most: usize) -> String {
    match names.split_at_checked(most) {
        Some((first, rest @ [_, ..])) => format!("{} and {} more", joined(first, ", ", ""), rest.len()),
        _ => joined(names, ", ", ""),
    }
}

/// All names with `separator` between them, or `empty` if there are none.
#[must_use]
pub fn joined<S: AsRef<str>>(names: &[S], separator: &str, empty: &str) -> String {
    if names.is_empty() {
        return empty.to_owned();
    }
    names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(separator)
}

/// `["a", "b"]`, as YAML has it.
#[must_use]
pub fn quoted_list<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted() {
        let names = ["a", "b", "c", "d", "e"];
        assert_eq!(some_of(&names), "a, b, c and 2 more");
        assert_eq!(some_of(&names[..3]), "a, b, c");
        assert_eq!(some_of(&names[..0]), "none");
        assert_eq!(at_most(&names, 4), "a, b, c, d and 1 more");
        assert_eq!(first_of(&names), "a, b, c, d, e");
        assert_eq!(first_of(&names[..0]), "");
    }

    #[test]
    fn an_empty_list_has_a_word_of_its_own() {
        assert_eq!(joined(&["a", "b"], ",", "<none>"), "a,b");
        assert_eq!(joined::<&str>(&[], ",", "<none>"), "<none>");
        assert_eq!(quoted_list(&["a".to_owned(), "b".to_owned()]), r#"["a", "b"]"#);
        assert_eq!(quoted_list::<String>(&[]), "[]");
    }
}
