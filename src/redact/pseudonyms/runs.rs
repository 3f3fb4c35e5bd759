//! Finds candidate runs for hostnames and addresses: characters of names with a dot or a colon among them.

use std::ops::Range;

/// Maximum number of characters of a run: a name and adjacent characters. The rest is the next run.
const MAX_RUN: usize = 1012;

/// Returns the next run of letters, digits, dots, colons, hyphens and underscores that has a dot or a colon.
pub(super) fn run(line: &[u8], from: usize) -> Option<Range<usize>> {
    let mut from = from;
    loop {
        let mark = from + memchr::memchr2(b'.', b':', line.get(from..)?)?;
        let mut begin = mark;
        while let Some(length) = part_before(&line[from..begin]).filter(|_| mark - begin < MAX_RUN) {
            begin -= length;
        }
        let mut end = mark;
        while let Some(length) = part_after(&line[end..]).filter(|_| end - mark < MAX_RUN) {
            end += length;
        }
        // Cut a longer run where a name may end.
        if end - mark >= MAX_RUN
            && let Some(colon) = memchr::memrchr(b':', &line[mark + 1..end])
        {
            end = mark + 1 + colon;
        }
        begin += escaped(line, begin, mark);
        if end - begin > 2 {
            return Some(begin..end);
        }
        from = end;
    }
}

/// Returns how many bytes at the start of a run belong to the escape before it: the `n` of `\n`.
fn escaped(line: &[u8], begin: usize, sign: usize) -> usize {
    usize::from(begin < sign && line[..begin].ends_with(b"\\"))
}

pub(super) fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_')
}

/// Returns the byte length of the last character, if it may be part of a name. Names of other alphabets are
/// logged as typed.
fn part_before(bytes: &[u8]) -> Option<usize> {
    let last = *bytes.last()?;
    if last.is_ascii() {
        return is_part(last).then_some(1);
    }
    let length = 1 + bytes.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80)?;
    part_after(&bytes[bytes.len() - length..]).filter(|found| *found == length)
}

fn part_after(bytes: &[u8]) -> Option<usize> {
    let first = *bytes.first()?;
    if first.is_ascii() {
        return is_part(first).then_some(1);
    }
    let letter = (2..=4).find_map(|length| str::from_utf8(bytes.get(..length)?).ok()?.chars().next())?;
    letter.is_alphanumeric().then_some(letter.len_utf8())
}
