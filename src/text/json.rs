//! JSON of any value, written by one writer.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::is_hidden;

/// Writes a value as JSON with line breaks. Characters that a terminal would obey, or not show, are escapes.
///
/// The writer has no type of its own: each kind of writer would add the code that writes every type once
/// more, which is half a megabyte.
///
/// # Errors
/// The value has a map whose keys are no strings, or the output could not be written.
pub fn write_json(value: &impl Serialize, output: &mut dyn Write) -> Result<(), serde_json::Error> {
    let output: &mut dyn Write = &mut Escaped(output);
    serde_json::to_writer_pretty(output, value)
}

/// Returns a value as [`write_json`] writes it.
///
/// # Errors
/// The value has a map whose keys are no strings.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut written = Vec::new();
    write_json(value, &mut written)?;
    Ok(written)
}

/// Writes characters of JSON that a terminal would obey, or not show, as escapes.
#[must_use]
pub fn escaped_json(json: &str) -> String {
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

/// Escapes what is written to it, in pieces of whole characters, which is how `serde_json` writes.
struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| byte.is_ascii() && *byte != 0x7f) {
            return self.0.write(bytes);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        self.0.write_all(escaped_json(text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escapes_wherever_json_is_written() {
        let text = "a\u{202e}b\u{7f}\u{e0041}\u{e9}";
        let written = json(&text).unwrap();
        assert_eq!(String::from_utf8_lossy(&written), "\"a\\u202eb\\u007f\\udb40\\udc41\u{e9}\"");
        assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
    }
}
