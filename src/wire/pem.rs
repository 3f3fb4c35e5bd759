//! Finds the blocks of a PEM text (RFC 7468), whatever surrounds them.
//!
//! By hand, because PEM in clusters and files is truncated, mixed with other text and concatenated. PEM
//! readers stop at the first malformed block and report no positions. Here a malformed block must not hide
//! the others, and redaction must know which bytes belong to no block. For private keys split over log lines,
//! see `redact/text/pem`.

use std::ops::Range;

use data_encoding::BASE64_MIME_PERMISSIVE;
use memchr::memmem::find;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One block of a PEM text.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// The label after `BEGIN`: `CERTIFICATE`, `EC PRIVATE KEY`.
    pub label: &'a [u8],
    /// From the first dash of the BEGIN line to the last dash of the END line. Without an END line, up to the
    /// next block or the end of the text.
    pub bytes: &'a [u8],
    /// Range of [`Self::bytes`] in the text.
    pub range: Range<usize>,
    /// The block has an END line with the same label.
    pub is_closed: bool,
}

/// Returns the blocks of a text in order. A BEGIN line ends the block before it, so that a missing END line
/// affects only its own block.
pub fn blocks(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = at + find(text.get(at..)?, BEGIN)?;
            let inside = begin + BEGIN.len();
            let limit = find(&text[inside..], BEGIN).map_or(text.len(), |length| inside + length);
            at = limit;
            let line = text[inside..limit].split(|byte| *byte == b'\n').next().unwrap_or_default();
            // `-----BEGIN ` in prose, not a block.
            let Some(length) = find(line, DASHES) else { continue };
            let label = &line[..length];
            let end = end(&text[inside..limit], label).map(|length| inside + length);
            at = end.unwrap_or(limit);
            return Some(Block { label, bytes: &text[begin..at], range: begin..at, is_closed: end.is_some() });
        }
    })
}

/// Returns the blocks labelled as certificates.
pub fn certificates(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    blocks(text).filter(|block| block.label == b"CERTIFICATE")
}

/// Returns the blocks labelled as private keys of any kind.
pub fn private_keys(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    blocks(text).filter(|block| block.label.ends_with(b"PRIVATE KEY"))
}

impl Block<'_> {
    /// Decodes the content of a closed block without parsing it; `None` if it is not base64.
    #[must_use]
    pub fn der(&self) -> Option<Vec<u8>> {
        let frame = self.label.len() + DASHES.len();
        let end = self.bytes.len().checked_sub(END.len() + frame)?;
        let base64: Vec<u8> = self
            .bytes
            .get(BEGIN.len() + frame..end)?
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        BASE64_MIME_PERMISSIVE.decode(&base64).ok().filter(|_| self.is_closed)
    }
}

/// Returns the end of the END line with this label.
fn end(text: &[u8], label: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += find(&text[at..], END)? + END.len();
        let after = text[at..].strip_prefix(label).and_then(|rest| rest.strip_prefix(DASHES));
        if let Some(after) = after {
            return Some(text.len() - after.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the labels, and whether each block is closed.
    fn found(text: &str) -> Vec<(String, bool)> {
        let block = |block: Block<'_>| (String::from_utf8(block.label.to_vec()).unwrap(), block.is_closed);
        blocks(text.as_bytes()).map(block).collect()
    }

    #[test]
    fn finds_blocks_whatever_surrounds_them() {
        let key = "-----BEGIN EC PRIVATE KEY-----\r\nAAAA\r\n-----END EC PRIVATE KEY-----";
        let text =
            format!("# -----BEGIN of a file\n{key}-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----tail");
        assert_eq!(found(&text), [("EC PRIVATE KEY".to_owned(), true), ("CERTIFICATE".to_owned(), true)]);
        let certificate = certificates(text.as_bytes()).next().unwrap();
        assert_eq!(certificate.der().unwrap(), [0, 1, 2]);
        assert_eq!(&text.as_bytes()[certificate.range.clone()], certificate.bytes);
        assert!(text.as_bytes()[certificate.range.end..].starts_with(b"tail"));
        assert_eq!(private_keys(text.as_bytes()).next().unwrap().bytes, key.as_bytes());
        assert_eq!(found(""), []);
        assert_eq!(found("-----BEGIN "), []);
    }

    #[test]
    fn a_missing_end_line_affects_only_its_own_block() {
        let whole = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        let text = format!(
            "-----BEGIN CERTIFICATE-----\nAAEC\n-----END PRIVATE KEY-----\n{whole}-----BEGIN CERTIFICATE-----\n"
        );
        let name = || "CERTIFICATE".to_owned();
        assert_eq!(found(&text), [(name(), false), (name(), true), (name(), false)]);
        let decoded: Vec<_> = certificates(text.as_bytes()).map(|block| block.der()).collect();
        assert_eq!(decoded, [None, Some(vec![0, 1, 2]), None]);
    }

    #[test]
    fn decodes_base64_with_any_line_breaks_and_nothing_else() {
        let der = |body: &str| {
            let text = format!("-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----");
            certificates(text.as_bytes()).next().unwrap().der()
        };
        assert_eq!(der("\r\n A A\tE C\r\nAw==\r\n"), Some(vec![0, 1, 2, 3]));
        // Trailing bits are dropped, as OpenSSL does.
        assert_eq!(der("Ax=="), Some(vec![3]));
        assert_eq!(der("not base64!"), None);
        assert_eq!(der(""), Some(vec![]));
    }
}
