//! JSON lines for programs that read one value at a time: a line for each finding, or for each target of
//! `probe`.

use serde::Serialize;

use crate::report::{Document, TextOptions};
use crate::text::escaped_json;

pub(super) const ABOUT: Option<&str> = Some("One JSON value per line: each finding, or each endpoint of probe");

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, serde_json::Error> {
    document.records()
}

/// Writes one line of JSON for each value.
///
/// # Errors
/// A value has a map whose keys are no strings. No document has one.
pub fn of<T: Serialize>(values: impl IntoIterator<Item = T>) -> Result<String, serde_json::Error> {
    values.into_iter().map(|value| Ok(line(&value)? + "\n")).collect()
}

/// Writes a value in one line, without its line end.
///
/// # Errors
/// The value has a map whose keys are no strings. No document has one.
pub fn line(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(escaped_json(&serde_json::to_string(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Seen;
    use crate::report::formats::hostile;

    #[test]
    fn every_value_is_one_line_that_a_terminal_cannot_obey() {
        let text = of(hostile()).unwrap();
        assert_eq!(text.lines().count(), hostile().len());
        assert!(!text.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{text}");
        let back: Vec<Seen<String>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back, hostile());
    }
}
