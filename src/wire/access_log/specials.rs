//! Positions of quotes, backslashes and line ends in a block of lines: one bit per byte.
//!
//! Found sixteen bytes at a time beforehand, so that the end of a string is one load and one count of zeros,
//! without a loop whose exit the processor must predict. This makes reading every record cheaper than
//! searching it.

use wide::u8x16;

/// Number of bits that one load is sure to contain: eight bytes of bits, less those shifted out of the first.
const IN_SIGHT: usize = 57;

/// The bits of one block.
#[derive(Debug, Default)]
pub(super) struct Specials {
    bits: Vec<u8>,
}

/// The end of a string, and whether there was a backslash in it.
pub(super) struct StringEnd {
    pub(super) end: usize,
    pub(super) escaped: bool,
}

impl Specials {
    /// Marks the bytes of a new block.
    pub(super) fn mark(&mut self, block: &[u8]) {
        let padded = block.len().div_ceil(16) * 2 + 8;
        // Exact, so that a search without a hit ends at the padding and not in what a longer block left
        // behind.
        self.bits.resize(padded, 0);
        let (sixteens, rest) = block.as_chunks::<16>();
        let (pairs, _) = self.bits.as_chunks_mut::<2>();
        for (bytes, bits) in sixteens.iter().zip(pairs.iter_mut()) {
            *bits = mark(*bytes);
        }
        let mut last = [0; 16];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        let tail = pairs.iter_mut().skip(sixteens.len());
        for (bits, marked) in tail.zip([mark(last), [0; 2], [0; 2], [0; 2], [0; 2]]) {
            *bits = marked;
        }
    }

    /// Returns the first marked byte at or after `from`.
    pub(super) fn next(&self, mut from: usize) -> Option<usize> {
        loop {
            let (bits, _) = self.bits.get(from / 8..)?.split_first_chunk::<8>()?;
            let ahead = u64::from_le_bytes(*bits) >> (from % 8);
            if ahead != 0 {
                return Some(from + ahead.trailing_zeros() as usize);
            }
            from += IN_SIGHT;
        }
    }

    /// Returns the end of the string that opens at `quote`, on its own line; `bytes` is the block that was
    /// marked.
    #[inline]
    pub(super) fn string_end(&self, bytes: &[u8], quote: usize) -> Option<StringEnd> {
        let mut escaped = false;
        let mut from = quote + 1;
        loop {
            let at = self.next(from)?;
            match bytes.get(at)? {
                b'"' => {
                    return Some(StringEnd { end: at + 1, escaped });
                }
                // A backslash at the end of a line escapes nothing.
                b'\\' if *bytes.get(at + 1)? != b'\n' => {
                    escaped = true;
                    from = at + 2;
                }
                _ => return None,
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sixteen lanes give sixteen bits")]
fn mark(bytes: [u8; 16]) -> [u8; 2] {
    let bytes = u8x16::new(bytes);
    let hits =
        bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | bytes.simd_eq(u8x16::splat(b'\n'));
    (hits.to_bitmask() as u16).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_byte_is_found_in_blocks_of_any_length() {
        let mut specials = Specials::default();
        for length in (0..200).rev().chain([1000, 3, 500]) {
            let block: Vec<u8> = (0..length).map(|i| b"\"a\\bcdefgh\nijklmnop"[i * i % 19]).collect();
            specials.mark(&block);
            let mut from = 0;
            let mut found = Vec::new();
            while let Some(at) = specials.next(from) {
                found.push(at);
                from = at + 1;
            }
            let expected: Vec<usize> = (0..length).filter(|&i| matches!(block[i], b'"' | b'\\' | b'\n')).collect();
            assert_eq!(found, expected, "length {length}");
        }
    }

    #[test]
    fn a_string_ends_at_its_own_quote() {
        let mut specials = Specials::default();
        for (text, expected) in [
            (r#""abc","#, Some((5, false))),
            (r#""a\"c","#, Some((6, true))),
            (r#""a\\","#, Some((5, true))),
            (r#""abc"#, None),
            ("\"ab\nc\"", None),
            ("\"ab\\\nc\"", None),
            (r#""ab\"#, None),
        ] {
            specials.mark(text.as_bytes());
            let end = specials.string_end(text.as_bytes(), 0).map(|end| (end.end, end.escaped));
            assert_eq!(end, expected, "{text}");
        }
    }
}
