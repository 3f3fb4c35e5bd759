//! Exports as YAML, the default output of `gcloud logging read`: one document, or one item of a
//! sequence, for each entry.
//!
//! Documents are separated line by line, and only one is in memory at a time. Lines that are not an entry are
//! returned, to be read as log lines.

use serde_json::Value;

use super::record::MAX_RECORD_BYTES;

/// Keys at the beginning of an entry of Cloud Logging. Source: Cloud Logging, `LogEntry`.
const FIRST_KEYS: [&[u8]; 9] = [
    b"httpRequest:",
    b"insertId:",
    b"jsonPayload:",
    b"labels:",
    b"logName:",
    b"receiveTimestamp:",
    b"resource:",
    b"severity:",
    b"textPayload:",
];

/// A document that is being read.
#[derive(Debug, Default)]
pub(super) struct Yaml {
    document: Vec<u8>,
    above_limit: bool,
}

/// What a document turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Document {
    /// As JSON, with its lines.
    Entry(Vec<u8>, Vec<u8>),
    /// Lines of no document.
    Lines(Vec<u8>),
    TooLong,
}

impl Yaml {
    /// Returns whether a line begins an export.
    pub(super) fn opens_with(line: &[u8]) -> bool {
        let line = line.trim_ascii_end();
        let entry = line.strip_prefix(b"- ").unwrap_or(line);
        line == b"---" || FIRST_KEYS.iter().any(|key| entry.starts_with(key))
    }

    /// Returns whether a line, without its end, can be part of a document.
    pub(super) fn goes_on_with(line: &[u8]) -> bool {
        let line = line.trim_ascii_end();
        let key = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_@-./".contains(byte)).count();
        match line.first() {
            None | Some(b' ' | b'#') => true,
            Some(b'-') => matches!(line, b"---" | b"-") || line.starts_with(b"- "),
            Some(_) => key > 0 && matches!(line.get(key..), Some([b':'] | [b':', b' ', ..])),
        }
    }

    /// Reads the next line; returns the document that it ends, if any.
    pub(super) fn line(&mut self, line: &[u8]) -> Option<Document> {
        let is_separator = line.trim_ascii_end() == b"---";
        let ended = if is_separator || line.starts_with(b"- ") { self.end() } else { None };
        if is_separator {
            return ended;
        }
        if self.document.len() + line.len() >= MAX_RECORD_BYTES {
            self.above_limit = true;
            self.document.clear();
        } else if !self.above_limit {
            self.document.extend_from_slice(line);
            self.document.push(b'\n');
        }
        ended
    }

    /// Ends the document.
    pub(super) fn end(&mut self) -> Option<Document> {
        let lines = std::mem::take(&mut self.document);
        if std::mem::take(&mut self.above_limit) {
            return Some(Document::TooLong);
        }
        if lines.trim_ascii().is_empty() {
            return None;
        }
        let parsed = std::str::from_utf8(&lines).ok().and_then(|text| serde_saphyr::from_str::<Value>(text).ok());
        Some(match parsed {
            Some(Value::Array(mut items)) if items.len() == 1 => match items.pop() {
                Some(item @ Value::Object(_)) => Document::Entry(item.to_string().into_bytes(), lines),
                _ => Document::Lines(lines),
            },
            Some(entry @ Value::Object(_)) => Document::Entry(entry.to_string().into_bytes(), lines),
            _ => Document::Lines(lines),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_end_at_separators_and_items() {
        let text = "---\nsni_host: null\nstatus: 0\n---\n- a: 'x: y'\n  b:\n  - 1\n- a: 2\n";
        let mut yaml = Yaml::default();
        let mut found = Vec::new();
        for line in text.lines() {
            assert!(Yaml::goes_on_with(line.as_bytes()), "{line}");
            found.extend(yaml.line(line.as_bytes()));
        }
        found.extend(yaml.end());
        let entry = |json: &str, lines: &str| Document::Entry(json.into(), lines.into());
        assert_eq!(
            found,
            [
                entry(r#"{"sni_host":null,"status":0}"#, "sni_host: null\nstatus: 0\n"),
                entry(r#"{"a":"x: y","b":[1]}"#, "- a: 'x: y'\n  b:\n  - 1\n"),
                entry(r#"{"a":2}"#, "- a: 2\n"),
            ]
        );
    }

    #[test]
    fn lines_of_logs_are_no_documents() {
        for line in ["{\"a\":1}", "[2025-06-02T10:00:01.005Z] \"GET", "2025-06-02T10:00:01Z info x", "info x", "a:b"] {
            assert!(!Yaml::goes_on_with(line.as_bytes()), "{line}");
            assert!(!Yaml::opens_with(line.as_bytes()), "{line}");
        }
        for line in ["---", "insertId: a", "- jsonPayload:", "textPayload: x\r"] {
            assert!(Yaml::opens_with(line.as_bytes()), "{line}");
        }
        let mut yaml = Yaml::default();
        assert_eq!(yaml.line(b"just: [text"), None);
        assert_eq!(yaml.end(), Some(Document::Lines(b"just: [text\n".to_vec())));
    }

    #[test]
    fn a_document_of_any_size_is_bounded() {
        let mut yaml = Yaml::default();
        let line = vec![b'#'; 1000];
        for _ in 0..=MAX_RECORD_BYTES / 1000 {
            assert_eq!(yaml.line(&line), None);
            assert!(yaml.document.len() <= MAX_RECORD_BYTES);
        }
        assert_eq!(yaml.end(), Some(Document::TooLong));
        assert_eq!(yaml.end(), None);
    }
}
