//! Finds a name in a line: its extent, how it is written, and the separator behind it.

use super::line::{MAX_ESCAPES, backslashes_before};
use super::line_state::is_margin;
use super::prose::looks_like_a_secret;
use crate::secrets::MAX_NAME;

/// Maximum number of spaces between a name and its value.
pub(super) const MAX_SPACES: usize = 256;

/// Separators as configuration, code, logs and texts write them; longer ones first.
const SEPARATORS: &[(&str, Separator)] = &[
    ("::=", Separator::Equals),
    ("||=", Separator::Equals),
    ("+=", Separator::Equals),
    ("->", Separator::Equals),
    (":=", Separator::Equals),
    ("<-", Separator::Equals),
    ("==", Separator::Equals),
    ("=>", Separator::Equals),
    ("?=", Separator::Equals),
    (":", Separator::Colon),
    ("=", Separator::Equals),
    ("→", Separator::Equals),
    ("⇒", Separator::Equals),
    ("：", Separator::Colon),
    ("＝", Separator::Equals),
];

/// A name in a line, and how it is written.
pub(super) struct Name {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it starts its line, or a line begun by an escaped `\n`.
    pub(super) first: bool,
    pub(super) escaped_line: bool,
    /// Whether a space follows.
    pub(super) has_space: bool,
    /// Its own quotes, and the number of backslashes before each.
    pub(super) quote: Option<(u8, usize)>,
    /// The quote of a text that starts with this name: `"password: …"`.
    pub(super) enclosing: Option<(u8, usize)>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Separator {
    Colon,
    Equals,
    /// The end of an XML tag.
    Tag,
    /// A space: `--password hunter2`, `password "hunter2"`, or a line that holds only the two.
    Space,
    /// A comma: in Envoy's `'cookie', 'a=b'` and in the pair `["cookie", "a=b"]`.
    Comma,
}

/// Returns the name that contains `hit..hit_end`.
pub(super) fn name(bytes: &[u8], hit: usize, hit_end: usize) -> Name {
    let (mut start, mut end) = extent(bytes, hit, hit_end);
    end -= bytes[hit_end..end].iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let mut escaped_line = false;
    // The character of an escape is not part of the name behind it.
    if backslashes_before(bytes, start) % 2 == 1 && start < hit {
        if bytes[start..hit].starts_with(b"u00") && hit - start >= 5 {
            start += 5;
        } else if matches!(bytes[start], b'n' | b'r' | b't') {
            escaped_line = bytes[start] == b'n';
            start += 1;
        }
    }
    let opens = bytes.get(start.wrapping_sub(1)).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let quote = opens.map(|quote| (quote, backslashes_before(bytes, start - 1)));
    let mut margin = start - quote.map_or(0, |(_, escapes)| escapes + 1);
    margin -= bytes[..margin].iter().rev().take(MAX_SPACES).take_while(|byte| is_margin(**byte)).count();
    escaped_line |= bytes[..margin].ends_with(b"\\n");
    if escaped_line || margin > 0 {
        // `\n  - password` is a line of its own, although no line begins here.
        escaped_line |= margin > 0 && bytes[margin - 1] == b'n' && backslashes_before(bytes, margin - 1) % 2 == 1;
    }
    let escapes = bytes[end..].iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
    let closed = quote.is_some_and(|(quote, _)| bytes.get(end + escapes) == Some(&quote));
    let (quote, enclosing) = if closed { (quote, None) } else { (None, quote) };
    escaped_line |= enclosing.is_some();
    let has_space = matches!(bytes.get(end), Some(b' ' | b'\t'));
    Name { start, end, first: margin == 0 || escaped_line, escaped_line, has_space, quote, enclosing }
}

/// Returns the range of the name around `hit..hit_end`. Only a name that has letters beyond ASCII itself may
/// be extended by such letters: next to others they are typographic quotes or words of another language.
fn extent(bytes: &[u8], hit: usize, hit_end: usize) -> (usize, usize) {
    let (before, after) =
        (&bytes[hit.saturating_sub(MAX_NAME)..hit], &bytes[hit_end..bytes.len().min(hit_end + MAX_NAME)]);
    if bytes[hit..hit_end].is_ascii() {
        let length = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|byte| is_part(**byte)).count();
        let (mut start, mut end) = (length(&mut before.iter().rev()), length(&mut after.iter()));
        // In a key of properties, a separator or space with a backslash before it is a part of it.
        while let [.., b'\\', b' ' | b':' | b'='] = before[..before.len() - start] {
            start += 2;
            start += length(&mut before[..before.len() - start].iter().rev());
        }
        while let [b'\\', b' ' | b':' | b'=', ..] = after[end..] {
            end += 2;
            end += length(&mut after[end..].iter());
        }
        return (hit - start, hit_end + end);
    }
    let part = |letter: &char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let length = |letters: &mut dyn Iterator<Item = char>| letters.take_while(part).map(char::len_utf8).sum::<usize>();
    let last = before.utf8_chunks().last().filter(|chunk| chunk.invalid().is_empty());
    let first = after.utf8_chunks().next();
    (
        hit - last.map_or(0, |chunk| length(&mut chunk.valid().chars().rev())),
        hit_end + first.map_or(0, |chunk| length(&mut chunk.valid().chars())),
    )
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns whether a query parameter begins here.
pub(super) fn is_in_query(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[..at].last(), Some(b'?' | b'&'))
}

/// Returns the separator behind a name, and where the value begins.
pub(super) fn separator(bytes: &[u8], name: &Name) -> Option<(Separator, usize)> {
    let mut at = name.end;
    let mut closed = false;
    if name.quote.is_some() {
        at += 1 + bytes[at..].iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
        closed = true;
    }
    // `config["password"]`, `at '/redis/password': …`
    let ends_path = name.start > 0 && bytes[name.start - 1] == b'/' && matches!(bytes.get(at), Some(b'"' | b'\''));
    if bytes.get(at) == Some(&b']') || ends_path {
        at += 1;
    }
    let spaces = spaces(bytes, at);
    let rest = &bytes[at + spaces..];
    if let Some((written, separator)) = SEPARATORS.iter().find(|(written, _)| rest.starts_with(written.as_bytes())) {
        // `token://…` is the scheme of a URL.
        if *separator == Separator::Colon && !closed && rest.starts_with(b"://") {
            return None;
        }
        let begin = at + spaces + written.len();
        return Some((*separator, begin + self::spaces(bytes, begin)));
    }
    if let Some(length) = tag(rest, spaces > 0).filter(|_| opens_tag(&bytes[..name.start])) {
        return Some((Separator::Tag, at + spaces + length));
    }
    let written = &bytes[name.start..name.end];
    if rest.starts_with(b",") {
        let begin = at + spaces + 1 + self::spaces(bytes, at + spaces + 1);
        let is_quote = matches!(bytes.get(begin), Some(b'"' | b'\'' | b'\\'));
        // `[--password, hunter2]` of YAML needs no quotes.
        let separator = if closed { Separator::Comma } else { Separator::Space };
        return (closed && is_quote || !closed && written.starts_with(b"--")).then_some((separator, begin));
    }
    if closed || spaces == 0 || rest.is_empty() {
        return None;
    }
    // `secret "apigee-tls" not found` names a Secret.
    let kind = [&b"secret"[..], b"secrets"].iter().any(|kind| written.eq_ignore_ascii_case(kind));
    let quoted = matches!(rest.first(), Some(b'"' | b'\'' | b'\\'));
    // A column, a line of two words, or `machine h login u password p`.
    let alone = bytes[at] == b'\t'
        || name.first && is_word(rest)
        || begins_comment(&bytes[..name.start]) && is_secret_word(rest)
        || bytes[..name.start].ends_with(b"{") && !written.iter().any(u8::is_ascii_lowercase)
        || rest[0] != b'-' && follows_word(&bytes[..name.start]);
    (is_flag(written) || !kind && (quoted || alone)).then_some((Separator::Space, at + spaces))
}

impl Name {
    /// Returns the byte before it and its quote, ignoring spaces.
    fn before(&self, bytes: &[u8]) -> Option<u8> {
        let start = self.start - self.quote.map_or(0, |(_, escapes)| escapes + 1);
        bytes[start.saturating_sub(MAX_SPACES)..start].trim_ascii_end().last().copied()
    }

    /// Returns whether the bracket of a list or of arguments precedes it.
    pub(super) fn opens_list(&self, bytes: &[u8]) -> bool {
        matches!(self.before(bytes), Some(b'[' | b'('))
    }

    /// Returns whether the pair is in a flow mapping, `{password: a b}`, where a value ends at a comma or a
    /// brace.
    pub(super) fn is_in_flow(&self, bytes: &[u8]) -> bool {
        matches!(self.before(bytes), Some(b'{' | b','))
    }

    /// Returns the number of backslashes before its quotes, if these are of JSON.
    pub(super) fn json_escapes(&self) -> Option<usize> {
        self.quote.filter(|(quote, _)| *quote == b'"').map(|(_, escapes)| escapes)
    }

    /// Returns whether it is an explicit key of YAML, whose value follows below: `? password`.
    pub(super) fn is_explicit_key(&self, bytes: &[u8]) -> bool {
        bytes[self.end..].trim_ascii().is_empty()
            && self.start <= MAX_SPACES
            && bytes[..self.start].trim_ascii() == b"?"
    }
}

/// Returns whether the rest of the line is a single word.
fn is_word(rest: &[u8]) -> bool {
    rest[0].is_ascii_alphanumeric() && !rest.trim_ascii_end().iter().any(u8::is_ascii_whitespace)
}

/// Returns whether a word follows that has digits or punctuation, as a secret does.
fn is_secret_word(rest: &[u8]) -> bool {
    let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    looks_like_a_secret(&rest[..length])
}

/// Returns whether a comment begins before a name, alone in its line or behind a setting.
fn begins_comment(before: &[u8]) -> bool {
    const SIGNS: [&[u8]; 5] = [b"#", b"//", b"/*", b"<!--", b";"];
    let before = before[before.len().saturating_sub(MAX_SPACES)..].trim_ascii_end();
    let sign = SIGNS.iter().find(|sign| before.ends_with(sign));
    sign.is_some_and(|sign| before[..before.len() - sign.len()].last().is_none_or(u8::is_ascii_whitespace))
}

/// Returns whether a name is a flag: `--password`, `-storepass`.
pub(super) fn is_flag(written: &[u8]) -> bool {
    written.starts_with(b"--") || written.starts_with(b"-") && written.len() > 4
}

/// Returns whether a setting of a server (`fastcgi_param DB_PASSWORD …`, `set $api_key …`) or of an image
/// precedes, or `login` and a name, as in a netrc.
fn follows_word(before: &[u8]) -> bool {
    const SETTINGS: [&[u8]; 8] = [
        b"add_header",
        b"env",
        b"fastcgi_param",
        b"grpc_set_header",
        b"proxy_set_header",
        b"scgi_param",
        b"setenv",
        b"uwsgi_param",
    ];
    // A variable of nginx.
    if let Some(before) = before.strip_suffix(b"$") {
        let before = before.trim_ascii_end();
        return [&b"set"[..], b"auth_request_set"].iter().any(|setting| before.ends_with(setting));
    }
    let mut words = before[before.len().saturating_sub(MAX_SPACES)..]
        .rsplit(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .take(2);
    let setting = words.next().is_some_and(|word| SETTINGS.iter().any(|setting| word.eq_ignore_ascii_case(setting)));
    setting || words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"login"))
}

/// Returns the length of the rest of a tag behind its name: attributes and the bracket.
fn tag(rest: &[u8], has_space: bool) -> Option<usize> {
    let end = rest.iter().take(MAX_SPACES).position(|byte| matches!(byte, b'>' | b'<'))?;
    let is_tag = rest[end] == b'>' && (end == 0 || has_space && rest[end - 1] != b'/');
    is_tag.then_some(end + 1)
}

/// Returns whether the bracket of a tag precedes, with a namespace prefix if there is one: `<wsse:`.
fn opens_tag(before: &[u8]) -> bool {
    let Some(space) = before.strip_suffix(b":") else { return before.ends_with(b"<") };
    let length = space.iter().rev().take(MAX_SPACES).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    length > 0 && space[..space.len() - length].ends_with(b"<")
}

fn spaces(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..bytes.len().min(at + MAX_SPACES)];
    rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}
