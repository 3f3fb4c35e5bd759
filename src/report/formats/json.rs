//! JSON for programs, as the schemas under `docs` describe it.

use std::io;

use serde::Serialize;

use crate::report::{Document, TextOptions};
use crate::text::write_json;

pub(super) const ABOUT: Option<&str> = None;

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, serde_json::Error> {
    of(document)
}

/// Writes a value piece by piece, as [`of`] returns it.
pub(super) fn write_to(value: &impl Serialize, output: &mut dyn io::Write) -> Result<(), serde_json::Error> {
    write_json(value, output)?;
    output.write_all(b"\n").map_err(serde_json::Error::io)
}

/// Pretty-printed JSON, ending with a line end. Characters that a terminal would obey, or not show, are
/// escapes.
///
/// # Errors
/// The value has a map whose keys are no strings. No document has one.
pub fn of(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut written = Vec::new();
    write_to(value, &mut written)?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Seen;
    use crate::report::formats::hostile;

    #[test]
    fn json_shows_what_a_terminal_would_obey_and_loses_nothing() {
        let text = of(&hostile()).unwrap();
        assert!(text.contains("a\\u009b31m\\u202e\\ufeff\\u007f\\udb40\\udc41\\n\u{e9}"), "{text}");
        assert_eq!(serde_json::from_str::<Vec<Seen<String>>>(&text).unwrap(), hostile());
    }
}
