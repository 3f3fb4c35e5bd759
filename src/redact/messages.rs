//! Passwords in messages of protocols that are not lines of text, or whose words are too short for names:
//! found in the bytes of a packet.

use std::ops::Range;

use memchr::memmem;

/// Maximum number of bytes of a user name or a password.
const MAX_PASSWORD: usize = 512;
/// Commands with a password behind them, at the beginning of a line: POP3 and FTP, Redis, IMAP and SMTP.
const COMMANDS: &[&[u8]] =
    &[b"APOP ", b"AUTH ", b"CONFIG SET masterauth ", b"CONFIG SET requirepass ", b"OPER ", b"PASS "];
/// Commands with a password behind them, anywhere in a line.
const INNER: &[&[u8]] = &[b" LOGIN ", b" AUTHENTICATE PLAIN ", b" AUTH "];
/// Redis' commands as arrays of bulk strings; each following string is an argument.
const BULK: &[&[u8]] = &[b"\r\nAUTH\r\n", b"\r\nauth\r\n", b"\r\nrequirepass\r\n", b"\r\nmasterauth\r\n"];

/// Returns the ranges of passwords, ascending within each protocol.
pub(super) fn passwords(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    commands(bytes, &mut found);
    redis(bytes, &mut found);
    postgres(bytes, &mut found);
    plain(bytes, &mut found);
    ldap(bytes, &mut found);
    found
}

/// Lines such as `PASS secret` and `a1 LOGIN user secret`.
fn commands(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    // A packet begins with headers, so that the first line is preceded by bytes of any kind.
    for command in COMMANDS {
        for at in memmem::find_iter(bytes, command) {
            let is_first =
                at.checked_sub(1).is_none_or(|before| !bytes[before].is_ascii_graphic() && bytes[before] != b' ');
            if let Some(end) = line_end(bytes, at + command.len()).filter(|_| is_first) {
                found.push(at + command.len()..end);
            }
        }
    }
    for inner in INNER {
        for at in memmem::find_iter(bytes, inner) {
            // `HELLO 3 AUTH user secret`, `a1 LOGIN user secret`: a short word precedes.
            let before =
                bytes[..at].iter().rev().take(16).take_while(|byte| byte.is_ascii_graphic() || **byte == b' ').count();
            let is_command = before > 0 && before < 16;
            if let Some(end) = line_end(bytes, at + inner.len()).filter(|_| is_command) {
                found.push(at + inner.len()..end);
            }
        }
    }
}

/// Returns the end of a line of printable characters that ends in CR LF.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = &bytes[from..bytes.len().min(from + MAX_PASSWORD)];
    let length = rest.iter().take_while(|byte| matches!(byte, b' '..=b'~' | 0x80..)).count();
    (length > 0 && rest.get(length) == Some(&b'\r')).then_some(from + length)
}

/// `*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n`
fn redis(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    for word in BULK {
        for at in memmem::find_iter(bytes, word) {
            let mut at = at + word.len();
            while let Some((start, end)) = bulk(bytes, at) {
                found.push(start..end);
                at = end + 2;
            }
        }
    }
}

/// Returns the content of a bulk string.
fn bulk(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = bytes.get(at..)?.strip_prefix(b"$")?;
    let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let length: usize = str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let start = at + 1 + digits + 2;
    let end = start.checked_add(length).filter(|_| rest[digits..].starts_with(b"\r\n"))?;
    (bytes.len() >= end && start < end).then_some((start, end))
}

/// PostgreSQL's `PasswordMessage`: `p`, the length of the rest, the password, a zero byte.
fn postgres(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    for at in memmem::find_iter(bytes, b"p\0\0") {
        let Some([high, low]) = bytes.get(at + 3..at + 5) else { continue };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (start, end) = (at + 5, at + length);
        if length <= 5 || length > MAX_PASSWORD || bytes.get(end) != Some(&0) {
            continue;
        }
        if bytes[start..end].iter().all(|byte| matches!(byte, b' '..=b'~' | 0x80..)) {
            found.push(start..end);
        }
    }
}

/// SASL PLAIN with its length (RFC 4616), as Cassandra's and Kafka's clients send it: a zero byte, the user,
/// a zero byte, the password.
fn plain(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    for at in memmem::find_iter(bytes, b"\0\0") {
        let Some([high, low, 0]) = bytes.get(at + 2..at + 5) else { continue };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (start, end) = (at + 4, at + 4 + length);
        let Some(content) = bytes.get(start + 1..end).filter(|_| (4..MAX_PASSWORD).contains(&length)) else { continue };
        let Some(user) = memchr::memchr(0, content).filter(|user| *user > 0 && user + 1 < content.len()) else {
            continue;
        };
        let printable = |text: &[u8]| text.iter().all(|byte| matches!(byte, b' '..=b'~' | 0x80..));
        if printable(&content[..user]) && printable(&content[user + 1..]) {
            found.push(start + 1 + user + 1..end);
        }
    }
}

/// A simple bind of LDAP: version 3, a name, and the password in context tag 0 (RFC 4511 §4.2).
fn ldap(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    for at in memmem::find_iter(bytes, b"\x02\x01\x03\x04") {
        let Some(length) = bytes.get(at + 4).filter(|length| **length < 0x80) else { continue };
        let tag = at + 5 + usize::from(*length);
        let Some([0x80, length]) = bytes.get(tag..tag + 2) else { continue };
        let (start, end) = (tag + 2, tag + 2 + usize::from(*length));
        if *length > 0 && *length < 0x80 && end <= bytes.len() {
            found.push(start..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_passwords_of_each_protocol() {
        let messages: &[&[u8]] = &[
            b"\x01\x02USER bob\r\nPASS hunter2\r\n",
            b"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n",
            b"*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$7\r\nhunter2\r\n",
            b"\x01AUTH hunter2\r\n",
            b"\x01HELLO 3 AUTH bob hunter2\r\n",
            b"\x01a1 LOGIN bob hunter2\r\n",
            b"\x01\x50p\0\0\0\x0chunter2\0",
            b"\x04\0\0\x01\x0f\0\0\0\x15\0\0\0\x0c\0bob\0hunter2",
            b"0\x18\x02\x01\x01\x60\x13\x02\x01\x03\x04\x05cn=ab\x80\x07hunter2",
        ];
        for message in messages {
            let mut masked = message.to_vec();
            for range in passwords(message) {
                masked[range].fill(b'*');
            }
            let text = String::from_utf8_lossy(&masked);
            assert!(!text.contains("hunter2") && text.contains('*'), "{text:?}");
        }
    }

    #[test]
    fn keeps_other_bytes() {
        for message in
            [&b"GET / HTTP/1.1\r\nX: BYPASS yes\r\n"[..], b"p\0\0\xff\xff", b"\0\0\0\x05\0a", b"use AUTH here"]
        {
            assert!(passwords(message).is_empty());
        }
    }
}
