//! Tables with columns of terminal width.

use unicode_width::UnicodeWidthStr;

/// Spaces between two columns, as in kubectl.
const GAP: &str = "   ";

/// Appends spaces to `text` until it is `columns` wide. Returns a wider text unchanged.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', columns.saturating_sub(text.width())));
    padded
}

/// Returns the number of terminal columns of the text.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Returns the terminal columns of the widest of these texts; 0 if there are none.
#[must_use]
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Returns one line for each row, with every column as wide as its widest cell. Lines end with a line feed
/// and have no trailing spaces.
#[must_use]
pub fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| widest(rows.iter().map(|row| row[column].as_str())));
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| pad(cell, width)).collect();
            cells.join(GAP).trim_end().to_owned() + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_on_a_terminal() {
        let rows = [["NAME", "X", "LAST"], ["é", "1", ""], ["漢字漢字", "22", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "NAME       X    LAST\né          1\n漢字漢字   22   c\n");
        assert_eq!(pad("wide", 2), "wide");
        assert_eq!((widest(["a", "漢字"]), widest([])), (4, 0));
    }
}
