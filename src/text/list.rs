//! Lists of names on one line.

/// Maximum number of names in a line that summarises what was seen.
const SOME: usize = 3;

/// Maximum number of names in a line that the reader searches for a name.
const FIRST: usize = 20;

/// Returns at most three of the names and the number of the others: `a, b, c and 4 more`; `none` if there are
/// none.
#[must_use]
pub fn some_of<S: AsRef<str>>(names: &[S]) -> String {
    if names.is_empty() { "none".to_owned() } else { at_most(names, SOME) }
}

/// Returns at most twenty of the names and the number of the others. Empty if there are none.
#[must_use]
pub fn first_of<S: AsRef<str>>(names: &[S]) -> String {
    at_most(names, FIRST)
}

/// Returns the first `most` names and the number of the others. Empty if there are none.
#[must_use]
pub fn at_most<S: AsRef<str>>(names: &[S], most: usize) -> String {
    match names.split_at_checked(most) {
        Some((first, rest @ [_, ..])) => format!("{} and {} more", joined(first, ", ", ""), rest.len()),
        _ => joined(names, ", ", ""),
    }
}

/// Returns all names with `separator` between them, or `empty` if there are none.
#[must_use]
pub fn joined<S: AsRef<str>>(names: &[S], separator: &str, empty: &str) -> String {
    if names.is_empty() {
        return empty.to_owned();
    }
    names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(separator)
}

/// Returns the shortest end of a name, in parts between hyphens, that no other of the names has: `…kx2vp`.
/// Returns the whole name if there is none.
#[must_use]
pub fn ending(name: &str, all: &[&str]) -> String {
    let ends = name.rmatch_indices('-').filter_map(|(hyphen, _)| name.get(hyphen + 1..)).filter(|end| !end.is_empty());
    let mut own = ends.filter(|end| all.iter().filter(|other| other.ends_with(end)).count() <= 1);
    own.next().map_or_else(|| name.to_owned(), |end| format!("…{end}"))
}

/// Returns the names as a YAML flow sequence: `["a", "b"]`.
#[must_use]
pub fn quoted_list<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_as_long_as_it_must_be_to_be_unique() {
        let names = ["gw-ext-7f-kx2vp", "gw-ext-7f-zz9q1", "gw-int-8c-kx2vp", "plain"];
        let shown: Vec<String> = names.iter().map(|name| ending(name, &names)).collect();
        assert_eq!(shown, ["…7f-kx2vp", "…zz9q1", "…8c-kx2vp", "plain"]);
        assert_eq!(ending("gw-", &["gw-"]), "gw-");
    }

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
    fn an_empty_list_is_replaced_by_the_given_text() {
        assert_eq!(joined(&["a", "b"], ",", "<none>"), "a,b");
        assert_eq!(joined::<&str>(&[], ",", "<none>"), "<none>");
        assert_eq!(quoted_list(&["a".to_owned(), "b".to_owned()]), r#"["a", "b"]"#);
        assert_eq!(quoted_list::<String>(&[]), "[]");
    }
}
