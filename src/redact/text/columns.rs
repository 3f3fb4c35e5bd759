//! Tables in text: a header that names a secret column, or one of names and one of values, and the cells
//! below it (`user,password,host`).

use std::ops::Range;

use memchr::memmem;

use super::pairs::is_variable_name;
use super::value::is_not_secret;
use crate::secrets::is_holder;

/// What may be between two cells.
const DELIMITERS: &[&str] = &[",", ";", "\t", "|", "│", "┃", "║"];
/// Those that are drawn, and begin a line of a table.
const BARS: &[&str] = &["|", "│", "┃", "║"];
/// Columns whose cells name the value in another one.
const NAMES: &[&[u8]] = &[b"key", b"name", b"parameter", b"property", b"setting", b"variable"];
/// Maximum number of cells that are judged.
const MAX_CELLS: usize = 256;
/// Maximum number of bytes of the name of a column.
const MAX_NAME: usize = 64;

/// The secret columns of the table that the preceding lines belong to.
#[derive(Default)]
pub(super) struct Columns {
    delimiter: &'static str,
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
        let cells = if self.cells > 0 { cells(line, self.delimiter) } else { Vec::new() };
        if self.cells == 0 || cells.len() != self.cells {
            if self.cells == 0 || !is_rule(line) {
                *self = header(line).unwrap_or_default();
            }
            return row(line).into_iter().collect();
        }
        let own = self.secret.iter().filter_map(|(column, name)| Some((cells.get(*column)?.clone(), name.as_slice())));
        let pair =
            self.pair.and_then(|(name, value)| Some((cells.get(value)?.clone(), &line[cells.get(name)?.clone()])));
        let pair = pair.filter(|(_, name)| is_variable_name(name));
        let is_secret = |(cell, name): &(Range<usize>, &[u8])| {
            let text = &line[cell.clone()];
            // A line below the header, and a header that is repeated.
            !is_rule(text) && text != *name && !is_not_secret(text, name)
        };
        let row = row(line);
        own.chain(pair).filter(is_secret).map(|(cell, _)| cell).chain(row).collect()
    }
}

/// Returns the table that begins with this line, if it is a header with a secret column.
fn header(line: &[u8]) -> Option<Columns> {
    let begin =
        line.iter().position(|byte| !matches!(byte, b' ' | b'"' | b'#' | b'|')).map(|at| at + bar(&line[at..]))?;
    let begin = begin + line[begin..].iter().take_while(|byte| **byte == b' ').count();
    if !line.get(begin).is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()) {
        return None;
    }
    let rest = &line[begin..];
    let is_delimiter = |at: &usize| DELIMITERS.iter().find(|delimiter| rest[*at..].starts_with(delimiter.as_bytes()));
    let ends =
        |at: &usize| !(is_name_byte(rest[*at]) || matches!(rest[*at], b'"' | b' ')) || is_delimiter(at).is_some();
    let length = (0..rest.len()).find(ends)?;
    let delimiter = is_delimiter(&length)?;
    // A comma of a sentence has a space behind it.
    if matches!(*delimiter, "," | ";") && rest.get(length + 1) == Some(&b' ') {
        return None;
    }
    let cells = cells(line, delimiter);
    let names: Vec<&[u8]> = cells.iter().map(|cell| &line[cell.clone()]).collect();
    let is_name = |name: &&[u8]| name.len() <= MAX_NAME && name.iter().all(|byte| is_name_byte(*byte) || *byte == b' ');
    let is_filled = |first: &u8| first.is_ascii_alphabetic() || !first.is_ascii();
    let filled = names.iter().filter(|name| name.first().is_some_and(is_filled)).count();
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

/// Returns the cell of a drawn table whose line begins with the name of a secret: `| password | x |`. Of a
/// line with more cells than these two, which may be a header, only a cell that is no word.
fn row(line: &[u8]) -> Option<Range<usize>> {
    let begin = line.iter().position(|byte| *byte != b' ')?;
    if !line[begin].is_ascii_alphabetic() && line[begin] != b'|' && line[begin].is_ascii() {
        return None;
    }
    let delimiter = BARS.iter().find(|delimiter| memmem::find(line, delimiter.as_bytes()).is_some())?;
    let is_framed = line[begin..].starts_with(delimiter.as_bytes());
    let mut cells = cells(line, delimiter);
    cells.retain(|cell| !cell.is_empty());
    let [name, value, others @ ..] = cells.as_slice() else { return None };
    let (name, text) = (&line[name.clone()], &line[value.clone()]);
    let is_name = name.len() <= MAX_NAME && name.iter().all(|byte| is_name_byte(*byte) || is_framed && *byte == b' ');
    let is_word = text.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'_'));
    let is_pair = others.is_empty() || is_framed && !is_word;
    (is_name && is_pair && is_variable_name(name) && !is_rule(text) && !is_not_secret(text, name))
        .then(|| value.clone())
}

/// Returns whether a text is a rule of a table: `|---+---|`.
fn is_rule(text: &[u8]) -> bool {
    let part = |letter: char| matches!(letter, '-' | '+' | '=' | '|' | ':' | ' ' | '\u{2500}'..='\u{257F}');
    std::str::from_utf8(text).is_ok_and(|text| text.chars().all(part))
}

/// Returns the length of the bar that a text begins with.
fn bar(text: &[u8]) -> usize {
    BARS.iter().find(|bar| text.starts_with(bar.as_bytes())).map_or(0, |bar| bar.len())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns the cells of a line, without the quotes and the spaces around them.
fn cells(line: &[u8], delimiter: &str) -> Vec<Range<usize>> {
    let delimiter = delimiter.as_bytes();
    let mut cells = Vec::new();
    let mut at = 0;
    while at <= line.len() && cells.len() <= MAX_CELLS {
        let mut end = at;
        // A delimiter in quotes is part of the cell, and so is a doubled quote.
        let mut is_quoted = false;
        while let Some(byte) = line.get(end).filter(|_| is_quoted || !line[end..].starts_with(delimiter)) {
            is_quoted ^= *byte == b'"';
            end += 1;
        }
        let around = |byte: &u8| matches!(byte, b'"' | b' ');
        let start = at + line[at..end].iter().take_while(|byte| around(byte)).count();
        let length = line[start..end].iter().rev().take_while(|byte| around(byte)).count();
        cells.push(start..end - length);
        at = end + delimiter.len();
    }
    cells
}
