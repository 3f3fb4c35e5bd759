//! User and password where an address of a server has them, and where a program is called with them.

use super::line::Found;
use crate::redact::rules::Rule;
use crate::secrets;

/// The longest user and password.
const MAX_USERINFO: usize = 1024;
/// With which curl sends cookies.
const COOKIES: &str = "-b";
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

/// The data source of a database: `user:password@tcp(host:3306)/db`, as drivers in Go want it, or
/// `jdbc:oracle:thin:user/password@//host:1521/db`. `at` is where its `@` stands.
pub(super) fn data_source(line: &[u8], at: usize, from: usize) -> Option<Found> {
    const ORACLE: &[u8] = b"jdbc:oracle:thin:";
    let floor = at.saturating_sub(MAX_USERINFO).max(from);
    let before = &line[floor..at.max(floor)];
    let start = if line[at..].starts_with(b"@//") {
        floor + memchr::memmem::rfind(before, ORACLE)? + ORACLE.len()
    } else {
        let begins = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'=' | b'/');
        before.iter().rposition(begins).map_or(floor, |before| floor + before + 1)
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

/// Every program with its flag: those of lists of arguments, and what only text has.
pub(super) fn calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    // A name of two words, and a flag that takes the name of a file, too.
    secrets::CALLS.iter().copied().chain([("docker login", "-p"), ("curl", COOKIES)])
}

/// `sshpass -p password`: at `start..end` this flag, which means a password to some programs.
pub(super) fn call(line: &[u8], start: usize, end: usize, flag: &str) -> Option<Found> {
    let before = &line[start.saturating_sub(MAX_CALL)..start];
    // `-P` is a port.
    let is_flag = line[start..end].ends_with(flag.as_bytes());
    let called = |program: &str| memchr::memmem::find(before, program.as_bytes()).is_some();
    if !is_flag || !calls().any(|(program, known)| known == flag && called(program)) {
        return None;
    }
    argument(line, end).filter(|found| flag != COOKIES || line[found.start..found.end].contains(&b'='))
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
