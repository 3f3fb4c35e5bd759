//! Secrets in sentences (`the password is "x"`), and secrets that a command hands to another one
//! (`echo x | docker login --password-stdin`).
//!
//! In a sentence, what is in quotes is redacted; a word without quotes only if it has digits or punctuation,
//! as a secret does and a word of a language does not.

use super::line::{Found, MAX_ESCAPES};
use super::urls::argument;
use super::value::{closing, harmless};
use crate::redact::rules::Rule;
use crate::secrets::languages;

/// What a sentence tells the value of. In lower case, with the space behind it.
pub(super) const SUBJECTS: &[&str] = &[
    "access key ",
    "api key ",
    "api-key ",
    "apikey ",
    "client secret ",
    "credential ",
    "encryption key ",
    "license key ",
    "one-time code ",
    "otp code ",
    "pass phrase ",
    "passcode ",
    "passphrase ",
    "passwd ",
    "password ",
    "recovery code ",
    "secret key ",
    "security code ",
    "shared secret ",
    "token ",
    "unlock code ",
    "verification code ",
];

/// Arguments and programs that read a secret from their standard input.
pub(super) const READERS: &[&str] =
    &["--passphrase-fd 0", "--with-token", "-pass stdin", "-passin stdin", "-stdin", "chpasswd", "sudo -S"];

/// Programs that write their argument.
const WRITERS: &[&[u8]] = &[b"echo", b"printf"];
/// Verbs between a subject and its value.
const VERBS: &[&[u8]] = &[b"are", b"be", b"becomes", b"is", b"to", b"was"];
/// Words between a verb and a value.
const ADVERBS: &[&[u8]] =
    &[b"actually", b"changed", b"currently", b"just", b"now", b"reset", b"set", b"simply", b"still", b"to", b"updated"];
/// Words directly before a subject whose value follows without a verb: `failed with password x`.
const PREPOSITIONS: &[&[u8]] = &[b"and", b"by", b"using", b"with"];
/// Words with digits or capital letters that are no secrets.
const FORMATS: &[&str] = &[
    "aes", "argon", "base32", "base64", "bcrypt", "des", "ecdsa", "ed25519", "es256", "es384", "hex", "hmac", "hs256",
    "hs512", "md5", "oauth", "p-256", "pbkdf", "pkcs", "rfc", "rs256", "rs512", "rsa", "sha", "utf", "v1", "v2",
    "x509",
];
/// Quotes of texts.
const QUOTES: &[(&str, &str)] = &[("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("『", "』")];
/// Words in quotes that tell a state.
const STATES: &[&str] = &["bearer", "empty", "expired", "invalid", "missing", "revoked", "unknown", "valid", "wrong"];

/// Maximum number of bytes between a subject and its value.
const MAX_SENTENCE: usize = 64;
/// Maximum number of words between a subject and its verb: `password for user bob is …`.
const MAX_WORDS: usize = 4;
/// Maximum number of bytes of a command before the one that reads its output.
pub(super) const MAX_COMMAND: usize = 4096;
/// Minimum number of characters of a secret without quotes.
const SHORTEST: usize = 6;

/// Returns what a sentence says that its subject is, or was. The subject is at `start..end`.
pub(super) fn said(bytes: &[u8], start: usize, end: usize) -> Option<Found> {
    value_at(bytes, behind_verb(bytes, end, VERBS).or_else(|| follows_preposition(&bytes[..start]).then_some(end))?)
}

/// Returns the same of a subject in a language other than English, which ends at `end`.
pub(super) fn said_in_language(bytes: &[u8], end: usize) -> Option<Found> {
    let rest = &bytes[end..];
    let particle = languages::PARTICLES.iter().find(|particle| rest.starts_with(particle.as_bytes()));
    match particle {
        Some(particle) => value_at(bytes, end + particle.len()),
        None if rest.starts_with(b" ") => value_at(bytes, behind_verb(bytes, end + 1, languages::VERBS)?),
        None => None,
    }
}

/// Returns the value of a sentence that begins at `at`.
fn value_at(bytes: &[u8], at: usize) -> Option<Found> {
    let at = at + bytes[at..].iter().take(MAX_WORDS).take_while(|byte| **byte == b' ').count();
    let escapes = bytes[at..].iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
    if let Some(quote @ (b'"' | b'\'' | b'`')) = bytes.get(at + escapes) {
        let start = at + escapes + 1;
        let end = closing(bytes, start, *quote, escapes)?;
        let value = &bytes[start..end];
        let is_state = STATES.iter().any(|state| value.eq_ignore_ascii_case(state.as_bytes()));
        return (!harmless(value) && !is_state && !is_phrase(value)).then(|| Found::new(start, end, Rule::NamedValue));
    }
    let rest = &bytes[at..bytes.len().min(at + MAX_SENTENCE * 4)];
    if let Some((open, close)) = QUOTES.iter().find(|(open, _)| rest.starts_with(open.as_bytes())) {
        let length = memchr::memmem::find(&rest[open.len()..], close.as_bytes())?;
        let start = at + open.len();
        return (length > 0).then(|| Found::new(start, start + length, Rule::NamedValue));
    }
    let ends =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'<' | b',' | b';');
    let length = bytes[at..].iter().take(MAX_SENTENCE * 4).position(ends).unwrap_or(bytes.len() - at);
    let word = &bytes[at..at + length];
    let length = length - word.iter().rev().take_while(|byte| matches!(byte, b'.' | b':' | b')' | b'?')).count();
    let word = &bytes[at..at + length];
    looks_like_a_secret(word).then(|| Found::new(at, at + length, Rule::NamedValue))
}

/// Returns where the value behind the verb of a sentence begins.
fn behind_verb(bytes: &[u8], at: usize, verbs: &[&[u8]]) -> Option<usize> {
    let limit = bytes.len().min(at + MAX_SENTENCE);
    let mut at = at;
    let mut is_behind = false;
    for _ in 0..=MAX_WORDS {
        let length = bytes[at..limit].iter().position(|byte| *byte == b' ')?;
        let word = &bytes[at..at + length];
        let bare = word.strip_suffix(b":").unwrap_or(word);
        let has = |words: &[&[u8]]| words.iter().any(|known| bare.eq_ignore_ascii_case(known));
        if is_behind && !has(ADVERBS) {
            return Some(at);
        }
        is_behind |= has(verbs);
        let is_word = bare.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@' | b'.'));
        if !is_behind && (!is_word || bare.len() < word.len() || word.ends_with(b".")) {
            return None;
        }
        at += length + 1;
        if is_behind && bytes.get(at).is_some_and(|byte| !byte.is_ascii_alphabetic()) {
            return Some(at);
        }
        if is_behind && !bytes[at..limit].contains(&b' ') {
            return Some(at);
        }
    }
    None
}

fn follows_preposition(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    PREPOSITIONS.iter().any(|word| before.ends_with(word) && !before[..before.len() - word.len()].ends_with(b"_"))
}

/// Returns whether a text in quotes tells a state in several words: `not set`.
fn is_phrase(value: &[u8]) -> bool {
    const BEGINNINGS: &[&[u8]] = &[b"a ", b"an ", b"in ", b"no ", b"not ", b"the ", b"too "];
    BEGINNINGS.iter().any(|begin| value.starts_with(begin))
}

/// Returns whether a word has digits or punctuation as secrets have, and not the form of a path, a
/// placeholder or a format.
pub(super) fn looks_like_a_secret(word: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| word.iter().any(kind);
    let is_mixed = has(u8::is_ascii_alphabetic) && has(|byte| byte.is_ascii_digit() || b"!@#$%^&*+=~?".contains(byte));
    let begins = |text: &&str| word.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text.as_bytes()));
    word.len() >= SHORTEST
        && is_mixed
        && word[0].is_ascii_alphanumeric()
        && !has(|byte| matches!(byte, b'/' | b'(' | b'[' | b'{'))
        && !FORMATS.iter().any(begins)
}

/// Returns what a command hands to a reader at `at`, by a pipe before it or by `<<<` behind it.
pub(super) fn piped(bytes: &[u8], at: usize, end: usize) -> Option<Found> {
    let rest = &bytes[end..bytes.len().min(end + MAX_COMMAND)];
    if let Some(begin) = memchr::memmem::find(rest, b"<<<") {
        return argument(bytes, end + begin + 3).filter(|found| !is_variable(&bytes[found.start..found.end]));
    }
    let floor = at.saturating_sub(MAX_COMMAND);
    let pipe = floor + memchr::memrchr(b'|', &bytes[floor..at])?;
    let begin = bytes[floor..pipe].iter().rposition(|byte| matches!(byte, b'|' | b';' | b'&' | b'`' | b'('));
    let begin = begin.map_or(floor, |begin| floor + begin + 1);
    let command = &bytes[begin..pipe];
    let ends = |writer: &&[u8]| memchr::memmem::find(command, writer).map(|at| at + writer.len());
    let mut start = begin + WRITERS.iter().find_map(ends)?;
    let mut words = bytes[start..pipe].split_inclusive(|byte| *byte == b' ');
    // Flags, and the format of printf.
    while let Some(word) = words.next().filter(|word| {
        let word = word.trim_ascii();
        word.is_empty() || word.starts_with(b"-") || word.contains(&b'%')
    }) {
        start += word.len();
    }
    let end = start + bytes[start..pipe].trim_ascii_end().len();
    let quotes = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\');
    let start = start + bytes[start..end].iter().take_while(|byte| quotes(byte)).count();
    let end = end - bytes[start..end].iter().rev().take_while(|byte| quotes(byte)).count();
    (start < end && !is_variable(&bytes[start..end])).then(|| Found::new(start, end, Rule::NamedValue))
}

/// Returns whether a text is only a variable of a shell, which holds no secret itself.
fn is_variable(text: &[u8]) -> bool {
    let name = text.strip_prefix(b"$").map(|name| name.strip_prefix(b"{").unwrap_or(name));
    name.is_some_and(|name| name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'}')))
}
