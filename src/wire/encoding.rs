//! Text in UTF-16, as Windows PowerShell redirects output into a file, becomes UTF-8.

use std::borrow::Cow;

/// Byte order mark of UTF-8, which Windows writes before a text.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The encoding of a log, known by its first two bytes.
#[derive(Debug, Default)]
pub(super) enum Encoding {
    /// Fewer than two bytes have arrived: the first, if any.
    #[default]
    Unknown,
    First(u8),
    /// Nothing to decode.
    Bytes,
    Wide(Utf16),
}

/// The state between two pieces.
#[derive(Debug)]
pub(super) struct Utf16 {
    is_big_endian: bool,
    /// The first half of a unit.
    half: Option<u8>,
    /// The first unit of a pair.
    high: Option<u16>,
}

impl Encoding {
    /// Inspects the next piece; returns bytes to read before it.
    pub(super) fn note(&mut self, piece: &[u8]) -> Option<u8> {
        let (first, second, held) = match (&*self, piece) {
            (Self::Unknown, &[first]) => {
                *self = Self::First(first);
                return None;
            }
            (Self::Unknown, &[first, second, ..]) => (first, second, false),
            (Self::First(first), &[second, ..]) => (*first, second, true),
            _ => return None,
        };
        *self = match (first, second) {
            (0xFF, 0xFE) | (b'{' | b'[', 0) => Self::Wide(Utf16::new(false)),
            (0xFE, 0xFF) | (0, b'{' | b'[') => Self::Wide(Utf16::new(true)),
            _ => Self::Bytes,
        };
        held.then_some(first)
    }

    /// Decodes the next piece of a text. NUL bytes are left out: a file that was truncated while it is
    /// written has them, and text in UTF-16 without a byte order mark has one beside each ASCII character.
    pub(super) fn decode<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        let before = self.note(piece);
        let before = before.as_slice();
        let text = match self {
            Self::Unknown | Self::First(_) => Cow::Borrowed(&[][..]),
            Self::Bytes if before.is_empty() => Cow::Borrowed(piece),
            Self::Bytes => Cow::Owned([before, piece].concat()),
            Self::Wide(wide) => {
                let mut decoded = Vec::with_capacity(piece.len());
                wide.decode(before, &mut decoded);
                wide.decode(piece, &mut decoded);
                Cow::Owned(decoded)
            }
        };
        if memchr::memchr(0, &text).is_none() {
            return text;
        }
        Cow::Owned(text.iter().copied().filter(|byte| *byte != 0).collect())
    }

    /// Returns the only byte of a log of one byte.
    pub(super) fn end(&mut self) -> Option<u8> {
        match std::mem::replace(self, Self::Bytes) {
            Self::First(first) => Some(first),
            _ => None,
        }
    }
}

impl Utf16 {
    fn new(is_big_endian: bool) -> Self {
        Self { is_big_endian, half: None, high: None }
    }

    /// Decodes a piece. Invalid text becomes U+FFFD; a byte-order mark is left out.
    pub(super) fn decode(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for &byte in piece {
            let Some(first) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            let pair = [first, byte];
            let unit = if self.is_big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            self.unit(unit, out);
        }
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        let is_low = (0xDC00..0xE000).contains(&unit);
        if let Some(high) = self.high.take() {
            if is_low {
                char::decode_utf16([high, unit]).flatten().for_each(|character| push(character, out));
                return;
            }
            push(char::REPLACEMENT_CHARACTER, out);
        }
        match char::from_u32(u32::from(unit)) {
            Some('\u{FEFF}') => {}
            Some(character) => push(character, out),
            None if is_low => push(char::REPLACEMENT_CHARACTER, out),
            None => self.high = Some(unit),
        }
    }
}

/// Text in UTF-16 as UTF-8, up to the first unit that is no text.
pub(super) struct WideText {
    pub(super) text: String,
    /// Offset in the bytes of the text where it ends early.
    pub(super) broken_at: Option<usize>,
}

/// Decodes text in UTF-16 behind its byte order mark, which Go's YAML accepts too; `None` without the mark.
#[must_use]
pub(super) fn marked_utf16(bytes: &[u8]) -> Option<WideText> {
    let (is_big_endian, body) = match bytes {
        // The mark of UTF-32 begins like that of UTF-16.
        [0xFF, 0xFE, 0, 0, ..] => return None,
        [0xFF, 0xFE, body @ ..] => (false, body),
        [0xFE, 0xFF, body @ ..] => (true, body),
        _ => return None,
    };
    let mut text = String::with_capacity(body.len() / 2);
    let units = body.chunks_exact(2).map(|pair| match pair {
        [first, second] if is_big_endian => u16::from_be_bytes([*first, *second]),
        [first, second, ..] => u16::from_le_bytes([*first, *second]),
        _ => 0,
    });
    let mut at = bytes.len() - body.len();
    for character in char::decode_utf16(units) {
        let Ok(character) = character else { return Some(WideText { text, broken_at: Some(at) }) };
        text.push(character);
        at += 2 * character.len_utf16();
    }
    let broken_at = (at < bytes.len()).then_some(at);
    Some(WideText { text, broken_at })
}

/// Returns the name of an encoding that is not read: UTF-32, or UTF-16 without a byte order mark. Recognises
/// both by the zero bytes of the first characters.
#[must_use]
pub(super) fn unmarked_wide(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 2] = [
        (b"\xFF\xFE\0\0", "UTF-32 (little endian) with a byte order mark"),
        (b"\0\0\xFE\xFF", "UTF-32 (big endian) with a byte order mark"),
    ];
    /// Forms of two characters of ASCII, of which each `true` is a byte that is not zero.
    const FORMS: [(&[bool], &str); 4] = [
        (&[true, false, false, false, true, false, false, false], "UTF-32 (little endian) without a byte order mark"),
        (&[false, false, false, true, false, false, false, true], "UTF-32 (big endian) without a byte order mark"),
        (&[true, false, true, false], "UTF-16 (little endian) without a byte order mark"),
        (&[false, true, false, true], "UTF-16 (big endian) without a byte order mark"),
    ];
    let marked = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, name)| *name);
    let has_form = |form: &[bool]| {
        bytes.len() >= form.len() && form.iter().zip(bytes).all(|(is_set, byte)| (*byte != 0) == *is_set)
    };
    marked.or_else(|| FORMS.iter().find(|(form, _)| has_form(form)).map(|(_, name)| *name))
}

/// Returns a whole text as UTF-8, without a byte order mark and without NUL bytes.
#[must_use]
pub(super) fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut encoding = Encoding::default();
    let mut text = encoding.decode(bytes).into_owned();
    text.extend(encoding.end());
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
    text
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_bytes_and_marks_are_left_out() {
        let marked: Vec<u8> = "\u{feff}a=ü\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&marked[..], b"\xEF\xBB\xBFa=\xC3\xBC\n", b"\0\0\0a=\xC3\xBC\n"] {
            assert_eq!(super::decoded(bytes), "a=ü\n".as_bytes());
        }
        assert_eq!(super::decoded(b"\0a\0=\0b"), b"a=b");
        assert_eq!((super::decoded(b"a"), super::decoded(b"")), (b"a".to_vec(), Vec::new()));
    }

    fn decoded(bytes: &[u8], piece: usize) -> String {
        let mut encoding = Encoding::default();
        let mut out = Vec::new();
        for piece in bytes.chunks(piece) {
            let before = encoding.note(piece);
            for part in before.as_ref().map(std::slice::from_ref).into_iter().chain([piece]) {
                match &mut encoding {
                    Encoding::Wide(wide) => wide.decode(part, &mut out),
                    Encoding::Bytes => out.extend_from_slice(part),
                    Encoding::Unknown | Encoding::First(_) => {}
                }
            }
        }
        out.extend(encoding.end());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn both_orders_of_bytes_are_read_in_pieces_of_any_size() {
        let text = "{\"é😀\":1}\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in
            [little.clone(), big.clone(), [&b"\xFF\xFE"[..], &little].concat(), [&b"\xFE\xFF"[..], &big].concat()]
        {
            for piece in 1..7 {
                assert_eq!(decoded(&bytes, piece), text);
            }
        }
        for text in ["", "{", "{}", "plain"] {
            assert_eq!(decoded(text.as_bytes(), 1), text);
        }
    }

    #[test]
    fn marked_text_is_decoded_up_to_what_is_no_text() {
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes = |text: &str| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
            let whole = marked_utf16(&bytes("\u{feff}é😀: 1\n")).unwrap();
            assert_eq!((whole.text.as_str(), whole.broken_at), ("é😀: 1\n", None));
            let alone = [bytes("\u{feff}a\n"), to_bytes(0xD800).to_vec(), bytes("b")].concat();
            let broken = marked_utf16(&alone).unwrap();
            assert_eq!((broken.text.as_str(), broken.broken_at), ("a\n", Some(6)));
            let odd = [bytes("\u{feff}a"), vec![b'b']].concat();
            assert_eq!(marked_utf16(&odd).unwrap().broken_at, Some(4));
            assert!(unmarked_wide(&bytes("\u{feff}ab")).is_none());
            assert!(unmarked_wide(&bytes("org: a")).unwrap().starts_with("UTF-16"));
        }
        assert!(marked_utf16(b"org: a").is_none() && unmarked_wide(b"org: a").is_none());
        assert!(marked_utf16(b"\xFF\xFE\0\0o\0\0\0").is_none());
        for wide in [&b"\xFF\xFE\0\0o\0\0\0"[..], b"o\0\0\0r\0\0\0", b"\0\0\0o\0\0\0r", b"\0\0\xFE\xFF\0\0\0o"] {
            assert!(unmarked_wide(wide).unwrap().starts_with("UTF-32"), "{wide:?}");
        }
    }

    #[test]
    fn what_is_no_text_costs_a_character() {
        let units = [0xFEFF, 0xD800, 0x41, 0xDC00, 0xD83D, 0xD83D, 0xDE00, 0x42];
        let bytes: Vec<u8> = units.iter().flat_map(|unit: &u16| unit.to_le_bytes()).collect();
        assert_eq!(decoded(&bytes, 100), "\u{FFFD}A\u{FFFD}\u{FFFD}😀B");
    }
}
