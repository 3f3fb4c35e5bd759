//! Finds where the value of a name begins and ends.

use super::line::{Found, Line, MARK, MAX_ESCAPES, backslashes_before};
use super::line_state::LineState;
use super::name::{Name, Separator, is_in_query};
use super::phrases::VERDICTS;
use super::shell;
use crate::redact::rules::Rule;
use crate::secrets;

/// What may surround a value in quotes: prefixes of literals and calls of several languages.
const WRAPPERS: &[&str] = &[
    "&",
    "*",
    "<<",
    "E",
    "Just(",
    "L",
    "N",
    "Ok(",
    "PASSWORD(",
    "Optional(",
    "Optional.of(",
    "Password(",
    "Right(",
    "Secret(",
    "Secret::new(",
    "SecretBytes(",
    "SecretBytes(b",
    "SecretStr(",
    "SecretString(",
    "Sensitive(",
    "Some(",
    "Some(b",
    "String(",
    "String::from(",
    "Text(",
    "b",
    "br",
    "bytearray(b",
    "bytes(",
    "f",
    "quote(",
    "r",
    "rb",
    "secret(",
    "sensitive(",
    "str(",
    "string(",
    "u",
];
/// Beginnings of error messages, which are no values: `open /etc/tls.key: no such file`.
const ERRORS: &[&str] = &[
    "authentication failed",
    "bad decrypt",
    "cannot ",
    "could not ",
    "couldn't ",
    "does not exist",
    "failed to ",
    "forbidden",
    "file does not exist",
    "is a directory",
    "is invalid",
    "is missing",
    "is required",
    "must be ",
    "must not be ",
    "no pem ",
    "no private key",
    "no such file",
    "no such key",
    "not found",
    "not a directory",
    "permission denied",
    "read-only file system",
    "required value",
    "the system cannot find",
    "too few",
    "too long",
    "too many",
    "too short",
    "too many open files",
    "unable to ",
    "unexpected end of",
];
/// Phrases that end in a secret name and name a key of a Secret, not its value.
const NAMES_A_KEY: &[&str] = &[
    "does not contain secret key",
    "lacks secret key",
    "missing secret key",
    "no secret key",
    "non-existent secret key",
    "unknown secret key",
];

/// Returns the span of a value that begins at `at`, behind the separator of its name, and its effect on the
/// following lines.
pub(super) fn value(line: &mut Line<'_>, name: &Name, separator: Separator, at: usize, rule: Rule) -> Option<Found> {
    let bytes = line.bytes;
    let at = at + wrapper(&bytes[at..]);
    let rest = &bytes[at..];
    if begins_like_error(rest)
        || is_type_of_verdict(&bytes[..at], rest)
        || NAMES_A_KEY.iter().any(|phrase| bytes[..name.end].ends_with(phrase.as_bytes()))
    {
        return None;
    }
    let yaml = name.first && separator == Separator::Colon;
    // Below `passwords:`, every value is one.
    let several = bytes[name.start..name.end].to_ascii_lowercase().ends_with(b"passwords");
    let line_state = if yaml && !name.escaped_line { LineState::below(bytes, several) } else { LineState::Nothing };
    let pair = |start, end, quoted, line_state| Some(Found { quoted, line_state, ..Found::new(start, end, rule) });
    if rest.is_empty() {
        let line_state = match separator {
            Separator::Tag => LineState::below(bytes, false),
            _ if line_state == LineState::Nothing && !name.escaped_line => LineState::Prompt { bare: false },
            _ => line_state,
        };
        return (line_state != LineState::Nothing).then(|| Found { line_state, ..Found::new(at, at, rule) });
    }
    if rest.starts_with(MARK) {
        return None;
    }
    let is_shell = separator == Separator::Equals && !name.has_space && name.quote.is_none();
    if let Some(fence) = shell::fence(rest) {
        return shell::fenced(bytes, at + fence.len(), fence, rule);
    }
    let escapes = rest.iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
    let opening = rest.get(escapes).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    if let Some(quote) = opening.filter(|_| separator != Separator::Tag) {
        let start = at + escapes + 1;
        // The closing quote of the surrounding text means an empty value: `"password:"`, `{"m":"no password
        // ","b":1}`.
        let ends_text = matches!(bytes.get(start), None | Some(b',' | b'}' | b']' | b':'))
            && quote == b'"'
            && name.quote.is_none()
            && line.is_quoted(at);
        if Some((quote, escapes)) == name.enclosing && name.end < at || ends_text {
            return None;
        }
        let mut end = closing(bytes, start, quote, escapes);
        // An apostrophe without a partner ends at the quote of the surrounding text.
        if end.is_none() && quote == b'\'' && line.is_quoted(name.start) {
            end = closing(bytes, start, b'"', 0);
        }
        let (end, line_state) = match end {
            // An old and a new value: `"a" -> "b"`.
            Some(end) if bytes[end..].starts_with(b"\" -> ") => (bytes.len(), LineState::Nothing),
            Some(end) => (end, LineState::Nothing),
            None => (bytes.len(), line_state),
        };
        let written = &bytes[name.start..name.end];
        let end = if is_shell && end < bytes.len() { shell::joined(line, name, end, true) } else { end };
        return if is_not_secret(&bytes[start..end], written) { None } else { pair(start, end, None, line_state) };
    }
    // A Go literal.
    if let Some((start, end)) = enclosed(bytes, at, b"[]string{", b"}") {
        let quoted = bytes[start..].iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
        return if harmless(&bytes[start..end]) { None } else { pair(start, end, Some(quoted), LineState::Nothing) };
    }
    if let Some((start, end)) = enclosed(bytes, at, b"<![CDATA[", b"]]>").filter(|_| separator == Separator::Tag) {
        return if harmless(&bytes[start..end]) { None } else { pair(start, end, None, LineState::Nothing) };
    }
    if rest[0] == b'[' {
        return list(bytes, at, name).and_then(|(start, end, quoted, open)| {
            let line_state = if open && name.first { LineState::below(bytes, true) } else { LineState::Nothing };
            pair(start, end, quoted, line_state)
        });
    }
    if rest[0] == b'{' {
        return None;
    }
    if yaml && matches!(rest[0], b'|' | b'>') && is_block(rest) {
        let line_end = memchr::memmem::find(rest, b"\\n").filter(|_| name.escaped_line);
        return match line_end {
            // The lines of the block are escaped as well: redact the rest of the text.
            Some(begin) => {
                let start = at + begin + 2;
                pair(start, closing(bytes, start, b'"', 0).unwrap_or(bytes.len()), None, LineState::Nothing)
            }
            None => Some(Found { line_state: LineState::below(bytes, true), ..Found::new(at, at, rule) }),
        };
    }
    let end = match rule {
        // An unquoted value in JSON is a number or a word.
        Rule::AuthorizationHeader | Rule::Cookie
            if separator != Separator::Tag && (name.quote.is_none() || separator != Separator::Colon) =>
        {
            header_end(line, name, at)
        }
        _ => at + unquoted(rest, name, separator, is_in_query(bytes, name.start), name.is_in_flow(bytes)),
    };
    let end = if is_shell { shell::joined(line, name, end.max(at), false) } else { end.max(at) };
    if is_not_secret(&bytes[at..end], &bytes[name.start..name.end]) {
        return None;
    }
    // A backslash continues a property in the next line.
    let continues = end == bytes.len() && separator == Separator::Equals && bytes.ends_with(b"\\");
    let here =
        memchr::memmem::find(&bytes[at..end], b"<<").and_then(|begin| shell::here_document(bytes, at + begin + 2));
    let line_state = match here {
        Some(found) => found.line_state,
        None if continues => LineState::Argument,
        None => line_state,
    };
    pair(at, end, name.json_escapes().filter(|_| separator == Separator::Colon), line_state)
}

/// Returns the length of what precedes a value in quotes: the verdict of a validator (`Invalid value: "…"`),
/// the prefix of a literal, a call (`b'…'`, `SecretStr('…')`).
fn wrapper(rest: &[u8]) -> usize {
    let begins = |text: &str| rest.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text.as_bytes()));
    if let Some(verdict) = VERDICTS.iter().find(|verdict| begins(verdict)) {
        return verdict.len();
    }
    // As Go's spew writes it.
    if rest.starts_with(b"(string) (len=") {
        return memchr::memmem::find(rest, b") \"")
            .or_else(|| memchr::memmem::find(rest, b") \\"))
            .map_or(0, |at| at + 2);
    }
    let is_quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\'' | b'\\'));
    let wraps = |text: &&&str| rest.starts_with(text.as_bytes()) && is_quote(rest.get(text.len()));
    WRAPPERS.iter().find(wraps).map_or(0, |text| text.len())
}

/// Returns whether a validator names the type of a value in its place: `Invalid value: "string"`.
fn is_type_of_verdict(before: &[u8], rest: &[u8]) -> bool {
    const TYPES: &[&[u8]] = &[b"array", b"boolean", b"integer", b"null", b"number", b"object", b"string"];
    let quote = |byte: &u8| matches!(byte, b'"' | b'\\');
    let begin = rest.iter().take_while(|byte| quote(byte)).count();
    let length = rest[begin..].iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let is_quoted = begin > 0 && rest.get(begin + length).is_some_and(quote);
    is_quoted && before.to_ascii_lowercase().ends_with(b"value: ") && TYPES.contains(&&rest[begin..begin + length])
}

fn begins_like_error(rest: &[u8]) -> bool {
    ERRORS.iter().any(|error| rest.get(..error.len()).is_some_and(|text| text.eq_ignore_ascii_case(error.as_bytes())))
}

/// Returns the range between two delimiters, or behind the first; `None` if that is not at `at`.
fn enclosed(bytes: &[u8], at: usize, opening: &[u8], closing: &[u8]) -> Option<(usize, usize)> {
    let inner = bytes[at..].strip_prefix(opening)?;
    let start = bytes.len() - inner.len();
    Some((start, start + memchr::memmem::find(inner, closing).unwrap_or(inner.len())))
}

/// Returns the length of an unquoted value.
fn unquoted(rest: &[u8], name: &Name, separator: Separator, in_query: bool, in_flow: bool) -> usize {
    let ini = separator == Separator::Equals && name.has_space;
    let whole_line = name.first && (separator == Separator::Colon || ini) && name.quote.is_none();
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

/// Returns whether a pair follows, as in `,user=…`: the comma separates and is not part of a password.
fn begins_pair(rest: &[u8]) -> bool {
    let length =
        rest.iter().take(64).take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.\"'".contains(byte)).count();
    length > 0 && matches!(rest.get(length), Some(b'=' | b':'))
}

/// Returns where a header value ends: at the surrounding quote, otherwise with the line.
fn header_end(line: &mut Line<'_>, name: &Name, at: usize) -> usize {
    let bytes = line.bytes;
    let enclosing = match name.enclosing {
        Some(quote) => Some(quote),
        None if line.is_quoted(name.start) => Some((b'"', 0)),
        None => None,
    };
    let end = enclosing.and_then(|(quote, escapes)| closing(bytes, at, quote, escapes)).unwrap_or(bytes.len());
    // An escaped line end ends a header, too.
    let lines = memchr::memmem::find(&bytes[at..end], b"\\n").or_else(|| memchr::memmem::find(&bytes[at..end], b"\\r"));
    lines.map_or(end, |length| at + length)
}

/// Returns the offset of the quote that closes a text opened by a quote with `escapes` backslashes, or of the
/// first of its backslashes.
pub(super) fn closing(bytes: &[u8], from: usize, quote: u8, escapes: usize) -> Option<usize> {
    let mut skip = false;
    for at in memchr::memchr_iter(quote, &bytes[from..]).map(|at| from + at) {
        if std::mem::take(&mut skip) {
            continue;
        }
        let before = backslashes_before(bytes, at).min(at - from);
        // YAML doubles a single quote inside a text.
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

/// Returns the content of a list, `["a", "b"]` of JSON or `[a b]` of Go: its range, whether the mark must be
/// a JSON string, and whether the list stays open.
fn list(bytes: &[u8], at: usize, name: &Name) -> Option<(usize, usize, Option<usize>, bool)> {
    let start = at + 1;
    let first = bytes[start..].trim_ascii_start();
    let escapes = first.iter().take(MAX_ESCAPES).take_while(|byte| **byte == b'\\').count();
    let is_json = first.get(escapes) == Some(&b'"');
    let quoted = if is_json { Some(escapes) } else { name.json_escapes() };
    let found = match quoted {
        Some(escapes) => bracket(bytes, at, escapes),
        None => memchr::memchr(b']', &bytes[start..]).map(|length| start + length),
    };
    let end = found.unwrap_or(bytes.len());
    let inner = &bytes[start..end];
    if inner.trim_ascii().is_empty() {
        return found.is_none().then_some((end, end, None, true));
    }
    let is_marked = first.get(escapes + usize::from(is_json)..).is_some_and(|rest| rest.starts_with(MARK));
    (!harmless(inner) && !is_marked).then_some((start, end, quoted, found.is_none() && name.first))
}

/// Returns the bracket that closes the one at `at`. Strings inside have quotes with `escapes` backslashes.
pub(super) fn bracket(bytes: &[u8], at: usize, escapes: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut place = at;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place);
                }
            }
            b'"' => place = (closing(bytes, place + 1, b'"', escapes)? + escapes).min(bytes.len()),
            _ => {}
        }
        place += 1;
    }
    None
}

/// Returns whether the rest of a line is only a block header (`|`, `>-`, `|2`), a comment, or an escaped line
/// end.
fn is_block(rest: &[u8]) -> bool {
    let length = 1 + rest[1..].iter().take(2).take_while(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9')).count();
    let after = rest[length..].trim_ascii_start();
    after.is_empty() || after.starts_with(b"#") || after.starts_with(b"\\n") || after.starts_with(b"\\r")
}

/// Returns whether the value of a secret name is not secret: nothing, the path of a key file, a count.
pub(in crate::redact) fn is_not_secret(value: &[u8], name: &[u8]) -> bool {
    harmless(value) || is_file(value, name) || is_count(value, name) || secrets::is_public_value(name, value)
}

/// Returns whether a value is not secret, whatever its name.
pub(in crate::redact) fn harmless(value: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"",
        b"-",
        b"\"\"",
        b"''",
        b"true",
        b"false",
        b"null",
        b"nil",
        b"none",
        b"~",
        b"<nil>",
        b"<none>",
        b"<unset>",
        b"yes",
        b"no",
        b"required",
        b"optional",
        b"undefined",
        b"<empty>",
        b"<not set>",
        b"absent",
        b"disabled",
        b"empty",
        b"enabled",
        b"missing",
        b"n/a",
        b"not configured",
        b"not present",
        b"not required",
        b"not set",
        b"not used",
        b"off",
        b"on",
        b"present",
        b"unset",
    ];
    let value = value.trim_ascii();
    let value = value.strip_prefix(b"(").map_or(value, |inner| inner.strip_suffix(b")").unwrap_or(inner));
    // The form in which `kubectl describe` shows Secrets.
    if value.strip_suffix(b" bytes").is_some_and(|size| size.iter().all(u8::is_ascii_digit))
        || value.starts_with(b"<set to the key '") && value.ends_with(b"'>")
    {
        return true;
    }
    value == MARK
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.starts_with(b"<redacted: ")
            && value.ends_with(b" bytes>")
            && value[11..value.len() - 7].iter().all(u8::is_ascii_digit)
}

/// Returns whether a value is a count, as in `max_tokens: 100` of a rate limit.
fn is_count(value: &[u8], name: &[u8]) -> bool {
    value.len() < 10
        && value.iter().all(u8::is_ascii_digit)
        && name.len() >= 6
        && name[name.len() - 6..].eq_ignore_ascii_case(b"tokens")
}

/// Returns whether a value is the path of a key file, for a name that ends in `key` or `json`.
fn is_file(value: &[u8], name: &[u8]) -> bool {
    const ENDS: &[&[u8]] = &[b".pem", b".key", b".crt", b".json", b".jks", b".p12", b".pfx"];
    let path = |byte: &u8| byte.is_ascii_alphanumeric() || b"./_-".contains(byte);
    let name = name.to_ascii_lowercase();
    let value = value.strip_prefix(b"file://").unwrap_or(value);
    (name.ends_with(b"key") || name.ends_with(b"json"))
        && value.len() < 256
        && value.iter().all(path)
        && ENDS.iter().any(|end| value.ends_with(end))
}
