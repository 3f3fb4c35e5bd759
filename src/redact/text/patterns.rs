//! Finds secrets by the words that they begin with or are named by, in one pass over the line.
//!
//! All words are triggers of one Aho-Corasick automaton, so a line without any costs one step per byte. The
//! regex crate is not used: where a value ends depends on how often its quotes are escaped, which no regular
//! expression can count, and its tables would need to be shipped. Every search around a trigger is bounded,
//! or ends in a replacement that is not scanned again.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input};
use memchr::memmem;

use super::automaton::{self, Automaton};
use super::line::{Found, Line};
use super::line_state::LineState;
use super::pem::{LABEL, after_dashes, end_label, has_dashes, value_end};
use super::phrases::{self, PHRASES, Phrase, VERDICTS};
use super::prefixes::{INFIXES, PREFIXES, Prefix};
use super::{pairs, prose, shell, tokens, urls};
use crate::redact::rules::Rule;
use crate::secrets::{WEB_KEY_PARTS, languages};

/// What a trigger word may begin.
#[derive(Clone, Copy)]
enum Trigger {
    /// A word that may be part of a name with a value.
    Name,
    /// A name in a language other than English.
    LanguageName,
    /// A short name with the byte behind it.
    ShortName,
    /// A subject of a sentence that may tell a secret.
    Subject,
    /// A program or flag that reads a secret from standard input.
    Reader,
    /// The beginning of a here document.
    HereDocument,
    /// A quoted name of a member of a JSON Web Key.
    WebKey,
    /// Quoted `data` of a Secret.
    SecretData,
    /// `data` of a Secret in YAML inside another text.
    SecretText,
    Url,
    UrlWithoutScheme,
    DataSource,
    UserFlag,
    /// A program of Oracle, before user and password.
    ConnectString,
    /// The password of a database user.
    IdentifiedBy,
    /// A flag that takes a password in some programs.
    Call,
    PrivateKey,
    PrivateKeyInForm,
    Certificate,
    Bearer,
    Basic,
    WebToken,
    Prefix(&'static Prefix),
    /// Characters inside a token.
    Infix(&'static Prefix),
    Phrase(&'static Phrase),
    /// What a validator writes between a field and its value.
    Verdict,
    /// Behind a user and a password.
    At,
}

/// Parts of names with secret values.
const NAMES: &[&str] = &[
    "account_json",
    "accountjson",
    "accountkey",
    "assertion",
    "auth",
    "bearer",
    "code",
    "coefficient",
    "connection_string",
    "connectionstring",
    "connectionuri",
    "connection_uri",
    "connstr",
    "conn_str",
    "cookie",
    "credential",
    "cvv",
    "dockerc",
    "exponent",
    "_pat",
    "githubpat",
    "gitlabpat",
    "hmac",
    "jaas",
    "jwt",
    "key",
    "licence",
    "license",
    "mfa",
    "mnemonic",
    "mongodb_ur",
    "mongodbur",
    "mongo_ur",
    "mongour",
    "otp",
    "pass",
    "phrase",
    "pin",
    "prime",
    "priv",
    "psk",
    "psw",
    "pw",
    "pwd",
    "salt",
    "samlrequest",
    "samlresponse",
    "secret",
    "sentry_dsn",
    "sentrydsn",
    "session",
    "sid",
    "sig",
    "token",
];

/// Secret names that are part of many other words, with what may be behind them.
const SHORT_NAMES: &[&str] = &["pat:", "pat=", "pat\"", "pat\\", "pat'"];

/// Flags that take `user:password`.
const USER_FLAGS: &[&str] = &[
    " -u",
    "\"-u",
    "'-u",
    " -ku ",
    " -ksu ",
    " -sku ",
    " -su ",
    " -vu ",
    "--proxy-user ",
    "--proxy-user=",
    "--user ",
    "--user=",
    "--user\"",
    "--user'",
];

pub(in crate::redact) struct Patterns {
    automaton: Option<Automaton>,
    /// Words that are not ASCII, which most lines need not be searched for: in one automaton, they would
    /// double the size of its tables.
    languages: Option<AhoCorasick>,
    triggers: Vec<Trigger>,
    /// Whether certificates are redacted: they name hosts and addresses.
    pub(in crate::redact) certificates: bool,
}

impl Patterns {
    /// Returns the patterns, which are built once per process.
    pub(in crate::redact) fn shared(certificates: bool) -> &'static Self {
        static OF_SECRETS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(false));
        static WITH_CERTIFICATES: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(true));
        if certificates { &WITH_CERTIFICATES } else { &OF_SECRETS }
    }

    fn new(certificates: bool) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut triggers = Vec::new();
        let mut add = |word: &str, trigger| {
            words.push(word.to_owned());
            triggers.push(trigger);
        };
        // Of several words at one place the first match wins, so longer words come first.
        add("private key", Trigger::PrivateKey);
        add("private+key", Trigger::PrivateKeyInForm);
        add("bearer ", Trigger::Bearer);
        add("basic ", Trigger::Basic);
        add("eyj", Trigger::WebToken);
        add("://", Trigger::Url);
        add(":\\/\\/", Trigger::Url);
        add("//", Trigger::UrlWithoutScheme);
        add("@tcp(", Trigger::DataSource);
        add("@//", Trigger::DataSource);
        add("@unix(", Trigger::DataSource);
        add("identified by ", Trigger::IdentifiedBy);
        for program in urls::ORACLE_PROGRAMS {
            add(program, Trigger::ConnectString);
        }
        for flag in USER_FLAGS {
            add(flag, Trigger::UserFlag);
        }
        for name in ["data:\\n", "stringdata:\\n"] {
            add(name, Trigger::SecretText);
        }
        if certificates {
            for label in ["begin certificate", "begin trusted certificate", "begin+certificate"] {
                add(label, Trigger::Certificate);
            }
        }
        for phrase in PHRASES {
            add(phrase.text, Trigger::Phrase(phrase));
        }
        for verdict in VERDICTS {
            add(verdict, Trigger::Verdict);
        }
        for prefix in PREFIXES {
            add(prefix.text, Trigger::Prefix(prefix));
        }
        for infix in INFIXES {
            add(infix.text, Trigger::Infix(infix));
        }
        for subject in prose::SUBJECTS {
            add(subject, Trigger::Subject);
        }
        for reader in prose::READERS {
            add(reader, Trigger::Reader);
        }
        add("<<", Trigger::HereDocument);
        add("@", Trigger::At);
        for name in SHORT_NAMES {
            add(name, Trigger::ShortName);
        }
        // Before the English words that they begin with.
        for name in languages::words().filter(|name| name.is_ascii()) {
            add(&name, Trigger::LanguageName);
        }
        for name in NAMES {
            add(name, Trigger::Name);
        }
        // In a text, or quoted in a list; longer flags first.
        let flags: BTreeSet<_> = urls::calls().map(|(_, flag)| (Reverse(flag.len()), flag)).collect();
        for (_, flag) in flags {
            add(&format!(" {flag}"), Trigger::Call);
            add(&format!("\"{flag}"), Trigger::Call);
        }
        let names = [(&["data", "stringdata"][..], Trigger::SecretData), (WEB_KEY_PARTS, Trigger::WebKey)];
        for (name, trigger) in names.iter().flat_map(|(names, trigger)| names.iter().map(|name| (name, *trigger))) {
            // In quotes that may be escaped.
            add(&format!("\"{name}\""), trigger);
            add(&format!("\"{name}\\"), trigger);
        }
        // The words are constants within the limits of the automaton; without it, everything is withheld.
        let beyond_ascii: Vec<String> = languages::words().filter(|name| !name.is_ascii()).collect();
        let languages = automaton::compact(&beyond_ascii).ok();
        Self { automaton: Automaton::new(words).ok(), languages, triggers, certificates }
    }

    /// Returns the next span to redact at or after `from`.
    pub(super) fn next(&self, line: &mut Line<'_>, from: usize) -> Option<Found> {
        let (Some(automaton), Some(languages)) = (&self.automaton, &self.languages) else {
            let end = line.bytes.len();
            return (from < end).then_some(Found::new(from, end, Rule::NotUnderstood));
        };
        let mut at = from;
        loop {
            let range = at.min(line.bytes.len())..line.bytes.len();
            let hit = automaton.find(line.bytes, range.clone());
            let beyond = line.next_beyond_ascii(at, || languages.find(Input::new(line.bytes).range(range)));
            let (trigger, hit) = match (hit, beyond) {
                (Some(hit), Some(beyond)) if hit.start() < beyond.start => (Some(hit.pattern()), hit.range()),
                (_, Some(beyond)) => (None, beyond),
                (Some(hit), None) => (Some(hit.pattern()), hit.range()),
                (None, None) => return None,
            };
            let trigger = match trigger {
                Some(pattern) => self.triggers.get(pattern.as_usize()).copied()?,
                None => Trigger::LanguageName,
            };
            if let Some(mut found) = match_trigger(trigger, line, hit.start, hit.end, from) {
                found.start = found.start.max(from);
                if !found.is_empty() || (found.end >= hit.end && found.line_state != LineState::Nothing) {
                    return Some(found);
                }
            }
            at = hit.start + 1;
        }
    }
}

fn match_trigger(trigger: Trigger, line: &mut Line<'_>, start: usize, end: usize, from: usize) -> Option<Found> {
    match trigger {
        Trigger::Name => pairs::pair(line, start, end),
        Trigger::LanguageName => pairs::pair(line, start, end).or_else(|| prose::said_in_language(line.bytes, end)),
        Trigger::ShortName => pairs::pair(line, start, end - 1),
        Trigger::Subject => prose::said(line.bytes, start, end).or_else(|| pairs::pair(line, end - 1, end - 1)),
        Trigger::Reader => prose::piped(line.bytes, start, end).or_else(|| pairs::pair(line, start, end)),
        Trigger::HereDocument => shell::here_document(line.bytes, end),
        Trigger::WebKey => pairs::of_web_key(line, start + 1, end - 1),
        Trigger::SecretData => pairs::of_secret(line, start + 1, end - 1),
        Trigger::SecretText => pairs::of_secret_text(line, end),
        Trigger::Url => urls::userinfo(line.bytes, end),
        Trigger::UrlWithoutScheme => urls::without_scheme(line.bytes, end),
        Trigger::DataSource => urls::data_source(line.bytes, start, from),
        Trigger::UserFlag => urls::user_flag(line.bytes, end).or_else(|| urls::call(line.bytes, start, end)),
        Trigger::ConnectString => urls::connect_string(line.bytes, end),
        Trigger::IdentifiedBy => urls::argument(line.bytes, end),
        Trigger::Call => urls::call(line.bytes, start, end),
        Trigger::PrivateKey => pem(line, start, from).or_else(|| pairs::pair(line, end - "key".len(), end)),
        Trigger::PrivateKeyInForm => pem(line, start, from),
        Trigger::Certificate => pem(line, end, from),
        Trigger::Bearer => tokens::bearer(line.bytes, end).or_else(|| pairs::pair(line, start, end - 1)),
        Trigger::Basic => tokens::basic(line.bytes, end),
        Trigger::WebToken => tokens::web_token(line, start),
        Trigger::Prefix(prefix) => tokens::prefixed(prefix, line.bytes, start),
        Trigger::Infix(infix) => tokens::around(infix, line.bytes, start, from),
        Trigger::Phrase(phrase) => phrases::behind(phrase, line.bytes, end),
        Trigger::Verdict => pairs::of_verdict(line, start, end),
        Trigger::At => urls::at(line.bytes, start, from),
    }
}

/// Returns the span from the dashes before `BEGIN` to those after `END`, or to the end of the value or the
/// line. For the following lines see [`super::pem::opened`].
fn pem(line: &mut Line<'_>, at: usize, from: usize) -> Option<Found> {
    let bytes = line.bytes;
    let floor = at.saturating_sub(LABEL).max(from);
    let label = &bytes[floor..at.max(floor)];
    let Some(begin) = memmem::rfind(label, b"BEGIN") else {
        let end = floor + memmem::rfind(label, b"END ").or_else(|| memmem::rfind(label, b"END+"))?;
        if !has_dashes(bytes, end) {
            return None;
        }
        let word = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`');
        let begin = bytes[from..end].iter().rposition(word).map_or(from, |at| from + at + 1);
        return Some(Found { tail: true, ..Found::new(begin, after_dashes(bytes, end), Rule::PrivateKey) });
    };
    let begin = floor + begin;
    if !has_dashes(bytes, begin) {
        return None;
    }
    let begin = begin - bytes[floor..begin].iter().rev().take(6).take_while(|byte| matches!(byte, b'-' | b' ')).count();
    let limit = value_end(line, begin).filter(|end| *end > at).unwrap_or(bytes.len());
    let end = end_label(&bytes[at..limit]).map_or(limit, |end| after_dashes(bytes, at + end));
    Some(Found::new(begin, end, Rule::PrivateKey))
}
