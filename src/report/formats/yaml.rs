//! YAML for programs: the same value as in JSON.

use std::io::Write;

use serde::Serialize;
use serde_yaml::with::singleton_map_recursive;

use crate::report::{Document, TextOptions};

pub(super) const ABOUT: Option<&str> = None;

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, serde_yaml::Error> {
    of(document)
}

/// Writes the document piece by piece, as [`of`] returns it.
pub(super) fn write_to(document: &impl Document, output: &mut dyn Write) -> Result<(), serde_yaml::Error> {
    singleton_map_recursive::serialize(document, &mut serde_yaml::Serializer::new(output))
}

/// Writes YAML, ending with a line end. A variant is a map of one key, as in JSON: the tags that would be for
/// it are refused by most parsers.
///
/// # Errors
/// The value has no form in YAML. Every document has one.
pub fn of(value: &impl Serialize) -> Result<String, serde_yaml::Error> {
    let mut written = Vec::new();
    singleton_map_recursive::serialize(value, &mut serde_yaml::Serializer::new(&mut written))?;
    Ok(String::from_utf8_lossy(&written).into_owned())
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
