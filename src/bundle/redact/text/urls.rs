//! User and password where an address of a server has them, and where a program is called with them.

use super::line::Found;
use crate::bundle::redact::rules::Rule;

/// The longest user and password.
const MAX_USERINFO: usize = 1024;
/// From the name of a program to its flag, at most.
const MAX_CALL: usize = 256;

/// `user:password` of a URL whose authority begins at `start`.
pub(super) fn userinfo(line: &[u8], start: usize) -> Option<Found> {
    let rest = &line[start..line.len().min(start + MAX_USERINFO)];
    let stop =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'|');
    let path = |byte: &u8| stop(byte) || matches!(byte, b'/' | b'?' | b'#');
    let authority = &rest[..rest.iter().position(path).unwrap_or(rest.len())];
    if let Some(at) = memchr::memrchr(b'@', authority) {
        return (at > 0).then(|| Found::new(start, start + at, Rule::UrlUserinfo));
    }
    // A password with a slash that nobody encoded: what follows the colon is no port.
    let colon = memchr::memchr(b':', authority)?;
    let no_port = !authority.starts_with(b"[") && authority[colon + 1..].iter().any(|byte| !byte.is_ascii_digit());
    if !no_port {
        return None;
    }
    let whole = &rest[..rest.iter().position(stop).unwrap_or(rest.len())];
    let at = memchr::memrchr(b'@', whole)?;
    Some(Found::new(start, start + at, Rule::UrlUserinfo))
}

/// The same behind `//` without a scheme: only with a password, because anything may stand there.
pub(super) fn without_scheme(line: &[u8], start: usize) -> Option<Found> {
    let found = userinfo(line, start)?;
    let inner = &line[found.start..found.end];
    (memchr::memchr(b':', inner).is_some() && memchr::memchr(b'/', inner).is_none()).then_some(found)
}

/// The data source of a database, `jdbc:oracle:thin:user/password@//host:1521/db` as that has it, or `user:password@tcp(host:3306)/db`, as its drivers in Go want it. `at` is where its `@` stands.
pub(super) fn data_source(line: &[u8], at: usize, from: usize) -> Option<Found> {
    let begins = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'=' | b'/');
    let floor = at.saturating_sub(MAX_USERINFO).max(from);
    let start = line[floor..at.max(floor)].iter().rposition(begins).map_or(floor, |before| floor + before + 1);
    let start = if line[at..].starts_with(b"@//") {
        let oracle = b"jdbc:oracle:thin:";
        floor + memchr::memmem::rfind(&line[floor..at.max(floor)], oracle)? + oracle.len()
    } else {
        start
    };
    let has_sign = line[start..at.max(start)].iter().any(|byte| matches!(byte, b':' | b'/'));
    has_sign.then(|| Found::new(start, at, Rule::UrlUserinfo))
}

/// `curl -u user:password`, `--user=user:password`. `at` is behind the flag. A user and a group in numbers are no secret.
pub(super) fn user_flag(line: &[u8], at: usize) -> Option<Found> {
    let argument = argument(line, at)?;
    let text = &line[argument.start..argument.end];
    let colon = memchr::memchr(b':', text)?;
    let numbers = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    let url = text[colon..].starts_with(b"://");
    (!numbers && !url && colon + 1 < text.len()).then_some(argument)
}

/// `sshpass -p password`: a flag at `start..end` that means a password to one of these programs.
pub(super) fn call(line: &[u8], start: usize, end: usize, programs: &[&str]) -> Option<Found> {
    let before = &line[start.saturating_sub(MAX_CALL)..start];
    // `-P` is a port.
    let is_flag = !line[start..end].iter().any(u8::is_ascii_uppercase);
    programs.iter().find(|program| memchr::memmem::find(before, program.as_bytes()).is_some())?;
    // `curl -b` takes the name of a file, too.
    argument(line, end)
        .filter(|found| is_flag && (!programs.contains(&"curl") || line[found.start..found.end].contains(&b'=')))
}

/// The argument of a flag, with or without quotes: the same in a list of JSON.
pub(super) fn argument(line: &[u8], at: usize) -> Option<Found> {
    let between = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'=' | b'"' | b'\'' | b'\\' | b',');
    let start = at + line[at..].iter().take(16).take_while(between).count();
    let quote = line[at..start].iter().copied().rfind(|byte| matches!(byte, b'"' | b'\''));
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote || *byte == b'\\',
        None => byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\'),
    };
    let rest = &line[start..line.len().min(start + MAX_USERINFO)];
    let end = start + rest.iter().position(ends).unwrap_or(rest.len());
    (end > start).then(|| Found::new(start, end, Rule::NamedValue))
}
