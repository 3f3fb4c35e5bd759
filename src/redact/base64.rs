//! Secrets inside base64: private keys as PEM or DER, text that holds a secret, and archives that cannot be looked into.
//!
//! What comes from a log is cut off, glued to other characters, in either alphabet and without padding. Decoders refuse all
//! of that, and a refusal would let a key pass; so runs are searched here, and completed before they are decoded.

use std::ops::Range;

use data_encoding::BASE64;

/// Shortest run of the alphabet that is decoded. The shortest private key (Ed25519) has 64 letters as DER.
pub(super) const MIN_RUN: usize = 40;
/// Bytes decoded to see whether a run is text.
const LOOKED_AT: usize = 48;
/// PKCS#5 and PKCS#12 password-based encryption, and PBES2: what an encrypted key begins with.
const ENCRYPTION_OIDS: &[&[u8]] = &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x05", b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01"];

/// The next run of at least [`MIN_RUN`] letters of base64 at or after `from`.
///
/// It looks at every `MIN_RUN`th byte first: a run that long cannot hide between two of them.
pub(super) fn run(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut floor = from;
    let mut probe = from.checked_add(MIN_RUN - 1)?;
    while probe < text.len() {
        if !is_letter(text[probe]) {
            floor = probe + 1;
            probe += MIN_RUN;
            continue;
        }
        let begin = text[floor..probe].iter().rposition(|byte| !is_letter(*byte)).map_or(floor, |at| floor + at + 1);
        let end = text[probe..].iter().position(|byte| !is_letter(*byte)).map_or(text.len(), |at| probe + at);
        if end - begin >= MIN_RUN {
            let padding = text[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
            return Some(begin..end + padding);
        }
        floor = end;
        probe = end + MIN_RUN;
    }
    None
}

/// Whether `PRIVATE KEY` is in the run, wherever its first letter falls among the three bytes of a group.
pub(super) fn names_key(run: &[u8]) -> bool {
    const NAMES: [&[u8]; 3] = [b"UFJJVkFURSBLRV", b"BSSVZBVEUgS0VZ", b"QUklWQVRFIEtFW"];
    NAMES.iter().any(|name| memchr::memmem::find(run, name).is_some())
}

/// What a run holds that may not be shown.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Content {
    /// A private key, alone: the lines that follow may be the rest of it.
    Key,
    /// It decodes to text, which has to be looked at itself.
    Text(Vec<u8>),
    /// gzip, zip or zstd.
    Archive,
    Certificate,
    Other,
}

/// What `run` decodes to when `skip` letters before it are left out.
pub(super) fn content(run: &[u8], skip: usize) -> Content {
    let run = run.get(skip..).unwrap_or_default();
    let head = decode(&run[..run.len().min(LOOKED_AT / 3 * 4)]);
    if is_private_key(&head) {
        return Content::Key;
    }
    if head.starts_with(b"\x1f\x8b\x08") || head.starts_with(b"PK\x03\x04") || head.starts_with(b"\x28\xb5\x2f\xfd") {
        return Content::Archive;
    }
    if matches!(sequence(&head), Some([0x30, 0x82, ..])) {
        return Content::Certificate;
    }
    let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    if head.len() >= MIN_RUN / 2 && head.iter().filter(|byte| readable(byte)).count() * 20 >= head.len() * 19 {
        return Content::Text(decode(run));
    }
    Content::Other
}

/// Decodes either alphabet and stops at the first letter of neither.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut letters: Vec<u8> = text.iter().map_while(|byte| standard(*byte)).collect();
    let whole_bytes = letters.len() * 6 / 8;
    // Zero bits complete the last group of four, so that nothing is left that the decoder could refuse.
    letters.resize(letters.len().next_multiple_of(4), b'A');
    let mut bytes = BASE64.decode(&letters).unwrap_or_default();
    bytes.truncate(whole_bytes);
    bytes
}

/// Whether DER begins as a private key does: PKCS#8 or PKCS#1 (an INTEGER first), SEC1, or an encrypted PKCS#8, or a PKCS#12 store.
fn is_private_key(der: &[u8]) -> bool {
    let Some(inner) = sequence(der) else { return false };
    match inner {
        // Version 0 or 1, then an algorithm (PKCS#8), a large number (PKCS#1, DSA) or the key's octets (SEC1).
        // Version 3 is PKCS#12.
        [2, 1, 0 | 1, 0x30 | 2 | 4, ..] | [2, 1, 3, 0x30, ..] => true,
        [0x30, _, 6, rest @ ..] => {
            ENCRYPTION_OIDS.iter().any(|oid| rest.get(1..).is_some_and(|object| object.starts_with(oid)))
        }
        _ => false,
    }
}

/// What is inside the outermost SEQUENCE.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    match der {
        [0x30, 0x81, _, inner @ ..] | [0x30, 0x82, _, _, inner @ ..] | [0x30, 0x83, _, _, _, inner @ ..] => Some(inner),
        [0x30, length, inner @ ..] if *length < 0x80 => Some(inner),
        _ => None,
    }
}

pub(super) fn is_letter(byte: u8) -> bool {
    standard(byte).is_some()
}

/// The byte in the standard alphabet (RFC 4648 §4), for one of that or of the alphabet for URLs (§5).
fn standard(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => Some(byte),
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_alphabet_is_decoded_as_far_as_it_goes() {
        assert_eq!(decode(b"aGVsbG8gd29ybGQ="), b"hello world");
        assert_eq!(decode(b"aGVsbG8gd29ybG"), b"hello worl");
        assert_eq!(decode(b"_-8"), decode(b"/+8"));
        assert_eq!(decode(b""), b"");
        // Six bits are no byte, and bits that are left over are dropped whatever they are.
        assert_eq!(decode(b"aGVsb"), b"hel");
        assert_eq!(decode(b"aGV/"), b"he\x7f");
        assert_eq!(decode(b"aGV"), b"he");
        assert_eq!(decode(b"aGX"), b"he");
        assert_eq!(decode(b"aGVs bG8="), b"hel");
    }

    #[test]
    fn runs_are_found_wherever_they_begin() {
        for before in 0..90 {
            for length in [39, 40, 41, 80, 200] {
                let text = format!("{}{} tail", "x ".repeat(before), "A".repeat(length));
                let expected = (length >= MIN_RUN).then(|| 2 * before..2 * before + length);
                assert_eq!(run(text.as_bytes(), 0), expected, "{before} {length}");
            }
        }
    }
}
