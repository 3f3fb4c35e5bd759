//! Secret names with their values, as JSON, YAML, URLs, headers, flags, properties and XML write them.
//!
//! Quotes may be escaped once or more often, as in JSON inside a JSON log line. If the end of a value is
//! uncertain, the rest of the line is redacted.

use super::fields;
use super::line::{Found, Line};
use super::line_state::{LineState, is_margin};
use super::members;
use super::name::{MAX_SPACES, Name, Separator, is_flag, is_in_query, name, separator};
use super::prose::looks_like_a_secret;
use super::tokens::is_random;
use super::value::{bracket, closing, is_not_secret, value};
use crate::redact::base64;
use crate::redact::rules::Rule;
use crate::secrets::{self, MAX_NAME, ValueKind, is_secret_variable};

/// Maximum length of a value before its name.
const MAX_BEFORE: usize = 4096;

/// Words that are a name only with the word before them.
const LAST_WORDS: &[&[u8]] = &[b"clave", b"code", b"key", b"phrase"];

/// Returns the value of the name that contains `hit..hit_end`.
pub(super) fn pair(line: &mut Line<'_>, hit: usize, hit_end: usize) -> Option<Found> {
    let mut name = name(line.bytes, hit, hit_end);
    let bytes = line.bytes;
    let mut written = &bytes[name.start..name.end];
    // `private key: …`, `seed phrase = …`.
    let is_last_word = LAST_WORDS.iter().any(|word| written.eq_ignore_ascii_case(word));
    if is_last_word && bytes[..name.start].ends_with(b" ") {
        let from = name.start.saturating_sub(MAX_NAME);
        let word = bytes[from..name.start - 1].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        written = &bytes[name.start - 1 - word..name.end];
        // Words of a phrase have spaces between them, as in a line of its own.
        if written.ends_with(b"phrase") && secrets::of(written).is_secret() {
            name = self::name(bytes, name.start - 1 - word, hit_end);
        }
    }
    let in_query = is_in_query(bytes, name.start);
    let named = kind(written);
    let rule = match named {
        ValueKind::NotSecret => return unnamed(line, &name),
        ValueKind::InQuery if !in_query => return auth(line, &name).or_else(|| named_by_value(line, &name)),
        ValueKind::InQuery => Rule::QueryParameter,
        ValueKind::Header => Rule::AuthorizationHeader,
        ValueKind::Cookie => Rule::Cookie,
        ValueKind::EncryptionKey => Rule::EncryptionKey,
        ValueKind::Secret if line.references && is_only_secret(written) => return None,
        ValueKind::Secret if in_query => Rule::QueryParameter,
        ValueKind::Secret | ValueKind::Directory => Rule::NamedValue,
    };
    let below = |line_state| Some(Found { line_state, ..Found::new(bytes.len(), bytes.len(), rule) });
    match separator(bytes, &name) {
        Some((Separator::Comma, at)) => {
            let found = value(line, &name, Separator::Comma, at, rule);
            let found = found.filter(|found| is_pair_of_list(line.bytes, &name, found));
            found.or_else(|| of_field(line, &name, rule)).or_else(|| named_by_value(line, &name))
        }
        // `"password":{"inline_string":"…"}`, `"credentials":{"id":"app","phrase":"…"}`
        Some((_, at)) if bytes[at..].starts_with(b"{") => {
            let found = value_named(line, skip_punctuation(bytes, at + 1)).map(|found| Found { rule, ..found });
            let end = text_end(line, &name, at);
            found
                .or_else(|| members::object(&bytes[..end], at, &name, rule))
                .or_else(|| below_brace(line, at, &name, rule))
        }
        Some((_, at)) if bytes[at..].starts_with(b"[") && members::is_list_of_references(bytes, at, &name) => None,
        Some((separator, at)) if named == ValueKind::Directory => {
            value(line, &name, separator, at, rule).filter(|found| not_a_path(bytes, found))
        }
        Some((separator, at)) => value(line, &name, separator, at, rule),
        // `unknown field "spec.password", value "x"`
        None if name.quote.is_some() && follows_field(&bytes[..name.start]) => {
            value_named(line, skip_punctuation(bytes, name.end))
        }
        None if name.is_explicit_key(bytes) => below(LineState::Value),
        // `- --password`, with its value in the next line.
        None if name.first && is_flag(written) && bytes[name.end..].iter().all(|byte| is_between(*byte)) => {
            below(LineState::Argument)
        }
        // Its value alone in the next line.
        None if is_alone(bytes, &name, written) && !line.references => {
            named_by_value(line, &name).or_else(|| below(LineState::Prompt { bare: true }))
        }
        None => {
            of_field(line, &name, rule).or_else(|| in_path(bytes, &name, rule)).or_else(|| named_by_value(line, &name))
        }
    }
}

/// Returns whether a line has nothing but a name, whose last words may be `written`.
fn is_alone(bytes: &[u8], name: &Name, written: &[u8]) -> bool {
    let before = &bytes[..name.end - written.len().min(name.end)];
    name.quote.is_none()
        && before.iter().all(|byte| is_margin(*byte))
        && bytes[name.end..].iter().all(u8::is_ascii_whitespace)
}

/// Returns the part of a path behind a secret name: `/users/bob/password/x`. `secret/…` and `token/…` name
/// objects and calls, so that the part must look random there.
fn in_path(bytes: &[u8], name: &Name, rule: Rule) -> Option<Found> {
    let start = name.end + 1;
    let rest = bytes.get(name.end..)?.strip_prefix(b"/")?;
    let ends = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"!@$%^*+=~_".contains(byte));
    let part = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
    // The name of a file or of an object has words between other punctuation.
    let is_word = matches!(rest.get(part.len()), Some(b'.' | b'-'));
    let has = |kind: fn(&u8) -> bool| part.iter().any(kind);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let written = bytes[name.start..name.end].to_ascii_lowercase();
    let names_objects = [&b"secret"[..], b"secrets", b"token", b"tokens"].iter().any(|end| written.ends_with(end));
    let is_secret = looks_like_a_secret(part) && !is_word && (is_mixed || !names_objects);
    is_secret.then(|| Found::new(start, start + part.len(), rule))
}

/// Returns where the text in quotes ends that holds a name without quotes of its own.
fn text_end(line: &mut Line<'_>, name: &Name, at: usize) -> usize {
    let enclosing = name.enclosing.or_else(|| line.is_quoted(name.start).then_some((b'"', 0)));
    let enclosing = enclosing.filter(|_| name.quote.is_none());
    enclosing.and_then(|(quote, escapes)| closing(line.bytes, at, quote, escapes)).unwrap_or(line.bytes.len())
}

/// Returns the state behind the brace of an object that goes on in the next lines, unless the name is that of
/// Secrets, whose objects refer to them.
fn below_brace(line: &Line<'_>, at: usize, name: &Name, rule: Rule) -> Option<Found> {
    let bytes = line.bytes;
    let names_objects = [&b"secret"[..], b"secrets"].contains(&&bytes[name.start..name.end]);
    let is_open = bytes[at..].trim_ascii_end() == b"{" && !names_objects && !line.references;
    let line_state = LineState::below(bytes, false);
    is_open.then(|| Found { line_state, ..Found::new(bytes.len(), bytes.len(), rule) })
}

/// Returns the value of a name in the field behind it.
fn of_field(line: &Line<'_>, name: &Name, rule: Rule) -> Option<Found> {
    fields::behind(line.bytes, name).map(|field| Found::new(field.start, field.end, rule))
}

/// Returns the kind of a name. A key of properties that has a secret name before or behind a separator in it,
/// such as `a\:password\:of`, is secret.
fn kind(written: &[u8]) -> ValueKind {
    let whole = secrets::of(written);
    if whole.is_secret() || !written.contains(&b'\\') {
        return whole;
    }
    let mut parts = written.split(|byte| matches!(byte, b'\\' | b' ' | b':' | b'=')).map(secrets::of);
    parts.find(|kind| kind.is_secret()).unwrap_or(whole)
}

/// Returns whether the value of `PWD` is not a path: it is a working directory more often than a password.
fn not_a_path(bytes: &[u8], found: &Found) -> bool {
    !matches!(bytes.get(found.start), Some(b'/' | b'~' | b'$' | b'.')) && bytes.get(found.start + 1) != Some(&b':')
}

/// Returns whether a name and the text behind its comma are a name and its value, not two names of a list.
fn is_pair_of_list(bytes: &[u8], name: &Name, found: &Found) -> bool {
    // Envoy logs headers like this.
    if name.quote.is_some_and(|(quote, _)| quote == b'\'') || bytes[name.start..name.end].starts_with(b"--") {
        return true;
    }
    let value = &bytes[found.start..found.end];
    let header = matches!(found.rule, Rule::AuthorizationHeader | Rule::Cookie);
    if matches!(secrets::of(value), ValueKind::Header | ValueKind::Cookie) {
        return false;
    }
    if header && value.contains(&b'-') && value.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-') {
        return false;
    }
    header && value.iter().any(|byte| matches!(byte, b' ' | b'='))
        || name.opens_list(bytes) && closes_list(&bytes[found.end..])
}

/// Returns the value of `"d":"…"` of a JSON Web Key. If the line does not show the key's type, the value must
/// look random.
pub(super) fn of_web_key(line: &mut Line<'_>, start: usize, end: usize) -> Option<Found> {
    let bytes = line.bytes;
    let name = name(bytes, start, end);
    let (separator, at) = separator(bytes, &name).filter(|_| name.quote.is_some())?;
    if !line.has_web_key() {
        let start = skip_punctuation(bytes, at);
        let length = bytes[start..].iter().take(MAX_BEFORE).take_while(|byte| !is_between(**byte)).count();
        if !is_random(&bytes[start..start + length]) {
            return None;
        }
    }
    value(line, &name, separator, at, Rule::PrivateKey)
}

/// Returns the value that a validator quotes (`spec.auth.password: Invalid value: "…"`), if its path holds a
/// secret name. At `start..end` is the verdict.
pub(super) fn of_verdict(line: &mut Line<'_>, start: usize, end: usize) -> Option<Found> {
    let bytes = line.bytes;
    let before = bytes[..start].trim_ascii_end().strip_suffix(b":")?;
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-[]/\"'\\()".contains(byte);
    let length = before.iter().rev().take(MAX_BEFORE).take_while(|byte| part(byte)).count();
    let path = &before[before.len() - length..];
    let mut names = path.split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
    let is_variable = memchr::memmem::find(path, b"env[").is_some() && path.ends_with(b"value");
    let is_data = path.starts_with(b"data[") || path.starts_with(b"stringData");
    let is_secret = is_variable
        || is_data
        || names.any(|name| is_variable_name(name) || name.eq_ignore_ascii_case(b"auth"))
        || secrets::of(path.strip_suffix(b"]").unwrap_or(path)).is_secret();
    let name = name(bytes, before.len(), before.len());
    is_secret.then(|| value(line, &name, Separator::Colon, end, Rule::NamedValue)).flatten()
}

/// Returns the content of `"data":{…}` of a Secret in the line.
pub(super) fn of_secret(line: &mut Line<'_>, start: usize, end: usize) -> Option<Found> {
    let bytes = line.bytes;
    let name = name(bytes, start, end);
    let (_, at) = separator(bytes, &name).filter(|_| line.has_secret())?;
    let (_, escapes) = name.quote.filter(|_| bytes.get(at) == Some(&b'{'))?;
    let end = bracket(bytes, at, escapes).map_or(bytes.len(), |close| close + 1);
    Some(Found { quoted: Some(escapes), ..Found::new(at, end, Rule::SecretData) })
}

/// Returns the rest of a text that holds a Secret as escaped YAML: `data:\n  …`.
pub(super) fn of_secret_text(line: &mut Line<'_>, end: usize) -> Option<Found> {
    let bytes = line.bytes;
    line.has_secret().then(|| {
        let close = closing(bytes, end, b'"', 0).unwrap_or(bytes.len());
        Found::new(end, close, Rule::SecretData)
    })
}

/// Handles a name that is secret only as an environment variable, or as the value of `name`.
fn unnamed(line: &mut Line<'_>, name: &Name) -> Option<Found> {
    let bytes = line.bytes;
    let written = &bytes[name.start..name.end];
    let is_variable = !written.iter().any(u8::is_ascii_lowercase) && is_secret_variable(written);
    match separator(bytes, name) {
        Some((separator @ (Separator::Equals | Separator::Colon | Separator::Space), at)) if is_variable => {
            value(line, name, separator, at, Rule::EnvironmentValue)
        }
        // A pull secret itself, in place of the name of the Secret that holds it.
        Some((separator, at)) if secrets::is_name_of_secret(written) => {
            value(line, name, separator, at, Rule::NamedValue)
                .filter(|found| !may_name_an_object(&bytes[found.start..found.end]))
                .or_else(|| named_by_value(line, name))
        }
        _ => named_by_value(line, name),
    }
}

/// Returns whether a value may be the name of an object, or a placeholder for one.
fn may_name_an_object(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let is_random = value.len() >= 16 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
    !value.starts_with(b"{") && (!is_random || has(|byte| matches!(byte, b' ' | b'$' | b'<' | b'/' | b'{')))
}

/// Returns whether a list closes here: a list of more than two is not a name and its value.
fn closes_list(rest: &[u8]) -> bool {
    let punctuation = |byte: &&u8| matches!(**byte, b'"' | b'\'' | b'\\' | b' ');
    let length = rest.iter().take(MAX_SPACES).take_while(punctuation).count();
    matches!(rest.get(length), Some(b']' | b')'))
}

/// Returns the value of a line whose name is `value`, below the name of a secret variable.
pub(super) fn value_of_variable(line: &mut Line<'_>) -> Option<Found> {
    let bytes = line.bytes;
    let start = bytes.iter().position(|byte| !is_margin(*byte) && !matches!(byte, b'"' | b'\'' | b'\\' | b'<'))?;
    // `<string>…</string>` below `<key>password</key>`.
    if bytes[..start].ends_with(b"<")
        && let Some(found) = of_next_tag(bytes, start - 1)
    {
        return Some(found);
    }
    // Below `? password`.
    if bytes[start..].starts_with(b": ") {
        let name = name(bytes, start, start);
        return value(line, &name, Separator::Colon, start + 2, Rule::NamedValue);
    }
    value_named(line, start)
}

/// Returns the value of `auth` of a Docker configuration: base64 of user and password.
fn auth(line: &mut Line<'_>, name: &Name) -> Option<Found> {
    if !line.bytes[name.start..name.end].ends_with(b"auth") {
        return None;
    }
    let bytes = line.bytes;
    let (separator, at) = separator(bytes, name)?;
    match bytes.get(at) {
        Some(b'{') => return members::object(bytes, at, name, Rule::NamedValue),
        // `auth=('user', 'password')`
        Some(b'(') => {
            let close = memchr::memchr(b')', &bytes[at..]).map_or(bytes.len(), |length| at + length);
            return Some(Found::new(at + 1, close, Rule::NamedValue));
        }
        None if name.first && separator == Separator::Colon && !name.escaped_line && !line.references => {
            let line_state = LineState::below(bytes, false);
            return Some(Found { line_state, ..Found::new(at, at, Rule::NamedValue) });
        }
        _ => {}
    }
    let start = skip_punctuation(bytes, at);
    let word =
        &bytes[start..start + bytes[start..].iter().take(MAX_BEFORE).take_while(|byte| !is_between(**byte)).count()];
    // `auth: user:password`
    if memchr::memchr(b':', word)
        .is_some_and(|colon| colon > 0 && colon + 1 < word.len() && !word[colon..].starts_with(b"://"))
    {
        return value(line, name, separator, at, Rule::NamedValue);
    }
    let decoded = base64::decode(&bytes[start..bytes.len().min(start + 400)]);
    let readable = decoded.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if !decoded.contains(&b':') || !readable {
        return None;
    }
    value(line, name, separator, at, Rule::NamedValue)
}

/// Returns whether the name is just `secret`, which names a Secret in an overrides file.
fn is_only_secret(name: &[u8]) -> bool {
    name.rsplit(|byte| *byte == b'.').next().is_some_and(|last| last == b"secret")
}

/// Returns the value of `"name":"DB_PASSWORD","value":"…"`: the variable's name is itself a value, and its
/// value comes after or before it.
fn named_by_value(line: &mut Line<'_>, name: &Name) -> Option<Found> {
    let bytes = line.bytes;
    if !is_variable_name(&bytes[name.start..name.end]) {
        return None;
    }
    let (key_start, is_attribute) = names_something(bytes, name)?;
    let at = skip_punctuation(bytes, name.end);
    if at == bytes.len() || bytes[at..].starts_with(b"#") {
        let line_state = if is_attribute { LineState::Argument } else { LineState::Value };
        return Some(Found { line_state, ..Found::new(at, at, Rule::EnvironmentValue) });
    }
    // `<name>password</name>`, with `<value>` behind it or in the next line.
    if let Some(rest) = bytes[at..].strip_prefix(b"</") {
        let begin = bytes.len() - rest.len() + memchr::memchr(b'>', rest)? + 1;
        let begin = skip_punctuation(bytes, begin);
        if begin == bytes.len() && of_tag_before(bytes, key_start).is_none() {
            return Some(Found { line_state: LineState::Value, ..Found::new(begin, begin, Rule::EnvironmentValue) });
        }
        let found = if bytes[begin] == b'<' { value_named(line, begin + 1) } else { None };
        return found.or_else(|| of_next_tag(bytes, begin)).or_else(|| of_tag_before(bytes, key_start));
    }
    // `<entry key="password">…</entry>`
    if is_attribute && bytes.get(at) == Some(&b'>') {
        return value(line, name, Separator::Tag, at + 1, Rule::NamedValue);
    }
    value_named(line, at).or_else(|| {
        let floor = key_start.saturating_sub(MAX_BEFORE);
        let at = floor + memchr::memmem::rfind(bytes.get(floor..key_start)?, b"value")?;
        let found = value_named(line, at)?;
        let between = bytes.get(found.end..key_start)?;
        // Other attributes of the same element.
        let is_element = is_attribute && memchr::memchr2(b'<', b'>', between).is_none();
        (is_all_between(between) || is_element).then_some(found)
    })
}

/// Returns the text of the tag at `at`, if it may be that of a secret: `<string>…</string>` of a property
/// list, or a cell.
fn of_next_tag(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = bytes[at..].strip_prefix(b"<")?;
    let start = bytes.len() - rest.len() + memchr::memchr(b'>', rest)? + 1;
    let length = memchr::memchr(b'<', &bytes[start..])?;
    let text = &bytes[start..start + length];
    let is_string = rest.starts_with(b"string>");
    (is_string && !is_not_secret(text, b"") || looks_like_a_secret(text))
        .then(|| Found::new(start, start + length, Rule::EnvironmentValue))
}

/// Returns the text of the tag that closes before the tag whose name is at `at`:
/// `<value>…</value><name>password</name>`.
fn of_tag_before(bytes: &[u8], at: usize) -> Option<Found> {
    let floor = at.saturating_sub(MAX_BEFORE);
    let before = bytes.get(floor..at)?.trim_ascii_end();
    let before = before.strip_suffix(b"<").unwrap_or(before).trim_ascii_end().strip_suffix(b">")?;
    let close = memchr::memmem::rfind(before, b"</").filter(|close| secrets::is_holder(&before[close + 2..]))?;
    let open = memchr::memrchr(b'>', &before[..close])? + 1;
    let text = &before[open..close];
    let is_secret = !is_not_secret(text, b"") && !text.starts_with(super::line::MARK);
    is_secret.then(|| Found::new(floor + open, floor + close, Rule::EnvironmentValue))
}

/// Returns the value of a holder (such as `value`) whose name is at `at`.
fn value_named(line: &mut Line<'_>, at: usize) -> Option<Found> {
    let bytes = line.bytes;
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let end = at + bytes.get(at..)?.iter().take(MAX_NAME).take_while(is_part).count();
    if !secrets::is_holder(&bytes[at..end]) {
        return None;
    }
    let name = name(bytes, at, end);
    let (separator, at) = separator(bytes, &name)?;
    value(line, &name, separator, at, Rule::EnvironmentValue)
}

/// Returns where the `name:` before it begins, and whether it is an attribute (`name=`).
fn names_something(bytes: &[u8], name: &Name) -> Option<(usize, bool)> {
    const KEYS: &[&[u8]] = &[b"name", b"key", b"header"];
    const WHOLE_KEYS: &[&[u8]] = &[b"attribute", b"field", b"k", b"n", b"param", b"property", b"setting", b"variable"];
    let floor = name.start.saturating_sub(MAX_SPACES);
    let trimmed =
        |end: usize| floor + bytes[floor..end].iter().rposition(|byte| !is_between(*byte)).map_or(0, |at| at + 1);
    // `"path":"/spec/password"` of a JSON patch.
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"/_~-.".contains(byte);
    let begin = name.start - bytes[floor..name.start].iter().rev().take_while(part).count();
    let is_path = begin < name.start && bytes[begin] == b'/';
    let end = trimmed(if is_path { begin } else { name.start });
    let sign = *bytes[floor..end].last().filter(|sign| matches!(sign, b':' | b'=' | b'>'))?;
    let end = trimmed(end - 1);
    let before = bytes[floor..end].to_ascii_lowercase();
    let length = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let word = &before[before.len() - length..];
    let is_tag = sign != b'>' || before[..before.len() - length].ends_with(b"<");
    if is_path {
        return (word == b"path").then(|| (trimmed(end - length), sign == b'='));
    }
    // Cells of HTML.
    let is_cell = sign == b'>' && [&b"td"[..], b"th", b"dt", b"label", b"b"].contains(&word);
    // A field of a form.
    let is_field = sign == b'=' && word == b"type";
    let is_key =
        is_tag && (is_cell || is_field || KEYS.iter().any(|key| word.ends_with(key)) || WHOLE_KEYS.contains(&word));
    is_key.then(|| (trimmed(end - length), sign == b'='))
}

/// Skips what may be between a name and a value.
fn skip_punctuation(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take(MAX_SPACES).take_while(|byte| is_between(**byte)).count()
}

/// Returns whether a decoder names a field here, in quotes.
fn follows_field(before: &[u8]) -> bool {
    let punctuation = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b' ');
    let end = before.iter().rposition(|byte| !punctuation(byte)).map_or(0, |at| at + 1);
    [&b"field"[..], b"key", b"parameter", b"property"].iter().any(|word| before[..end].ends_with(word))
}

/// Returns whether a byte may be between a name and a value.
fn is_between(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'\\' | b',' | b' ' | b'\t')
}

/// Returns whether nothing but punctuation and escaped line ends is between a value and a name.
fn is_all_between(text: &[u8]) -> bool {
    let is_escape = |at: usize| at > 0 && matches!(text[at], b'n' | b'r') && text[at - 1] == b'\\';
    text.iter().enumerate().all(|(at, byte)| is_between(*byte) || is_escape(at))
}

/// Returns whether the value of this name is secret.
pub(in crate::redact) fn is_variable_name(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_uppercase) && is_secret_variable(name)
        || matches!(
            secrets::of(name),
            ValueKind::Secret | ValueKind::Header | ValueKind::Cookie | ValueKind::EncryptionKey
        )
}
