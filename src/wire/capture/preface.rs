//! Classifies the first bytes of a client: a ClientHello, a preface of one, or something else.
//!
//! A ClientHello is accepted at the beginning of the stream, after a preface of known length, or at the
//! beginning of a later segment of a protocol that is known to switch to TLS. It is never searched byte by
//! byte: protocols that wrap TLS records in frames of their own (OpenVPN over TCP) would match, and are not
//! TLS over TCP.

use crate::evidence::capture::Preface;
use crate::evidence::handshake::NotTls;
use crate::wire::tls::not_tls::{self, Opening};
use crate::wire::tls::passive::{begins_client_hello, begins_record};

/// Maximum number of bytes that are read to classify them.
pub(super) const MAX_HEAD: usize = 2048;

/// The class of the first bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// More bytes are needed.
    Open,
    /// A TLS record. Not every one is a ClientHello: the capture may begin later.
    Tls,
    /// A ClientHello in the framing of SSL 2.0.
    Ssl2,
    /// A preface of this length; the bytes after it are classified again.
    Preface {
        kind: Preface,
        length: usize,
    },
    /// A protocol that may switch to TLS at the beginning of a later segment.
    MayTurn(Preface),
    NotTls(NotTls),
}

/// Protocols that switch to TLS by a command, with possible beginnings of the client's first line, in upper
/// case.
const TEXT: [(&[&[u8]], Preface); 6] = [
    (&[b"EHLO ", b"HELO ", b"LHLO "], Preface::Smtp),
    (&[b"AUTH TLS", b"AUTH SSL", b"FEAT\r", b"USER "], Preface::Ftp),
    (&[b"CAPA\r", b"STLS\r"], Preface::Pop3),
    (&[b"CAP LS", b"STARTTLS\r", b"NICK "], Preface::Irc),
    (&[b"<?XML", b"<STREAM:STREAM"], Preface::Xmpp),
    (&[b"CNXN\0\0\0", b"STLS\0\0\0"], Preface::Adb),
];

const METHODS: [&[u8]; 8] = [b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"TRACE "];

const PROXY_V2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// `SSLRequest` and `GSSENCRequest` (PostgreSQL's protocol, "Message Formats").
const POSTGRES: [[u8; 8]; 2] = [[0, 0, 0, 8, 4, 210, 22, 47], [0, 0, 0, 8, 4, 210, 22, 48]];
/// Object identifier of LDAP's StartTLS (RFC 4511 §4.14.1).
const LDAP_START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// Classifies `head`, the first bytes of the stream or after a preface.
pub(super) fn start(head: &[u8]) -> Start {
    match *head {
        [20..=24, 3, ..] | [20..=24] => {
            if head.len() < 5 {
                return Start::Open;
            }
            if begins_record(head) {
                return Start::Tls;
            }
        }
        // MSB and length, message 1, a version that asks for SSL 2.0 or for more.
        [0x80..=0xFF, _, 1, 0, 2, ..] | [0x80..=0xFF, _, 1, 3, 0..=4, ..] => return Start::Ssl2,
        [] | [0x80..=0xFF] | [0x80..=0xFF, _] | [0x80..=0xFF, _, 1] | [0x80..=0xFF, _, 1, _] => return Start::Open,
        // Version, a list of at least one method.
        [5, methods @ 1..=9, ..] => {
            let length = 2 + usize::from(methods);
            return sized(head, Preface::Socks5, Some(length));
        }
        [4, 1 | 2, ..] => return sized(head, Preface::Socks4, socks4(head)),
        // TPKT, and a connection request of X.224.
        [3, 0, _, _, _, 0xE0, ..] => return Start::MayTurn(Preface::Rdp),
        // Length 32, sequence number 1: SSLRequest after the initial handshake packet of MySQL.
        [32, 0, 0, 1, ..] => return sized(head, Preface::MySql, Some(36)),
        [0x30, ..] if memchr::memmem::find(head, LDAP_START_TLS).is_some() => return Start::MayTurn(Preface::Ldap),
        _ => {}
    }
    if POSTGRES.iter().any(|request| agrees(head, request)) {
        return sized(head, Preface::Postgres, Some(8));
    }
    if agrees(head, &PROXY_V2) {
        let length = head.get(14..16).map(|length| 16 + usize::from(u16::from_be_bytes([length[0], length[1]])));
        return sized(head, Preface::ProxyV2, length);
    }
    if agrees(head, b"PROXY ") {
        return sized(head, Preface::ProxyV1, end_of(head, b"\r\n"));
    }
    if agrees(head, b"CONNECT ") {
        return sized(head, Preface::HttpConnect, end_of(head, b"\r\n\r\n"));
    }
    text(head)
}

/// Returns whether a later segment of such a protocol begins TLS.
pub(super) fn turns(segment: &[u8]) -> bool {
    begins_client_hello(segment)
}

fn text(head: &[u8]) -> Start {
    let upper = head.get(..head.len().min(16)).unwrap_or_default().to_ascii_uppercase();
    for (beginnings, kind) in TEXT {
        if let Some(beginning) = beginnings.iter().find(|beginning| agrees(&upper, beginning)) {
            return if upper.len() < beginning.len() { Start::Open } else { Start::MayTurn(kind) };
        }
    }
    if let Some(method) = METHODS.iter().find(|method| agrees(head, method)) {
        return if head.len() < method.len() { Start::Open } else { Start::NotTls(NotTls::Http) };
    }
    if agrees(head, b"PRI * HTTP/2") {
        return Start::NotTls(NotTls::Http2);
    }
    // A tagged command of IMAP: `a001 STARTTLS`.
    let mut words = upper.splitn(2, |byte| *byte == b' ');
    let (tag, command) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_tag = (1..=10).contains(&tag.len()) && tag.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    if is_tag
        && [&b"STARTTLS"[..], b"CAPABILITY", b"ID "].iter().any(|word| !command.is_empty() && agrees(command, word))
    {
        return Start::MayTurn(Preface::Imap);
    }
    match not_tls::opening(head.get(..head.len().min(not_tls::MAX_HEAD_BYTES)).unwrap_or_default(), true) {
        Opening::NotTls(speaks) => Start::NotTls(speaks),
        Opening::Open | Opening::Tls | Opening::Ssl2 => Start::NotTls(NotTls::Unknown),
    }
}

/// A preface whose end is known, or is still to come.
fn sized(head: &[u8], kind: Preface, length: Option<usize>) -> Start {
    match length {
        Some(length) if length <= head.len() => Start::Preface { kind, length },
        _ if head.len() < MAX_HEAD => Start::Open,
        _ => Start::MayTurn(kind),
    }
}

/// Length of a SOCKS4 request: the user's name, and in SOCKS4a the host's, end with a zero.
fn socks4(head: &[u8]) -> Option<usize> {
    let rest = head.get(8..)?;
    let user = memchr::memchr(0, rest)? + 1;
    let is_4a = matches!(head.get(4..8)?, [0, 0, 0, 1..=0xFF]);
    if !is_4a {
        return Some(8 + user);
    }
    Some(8 + user + memchr::memchr(0, rest.get(user..)?)? + 1)
}

fn end_of(head: &[u8], end: &[u8]) -> Option<usize> {
    memchr::memmem::find(head, end).map(|at| at + end.len())
}

/// Returns whether the two have the same bytes up to the end of the shorter one.
fn agrees(head: &[u8], pattern: &[u8]) -> bool {
    let common = head.len().min(pattern.len());
    common > 0 && head.get(..common) == pattern.get(..common)
}
