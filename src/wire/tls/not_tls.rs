//! Identifies the protocol of a response from its first bytes.

use self::Byte::{Any, Between, OneOf};
use crate::evidence::handshake::NotTls;

/// Bytes that are looked at: the longest line of SMTP (RFC 5321 §4.5.3.1.5).
pub(in crate::wire) const MAX_HEAD_BYTES: usize = 512;
/// Characters of a sample.
const MAX_SAMPLE: usize = 64;

/// Protocol of a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::wire) enum Opening {
    /// More bytes are needed.
    Open,
    Tls,
    /// A response of SSL 2.0, which this program never offers.
    Ssl2,
    NotTls(NotTls),
}

/// One byte of a pattern.
#[derive(Clone, Copy)]
enum Byte {
    Any,
    OneOf(&'static [u8]),
    Between(u8, u8),
}

/// Compared in this order. A pattern that may still match stops the search, so that the result does not
/// depend on how the bytes arrive.
const PATTERNS: &[(&[Byte], Opening)] = &[
    (&[Between(20, 24), OneOf(&[3])], Opening::Tls),
    // SSLv2 ServerHello: length, message, session id and certificate type, version.
    (&[Between(0x80, 0xFF), Any, OneOf(&[4]), Any, Any, OneOf(&[0]), OneOf(&[2])], Opening::Ssl2),
    (&[OneOf(b"H"), OneOf(b"T"), OneOf(b"T"), OneOf(b"P"), OneOf(b"/")], Opening::NotTls(NotTls::Http)),
    // A page without headers, as HTTP/0.9 servers send it.
    (&[OneOf(b"<")], Opening::NotTls(NotTls::Http)),
    (&[OneOf(b"S"), OneOf(b"S"), OneOf(b"H"), OneOf(b"-")], Opening::NotTls(NotTls::Ssh)),
    (&[OneOf(b"+"), OneOf(b"O"), OneOf(b"K")], Opening::NotTls(NotTls::Pop3)),
    (&[OneOf(b"-"), OneOf(b"E"), OneOf(b"R"), OneOf(b"R")], Opening::NotTls(NotTls::Pop3)),
    (&[OneOf(b"*"), OneOf(b" "), OneOf(b"OBP"), OneOf(b"KYR")], Opening::NotTls(NotTls::Imap)),
    // Length, type SETTINGS (RFC 9113 §4.1).
    (&[OneOf(&[0]), OneOf(&[0]), Any, OneOf(&[4])], Opening::NotTls(NotTls::Http2)),
    // Length, sequence number, then protocol version 9 or 10, or an error.
    (&[Any, Any, OneOf(&[0]), OneOf(&[0, 1]), OneOf(&[9, 10, 0xFF])], Opening::NotTls(NotTls::MySql)),
];

/// What `head`, at most [`MAX_HEAD_BYTES`] of the stream's first bytes, is. At the end of the stream,
/// [`Opening::Open`] is what could still have been anything.
pub(in crate::wire) fn opening(head: &[u8], is_end: bool) -> Opening {
    for (pattern, opening) in PATTERNS {
        let fits = pattern.iter().zip(head).all(|(byte, &got)| byte.fits(got));
        if fits && head.len() >= pattern.len() {
            return *opening;
        }
        if fits && !is_end {
            return Opening::Open;
        }
    }
    if head.is_empty() || matches!(head, [20..=24]) {
        return Opening::Open;
    }
    greeting(head, is_end)
}

/// Identifies a line that begins with a number, as SMTP or FTP by its text.
fn greeting(head: &[u8], is_end: bool) -> Opening {
    let form = [Between(b'0', b'9'), Between(b'0', b'9'), Between(b'0', b'9'), OneOf(b" -")];
    let fits = form.iter().zip(head).all(|(byte, &got)| byte.fits(got));
    let end = memchr::memchr(b'\n', head);
    if !fits || (is_end && head.len() < form.len()) {
        return Opening::NotTls(NotTls::Unknown);
    }
    if end.is_none() && !is_end && head.len() < MAX_HEAD_BYTES {
        return Opening::Open;
    }
    let line = head.get(..end.unwrap_or(head.len())).unwrap_or_default().to_ascii_lowercase();
    let contains = |word: &[u8]| memchr::memmem::find(&line, word).is_some();
    Opening::NotTls(if contains(b"smtp") {
        NotTls::Smtp
    } else if contains(b"ftp") || line.starts_with(b"220") {
        NotTls::Ftp
    } else {
        NotTls::Unknown
    })
}

/// The bytes as a person may see them, at most [`MAX_SAMPLE`] characters.
pub(in crate::wire) fn sample(head: &[u8]) -> String {
    let mut sample = String::new();
    for &byte in head {
        let escaped = match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            b'\n' => "\\n".to_owned(),
            b'\r' => "\\r".to_owned(),
            b'\t' => "\\t".to_owned(),
            _ => format!("\\x{byte:02x}"),
        };
        if sample.len() + escaped.len() > MAX_SAMPLE {
            break;
        }
        sample.push_str(&escaped);
    }
    sample
}

impl Byte {
    fn fits(self, byte: u8) -> bool {
        match self {
            Any => true,
            OneOf(bytes) => bytes.contains(&byte),
            Between(first, last) => (first..=last).contains(&byte),
        }
    }
}
