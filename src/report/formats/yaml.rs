//! YAML for programs: the same value as in JSON.

use serde::Serialize;
use serde::ser::Error as _;
use serde_yaml::Value;

use crate::report::{Document, TextOptions};

pub(super) const ABOUT: Option<&str> = None;

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, serde_yaml::Error> {
    of(document)
}

/// Writes YAML, ending with a line end.
///
/// The value is written as JSON first. A variant is then a map of one key, as there: most parsers refuse the
/// tags that YAML has for it. And the program holds the code that writes each type once, which is a megabyte.
///
/// # Errors
/// The value has no form in JSON. Every document has one.
pub fn of(value: &impl Serialize) -> Result<String, serde_yaml::Error> {
    let json = serde_json::to_vec_pretty(value).map_err(serde_yaml::Error::custom)?;
    let value: Value = serde_json::from_slice(&json).map_err(serde_yaml::Error::custom)?;
    serde_yaml::to_string(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::formats::hostile;

    #[test]
    fn yaml_has_the_maps_of_json_and_no_tags() {
        let text = of(&hostile()).unwrap();
        assert!(!text.contains(['!', '\u{9b}', '\u{feff}']), "{text}");
        let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(value, serde_json::to_value(hostile()).unwrap());
    }
}
