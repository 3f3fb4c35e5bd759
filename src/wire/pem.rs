//! Where the blocks of a PEM text (RFC 7468) begin and end, whatever stands between them.
//!
//! It finds blocks and decodes none but certificates. By hand, because what is stored in clusters and files is cut, mixed with
//! other text and glued together: readers of PEM give up at the first odd block and tell no places, while one bad block
//! must not cost the others here, and redaction has to know which bytes belong to no block. Private keys that are cut in log
//! lines are another matter, see `bundle/redact/text/pem.rs`.

use std::ops::Range;

use data_encoding::BASE64_MIME_PERMISSIVE;
use memchr::memmem::find;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One block of a PEM text.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// Between `BEGIN` and the dashes: `CERTIFICATE`, `EC PRIVATE KEY`.
    pub label: &'a [u8],
    /// From the first dash of its BEGIN line to the last one of its END line. Without an END line, to the next block or the
    /// end of the text.
    pub bytes: &'a [u8],
    /// Where [`Self::bytes`] is in the text.
    pub range: Range<usize>,
    /// There is an END line with the same label.
    pub is_closed: bool,
}

/// The blocks of a text in their order. A BEGIN line ends the block before it, so that one without an END line costs itself
/// only.
pub fn blocks(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = at + find(text.get(at..)?, BEGIN)?;
            let inside = begin + BEGIN.len();
            let limit = find(&text[inside..], BEGIN).map_or(text.len(), |length| inside + length);
            at = limit;
            let line = text[inside..limit].split(|byte| *byte == b'\n').next().unwrap_or_default();
            // Words in prose, not a block.
            let Some(length) = find(line, DASHES) else { continue };
            let label = &line[..length];
            let end = end(&text[inside..limit], label).map(|length| inside + length);
            at = end.unwrap_or(limit);
            return Some(Block { label, bytes: &text[begin..at], range: begin..at, is_closed: end.is_some() });
        }
    })
}

/// The blocks that are certificates by their label.
pub fn certificates(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    blocks(text).filter(|block| block.label == b"CERTIFICATE")
}

/// The blocks that are private keys by their label, of whatever kind.
pub fn private_keys(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    blocks(text).filter(|block| block.label.ends_with(b"PRIVATE KEY"))
}

impl Block<'_> {
    /// The content of a closed block, decoded and not parsed; `None` where it is not base64.
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

/// Behind the END line of a label.
fn end(text: &[u8], label: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += find(&text[at..], END)? + END.len();
        let behind = text[at..].strip_prefix(label).and_then(|rest| rest.strip_prefix(DASHES));
        if let Some(behind) = behind {
            return Some(text.len() - behind.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels, and whether each is closed.
    fn found(text: &str) -> Vec<(String, bool)> {
        let block = |block: Block<'_>| (String::from_utf8(block.label.to_vec()).unwrap(), block.is_closed);
        blocks(text.as_bytes()).map(block).collect()
    }

    #[test]
    fn finds_blocks_in_whatever_stands_around_them() {
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
    fn a_block_without_an_end_costs_itself_only() {
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
    fn decodes_base64_that_is_wrapped_oddly_and_nothing_else() {
        let der = |body: &str| {
            let text = format!("-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----");
            certificates(text.as_bytes()).next().unwrap().der()
        };
        assert_eq!(der("\r\n A A\tE C\r\nAw==\r\n"), Some(vec![0, 1, 2, 3]));
        // Bits that are left over are dropped, as OpenSSL does.
        assert_eq!(der("Ax=="), Some(vec![3]));
        assert_eq!(der("not base64!"), None);
        assert_eq!(der(""), Some(vec![]));
    }
}
