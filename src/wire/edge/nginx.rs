//! The two directives of TLS in a configuration of nginx, in whatever blocks they are.

use super::ciphers;
use super::properties::words;
use crate::evidence::edge::RouterSettings;

/// Reads `ssl_protocols` and `ssl_ciphers`. Where a file sets them several times, the result is all of them
/// together: what none of the blocks accepts, the Router does not accept.
#[must_use]
pub fn router(file: &str, text: &[u8]) -> RouterSettings {
    let mut protocols: Vec<String> = Vec::new();
    let mut lists: Vec<String> = Vec::new();
    for directive in directives(&String::from_utf8_lossy(text)) {
        match directive.split_first() {
            Some((name, values)) if name == "ssl_protocols" => {
                for value in values.iter().flat_map(|value| words(value)) {
                    if !protocols.contains(&value) {
                        protocols.push(value);
                    }
                }
            }
            Some((name, values)) if name == "ssl_ciphers" => {
                let list = values.join(":");
                if !lists.contains(&list) {
                    lists.push(list);
                }
            }
            _ => {}
        }
    }
    let ciphers = match lists.as_slice() {
        [] => None,
        [one] => Some(ciphers::expand(one)),
        several => {
            let mut all = ciphers::expand(&several.join(" and "));
            all.suites = several.iter().flat_map(|list| ciphers::expand(list).suites).collect();
            all.suites.sort();
            all.suites.dedup();
            Some(all)
        }
    };
    let protocols = (!protocols.is_empty()).then_some(protocols);
    RouterSettings { file: file.to_owned(), is_effective: true, protocols, ciphers }
}

/// Splits the text into directives: words up to `;`, `{` or `}`. Quotes and comments are as in nginx.
fn directives(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut current: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(character) = characters.next() {
        match (quote, character) {
            (_, '\\') => word.extend(characters.next()),
            (Some(open), close) if open == close => {
                quote = None;
                current.push(std::mem::take(&mut word));
            }
            (None, '"' | '\'') if word.is_empty() => quote = Some(character),
            (None, '#') if word.is_empty() => while characters.next_if(|next| *next != '\n').is_some() {},
            (None, ';' | '{' | '}') => {
                if !word.is_empty() {
                    current.push(std::mem::take(&mut word));
                }
                found.push(std::mem::take(&mut current));
            }
            (None, space) if space.is_whitespace() => {
                if !word.is_empty() {
                    current.push(std::mem::take(&mut word));
                }
            }
            (_, other) => word.push(other),
        }
    }
    found
}

/// Fuzzing entry: reads any bytes as a configuration.
pub fn fuzz_nginx(bytes: &[u8]) {
    let _ = router("fuzz", bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quotes_comments_and_several_lines() {
        let settings = router(
            "0-default.conf",
            b"# ssl_protocols TLSv1;\nserver {\n ssl_protocols TLSv1.2\n   TLSv1.3; # ssl_ciphers X;\n \
              ssl_ciphers 'AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA384';\n}\n",
        );
        assert_eq!(settings.protocols.unwrap(), ["TLSv1.2", "TLSv1.3"]);
        let ciphers = settings.ciphers.unwrap();
        assert_eq!(ciphers.text, "AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA384");
        assert_eq!(ciphers.suites.len(), 2);
        let none = router("x", b"server { listen 443; }");
        assert!(none.protocols.is_none() && none.ciphers.is_none());
        for hostile in [&b"'"[..], b"\\", b"#", b";;{}", b"\xff\"\\"] {
            fuzz_nginx(hostile);
        }
    }

    #[test]
    fn several_blocks_accept_what_one_of_them_accepts() {
        let settings =
            router("c", b"ssl_ciphers AES128-SHA; ssl_protocols TLSv1.2; server { ssl_ciphers AES256-SHA; }");
        assert_eq!(settings.ciphers.unwrap().suites, ["AES128-SHA", "AES256-SHA"]);
    }
}
