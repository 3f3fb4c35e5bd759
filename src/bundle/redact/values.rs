//! A secret name and where its value begins and ends, in the spellings of JSON, YAML, URLs, headers, flags, properties and XML.
//!
//! Quotes may be escaped once or more often, as in JSON inside a log line of JSON. Where it is not certain where a value ends, more
//! is taken: the rest of the line.

use super::base64;
use super::carry::{Carry, is_margin};
use super::names::{self, MAX_NAME, Named};
use super::patterns::{Line, MARK, is_variable_name};
use super::rules::Rule;

/// Backslashes before one quote.
const MAX_ESCAPES: usize = 16;
/// Blanks between a name and its value.
const MAX_BLANKS: usize = 256;

/// The value of a secret name: what goes of the line, and of the lines after it.
pub(super) struct Pair {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: Rule,
    pub(super) quoted: bool,
    pub(super) carry: Carry,
}

/// A name in a line, and how it is written.
struct Name {
    start: usize,
    end: usize,
    /// It opens its line, or the line that an escaped `\n` begins.
    first: bool,
    escaped_line: bool,
    /// Its own quotes, and the backslashes before each.
    quote: Option<(u8, usize)>,
    /// The quote of a text that it opens: `"password: …"`.
    enclosing: Option<(u8, usize)>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Separator {
    Colon,
    Equals,
    /// In a URL inside a URL.
    Encoded,
    /// Of XML.
    Tag,
    /// `--password hunter2`, and `password "hunter2"`.
    Blank,
    /// Between the parts of Envoy's `'cookie', 'a=b'`.
    Comma,
}

/// The value that belongs to the name of which `hit..hit_end` is a part.
pub(super) fn pair(line: &mut Line<'_>, hit: usize, hit_end: usize) -> Option<Pair> {
    let name = name(line.bytes, hit, hit_end);
    let bytes = line.bytes;
    let mut written = &bytes[name.start..name.end];
    // `private key: …`, `API key = …`.
    if written.eq_ignore_ascii_case(b"key") && bytes[..name.start].ends_with(b" ") {
        let from = name.start.saturating_sub(MAX_NAME);
        let word = bytes[from..name.start - 1].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        written = &bytes[name.start - 1 - word..name.end];
    }
    let in_query = is_in_query(bytes, name.start);
    let rule = match names::of(written) {
        Named::Nothing => return named_by_value(line, &name),
        Named::InQuery if !in_query => return auth(line, &name).or_else(|| named_by_value(line, &name)),
        Named::InQuery => Rule::QueryParameter,
        Named::Header => Rule::AuthorizationHeader,
        Named::Cookie => Rule::Cookie,
        Named::EncryptionKey => Rule::EncryptionKey,
        Named::Secret if line.references && is_only_secret(written) => return None,
        Named::Secret if in_query => Rule::QueryParameter,
        Named::Secret => Rule::NamedValue,
    };
    match separator(bytes, &name) {
        Some((separator, at)) => value(line, &name, separator, at, rule),
        None => named_by_value(line, &name),
    }
}

/// The value of a line whose name is `value`, below the name of a secret variable.
pub(super) fn value_of_variable(line: &mut Line<'_>) -> Option<Pair> {
    let bytes = line.bytes;
    let start = bytes.iter().position(|byte| !is_margin(*byte) && !matches!(byte, b'"' | b'\'' | b'\\'))?;
    let end = start + "value".len();
    if !bytes[start..].starts_with(b"value") || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let name = name(bytes, start, end);
    let (separator, at) = separator(bytes, &name)?;
    value(line, &name, separator, at, Rule::EnvironmentValue)
}

/// Backslashes directly before `at`.
pub(super) fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count()
}

fn name(bytes: &[u8], hit: usize, hit_end: usize) -> Name {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let mut start = hit - bytes[..hit].iter().rev().take(MAX_NAME).take_while(|byte| part(byte)).count();
    let mut end = hit_end + bytes[hit_end..].iter().take(MAX_NAME).take_while(|byte| part(byte)).count();
    end -= bytes[hit_end..end].iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let mut escaped_line = false;
    // The letter of an escape is no part of the name behind it.
    if backslashes_before(bytes, start) % 2 == 1 && start < hit {
        if bytes[start..hit].starts_with(b"u00") && hit - start >= 5 {
            start += 5;
        } else if matches!(bytes[start], b'n' | b'r' | b't') {
            escaped_line = bytes[start] == b'n';
            start += 1;
        }
    }
    let encoded = bytes[..start].ends_with(b"%") && hit - start >= 2;
    if encoded && bytes[start..start + 2].iter().all(u8::is_ascii_hexdigit) {
        start += 2;
    }
    let opens = bytes.get(start.wrapping_sub(1)).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let quote = opens.map(|quote| (quote, backslashes_before(bytes, start - 1)));
    let mut margin = start - quote.map_or(0, |(_, escapes)| escapes + 1);
    margin -= bytes[..margin].iter().rev().take(MAX_BLANKS).take_while(|byte| is_margin(**byte)).count();
    escaped_line |= bytes[..margin].ends_with(b"\\n");
    if escaped_line || margin > 0 {
        // `\n  - password` is a line of its own although none begins here.
        escaped_line |= margin > 0 && bytes[margin - 1] == b'n' && backslashes_before(bytes, margin - 1) % 2 == 1;
    }
    let escapes = bytes[end..].iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
    let closed = quote.is_some_and(|(quote, _)| bytes.get(end + escapes) == Some(&quote));
    let (quote, enclosing) = if closed { (quote, None) } else { (None, quote) };
    escaped_line |= enclosing.is_some();
    Name { start, end, first: margin == 0 || escaped_line, escaped_line, quote, enclosing }
}

/// `auth` of a Docker configuration: a base64 of user and password.
fn auth(line: &mut Line<'_>, name: &Name) -> Option<Pair> {
    if !line.bytes[name.start..name.end].ends_with(b"auth") {
        return None;
    }
    let (separator, at) = separator(line.bytes, name)?;
    let pair = value(line, name, separator, at, Rule::NamedValue)?;
    let decoded = base64::decode(&line.bytes[pair.start..pair.end.min(pair.start + 400)]);
    let readable = decoded.iter().all(|byte| matches!(byte, b' '..=b'~'));
    (decoded.contains(&b':') && readable).then_some(pair)
}

/// `secret` alone, which in a file of settings names a Secret.
fn is_only_secret(name: &[u8]) -> bool {
    name.rsplit(|byte| *byte == b'.').next().is_some_and(|last| last == b"secret")
}

/// Whether a parameter of a URL begins here.
fn is_in_query(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    before.ends_with(b"?")
        || before.ends_with(b"&")
        || before.ends_with(b"&amp;")
        || [&b"\\u0026"[..], b"\\u003f", b"%3F", b"%3f", b"%26", b"\\u003F"].iter().any(|end| before.ends_with(end))
}

/// The sign between a name and its value, and where the value begins.
fn separator(bytes: &[u8], name: &Name) -> Option<(Separator, usize)> {
    let mut at = name.end;
    let mut closed = false;
    if name.quote.is_some() {
        at += 1 + bytes[at..].iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
        closed = true;
    }
    if bytes.get(at) == Some(&b']') {
        at += 1;
    }
    let blanks = blanks(bytes, at);
    let rest = &bytes[at + blanks..];
    let signs: &[(&[u8], Separator)] = &[
        (b":=", Separator::Equals),
        (b"=>", Separator::Equals),
        (b"==", Separator::Equals),
        (b":", Separator::Colon),
        (b"=", Separator::Equals),
        (b"%3D", Separator::Encoded),
        (b"%3d", Separator::Encoded),
        (b"\\u003d", Separator::Equals),
        (b"%3A", Separator::Encoded),
        (b"%3a", Separator::Encoded),
    ];
    if let Some((sign, separator)) = signs.iter().find(|(sign, _)| rest.starts_with(sign)) {
        // `token://…` is a scheme.
        if *separator == Separator::Colon && !closed && rest.starts_with(b"://") {
            return None;
        }
        let begin = at + blanks + sign.len();
        return Some((*separator, begin + self::blanks(bytes, begin)));
    }
    if rest.starts_with(b">") && bytes[..name.start].ends_with(b"<") {
        return Some((Separator::Tag, at + blanks + 1));
    }
    if closed && rest.starts_with(b", '") && name.quote.is_some_and(|quote| quote.0 == b'\'') {
        return Some((Separator::Comma, at + blanks + 2));
    }
    let flag = !closed && bytes[name.start..name.end].starts_with(b"--");
    // `secret "apigee-tls" not found` names a Secret.
    let kind = [&b"secret"[..], b"secrets"].iter().any(|kind| bytes[name.start..name.end].eq_ignore_ascii_case(kind));
    let quoted = !closed && !kind && matches!(rest.first(), Some(b'"' | b'\'' | b'\\'));
    (blanks > 0 && !rest.is_empty() && (flag || quoted)).then_some((Separator::Blank, at + blanks))
}

/// Blanks, and the colours that a program gives its log: `\x1b[36mtoken\x1b[0m=…`.
fn blanks(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..bytes.len().min(at + MAX_BLANKS)];
    let mut length = 0;
    loop {
        length += rest[length..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let Some(colour) = rest[length..].strip_prefix(b"\x1b[") else { return length };
        let digits = colour.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        if colour.get(digits) != Some(&b'm') {
            return length;
        }
        length += 2 + digits + 1;
    }
}

fn value(line: &mut Line<'_>, name: &Name, separator: Separator, at: usize, rule: Rule) -> Option<Pair> {
    let bytes = line.bytes;
    let rest = &bytes[at..];
    let yaml = name.first && separator == Separator::Colon;
    let carry = if yaml && !name.escaped_line { Carry::below(bytes, false) } else { Carry::Nothing };
    let pair = |start, end, quoted, carry| Some(Pair { start, end, rule, quoted, carry });
    if rest.is_empty() {
        return (carry != Carry::Nothing).then_some(Pair { start: at, end: at, rule, quoted: false, carry });
    }
    if rest.starts_with(MARK) {
        return None;
    }
    let escapes = rest.iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
    let opening = rest.get(escapes).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    if let Some(quote) = opening.filter(|_| separator != Separator::Tag) {
        let start = at + escapes + 1;
        // A backslash before the quote of the enclosing text ends an empty value: `\"password=\"`.
        if Some((quote, escapes)) == name.enclosing && separator == Separator::Equals && name.end < at {
            return None;
        }
        let (end, carry) = match closing(bytes, start, quote, escapes) {
            Some(end) => (end, Carry::Nothing),
            None => (bytes.len(), carry),
        };
        return if harmless(&bytes[start..end]) { None } else { pair(start, end, false, carry) };
    }
    if rest[0] == b'[' {
        return list(bytes, at, name).and_then(|(start, end, quoted, open)| {
            let carry = if open && name.first { Carry::below(bytes, true) } else { Carry::Nothing };
            pair(start, end, quoted, carry)
        });
    }
    if rest[0] == b'{' {
        return None;
    }
    if yaml && matches!(rest[0], b'|' | b'>') && is_block(rest) {
        let line_end = memchr::memmem::find(rest, b"\\n").filter(|_| name.escaped_line);
        return match line_end {
            // The lines of the block are escaped as well: all of the text that is left.
            Some(begin) => {
                let start = at + begin + 2;
                pair(start, closing(bytes, start, b'"', 0).unwrap_or(bytes.len()), false, Carry::Nothing)
            }
            None => Some(Pair { start: at, end: at, rule, quoted: false, carry: Carry::below(bytes, true) }),
        };
    }
    let end = match rule {
        Rule::AuthorizationHeader | Rule::Cookie if !matches!(separator, Separator::Tag | Separator::Encoded) => {
            header_end(line, name, at)
        }
        _ => at + unquoted(rest, name, separator, is_in_query(bytes, name.start), in_flow(bytes, name)),
    };
    let end = end.max(at);
    if harmless(&bytes[at..end]) || is_file(&bytes[at..end], &bytes[name.start..name.end]) {
        return None;
    }
    pair(at, end, name.quote.is_some_and(|quote| quote.0 == b'"') && separator == Separator::Colon, carry)
}

/// The length of a value without quotes.
fn unquoted(rest: &[u8], name: &Name, separator: Separator, in_query: bool, in_flow: bool) -> usize {
    let whole_line = name.first && separator == Separator::Colon && name.quote.is_none();
    let escape = |at: usize| matches!(rest.get(at + 1), Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'u'));
    let mut length = 0;
    while let Some(byte) = rest.get(length) {
        let next = rest.get(length + 1);
        let stop = match byte {
            b'<' => separator == Separator::Tag,
            _ if separator == Separator::Tag => false,
            b'"' => !whole_line || name.escaped_line,
            b'\\' => (!whole_line || name.escaped_line) && escape(length),
            _ if whole_line => name.enclosing.is_some_and(|(quote, _)| *byte == quote),
            b'\'' | b'`' => true,
            b' ' | b'\t' => !in_flow,
            b'}' => in_flow,
            b'&' => in_query || separator != Separator::Colon,
            b'#' => in_query,
            b'%' if separator == Separator::Encoded => rest[length..].starts_with(b"%26"),
            b',' | b';' => {
                in_flow || next.is_none_or(|next| !next.is_ascii_graphic()) || begins_pair(&rest[length + 1..])
            }
            _ => false,
        };
        if stop {
            break;
        }
        length += 1;
    }
    let closers = |byte: &&u8| matches!(**byte, b')' | b']' | b'}' | b',' | b';' | b' ' | b'\t');
    length - rest[..length].iter().rev().take_while(closers).count()
}

/// Whether the pair stands in a flow mapping, `{password: a b}`, where a value ends at a comma or a brace.
fn in_flow(bytes: &[u8], name: &Name) -> bool {
    let start = name.start - name.quote.map_or(0, |(_, escapes)| escapes + 1);
    let before = &bytes[start.saturating_sub(MAX_BLANKS)..start];
    matches!(before.trim_ascii_end().last(), Some(b'{' | b','))
}

/// `,user=…`: the comma before it separates, and is no part of a password.
fn begins_pair(rest: &[u8]) -> bool {
    let length =
        rest.iter().take(64).take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.\"'".contains(byte)).count();
    length > 0 && matches!(rest.get(length), Some(b'=' | b':'))
}

/// Where the value of a header ends: at the quote that is open around it, else with the line.
fn header_end(line: &mut Line<'_>, name: &Name, at: usize) -> usize {
    let bytes = line.bytes;
    let enclosing = match name.enclosing {
        Some(quote) => Some(quote),
        None if line.is_quoted(name.start) => Some((b'"', 0)),
        None => None,
    };
    let end = enclosing.and_then(|(quote, escapes)| closing(bytes, at, quote, escapes)).unwrap_or(bytes.len());
    // An escaped line end ends a header too.
    let lines = memchr::memmem::find(&bytes[at..end], b"\\n").or_else(|| memchr::memmem::find(&bytes[at..end], b"\\r"));
    lines.map_or(end, |length| at + length)
}

/// The quote that closes a text which was opened by a quote with `escapes` backslashes, or the first of its backslashes.
fn closing(bytes: &[u8], from: usize, quote: u8, escapes: usize) -> Option<usize> {
    let mut skip = false;
    for at in memchr::memchr_iter(quote, &bytes[from..]).map(|at| from + at) {
        if std::mem::take(&mut skip) {
            continue;
        }
        let before = backslashes_before(bytes, at).min(at - from);
        // YAML doubles a single quote that is part of the text.
        if quote == b'\'' && escapes == 0 && bytes.get(at + 1) == Some(&quote) {
            skip = true;
            continue;
        }
        if before <= escapes || (escapes == 0 && before.is_multiple_of(2)) || quote == b'\'' && escapes == 0 {
            return Some(at - before.min(escapes));
        }
    }
    None
}

/// `["a", "b"]` of JSON, `[a b]` of Go: what is inside, whether it has to be a string, and whether it stays open.
fn list(bytes: &[u8], at: usize, name: &Name) -> Option<(usize, usize, bool, bool)> {
    let start = at + 1;
    let found = memchr::memchr(b']', &bytes[start..]).map(|length| start + length);
    let end = found.unwrap_or(bytes.len());
    let inner = &bytes[start..end];
    if inner.trim_ascii().is_empty() {
        return found.is_none().then_some((end, end, false, true));
    }
    let json = inner.trim_ascii().starts_with(b"\"");
    (!harmless(inner) && inner.trim_ascii() != b"\"<redacted>\"").then_some((
        start,
        end,
        json,
        found.is_none() && name.first,
    ))
}

/// `|`, `>-`, `|2` and nothing more, or a comment, or an escaped line end.
fn is_block(rest: &[u8]) -> bool {
    let length = 1 + rest[1..].iter().take(2).take_while(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9')).count();
    let after = rest[length..].trim_ascii_start();
    after.is_empty() || after.starts_with(b"#") || after.starts_with(b"\\n") || after.starts_with(b"\\r")
}

/// Values that are no secret whatever they are called.
pub(super) fn harmless(value: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"", b"-", b"\"\"", b"''", b"true", b"false", b"null", b"nil", b"none", b"~", b"<nil>", b"<none>", b"<unset>",
    ];
    let value = value.trim_ascii();
    value.len() <= MARK.len() && (value == MARK || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word)))
        || value.starts_with(b"<redacted: ")
            && value.ends_with(b" bytes>")
            && value[11..value.len() - 7].iter().all(u8::is_ascii_digit)
}

/// The path of a key file below a name that ends in `key`.
pub(super) fn is_file(value: &[u8], name: &[u8]) -> bool {
    const ENDS: &[&[u8]] = &[b".pem", b".key", b".crt", b".json", b".jks", b".p12", b".pfx"];
    let path = |byte: &u8| byte.is_ascii_alphanumeric() || b"./_-".contains(byte);
    name.to_ascii_lowercase().ends_with(b"key")
        && value.len() < 256
        && value.iter().all(path)
        && ENDS.iter().any(|end| value.ends_with(end))
}

/// `"name":"DB_PASSWORD","value":"…"`: the name of a variable stands where a value does, its value after it.
fn named_by_value(line: &mut Line<'_>, name: &Name) -> Option<Pair> {
    let bytes = line.bytes;
    if !is_variable_name(&bytes[name.start..name.end]) || !is_name_of_something(bytes, name) {
        return None;
    }
    let mut at = name.end;
    let sign = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b',' | b' ' | b'\t');
    at += bytes[at..].iter().take(MAX_BLANKS).take_while(|byte| sign(byte)).count();
    if at == bytes.len() {
        return Some(Pair { start: at, end: at, rule: Rule::EnvironmentValue, quoted: false, carry: Carry::Value });
    }
    if !bytes[at..].starts_with(b"value") {
        return None;
    }
    let value_name = self::name(bytes, at, at + "value".len());
    let (separator, at) = separator(bytes, &value_name)?;
    value(line, &value_name, separator, at, Rule::EnvironmentValue)
}

/// Whether `name:` stands before it.
fn is_name_of_something(bytes: &[u8], name: &Name) -> bool {
    let before = &bytes[name.start.saturating_sub(MAX_BLANKS)..name.start];
    let sign = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b' ' | b'\t');
    let cut = before.iter().rposition(|byte| !sign(byte)).map_or(0, |at| at + 1);
    let Some(before) = before[..cut].strip_suffix(b":") else { return false };
    let cut = before.iter().rposition(|byte| !sign(byte)).map_or(0, |at| at + 1);
    before[..cut].to_ascii_lowercase().ends_with(b"name")
}
