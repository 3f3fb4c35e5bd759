//! Where keys and certificates begin and end that are written as PEM, whole or cut at either end.

use memchr::memmem;

/// Letters between `BEGIN` and `PRIVATE KEY`.
pub(super) const LABEL: usize = 48;

/// Where the label begins with which something ends. A form has its blanks as `+`.
pub(super) fn end_label(line: &[u8]) -> Option<usize> {
    memmem::find(line, b"END ").or_else(|| memmem::find(line, b"-END+"))
}

/// Behind the dashes that close the label which begins at `at`.
pub(super) fn after_dashes(line: &[u8], at: usize) -> usize {
    let rest = &line[at..line.len().min(at + 2 * LABEL)];
    let before = rest.iter().take_while(|byte| **byte == b'-').count();
    let dashes = memmem::find(&rest[before..], b"----").map_or(rest.len(), |dashes| before + dashes);
    at + dashes + rest[dashes..].iter().take_while(|byte| **byte == b'-').count()
}

/// Whether a private key begins in these bytes and does not end there; nothing when none begins and none ends.
pub(super) fn key_left_open(bytes: &[u8]) -> Option<bool> {
    const NAME: &[u8] = b"PRIVATE KEY";
    let mut rest = bytes;
    let mut begin = None;
    while let Some(at) = memmem::rfind(rest, NAME) {
        if memmem::find(&bytes[at.saturating_sub(LABEL)..at], b"BEGIN").is_some() {
            begin = Some(at);
            break;
        }
        rest = &rest[..at];
    }
    let end = memmem::rfind(bytes, b"---END ").or_else(|| memmem::rfind(bytes, b"--- END "));
    match (begin, end) {
        (None, None) => None,
        (None, Some(_)) => Some(false),
        (Some(begin), end) => Some(end.is_none_or(|end| end < begin)),
    }
}
