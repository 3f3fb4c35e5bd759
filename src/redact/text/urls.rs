//! User names and passwords in URLs and in calls of programs.

use super::line::Found;
use crate::redact::rules::Rule;
use crate::secrets;

/// Maximum number of bytes of user and password.
const MAX_USERINFO: usize = 1024;
/// Beginning of a data source of Oracle, before user and password.
const ORACLE: &[u8] = b"jdbc:oracle:thin:";
/// Programs of Oracle whose argument is `user/password`, with or without `@database`.
pub(super) const ORACLE_PROGRAMS: &[&str] =
    &["expdp ", "impdp ", "rman target ", "sqlcl ", "sqlldr ", "sqlplus ", "sqlplus64 ", "userid="];
/// Words before `user/password@database`: commands and arguments of Oracle's programs.
const BEFORE_CONNECT_STRING: &[&[u8]] = &[
    b"conn",
    b"connect",
    b"connection",
    b"connectstring",
    b"dsn",
    b"exp",
    b"imp",
    b"login",
    b"logon",
    b"sqlldr",
    b"target",
    b"userid",
];
/// curl's flag for cookies.
const COOKIES: &str = "-b";
/// Maximum number of bytes before user and password that may name a proxy.
const MAX_CONTEXT: usize = 32;
/// Maximum number of bytes between the name of a program and its flag.
const MAX_CALL: usize = 256;

/// Returns `user:password` of a URL whose authority begins at `start`.
pub(super) fn userinfo(line: &[u8], start: usize) -> Option<Found> {
    let rest = &line[start..line.len().min(start + MAX_USERINFO)];
    let stop =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'|');
    let path = |byte: &u8| stop(byte) || matches!(byte, b'/' | b'?' | b'#');
    let authority = &rest[..rest.iter().position(path).unwrap_or(rest.len())];
    if let Some(at) = memchr::memrchr(b'@', authority) {
        return (at > 0).then(|| Found::new(start, start + at, Rule::UrlUserinfo));
    }
    // An unencoded slash in a password: the part behind the colon is not a port.
    let colon = memchr::memchr(b':', authority)?;
    let is_not_port = !authority.starts_with(b"[") && authority[colon + 1..].iter().any(|byte| !byte.is_ascii_digit());
    if !is_not_port {
        return None;
    }
    let whole = &rest[..rest.iter().position(stop).unwrap_or(rest.len())];
    let at = memchr::memrchr(b'@', whole)?;
    Some(Found::new(start, start + at, Rule::UrlUserinfo))
}

/// Like [`userinfo`], behind `//` without a scheme. It needs a password, because anything may follow `//`.
pub(super) fn without_scheme(line: &[u8], start: usize) -> Option<Found> {
    let found = userinfo(line, start)?;
    let inner = &line[found.start..found.end];
    (memchr::memchr(b':', inner).is_some() && memchr::memchr(b'/', inner).is_none()).then_some(found)
}

/// Returns user and password of a data source: `user:password@tcp(host:3306)/db` of Go drivers, or
/// `jdbc:oracle:thin:user/password@//host:1521/db`. `at` is the offset of its `@`.
pub(super) fn data_source(line: &[u8], at: usize, from: usize) -> Option<Found> {
    let floor = at.saturating_sub(MAX_USERINFO).max(from);
    let before = &line[floor..at.max(floor)];
    let start = if line[at..].starts_with(b"@//") {
        match memchr::memmem::rfind(before, ORACLE) {
            Some(begin) => floor + begin + ORACLE.len(),
            None => return self::at(line, at, from),
        }
    } else {
        let begins = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'=' | b'/');
        before.iter().rposition(begins).map_or(floor, |before| floor + before + 1)
    };
    let has_separator = line[start..at.max(start)].iter().any(|byte| matches!(byte, b':' | b'/'));
    has_separator.then(|| Found::new(start, at, Rule::UrlUserinfo))
}

/// Returns user and password before a `@` without a scheme: of a proxy (`user:password@host:3128`), or of a
/// data source of Oracle (`jdbc:oracle:thin:user/password@host:1521:sid`).
pub(super) fn at(line: &[u8], at: usize, from: usize) -> Option<Found> {
    let floor = at.saturating_sub(MAX_USERINFO).max(from);
    let before = &line[floor..at.max(floor)];
    let begins = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'=' | b',' | b'<' | b'(' | b'\\')
    };
    // `scott/"password"@db`
    let quoted = before.strip_suffix(b"\"").and_then(|inner| memchr::memrchr(b'"', inner));
    let searched = quoted.filter(|open| before[..*open].ends_with(b"/")).map_or(before, |open| &before[..open]);
    let start = floor + searched.iter().rposition(begins).map_or(0, |begin| begin + 1);
    let word = &line[start..at.max(start)];
    if let Some(oracle) = memchr::memmem::find(word, ORACLE) {
        let user = start + oracle + ORACLE.len();
        return (user < at).then(|| Found::new(user, at, Rule::UrlUserinfo));
    }
    if is_connect_string(&line[floor..start], word, &line[at + 1..]) {
        return Some(Found::new(start, at, Rule::UrlUserinfo));
    }
    let colon = memchr::memchr(b':', word).filter(|colon| *colon > 0 && colon + 1 < word.len())?;
    // A digest of an image (`app:1.2@sha256:…`), an address of mail, a path.
    if word[..colon].contains(&b'/') || word.contains(&b'@') || word[..colon].eq_ignore_ascii_case(b"mailto") {
        return None;
    }
    let rest = &line[at + 1..];
    let host = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')).count();
    let port = rest
        .get(host)
        .filter(|byte| **byte == b':')
        .map_or(0, |_| rest[host + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count());
    let is_port = (2..=5).contains(&port) && rest[host + 1..=host + port].iter().all(u8::is_ascii_digit);
    let context = &line[start.saturating_sub(MAX_CONTEXT)..at + 1 + host];
    let is_proxy = memchr::memmem::find(&context.to_ascii_lowercase(), b"proxy").is_some();
    (host > 0 && (is_port || is_proxy)).then(|| Found::new(start, at, Rule::UrlUserinfo))
}

/// Returns whether a word before a `@` is `user/password` of Oracle, behind a word that a connect string
/// follows: `login scott/x@db`.
fn is_connect_string(before: &[u8], word: &[u8], rest: &[u8]) -> bool {
    let Some(slash) = memchr::memchr(b'/', word).filter(|slash| *slash > 0 && slash + 1 < word.len()) else {
        return false;
    };
    let is_user = word[0].is_ascii_alphabetic() && is_oracle_user(&word[..slash]);
    let sign = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'=' | b':' | b'\\');
    let end = before.iter().rposition(|byte| !sign(byte)).map_or(0, |last| last + 1);
    let length = before[..end].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let behind = &before[end - length..end];
    is_user && memchr::memchr(b'/', &word[slash + 1..]).is_none() && is_service(rest)
        || is_user
            && rest.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'('))
            && BEFORE_CONNECT_STRING.iter().any(|word| behind.eq_ignore_ascii_case(word))
}

/// Returns whether a text may be the name of a user of Oracle.
fn is_oracle_user(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_$#.-".contains(byte))
}

/// Returns whether `host:port/service` or `//host` follows, as Oracle names a database.
fn is_service(rest: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let host = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')).count();
    let port = rest.get(host + 1..).filter(|_| rest[host] == b':').map_or(0, digits);
    rest.starts_with(b"//") || (2..=5).contains(&port) && matches!(rest.get(host + 1 + port), Some(b'/' | b':'))
}

/// Returns `user/password` of the argument of a program of Oracle, which begins at `at` or behind flags.
pub(super) fn connect_string(line: &[u8], at: usize) -> Option<Found> {
    let limit = line.len().min(at + MAX_USERINFO);
    let mut at = at;
    loop {
        at += line[at..limit].iter().take_while(|byte| **byte == b' ').count();
        let word = line[at..limit].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        if !line[at..limit].starts_with(b"-") {
            break;
        }
        at += word;
    }
    let quotes = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\');
    let start = at + line[at..limit].iter().take_while(|byte| quotes(byte)).count();
    let word = &line[start..limit];
    let word = &word[..word.iter().position(u8::is_ascii_whitespace).unwrap_or(word.len())];
    let slash = memchr::memchr(b'/', word).filter(|slash| *slash > 0)?;
    let end = memchr::memrchr(b'@', word).filter(|sign| *sign > slash).unwrap_or(word.len());
    let end = end - word[..end].iter().rev().take_while(|byte| quotes(byte)).count();
    let is_user = is_oracle_user(&word[..slash]);
    // A path of a script has several slashes.
    let is_path = memchr::memchr(b'/', &word[slash + 1..end.max(slash + 1)]).is_some();
    (is_user && !is_path && end > slash + 1).then(|| Found::new(start, start + end, Rule::UrlUserinfo))
}

/// Returns the argument of `curl -u user:password` or `--user=user:password`; `at` is behind the flag. A
/// numeric user and group is no secret.
pub(super) fn user_flag(line: &[u8], at: usize) -> Option<Found> {
    let argument = argument(line, at)?;
    let text = &line[argument.start..argument.end];
    let colon = memchr::memchr(b':', text)?;
    let numbers = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    let url = text[colon..].starts_with(b"://");
    // `"$USER:$PASS"` of a script holds neither.
    let variables = text.starts_with(b"$") && text[colon + 1..].starts_with(b"$");
    (!numbers && !url && !variables && colon + 1 < text.len()).then_some(argument)
}

/// Returns every program with its flag: those for lists of arguments, and those for text only.
pub(super) fn calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    // A flag that also takes a file name.
    secrets::PASSWORD_FLAGS.iter().chain(secrets::PAIR_FLAGS).copied().chain([("curl", COOKIES)])
}

/// Returns the argument of a call such as `sshpass -p password`. At `start..end` is this flag, which means a
/// password to some programs.
pub(super) fn call(line: &[u8], start: usize, end: usize) -> Option<Found> {
    let before = &line[start.saturating_sub(MAX_CALL)..start];
    // `-P` is a port to some and a password to others.
    let flag = &line[start + 1..end];
    let called = |program: &str, known: &str| known.as_bytes() == flag && is_called(before, program);
    if !calls().any(|(program, known)| called(program, known)) {
        return None;
    }
    let is_pair = !secrets::PASSWORD_FLAGS.iter().any(|(program, known)| called(program, known))
        && secrets::PAIR_FLAGS.iter().any(|(program, known)| called(program, known));
    argument(line, end).filter(|found| {
        let text = &line[found.start..found.end];
        // Without an argument, `mysql -p -h db` asks for the password.
        if line.get(end) == Some(&b' ') && matches!(text, [b'-', _] | [b'-', b'-', ..]) {
            return false;
        }
        if is_pair {
            memchr::memchr(b':', text).is_some() && !text.starts_with(b"http")
        } else {
            flag != COOKIES.as_bytes() || text.contains(&b'=')
        }
    })
}

/// Returns whether a program is called before its flag, by its name or its path.
fn is_called(before: &[u8], program: &str) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    memchr::memmem::find_iter(before, program.as_bytes()).any(|at| {
        let end = at + program.len();
        !before[..at].last().is_some_and(part) && !before.get(end).is_some_and(part)
    })
}

/// Returns the argument of a flag, with or without quotes, also in a JSON list.
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
