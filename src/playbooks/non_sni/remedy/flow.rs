//! YAML in flow style, for manifests and patches inside the single quotes of a command line.
//!
//! `kubectl` reads it in place of JSON. Names need no quotes, so that a patch passes through every shell:
//! Windows PowerShell drops double quotes within arguments. Nothing written here contains a single quote.

use std::fmt;

/// Words that YAML 1.1, which kubectl reads, takes for no string.
const NOT_STRINGS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// A value in flow style.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Flow {
    Flag(bool),
    List(Vec<Flow>),
    Map(Vec<(String, Flow)>),
    Null,
    Number(u16),
    Text(String),
}

impl Flow {
    pub(super) fn map<const ENTRIES: usize>(entries: [(&str, Self); ENTRIES]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A mapping without the entries that are absent.
    pub(super) fn known<const ENTRIES: usize>(entries: [(&str, Option<Self>); ENTRIES]) -> Self {
        Self::Map(entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{}: {value}", scalar(key))).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
            Self::Null => f.write_str("null"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&scalar(text)),
        }
    }
}

/// Returns the string as it is if YAML reads it as one, else in double quotes with unusual characters
/// escaped.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
        && !NOT_STRINGS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => quoted += &format!("\\u{:04x}", u32::from(character)),
            ' '..='~' => quoted.push(character),
            _ => quoted += &format!("\\U{:08x}", u32::from(character)),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_strings_that_yaml_1_1_takes_for_something_else() {
        for text in ["yes", "Off", "n", "true", "null", "443", "1_000", "1:30", "0o7", "1e3", "1.2.3.4", "", "*"] {
            assert_eq!(Flow::text(text).to_string(), format!("\"{text}\""));
        }
        for text in ["yesterday", "apigee-ingressgateway", "v1_000", "/spec/ports/-"] {
            assert_eq!(Flow::text(text).to_string(), text);
        }
    }

    #[test]
    fn reads_back_whatever_the_text_and_has_no_single_quote() {
        for text in ["it's", "a\"b", "a\\b", "line\nend", "\u{2019}", "\u{1f600}", "{a: b}", "# no"] {
            let value = Flow::map([("key", Flow::text(text)), ("n", Flow::Number(443)), ("no", Flow::Null)]);
            let written = value.to_string();
            assert!(written.is_ascii() && !written.contains('\''), "{written}");
            let read: serde_json::Value = serde_saphyr::from_str(&written).unwrap();
            assert_eq!(read, serde_json::json!({ "key": text, "n": 443, "no": null }), "{written}");
        }
    }
}
