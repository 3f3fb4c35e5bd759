//! Recognises the prefix that programs, runtimes and shells write before a message: time, level, thread,
//! source.

/// Maximum number of bytes of a prefix.
const MAX_PREFIX: usize = 256;
/// Maximum number of words that name a source, behind a time.
const MAX_SOURCES: usize = 3;
const LEVELS: [&str; 16] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "fatal", "critical", "severe", "fine",
    "stdout", "stderr", "f", "p",
];

/// Returns the length of the log prefix of a line with the spaces behind it; 0 if the line does not start
/// with a time, a level or brackets.
pub(super) fn prefix(line: &[u8]) -> usize {
    let line = &line[..line.len().min(MAX_PREFIX)];
    let (mut at, mut sources) = (0, 0);
    loop {
        let rest = &line[at..];
        let token = match rest.first() {
            Some(b'[') => rest.iter().position(|byte| *byte == b']').map_or(0, |close| close + 1),
            _ => rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()),
        };
        let word = &rest[..token];
        let known = is_time(word) || is_level(word) || word.starts_with(b"[") || at > 0 && is_separator(word);
        if !known {
            sources += 1;
        }
        if token == 0 || !known && (at == 0 || sources > MAX_SOURCES || !is_source(word)) {
            return at;
        }
        let next =
            at + token + rest[token..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'|').count();
        // Without a space behind it, the word is not complete.
        if next == at + token && !word.starts_with(b"[") {
            return at;
        }
        at = next;
    }
}

/// Returns whether a line begins with a time, and so is a record of its own.
pub(super) fn begins_with_time(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let inner = line.strip_prefix(b"[").unwrap_or(line);
    let length = inner.iter().take(64).take_while(|byte| !byte.is_ascii_whitespace() && **byte != b']').count();
    is_time(&inner[..length])
}

/// Returns whether a line is one JSON object.
pub(super) fn is_record(line: &[u8]) -> bool {
    let inner = line.trim_ascii();
    inner.len() > 2 && inner.starts_with(b"{") && inner.ends_with(b"}")
}

/// Returns whether a line between those of a block is of another thread: a record, a message with its time or
/// its level, or one of pairs (`time="…" level=info`).
pub(super) fn is_foreign_below(line: &[u8]) -> bool {
    const FIRST: [&[u8]; 5] = [b"level=", b"lvl=", b"t=", b"time=", b"ts="];
    let word = &line[..line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len())];
    // `error:` is a name of YAML.
    let is_level = word.len() < line.len() && word.iter().all(u8::is_ascii_uppercase) && is_level(word);
    is_record(line) || begins_with_time(line) || is_level || FIRST.iter().any(|first| word.starts_with(first))
}

/// Returns whether a word is a time: `2026-11-29T10:00:00.123Z`, `10:00:00,123`, `2026/11/29`, or `I1129` of
/// klog.
fn is_time(word: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_digit() || b":.,+-/TZ".contains(byte);
    let separators = word.iter().filter(|byte| b":-/".contains(byte)).count();
    let has_digits = word.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4;
    let klog = matches!(word, [b'I' | b'W' | b'E' | b'F', digits @ ..] if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit));
    klog || has_digits && separators >= 2 && word.iter().all(part)
}

fn is_level(word: &[u8]) -> bool {
    let word = word.strip_suffix(b":").unwrap_or(word);
    LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level.as_bytes()))
}

/// Returns whether a word is a separator.
fn is_separator(word: &[u8]) -> bool {
    matches!(word, b"-" | b"--" | b"---" | b"|" | b":" | b"=")
}

/// Returns whether a word names a source: a program, a class, a file with its line.
fn is_source(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_alphanumeric)
        && word.len() < 64
        && word.iter().any(u8::is_ascii_alphabetic)
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:]$".contains(byte))
}
