//! Numbers with their noun.

/// `1 reset`, `312 resets`, `2 policies`, `3 gateways`.
///
/// Plurals are formed by rule, so it is for nouns that follow it.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o']) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn the_noun_follows_the_number() {
        for (number, noun, expected) in [
            (0, "reset", "0 resets"),
            (1, "reset", "1 reset"),
            (2, "policy", "2 policies"),
            (2, "gateway", "2 gateways"),
            (1, "policy", "1 policy"),
        ] {
            assert_eq!(count(number, noun), expected);
        }
    }
}
