//! Secrets in settings of hosts that no name beside them shows: entries of nginx's tables, and properties
//! whose name continues on the next line.

use std::ops::Range;

use crate::redact::Redactions;
use crate::redact::rules::Rule;
use crate::redact::text::MARK;

/// What every rule writes, as text.
const REDACTED: &str = match std::str::from_utf8(MARK) {
    Ok(mark) => mark,
    Err(_) => "",
};

/// Blocks whose entries are keys and values without a name.
const TABLES: [&str; 4] = ["geo", "keyval", "map", "split_clients"];
/// Words that begin a setting of such a block.
const OF_TABLES: [&str; 7] = ["default", "delete", "hostnames", "include", "proxy", "ranges", "volatile"];
/// Directives whose arguments are a secret, or hold one.
const SECRET: [&str; 5] = ["auth_jwt_key", "keyval", "secure_link_md5", "secure_link_secret", "split_clients"];
/// Parts of the names of properties that hold a secret.
const PARTS: [&str; 11] = [
    "apikey",
    "api.key",
    "api_key",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "private.key",
    "secret",
    "token",
];

/// Redacts the entries of tables in a configuration of nginx.
pub(in crate::redact) fn without_tables(text: &str, redactions: &mut Redactions) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut kept = 0;
    for span in spans(text) {
        clean.push_str(&text[kept..span.start]);
        clean.push_str(REDACTED);
        redactions.count(Rule::NamedValue);
        kept = span.end;
    }
    clean.push_str(&text[kept..]);
    clean
}

/// Returns the words to redact, with their quotes.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut first: Option<&str> = None;
    let mut is_table = false;
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        match next {
            '#' => at += text[at..].find('\n').unwrap_or(text.len() - at),
            ';' => (first, at) = (None, at + 1),
            '{' => {
                is_table = first.is_some_and(|name| TABLES.contains(&name));
                (first, at) = (None, at + 1);
            }
            '}' => (first, is_table, at) = (None, false, at + 1),
            space if space.is_whitespace() => at += space.len_utf8(),
            _ => {
                let end = at + word(&text[at..]);
                let word = &text[at..end];
                let is_setting = first.is_none() && OF_TABLES.contains(&word) || first == Some("include");
                let is_argument = first.is_some_and(|name| SECRET.contains(&name)) && !word.starts_with('$');
                if is_table && !is_setting || is_argument {
                    found.push(at..end);
                }
                first = first.or(Some(word));
                at = end;
            }
        }
    }
    found
}

/// Returns the length of a word: up to a space or a mark, or within quotes.
fn word(text: &str) -> usize {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let mut characters = text.char_indices().skip(usize::from(quote.is_some()));
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (_, '\\') => drop(characters.next()),
            (Some(quote), end) if end == quote => return at + 1,
            (None, end) if end.is_whitespace() || matches!(end, ';' | '{' | '}') => return at,
            _ => {}
        }
    }
    text.len()
}

/// Joins lines that a backslash continues (`java.util.Properties`), so that a name is whole.
pub(in crate::redact) fn unfolded(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut continues = false;
    for line in text.split_inclusive('\n') {
        let own = if continues { line.trim_start_matches([' ', '\t', '\u{c}']) } else { line };
        let body = own.trim_end_matches(['\r', '\n']);
        let is_comment = !continues && body.trim_start().starts_with(['#', '!']);
        let slashes = body.bytes().rev().take_while(|byte| *byte == b'\\').count();
        continues = !is_comment && slashes % 2 == 1;
        joined.push_str(if continues { &body[..body.len() - 1] } else { own });
    }
    joined
}

/// Redacts the values of properties whose name has a word for a secret anywhere.
pub(in crate::redact) fn by_name(text: &str, redactions: &mut Redactions) -> String {
    let mut clean = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\r', '\n']);
        match value(body).filter(|begin| *begin < body.len() && &body[*begin..] != REDACTED) {
            Some(begin) => {
                clean.push_str(&body[..begin]);
                clean.push_str(REDACTED);
                clean.push_str(&line[body.len()..]);
                redactions.count(Rule::NamedValue);
            }
            None => clean.push_str(line),
        }
    }
    clean
}

/// Returns where the value of a secret property begins.
fn value(line: &str) -> Option<usize> {
    let begin = line.len() - line.trim_start().len();
    let end = begin + line[begin..].find(['=', ':', ' ', '\t'])?;
    let name = line[begin..end].to_ascii_lowercase();
    let is_comment = name.starts_with(['#', '!']);
    let rest = line[end..].trim_start();
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
    (!is_comment && PARTS.iter().any(|part| name.contains(part))).then_some(line.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_tables_are_redacted() {
        let redacted = |text: &str| without_tables(text, &mut Redactions::default());
        let text = "map $http_x $ok { # k1 1;\n default 0; \"k1; {\" 1; ~^k2 v2; include m.conf; }\n\
                    geo $a { default 0; 10.0.0.0/8 k3; }\nserver { ssl_protocols TLSv1.2; }";
        let expected = format!(
            "map $http_x $ok {{ # k1 1;\n default {REDACTED}; {REDACTED} {REDACTED}; {REDACTED} {REDACTED}; \
             include m.conf; }}\ngeo $a {{ default {REDACTED}; {REDACTED} {REDACTED}; }}\n\
             server {{ ssl_protocols TLSv1.2; }}"
        );
        assert_eq!(redacted(text), expected);
        assert_eq!(redacted("secure_link_secret s;"), format!("secure_link_secret {REDACTED};"));
        assert_eq!(
            redacted("split_clients \"salt$a\" $v { 50% a; }"),
            format!("split_clients {REDACTED} $v {{ {REDACTED} {REDACTED}; }}")
        );
        for plain in ["ssl_ciphers 'HIGH:!aNULL';", "server { listen 443 ssl; }", "", "map", "map $a $b {"] {
            assert_eq!(redacted(plain), plain);
        }
        for hostile in ["map a b { \"", "\\", "map x y { '\\", "geo é { ü ö; }", ";;{}}"] {
            let _ = redacted(hostile);
        }
    }

    #[test]
    fn properties_are_redacted_by_their_whole_name() {
        let redacted = |text: &str| by_name(&unfolded(text), &mut Redactions::default());
        assert_eq!(redacted("pass\\\n  word=s\nx=1\n"), format!("password={REDACTED}\nx=1\n"));
        assert_eq!(redacted("conf_credential.x = s\r\n"), format!("conf_credential.x = {REDACTED}\r\n"));
        assert_eq!(redacted("# password of x\\\na=b"), "# password of x\\\na=b");
        assert_eq!(redacted("jdk.tls.disabledAlgorithms=SSLv3, \\\n RC4"), "jdk.tls.disabledAlgorithms=SSLv3, RC4");
        for hostile in ["", "=", "password", "password=", "\\", "passwordé:ü"] {
            let _ = redacted(hostile);
        }
    }
}
