//! Secrets inside base64: private keys as PEM or DER, text that holds a secret, and archives that cannot be
//! inspected.
//!
//! Base64 in logs is cut, glued to other characters, in either alphabet and without padding. Decoders reject
//! all of that, and a rejection would let a key pass. Runs are therefore found here, and completed before
//! decoding.

use std::ops::Range;

use data_encoding::BASE64;

/// Minimum number of base64 characters that are decoded. The shortest private key (Ed25519) has 64 as DER.
pub(super) const MIN_RUN: usize = 40;
/// Number of bytes decoded to classify a run.
const SNIFFED_BYTES: usize = 48;
/// Prefixes of the algorithm of an encrypted key: PKCS#5 (PBES1, PBES2) and PKCS#12 password-based
/// encryption.
const ENCRYPTION_OIDS: &[&[u8]] = &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x05", b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01"];

/// First bytes of archives and key stores, which cannot be inspected.
const ARCHIVES: &[&[u8]] = &[
    // Compressed: gzip, zip, zstd, bzip2, xz, 7-Zip, lz4, RAR, zlib at its four levels.
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"\x04\x22\x4d\x18",
    b"Rar!\x1a\x07",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
    // Key stores: JKS, JCEKS, keys of OpenSSH and PuTTY, SQLite (NSS), Kerberos keytabs, KeePass.
    b"\xfe\xed\xfe\xed",
    b"\xce\xce\xce\xce",
    b"openssh-key-v1\0",
    b"PuTTY-User-Key-File-",
    b"SQLite format 3\0",
    b"\x05\x02\0\0",
    b"\x03\xd9\xa2\x9a",
    b"Salted__",
    b"age-encryption.org/",
];

/// Returns the next run of at least [`MIN_RUN`] base64 characters at or after `from`.
///
/// Probes every `MIN_RUN`th byte first: a run of that length cannot lie between two probes.
pub(super) fn run(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut floor = from;
    let mut probe = from.checked_add(MIN_RUN - 1)?;
    while probe < text.len() {
        if !is_base64_char(text[probe]) {
            floor = probe + 1;
            probe += MIN_RUN;
            continue;
        }
        let begin =
            text[floor..probe].iter().rposition(|byte| !is_base64_char(*byte)).map_or(floor, |at| floor + at + 1);
        let end = text[probe..].iter().position(|byte| !is_base64_char(*byte)).map_or(text.len(), |at| probe + at);
        if end - begin >= MIN_RUN {
            let padding = text[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
            return Some(begin..end + padding);
        }
        floor = end;
        probe = end + MIN_RUN;
    }
    None
}

/// Returns whether the run encodes `PRIVATE KEY`, at any of the three offsets within a group.
pub(super) fn names_key(run: &[u8]) -> bool {
    const NAMES: [&[u8]; 3] = [b"UFJJVkFURSBLRV", b"BSSVZBVEUgS0VZ", b"QUklWQVRFIEtFW"];
    NAMES.iter().any(|name| memchr::memmem::find(run, name).is_some())
}

/// Returns whether the run decodes to the beginning of a certificate as PEM.
pub(super) fn begins_certificate(run: &[u8]) -> bool {
    memchr::memmem::find(&decode(&run[..run.len().min(SNIFFED_BYTES / 3 * 4)]), b"BEGIN CERTIFICATE").is_some()
}

/// What a base64 run decodes to.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Base64Content {
    /// A private key alone; the lines that follow may continue it.
    Key,
    /// Text, which must be redacted itself.
    Text(Vec<u8>),
    /// One of [`ARCHIVES`].
    Archive,
    Certificate,
    Other,
}

/// Classifies what `run` decodes to without its first `skip` characters.
pub(super) fn classify(run: &[u8], skip: usize) -> Base64Content {
    let run = run.get(skip..).unwrap_or_default();
    let head = decode(&run[..run.len().min(SNIFFED_BYTES / 3 * 4)]);
    if is_private_key(&head) {
        return Base64Content::Key;
    }
    // Two bytes may begin any text of these characters.
    let is_mixed = || {
        let has = |kind: fn(&u8) -> bool| run.iter().any(kind);
        has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
    };
    if ARCHIVES.iter().any(|bytes| head.starts_with(bytes) && (bytes.len() > 2 || is_mixed())) {
        return Base64Content::Archive;
    }
    if matches!(sequence(&head), Some([0x30, 0x82, ..])) {
        return Base64Content::Certificate;
    }
    let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    if head.len() >= MIN_RUN / 2 && head.iter().filter(|byte| readable(byte)).count() * 20 >= head.len() * 19 {
        return Base64Content::Text(decode(run));
    }
    Base64Content::Other
}

/// Decodes either alphabet up to the first other character.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut chars: Vec<u8> = text.iter().map_while(|byte| standard(*byte)).collect();
    let whole_bytes = chars.len() * 6 / 8;
    // Completed to a group of four with zero bits, so that the decoder cannot reject it.
    chars.resize(chars.len().next_multiple_of(4), b'A');
    let mut bytes = BASE64.decode(&chars).unwrap_or_default();
    bytes.truncate(whole_bytes);
    bytes
}

/// Returns whether DER begins like a private key: PKCS#8, PKCS#1, SEC1, encrypted PKCS#8 or a PKCS#12 store.
fn is_private_key(der: &[u8]) -> bool {
    let Some(inner) = sequence(der) else { return false };
    match inner {
        // Version 0 or 1, then an algorithm (PKCS#8), a large number (PKCS#1, DSA) or the key's octets
        // (SEC1). Version 3 is PKCS#12.
        [2, 1, 0 | 1, 0x30 | 2 | 4, ..] | [2, 1, 3, 0x30, ..] => true,
        [0x30, _, 6, rest @ ..] => {
            ENCRYPTION_OIDS.iter().any(|oid| rest.get(1..).is_some_and(|object| object.starts_with(oid)))
        }
        _ => false,
    }
}

/// Returns the content of the outermost SEQUENCE.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    match der {
        [0x30, 0x81, _, inner @ ..] | [0x30, 0x82, _, _, inner @ ..] | [0x30, 0x83, _, _, _, inner @ ..] => Some(inner),
        [0x30, length, inner @ ..] if *length < 0x80 => Some(inner),
        _ => None,
    }
}

pub(super) fn is_base64_char(byte: u8) -> bool {
    standard(byte).is_some()
}

/// Maps a character of either alphabet (RFC 4648 §4 and §5) to the standard one.
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
    fn decodes_either_alphabet_up_to_the_first_other_character() {
        assert_eq!(decode(b"aGVhcmQgd29ybGQ="), b"heard world");
        assert_eq!(decode(b"aGVhcmQgd29ybG"), b"heard worl");
        assert_eq!(decode(b"_-8"), decode(b"/+8"));
        assert_eq!(decode(b""), b"");
        // Six bits are less than a byte, and leftover bits are dropped.
        assert_eq!(decode(b"aGVsb"), b"hel");
        assert_eq!(decode(b"aGV/"), b"he\x7f");
        assert_eq!(decode(b"aGV"), b"he");
        assert_eq!(decode(b"aGX"), b"he");
        assert_eq!(decode(b"aGVs bG8="), b"hel");
    }

    #[test]
    fn finds_runs_at_any_offset() {
        for before in 0..90 {
            for length in [39, 40, 41, 80, 200] {
                let text = format!("{}{} tail", "x ".repeat(before), "A".repeat(length));
                let expected = (length >= MIN_RUN).then(|| 2 * before..2 * before + length);
                assert_eq!(run(text.as_bytes(), 0), expected, "{before} {length}");
            }
        }
    }
}
