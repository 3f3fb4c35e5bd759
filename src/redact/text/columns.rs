//! Tables in text: a header that names a secret column, or one of names and one of values, and the cells
//! below it (`user,password,host`).

use std::ops::Range;

use super::pairs::is_variable_name;
use super::value::is_not_secret;
use crate::secrets::is_holder;

/// What may be between two cells.
const DELIMITERS: &[u8] = b",;\t|";
/// Columns whose cells name the value in another one.
const NAMES: &[&[u8]] = &[b"key", b"name", b"parameter", b"property", b"setting", b"variable"];
/// Maximum number of cells that are judged.
const MAX_CELLS: usize = 256;
/// Maximum number of bytes of the name of a column.
const MAX_NAME: usize = 64;

/// The secret columns of the table that the preceding lines belong to.
#[derive(Default)]
pub(super) struct Columns {
    delimiter: u8,
    /// Number of cells of each line; 0 outside a table.
    cells: usize,
    /// Secret columns with their names.
    secret: Vec<(usize, Vec<u8>)>,
    /// The column of names and that of values.
    pair: Option<(usize, usize)>,
}

impl Columns {
    /// Returns the cells of the line to redact, and recognises headers.
    pub(super) fn apply(&mut self, line: &[u8]) -> Vec<Range<usize>> {
        let is_rule = |byte: &u8| matches!(byte, b'-' | b'+' | b'=' | b'|' | b':' | b' ');
        let cells = if self.cells > 0 { cells(line, self.delimiter) } else { Vec::new() };
        if self.cells == 0 || cells.len() != self.cells {
            if self.cells == 0 || !line.iter().all(is_rule) {
                *self = header(line).unwrap_or_default();
            }
            return Vec::new();
        }
        let own = self.secret.iter().filter_map(|(column, name)| Some((cells.get(*column)?.clone(), name.as_slice())));
        let pair =
            self.pair.and_then(|(name, value)| Some((cells.get(value)?.clone(), &line[cells.get(name)?.clone()])));
        let pair = pair.filter(|(_, name)| is_variable_name(name));
        let is_secret = |(cell, name): &(Range<usize>, &[u8])| {
            let text = &line[cell.clone()];
            // A line below the header, and a header that is repeated.
            !text.iter().all(is_rule) && text != *name && !is_not_secret(text, name)
        };
        own.chain(pair).filter(is_secret).map(|(cell, _)| cell).collect()
    }
}

/// Returns the table that begins with this line, if it is a header with a secret column.
fn header(line: &[u8]) -> Option<Columns> {
    let begin = line.iter().position(|byte| !matches!(byte, b' ' | b'"' | b'#' | b'|'))?;
    if !line[begin].is_ascii_alphabetic() {
        return None;
    }
    let length = line[begin..].iter().position(|byte| !is_name_byte(*byte) && !matches!(byte, b'"' | b' '))?;
    let delimiter = line[begin + length];
    // A comma of a sentence has a space behind it.
    if !DELIMITERS.contains(&delimiter)
        || matches!(delimiter, b',' | b';') && line[begin + length..].get(1) == Some(&b' ')
    {
        return None;
    }
    let cells = cells(line, delimiter);
    let names: Vec<&[u8]> = cells.iter().map(|cell| &line[cell.clone()]).collect();
    let is_name = |name: &&[u8]| name.len() <= MAX_NAME && name.iter().all(|byte| is_name_byte(*byte) || *byte == b' ');
    let filled = names.iter().filter(|name| name.first().is_some_and(u8::is_ascii_alphabetic)).count();
    // A table of Markdown has an empty cell at both ends.
    if filled < 2 || filled + 2 < names.len() || names.len() > MAX_CELLS || !names.iter().all(is_name) {
        return None;
    }
    let of_names = names.iter().position(|name| NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)));
    let of_values = names.iter().position(|name| is_holder(name));
    let secret = names.iter().enumerate().filter(|(_, name)| is_variable_name(name));
    let secret: Vec<(usize, Vec<u8>)> = secret.map(|(column, name)| (column, name.to_vec())).collect();
    let pair = of_names.zip(of_values);
    (!secret.is_empty() || pair.is_some()).then_some(Columns { delimiter, cells: cells.len(), secret, pair })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns the cells of a line, without the quotes and the spaces around them.
fn cells(line: &[u8], delimiter: u8) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let mut at = 0;
    while at <= line.len() && cells.len() <= MAX_CELLS {
        let mut end = at;
        // A delimiter in quotes is part of the cell, and so is a doubled quote.
        let mut is_quoted = false;
        while let Some(byte) = line.get(end).filter(|byte| is_quoted || **byte != delimiter) {
            is_quoted ^= *byte == b'"';
            end += 1;
        }
        let around = |byte: &u8| matches!(byte, b'"' | b' ');
        let start = at + line[at..end].iter().take_while(|byte| around(byte)).count();
        let length = line[start..end].iter().rev().take_while(|byte| around(byte)).count();
        cells.push(start..end - length);
        at = end + 1;
    }
    cells
}
