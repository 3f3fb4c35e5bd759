//! The report for programs: JSON and YAML of one and the same value, as `docs/report.schema.json` describes it.
//! The report of `probe` has a schema of its own beside it.

use std::fmt::Write as _;

use serde::Serialize;
use serde_yaml::with::singleton_map_recursive;

use crate::text::is_hidden;

/// Pretty-printed JSON, ending with a line end. Characters that a terminal would obey, or not show, are escapes.
///
/// # Errors
/// Never for a report; the type of the serialiser says so.
pub fn json(report: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(report)?;
    let mut clean = String::with_capacity(text.len() + 1);
    for letter in text.chars() {
        // Outside of strings there are none of them but line ends; in strings control characters of ASCII are escapes already.
        if letter == '\u{7f}' || !letter.is_ascii() && is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(clean, "\\u{unit:04x}");
            }
        } else {
            clean.push(letter);
        }
    }
    clean.push('\n');
    Ok(clean)
}

/// YAML, ending with a line end. A variant is a map of one key, as in JSON: the tags that would be for it are refused by
/// most parsers.
///
/// # Errors
/// Never for a report; the type of the serialiser says so.
pub fn yaml(report: &impl Serialize) -> Result<String, serde_yaml::Error> {
    let mut written = Vec::new();
    singleton_map_recursive::serialize(report, &mut serde_yaml::Serializer::new(&mut written))?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Reason, Seen, Unavailable};

    fn hostile() -> Vec<Seen<String>> {
        let text = "a\u{9b}31m\u{202e}\u{feff}\u{7f}\u{e0041}\n\u{e9}";
        let late = Unavailable::new(text, Reason::TimedOut { milliseconds: 5 });
        vec![
            Seen::Seen(text.into()),
            Seen::Unavailable(late),
            Seen::Unavailable(Unavailable::new("x", Reason::Interrupted)),
        ]
    }

    #[test]
    fn json_shows_what_a_terminal_would_obey_and_loses_nothing() {
        let text = json(&hostile()).unwrap();
        assert!(text.contains("a\\u009b31m\\u202e\\ufeff\\u007f\\udb40\\udc41\\n\u{e9}"), "{text}");
        assert_eq!(serde_json::from_str::<Vec<Seen<String>>>(&text).unwrap(), hostile());
    }

    #[test]
    fn yaml_has_the_maps_of_json_and_no_tags() {
        let text = yaml(&hostile()).unwrap();
        assert!(!text.contains(['!', '\u{9b}', '\u{feff}']), "{text}");
        let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(value, serde_json::to_value(hostile()).unwrap());
    }
}
