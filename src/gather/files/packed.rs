//! Formats that are not read, by their first bytes: such a file is refused, because its bytes would look like
//! a log without records or like text that is not YAML.

/// Number of bytes by which a format is known.
pub(in crate::gather) const HEAD_BYTES: usize = 8;

/// Compressed files and archives, each with the way out. Source: the specifications of the formats.
const PACKED: &[(&[u8], &str)] = &[
    (&[0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd; unpack it with `zstd -dc`"),
    (&[0xFD, b'7', b'z', b'X', b'Z'], "compressed with xz; unpack it with `xz -dc`"),
    (b"BZh", "compressed with bzip2; unpack it with `bzip2 -dc`"),
    (&[0x04, 0x22, 0x4D, 0x18], "compressed with lz4; unpack it with `lz4 -dc`"),
    (&[0x1F, 0x9D], "compressed with compress; unpack it with `gzip -dc`"),
    (b"PK\x03\x04", "a zip archive; unpack it with `unzip`"),
    (b"PK\x05\x06", "an empty zip archive"),
    (&[b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C], "a 7-Zip archive; unpack it with `7z x`"),
    (b"Rar!\x1A\x07", "a RAR archive; unpack it with `unrar x`"),
];

/// First bytes of every gzip member (RFC 1952 §2.3.1), with the only defined compression method.
pub(in crate::gather) const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B, 0x08];

/// Text in UTF-32: its byte order marks, and an object or a list without one.
const WIDE: &[&[u8]] = &[b"\xFF\xFE\0\0", b"\0\0\xFE\xFF", b"{\0\0\0", b"[\0\0\0", b"\0\0\0{", b"\0\0\0["];

/// Returns what a file that begins with `head` is, and how to unpack it; `None` if it may be text or gzip.
pub(in crate::gather) fn packed(head: &[u8]) -> Option<&'static str> {
    PACKED.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
}

/// Returns the same for gzip, where that is not read either.
pub(super) fn packed_or_gzip(head: &[u8]) -> Option<&'static str> {
    packed(head).or(head.starts_with(GZIP_MAGIC).then_some("compressed with gzip; unpack it with `gzip -dc`"))
}

/// Returns why text that begins with `head` is not read.
pub(super) fn wide(head: &[u8]) -> Option<&'static str> {
    WIDE.iter().any(|magic| head.starts_with(magic)).then_some("in UTF-32; convert it with `iconv -f UTF-32 -t UTF-8`")
}
