//! YAML for programs: the same value as in JSON.

use std::fmt::Write as _;

use serde::Serialize;
use serde::ser::Error as _;
use serde_yaml::Value;

use crate::report::{Document, TextOptions};
use crate::text::{is_hidden, json};

pub(super) const ABOUT: Option<&str> = None;

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, serde_yaml::Error> {
    of(document)
}

/// Encloses the number of a character that is written as an escape. A private character, so that no text has
/// it: a text that does is written with an escape for it.
const MARK: char = '\u{f8f0}';
/// Begins a text with escapes: the control character makes the library write the text in double quotes. Such
/// a text has no other one as it is.
const QUOTED: &str = "\u{1}\u{f8f0}";
/// The same as the library writes it.
const WRITTEN: &str = "\\x01\u{f8f0}";

/// Writes YAML, ending with a line end. Characters that a terminal would obey, or not show, are escapes.
///
/// The value is written as JSON first. A variant is then a map of one key, as there: most parsers refuse the
/// tags that YAML has for it. And the program holds the code that writes each type once, which is a megabyte.
///
/// # Errors
/// The value has no form in JSON. Every document has one.
pub fn of(value: &impl Serialize) -> Result<String, serde_yaml::Error> {
    let json = json(value).map_err(serde_yaml::Error::custom)?;
    let mut value: Value = serde_json::from_slice(&json).map_err(serde_yaml::Error::custom)?;
    if !mark(&mut value) {
        return serde_yaml::to_string(&value);
    }
    Ok(escaped(&serde_yaml::to_string(&value)?))
}

/// Whether a text has a character that is written as an escape, or is a truth value for readers of YAML 1.1,
/// which kubectl and most libraries are. The library quotes those of YAML 1.2.
fn needs_quotes(text: &str) -> bool {
    text.contains(needs_escape) || TRUTH_VALUES.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Words for true and false (<https://yaml.org/type/bool.html>).
const TRUTH_VALUES: [&str; 6] = ["y", "yes", "on", "n", "no", "off"];

/// Line ends are also those of the file. The library escapes control characters itself.
fn needs_escape(character: char) -> bool {
    character == MARK || character != '\n' && is_hidden(character)
}

/// Replaces each hidden character of texts and keys by its number between two marks, and marks texts that
/// need quotes. Returns whether there is any.
fn mark(value: &mut Value) -> bool {
    match value {
        Value::String(text) if needs_quotes(text) => {
            let mut marked = String::from(QUOTED);
            for character in text.chars() {
                if needs_escape(character) && (!character.is_control() || QUOTED.starts_with(character)) {
                    // Writing to a string cannot fail.
                    let _ = write!(marked, "{MARK}{:x}{MARK}", u32::from(character));
                } else {
                    marked.push(character);
                }
            }
            *text = marked;
            true
        }
        Value::Sequence(list) => list.iter_mut().fold(false, |any, value| mark(value) | any),
        Value::Mapping(map) => {
            let any = map.values_mut().fold(false, |any, value| mark(value) | any);
            if !map.keys().any(|key| key.as_str().is_some_and(needs_quotes)) {
                return any;
            }
            let marked = |(mut key, value)| {
                mark(&mut key);
                (key, value)
            };
            *map = std::mem::take(map).into_iter().map(marked).collect();
            true
        }
        Value::Tagged(tagged) => mark(&mut tagged.value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Replaces the numbers between marks by the escapes of texts in double quotes (YAML 1.2 §5.7).
fn escaped(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for (place, part) in text.replace(WRITTEN, "").split(MARK).enumerate() {
        match u32::from_str_radix(part, 16) {
            Ok(number) if place % 2 == 1 => {
                let _ =
                    if number > 0xffff { write!(clean, "\\U{number:08x}") } else { write!(clean, "\\u{number:04x}") };
            }
            _ => clean.push_str(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::formats::hostile;

    #[test]
    fn yaml_has_the_maps_of_json_and_no_tags() {
        let text = of(&hostile()).unwrap();
        assert!(!text.contains('!') && !text.contains(needs_escape), "{text}");
        let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(value, serde_json::to_value(hostile()).unwrap());
    }

    #[test]
    fn hidden_characters_are_escapes_in_texts_and_keys() {
        let texts = [
            "\u{202e}",
            "a\u{200b}b\\x01",
            "\u{f8f0}202e\u{f8f0}",
            "\u{1}\u{f8f0}",
            "\u{e0041} 'x' \"y\"\nz",
            "\u{ad}: 1",
        ];
        for text in texts {
            let value = serde_json::json!({ text: [text, { "plain": "\\x01202e", "key": text }] });
            let written = of(&value).unwrap();
            assert!(!written.contains(needs_escape), "{written}");
            assert_eq!(serde_yaml::from_str::<serde_json::Value>(&written).unwrap(), value, "{written}");
        }
    }

    /// Readers of YAML 1.1 take them for true and false.
    #[test]
    fn truth_values_of_yaml_1_1_are_quoted() {
        let value = serde_json::json!({ "name": "yes", "no": ["On", "n", "none", true] });
        assert_eq!(of(&value).unwrap(), "name: \"yes\"\n\"no\":\n- \"On\"\n- \"n\"\n- none\n- true\n");
    }
}
