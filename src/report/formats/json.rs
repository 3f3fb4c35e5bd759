//! JSON for programs, as the schemas under `docs` describe it.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use crate::report::{Document, TextOptions};
use crate::text::{is_hidden, write_json};

pub(super) const ABOUT: Option<&str> = None;

pub(super) fn write(document: &impl Document, _: TextOptions) -> Result<String, serde_json::Error> {
    of(document)
}

/// Writes a value piece by piece, as [`of`] returns it.
pub(super) fn write_to(value: &impl Serialize, output: &mut dyn io::Write) -> Result<(), serde_json::Error> {
    let mut output = Escaped(output);
    write_json(value, &mut output)?;
    io::Write::write_all(&mut output, b"\n").map_err(serde_json::Error::io)
}

/// Escapes what is written to it, in pieces of whole characters, which is how `serde_json` writes.
struct Escaped<'a>(&'a mut dyn io::Write);

impl io::Write for Escaped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| byte.is_ascii() && *byte != 0x7f) {
            return self.0.write(bytes);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        self.0.write_all(escaped(text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
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

/// Writes characters that a terminal would obey, or not show, as escapes.
pub(super) fn escaped(json: &str) -> String {
    let mut clean = String::with_capacity(json.len() + 1);
    for letter in json.chars() {
        // Outside of strings there are none of them but line ends; in strings control characters of ASCII are
        // escapes already.
        if letter == '\u{7f}' || !letter.is_ascii() && is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(clean, "\\u{unit:04x}");
            }
        } else {
            clean.push(letter);
        }
    }
    clean
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
