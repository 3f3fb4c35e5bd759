//! JSON of any value, written by one writer.

use std::io::Write;

use serde::Serialize;

/// Writes a value as JSON with line breaks.
///
/// The writer has no type of its own: each kind of writer would add the code that writes every type once
/// more, which is half a megabyte.
///
/// # Errors
/// The value has a map whose keys are no strings, or the output could not be written.
pub fn write_json(value: &impl Serialize, output: &mut dyn Write) -> Result<(), serde_json::Error> {
    serde_json::to_writer_pretty(output, value)
}

/// Returns a value as JSON with line breaks.
///
/// # Errors
/// The value has a map whose keys are no strings.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut written = Vec::new();
    write_json(value, &mut written)?;
    Ok(written)
}
