//! What is secret by its shape, wherever it stands in a line: one pass over the words that a secret begins with or is named by.
//!
//! Each word is a trigger of one automaton, so a line without any costs one look at each of its bytes. The regex crate was left
//! aside: where a value ends depends on how often its quotes are escaped, which no regular expression can count, and its tables
//! would have to be carried. Every look around a trigger is bounded, or ends in a replacement that is not looked at again.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input};
use memchr::memmem;

use super::names::is_secret_variable;
use super::rules::Rule;
use super::values::{self, Pair};
use super::{base64, carry::Carry};

/// What stands for a value that was replaced. No `: ` in it, so that it is a plain value of YAML too.
pub(super) const MARK: &[u8] = b"<redacted>";
/// Letters between `BEGIN` and `PRIVATE KEY`.
const LABEL: usize = 48;
/// The longest user and password of a URL.
const MAX_USERINFO: usize = 1024;

/// A part of a line that goes.
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: Rule,
    /// The value has to stay a string of JSON.
    pub(super) quoted: bool,
    /// What this says about the lines that follow.
    pub(super) carry: Carry,
    /// The end of a key whose beginning was not seen: lines before this one, if they look like a key, go with it.
    pub(super) tail: bool,
}

#[derive(Clone, Copy)]
enum Trigger {
    /// A word that may be part of a name with a value.
    Name,
    Url,
    UrlEncoded,
    PrivateKey,
    Certificate,
    CertificateEncoded,
    KeyEncoded,
    Bearer,
    Basic,
    WebToken,
    Prefix(&'static Prefix),
}

/// A token that is known by its first letters.
struct Prefix {
    text: &'static str,
    rule: Rule,
    /// Letters that follow, at least.
    shortest: usize,
    letters: fn(u8) -> bool,
}

const NAMES: &[&str] = &[
    "accountkey",
    "assertion",
    "auth",
    "bearer",
    "code",
    "cookie",
    "credential",
    "dockerc",
    "jwt",
    "key",
    "otp",
    "pass",
    "pin",
    "pwd",
    "salt",
    "samlresponse",
    "secret",
    "session",
    "sid",
    "sig",
    "token",
];

const PREFIXES: &[Prefix] = &[
    Prefix { text: "AIza", rule: Rule::CloudKey, shortest: 30, letters: url_safe },
    Prefix { text: "ya29.", rule: Rule::Token, shortest: 12, letters: url_safe_or_dot },
    Prefix { text: "1//", rule: Rule::Token, shortest: 24, letters: url_safe },
    Prefix { text: "GOCSPX-", rule: Rule::Token, shortest: 16, letters: url_safe },
    Prefix { text: "AKIA", rule: Rule::CloudKey, shortest: 16, letters: capital },
    Prefix { text: "ASIA", rule: Rule::CloudKey, shortest: 16, letters: capital },
    Prefix { text: "ghp_", rule: Rule::Token, shortest: 20, letters: word },
    Prefix { text: "gho_", rule: Rule::Token, shortest: 20, letters: word },
    Prefix { text: "ghu_", rule: Rule::Token, shortest: 20, letters: word },
    Prefix { text: "ghs_", rule: Rule::Token, shortest: 20, letters: word },
    Prefix { text: "ghr_", rule: Rule::Token, shortest: 20, letters: word },
    Prefix { text: "github_pat_", rule: Rule::Token, shortest: 20, letters: word },
    Prefix { text: "glpat-", rule: Rule::Token, shortest: 16, letters: url_safe },
    Prefix { text: "hvs.", rule: Rule::Token, shortest: 20, letters: url_safe },
    Prefix { text: "xoxb-", rule: Rule::Token, shortest: 10, letters: url_safe },
    Prefix { text: "xoxp-", rule: Rule::Token, shortest: 10, letters: url_safe },
    Prefix { text: "sk_live_", rule: Rule::Token, shortest: 16, letters: word },
    Prefix { text: "sk_test_", rule: Rule::Token, shortest: 16, letters: word },
    Prefix { text: "rk_live_", rule: Rule::Token, shortest: 16, letters: word },
    Prefix { text: "sk-proj-", rule: Rule::Token, shortest: 16, letters: url_safe },
    Prefix { text: "npm_", rule: Rule::Token, shortest: 30, letters: word },
    Prefix { text: "pypi-", rule: Rule::Token, shortest: 30, letters: url_safe },
    Prefix { text: "xapp-", rule: Rule::Token, shortest: 16, letters: url_safe },
    Prefix { text: "xoxs-", rule: Rule::Token, shortest: 10, letters: url_safe },
    Prefix { text: "dop_v1_", rule: Rule::Token, shortest: 30, letters: word },
    Prefix { text: "shpat_", rule: Rule::Token, shortest: 20, letters: word },
    Prefix { text: "hvb.", rule: Rule::Token, shortest: 20, letters: url_safe },
    Prefix { text: "AGE-SECRET-KEY-", rule: Rule::Token, shortest: 30, letters: capital },
    Prefix { text: "dckr_pat_", rule: Rule::Token, shortest: 16, letters: url_safe },
];

pub(super) struct Patterns {
    automaton: Option<AhoCorasick>,
    triggers: Vec<Trigger>,
    /// Certificates name hosts and addresses, so they go where those do.
    pub(super) certificates: bool,
}

/// A line while it is looked at.
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Names of Secrets stay: `secret: cassandra-auth` of an overrides file.
    pub(super) references: bool,
    /// Unescaped double quotes before a place, counted once for the whole line.
    quotes: (usize, bool),
    /// No web token begins before this place.
    no_token: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8], references: bool) -> Self {
        Self { bytes, references, quotes: (0, false), no_token: 0 }
    }

    /// Whether a double quote is open at `at`. Places are asked for in ascending order.
    pub(super) fn is_quoted(&mut self, at: usize) -> bool {
        let (from, mut open) = self.quotes;
        for quote in memchr::memchr_iter(b'"', self.bytes.get(from..at).unwrap_or_default()) {
            let place = from + quote;
            open ^= values::backslashes_before(self.bytes, place).is_multiple_of(2);
        }
        self.quotes = (at.max(from), open);
        open
    }
}

impl Patterns {
    pub(super) fn new(certificates: bool) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut triggers = Vec::new();
        let mut add = |word, trigger| {
            words.push(word);
            triggers.push(trigger);
        };
        // The first that fits is taken where several begin at one place, so the longer words come first.
        add("private key", Trigger::PrivateKey);
        for word in ["private%20key", "private+key"] {
            add(word, Trigger::KeyEncoded);
        }
        add("bearer ", Trigger::Bearer);
        add("basic ", Trigger::Basic);
        add("eyj", Trigger::WebToken);
        add("://", Trigger::Url);
        add(":\\/\\/", Trigger::Url);
        add("%3a%2f%2f", Trigger::UrlEncoded);
        if certificates {
            add("begin certificate", Trigger::Certificate);
            add("begin trusted certificate", Trigger::Certificate);
            add("begin%20certificate", Trigger::CertificateEncoded);
            add("begin+certificate", Trigger::CertificateEncoded);
        }
        for prefix in PREFIXES {
            add(prefix.text, Trigger::Prefix(prefix));
        }
        for name in NAMES {
            add(name, Trigger::Name);
        }
        // The words are constants, and far below what the automaton can hold; without it everything is withheld.
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(aho_corasick::MatchKind::LeftmostFirst)
            .build(&words)
            .ok();
        Self { automaton, triggers, certificates }
    }

    /// The next part of the line, at or after `from`, that goes.
    pub(super) fn next(&self, line: &mut Line<'_>, from: usize) -> Option<Found> {
        let Some(automaton) = &self.automaton else {
            let end = line.bytes.len();
            return (from < end).then_some(found(from, end, Rule::NotUnderstood));
        };
        let mut at = from;
        while let Some(hit) = automaton.find(Input::new(line.bytes).range(at.min(line.bytes.len())..)) {
            let trigger = self.triggers.get(hit.pattern().as_usize()).copied()?;
            if let Some(mut found) = judge(trigger, line, hit.start(), hit.end(), from) {
                found.start = found.start.max(from);
                if found.end > found.start || (found.end >= hit.end() && found.carry != Carry::Nothing) {
                    return Some(found);
                }
            }
            at = hit.start() + 1;
        }
        None
    }
}

fn judge(trigger: Trigger, line: &mut Line<'_>, start: usize, end: usize, from: usize) -> Option<Found> {
    match trigger {
        Trigger::Name => named(line, start, end),
        Trigger::Url => userinfo(line.bytes, end),
        Trigger::UrlEncoded => encoded_userinfo(line.bytes, end),
        Trigger::PrivateKey => pem(line.bytes, start, from).or_else(|| named(line, end - "key".len(), end)),
        Trigger::Certificate => pem(line.bytes, end, from),
        Trigger::CertificateEncoded => Some(certificate_encoded(line.bytes, start)),
        Trigger::KeyEncoded => Some(key_encoded(line.bytes, start, from)),
        Trigger::Bearer => bearer(line.bytes, end).or_else(|| named(line, start, end - 1)),
        Trigger::Basic => basic(line.bytes, end),
        Trigger::WebToken => web_token(line, start),
        Trigger::Prefix(prefix) => prefixed(prefix, line.bytes, start),
    }
}

fn found(start: usize, end: usize, rule: Rule) -> Found {
    Found { start, end, rule, quoted: false, carry: Carry::Nothing, tail: false }
}

fn named(line: &mut Line<'_>, start: usize, end: usize) -> Option<Found> {
    let Pair { start, end, rule, quoted, carry } = values::pair(line, start, end)?;
    Some(Found { quoted, carry, ..found(start, end, rule) })
}

/// From the dashes before `BEGIN` to those after `END`, or to the end of the line.
fn pem(line: &[u8], at: usize, from: usize) -> Option<Found> {
    let floor = at.saturating_sub(LABEL).max(from);
    let label = &line[floor..at.max(floor)];
    let Some(begin) = memmem::rfind(label, b"BEGIN") else {
        let end = floor + memmem::rfind(label, b"END ")?;
        let word = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`');
        let begin = line[from..end].iter().rposition(word).map_or(from, |at| from + at + 1);
        return Some(Found { tail: true, ..found(begin, after_dashes(line, end), Rule::PrivateKey) });
    };
    let begin = floor + begin;
    let begin = begin - line[floor..begin].iter().rev().take(6).take_while(|byte| matches!(byte, b'-' | b' ')).count();
    let (end, carry) = match memmem::find(&line[at..], b"END ") {
        Some(end) => (after_dashes(line, at + end), Carry::Nothing),
        None => (line.len(), Carry::pem()),
    };
    Some(Found { carry, ..found(begin, end, Rule::PrivateKey) })
}

/// Behind the dashes that close the label which begins at `at`.
pub(super) fn after_dashes(line: &[u8], at: usize) -> usize {
    let rest = &line[at..line.len().min(at + 2 * LABEL)];
    let dashes = memmem::find(rest, b"----").unwrap_or(rest.len());
    at + dashes + rest[dashes..].iter().take_while(|byte| **byte == b'-').count()
}

/// `user:password` of a URL whose authority begins at `start`.
fn userinfo(line: &[u8], start: usize) -> Option<Found> {
    let rest = &line[start..line.len().min(start + MAX_USERINFO)];
    let stop =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'|');
    let path = |byte: &u8| stop(byte) || matches!(byte, b'/' | b'?' | b'#');
    let authority = &rest[..rest.iter().position(path).unwrap_or(rest.len())];
    if let Some(at) = memchr::memrchr(b'@', authority) {
        return (at > 0).then(|| found(start, start + at, Rule::UrlUserinfo));
    }
    // A password with a slash that nobody encoded: what follows the colon is no port.
    let colon = memchr::memchr(b':', authority)?;
    let no_port = !authority.starts_with(b"[") && authority[colon + 1..].iter().any(|byte| !byte.is_ascii_digit());
    if !no_port {
        return None;
    }
    let whole = &rest[..rest.iter().position(stop).unwrap_or(rest.len())];
    let at = memchr::memrchr(b'@', whole)?;
    Some(found(start, start + at, Rule::UrlUserinfo))
}

/// The same in a URL that is a parameter of another.
fn encoded_userinfo(line: &[u8], start: usize) -> Option<Found> {
    let rest = &line[start..line.len().min(start + MAX_USERINFO)];
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"%-._~!$'()*+,;=:".contains(byte);
    let whole = &rest[..rest.iter().position(|byte| !inside(byte)).unwrap_or(rest.len())];
    let at = memmem::rfind(whole, b"%40")?;
    let path = whole.windows(3).position(|three| three.eq_ignore_ascii_case(b"%2f")).unwrap_or(whole.len());
    (0 < at && at < path).then(|| found(start, start + at, Rule::UrlUserinfo))
}

/// A certificate in a header or a parameter, as Envoy writes that of a client.
fn certificate_encoded(line: &[u8], start: usize) -> Found {
    let inside = |byte: &u8| base64::is_letter(*byte) || matches!(byte, b'%' | b'=' | b'.');
    let begin = start - line[..start].iter().rev().take(6).take_while(|byte| **byte == b'-').count();
    let end = start + line[start..].iter().take_while(|byte| inside(byte)).count();
    found(begin, end, Rule::Base64)
}

/// A private key as a URL has it: all of it up to what ends the part of a URL.
fn key_encoded(line: &[u8], start: usize, from: usize) -> Found {
    let inside = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'+' | b'=' | b'.' | b'/' | b'-' | b'_' | b'~' | b'*')
    };
    let begin =
        start - line[from..start].iter().rev().take(LABEL).take_while(|byte| inside(byte) && **byte != b'=').count();
    let end = start + line[start..].iter().take_while(|byte| inside(byte)).count();
    found(begin, end, Rule::PrivateKey)
}

fn bearer(line: &[u8], start: usize) -> Option<Found> {
    let start = start + line[start..].iter().take(8).take_while(|byte| **byte == b' ').count();
    let end = start + line[start..].iter().take_while(|byte| token(**byte)).count();
    let value = &line[start..end];
    // `Bearer authentication` is prose.
    let prose =
        value.len() < 24 && value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'-' | b'='));
    (value.len() >= 6 && !prose).then(|| found(start, end, Rule::AuthorizationHeader))
}

/// `Basic` and a base64 of `user:password`.
fn basic(line: &[u8], start: usize) -> Option<Found> {
    let end = start + line[start..].iter().take_while(|byte| base64::is_letter(**byte) || **byte == b'=').count();
    let decoded = base64::decode(&line[start..end.min(start + 400)]);
    let readable = decoded.iter().all(|byte| matches!(byte, b' '..=b'~'));
    (decoded.len() >= 3 && readable && decoded.contains(&b':')).then(|| found(start, end, Rule::AuthorizationHeader))
}

/// A JSON Web Token, signed, unsigned or encrypted, or a piece of one.
fn web_token(line: &mut Line<'_>, start: usize) -> Option<Found> {
    let bytes = line.bytes;
    if !bytes[start..].starts_with(b"eyJ") || start < line.no_token || !begins_a_word(bytes, start) {
        return None;
    }
    let dot = start + bytes[start..].iter().take_while(|byte| url_safe(**byte)).count();
    if bytes.get(dot) != Some(&b'.') || dot - start < 10 {
        line.no_token = dot;
        return None;
    }
    let end = dot + bytes[dot..].iter().take_while(|byte| url_safe_or_dot(**byte)).count();
    let end = end - bytes[start..end].iter().rev().take_while(|byte| **byte == b'.').count();
    (end - start >= 24).then(|| found(start, end, Rule::WebToken))
}

fn prefixed(prefix: &Prefix, line: &[u8], start: usize) -> Option<Found> {
    let begin = start + prefix.text.len();
    if !line[start..].starts_with(prefix.text.as_bytes()) || !begins_a_word(line, start) {
        return None;
    }
    let end = begin + line[begin..].iter().take_while(|byte| (prefix.letters)(**byte)).count();
    (end - begin >= prefix.shortest).then(|| found(start, end, prefix.rule))
}

/// Whether a token can begin here: behind a sign, or behind an escape that ends in a letter (`\n`, `%3D`, `\u003d`).
fn begins_a_word(line: &[u8], at: usize) -> bool {
    let before = &line[..at];
    match before {
        [.., byte] if !url_safe(*byte) => true,
        // `--data-AIza…` begins one, `x-AIza` may: better once too often.
        [] | [.., b'-' | b'_'] | [.., b'\\', b'n' | b'r' | b't'] | [.., b'%', _, _] | [.., b'u', b'0', b'0', _, _] => {
            true
        }
        _ => false,
    }
}

/// A value after the name of a variable, `{"name":"DB_PASSWORD","value":"…"}`, in the same line or in the next.
pub(super) fn is_variable_name(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_uppercase) && is_secret_variable(name)
        || super::names::of(name) == super::names::Named::Secret
}

fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn url_safe_or_dot(byte: u8) -> bool {
    url_safe(byte) || byte == b'.'
}

fn capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn token(byte: u8) -> bool {
    url_safe_or_dot(byte) || matches!(byte, b'~' | b'+' | b'/' | b'=' | b':' | b'|')
}
