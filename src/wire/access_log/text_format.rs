//! One text format of Envoy, and records written in it.
//!
//! Envoy does not escape values in text, so a value that a client may choose freely (a user agent) can look
//! like the rest of the line. So only the values before the first and after the last of those are certain,
//! and a line is read from both ends: each value has the bytes that it can have, and the last ones must end
//! with the line.

use super::json::Value;
use super::operators::{Preferred, Token, field_of, tokens};
use super::record::{Field, Record};

/// Values of one format. Istio's has 22.
const MAX_PIECES: usize = 128;

/// Maximum offset of a record in its line, after a prefix such as that of `kubectl logs --prefix`.
const MAX_PREFIX_BYTES: usize = 512;

/// The operators that a record must have, in the order in which they are reported.
const NEEDED: [(Field, &str); 2] = [(Field::Name, "REQUESTED_SERVER_NAME"), (Field::Details, "RESPONSE_CODE_DETAILS")];

/// A compiled format.
#[derive(Clone, Debug)]
pub(super) struct TextFormat {
    /// The text before, between and after free values.
    segments: Vec<Vec<Piece>>,
    /// The fields of the free values between the segments.
    free: Vec<Option<Field>>,
    fields: Vec<Field>,
}

/// A part of a segment.
#[derive(Clone, Debug)]
enum Piece {
    Literal(Vec<u8>),
    Value(Option<Field>, Class),
}

/// The bytes that a value can have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// Digits, or `-`.
    Code,
    /// A server name: it has no characters that separate values in custom formats.
    Name,
    /// RFC 3339, or `-`.
    Time,
    /// Neither spaces nor quotes.
    Word,
    /// A path, which may have quotes: a client chooses it, and a request line cannot hold spaces in it.
    Path,
    /// Anything, as clients and peers choose it.
    Free,
}

impl Class {
    fn of(name: &str, arguments: &str) -> Self {
        let is = |wanted: &[&str]| wanted.iter().any(|header| arguments.eq_ignore_ascii_case(header));
        match name {
            "RESPONSE_CODE" => Self::Code,
            "REQUESTED_SERVER_NAME" => Self::Name,
            "START_TIME" if arguments.is_empty() => Self::Time,
            "REQ" if is(&[":path", "x-envoy-original-path?:path"]) => Self::Path,
            "REQ" if !is(&[":authority", ":method", "host"]) => Self::Free,
            // Without an argument, spaces become underscores, and a time has none.
            "EMIT_TIME" | "EMIT_TIME_LOCAL" | "RESPONSE_CODE_DETAILS" | "START_TIME_LOCAL" if arguments.is_empty() => {
                Self::Word
            }
            "CEL"
            | "CLUSTER_METADATA"
            | "COALESCE"
            | "CONNECTION_TERMINATION_DETAILS"
            | "DYNAMIC_METADATA"
            | "DOWNSTREAM_LOCAL_SUBJECT"
            | "DOWNSTREAM_PEER_CERT_V_END"
            | "DOWNSTREAM_PEER_CERT_V_START"
            | "DOWNSTREAM_PEER_ISSUER"
            | "DOWNSTREAM_PEER_SUBJECT"
            | "DOWNSTREAM_TRANSPORT_FAILURE_REASON"
            | "EMIT_TIME"
            | "EMIT_TIME_LOCAL"
            | "ENVIRONMENT"
            | "FILTER_STATE"
            | "LOCAL_REPLY_BODY"
            | "METADATA"
            | "RESP"
            | "RESPONSE_CODE_DETAILS"
            | "START_TIME"
            | "START_TIME_LOCAL"
            | "TRAILER"
            | "UPSTREAM_FILTER_STATE"
            | "UPSTREAM_METADATA"
            | "UPSTREAM_PEER_ISSUER"
            | "UPSTREAM_PEER_SUBJECT"
            | "UPSTREAM_TRANSPORT_FAILURE_REASON" => {
                // The one response header of the default formats is a number.
                if is(&["x-envoy-upstream-service-time"]) { Self::Word } else { Self::Free }
            }
            _ => Self::Word,
        }
    }

    fn has(self, byte: u8) -> bool {
        match self {
            Self::Code => byte.is_ascii_digit() || byte == b'-',
            Self::Name => {
                !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b',' | b';' | b'|' | b']' | b')')
            }
            Self::Time => byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b':' | b'.' | b'T' | b'Z'),
            Self::Word => !byte.is_ascii_whitespace() && byte != b'"',
            Self::Path => !byte.is_ascii_whitespace(),
            Self::Free => true,
        }
    }
}

impl TextFormat {
    /// Compiles a format.
    pub(super) fn compile(format: &str, preferred: Preferred) -> Self {
        let mut compiled = Self { segments: vec![Vec::new()], free: Vec::new(), fields: Vec::new() };
        for token in tokens(format).into_iter().take(MAX_PIECES) {
            match token {
                Token::Literal(text) => compiled.literal(text.as_bytes()),
                Token::Percent => compiled.literal(b"%"),
                Token::Operator(name, arguments) => {
                    compiled.value(field_of(name, arguments, preferred), Class::of(name, arguments));
                }
            }
        }
        compiled
    }

    fn literal(&mut self, text: &[u8]) {
        let Some(segment) = self.segments.last_mut() else { return };
        // Without a space behind it, a quote in a path could be the end of the path.
        if let Some(Piece::Value(_, class @ Class::Path)) = segment.last_mut()
            && !text.iter().any(u8::is_ascii_whitespace)
        {
            *class = Class::Word;
        }
        match segment.last_mut() {
            Some(Piece::Literal(known)) => known.extend_from_slice(text),
            _ => segment.push(Piece::Literal(text.to_vec())),
        }
    }

    fn value(&mut self, field: Option<Field>, class: Class) {
        let Some(segment) = self.segments.last_mut() else { return };
        // If nothing separates two values, the end of the first one is unknown.
        let after_value = matches!(segment.last(), Some(Piece::Value(..)));
        let after_free = segment.is_empty() && !self.free.is_empty();
        if after_value || after_free {
            if after_value && let Some(Piece::Value(Some(lost), _)) = segment.pop() {
                self.fields.retain(|field| *field != lost);
            }
            if after_free {
                if let Some(Some(lost)) = self.free.pop() {
                    self.fields.retain(|field| *field != lost);
                }
            } else {
                self.segments.push(Vec::new());
            }
            self.free.push(None);
            return;
        }
        self.fields.extend(field);
        if class == Class::Free {
            self.segments.push(Vec::new());
            self.free.push(field);
        } else {
            segment.push(Piece::Value(field, class));
        }
    }

    /// Returns whether anything in it is judged.
    pub(super) fn has_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Returns the operators that are missing for a judgement.
    pub(super) fn lacking(&self) -> impl Iterator<Item = &'static str> {
        let by_flags = self.fields.contains(&Field::Status) && self.fields.contains(&Field::Flags);
        NEEDED
            .into_iter()
            .filter(move |&(field, _)| !(self.fields.contains(&field) || field == Field::Details && by_flags))
            .map(|(_, operator)| operator)
    }

    /// Reads a line of this format, with or without a prefix, into the fields of a record.
    pub(super) fn read<'a>(&self, line: &'a [u8], record: &mut Record<'a>) -> bool {
        let mut starts = Vec::new();
        match self.segments.first().and_then(|segment| segment.first()) {
            Some(Piece::Literal(literal)) => {
                let head = line.get(..MAX_PREFIX_BYTES + literal.len()).unwrap_or(line);
                // A prefix of three words has at most as many places where a record could begin.
                starts.extend(memchr::memmem::find_iter(head, literal).take(8));
            }
            // A time behind the words of a prefix, which may have a time of its own.
            Some(Piece::Value(_, Class::Time)) => {
                let head = line.get(..MAX_PREFIX_BYTES).unwrap_or(line);
                let behind = memchr::memchr_iter(b' ', head).map(|space| space + 1);
                let begins = |at: &usize| line.get(*at).is_some_and(u8::is_ascii_digit);
                starts.extend(std::iter::once(0).chain(behind.filter(begins)).take(8));
            }
            _ => starts.push(0),
        }
        starts.into_iter().any(|start| self.read_at(line, start, record))
    }

    fn read_at<'a>(&self, line: &'a [u8], start: usize, record: &mut Record<'a>) -> bool {
        let mut found = Vec::new();
        let Some((first, others)) = self.segments.split_first() else { return false };
        let Some(mut at) = fixed(first, line, start, others.is_empty(), &mut found) else { return false };
        for (number, (segment, field)) in others.iter().zip(&self.free).enumerate() {
            let is_last = number + 1 == others.len();
            let Some(Piece::Literal(literal)) = segment.first() else {
                // The format ends with a free value.
                found.extend(field.map(|field| (field, at, line.len())));
                at = line.len();
                continue;
            };
            let rest = line.get(at..).unwrap_or_default();
            let known = found.len();
            let place = memchr::memmem::find_iter(rest, literal).find_map(|offset| {
                found.truncate(known);
                Some((at + offset, fixed(segment, line, at + offset, is_last, &mut found)?))
            });
            let Some((free_end, end)) = place else { return false };
            found.extend(field.map(|field| (field, at, free_end)));
            at = end;
        }
        if at != line.len() {
            return false;
        }
        for (field, start, end) in found {
            *record.field(field) = line.get(start..end).map(Value::Text);
        }
        true
    }
}

/// Reads the pieces of a segment at one position; returns their end. The last segment ends with the line.
fn fixed(
    segment: &[Piece],
    line: &[u8],
    mut at: usize,
    is_last: bool,
    found: &mut Vec<(Field, usize, usize)>,
) -> Option<usize> {
    for (number, piece) in segment.iter().enumerate() {
        let behind = segment.get(number + 1..).unwrap_or_default();
        match piece {
            Piece::Literal(_) if is_last && at == line.len() && is_empty_end(piece, behind) => return Some(at),
            Piece::Literal(literal) => {
                line.get(at..)?.strip_prefix(literal.as_slice())?;
                at += literal.len();
            }
            Piece::Value(field, class) => {
                let rest = line.get(at..)?;
                let longest = rest.iter().take_while(|byte| class.has(**byte)).count();
                let length = match behind.split_first() {
                    // Envoy writes nothing for a route without a name, and the space before it is trimmed. A
                    // name that ends the line may be cut.
                    Some((next, behind)) if is_last && rest == b"-" && is_empty_end(next, behind) => longest,
                    Some((Piece::Literal(literal), _)) => {
                        let reach = rest.get(..longest + literal.len()).unwrap_or(rest);
                        memchr::memmem::find(reach, literal)?
                    }
                    _ => longest,
                };
                if length == 0 {
                    return None;
                }
                found.extend(field.map(|field| (field, at, at + length)));
                at += length;
            }
        }
    }
    (!is_last || at == line.len()).then_some(at)
}

/// Returns whether the last pieces are spaces and a value that is not judged.
fn is_empty_end(piece: &Piece, behind: &[Piece]) -> bool {
    let is_space = matches!(piece, Piece::Literal(literal) if literal.iter().all(u8::is_ascii_whitespace));
    is_space && matches!(behind, [Piece::Value(None, _)])
}

#[cfg(test)]
mod tests {
    use super::super::format::Format;
    use super::*;

    fn fields(format: &TextFormat, line: &str) -> Option<[Option<String>; 4]> {
        let mut record = Record::default();
        let is_read = format.read(line.as_bytes(), &mut record);
        let text = |value: Option<Value<'_>>| Some(String::from_utf8_lossy(&value?.text()?).into_owned());
        is_read.then(|| [text(record.name), text(record.status), text(record.remote), text(record.host)])
    }

    fn defaults(line: &str) -> Option<[Option<String>; 4]> {
        Format::default().texts().iter().find_map(|format| fields(format, line))
    }

    /// Four values as they were read; an empty text is a value that is absent.
    fn values(texts: [&str; 4]) -> [Option<String>; 4] {
        texts.map(|text| (!text.is_empty()).then(|| text.to_owned()))
    }

    #[test]
    fn default_formats_recognise_themselves() {
        let tail = r#""10.9.9.9" "curl/8" "id" "api.example.com" "10.8.1.7:8443" outbound|8443||rt 10.4.0.9:1 10.4.0.9:8443 10.0.0.9:4002 api.example.com default"#;
        let read = Some(values(["api.example.com", "200", "10.0.0.9:4002", "api.example.com"]));
        for (middle, expected) in [
            ("200 - via_upstream - \"-\" 0 12 3 2", &read),
            ("200 - \"-\" 0 12 3 2", &read),
            ("200 - \"-\" \"-\" 0 12 3 2", &read),
            ("200 - via_upstream - \"-\" 0 12 3", &None),
        ] {
            let line = format!("[2025-06-02T10:00:02.005Z] \"GET /v1 HTTP/2\" {middle} {tail}");
            assert_eq!(defaults(&line), *expected, "{line}");
            assert_eq!(defaults(&format!("[pod/gw-1/istio-proxy] {line}")), *expected, "{line}");
        }
        let envoy = r#"[2016-04-15T20:17:00.310Z] "POST /x HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "id" "locations" "tcp://10.0.2.1:80""#;
        assert_eq!(defaults(envoy), Some(values(["", "204", "", "locations"])));
    }

    #[test]
    fn a_route_may_be_without_a_name() {
        let line = |end: &str| {
            format!(
                r#"[2025-06-02T10:00:02.005Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.4.0.9:8443 10.0.0.9:4002 {end}"#
            )
        };
        let read = Some(values(["-", "0", "10.0.0.9:4002", "-"]));
        assert_eq!(defaults(&line("-")), read);
        assert_eq!(defaults(&line("- -")), read);
        // This name may be cut.
        assert_eq!(defaults(&line("a.examp")), None);
    }

    #[test]
    fn what_a_client_writes_moves_no_value() {
        let line = |agent: &str| {
            format!(
                r#"[2025-06-02T10:00:02.005Z] "GET /v1 HTTP/2" 404 NR route_not_found - "-" 0 12 3 - "-" "{agent}" "id" "b.example.com" "-" - - 10.4.0.9:8443 10.0.0.9:4002 a.example.com -"#
            )
        };
        for agent in [
            "curl/8",
            "Mozilla/5.0 (X11; Linux)",
            r#"x" "id" "evil.example" "-" - - 1.1.1.1:1 6.6.6.6:6 - -"#,
            r#"" 0 NR filter_chain_not_found - ""#,
        ] {
            let expected = Some(values(["a.example.com", "404", "10.0.0.9:4002", "b.example.com"]));
            assert_eq!(defaults(&line(agent)), expected, "{agent}");
        }
    }

    #[test]
    fn a_quote_in_a_path_hides_no_value() {
        for path in [r#"/a"b"#, r#"/a"b"#, r#"/""#, r#"/a"HTTP/1.1""#, r#"/a%22?q="x","y""#] {
            let line = format!(
                r#"[2025-06-02T10:00:02.005Z] "GET {path} HTTP/2" 404 NR route_not_found - "-" 0 12 3 - "-" "curl" "id" "b.example.com" "-" - - 10.4.0.9:8443 10.0.0.9:4002 a.example.com -"#
            );
            let expected = Some(values(["a.example.com", "404", "10.0.0.9:4002", "b.example.com"]));
            assert_eq!(defaults(&line), expected, "{path}");
        }
        // What could be the end of the path as well is not read.
        let format = TextFormat::compile(
            "path=\"%REQ(:PATH)%\",code=%RESPONSE_CODE%,sni=%REQUESTED_SERVER_NAME%",
            Preferred::default(),
        );
        assert_eq!(fields(&format, r#"path="/a",code=404,sni=x"#), Some(values(["x", "404", "", ""])));
        assert_eq!(fields(&format, r#"path="/a",code=0,sni=",code=404,sni=x"#), None);
    }

    #[test]
    fn formats_of_peoples_own_are_read() {
        let format = "%START_TIME% sni=%REQUESTED_SERVER_NAME%,%RESPONSE_FLAGS%,%RESPONSE_CODE% 100%% \
            peer=%DOWNSTREAM_REMOTE_ADDRESS% ua='%REQ(USER-AGENT)%' host=%REQ(:AUTHORITY)%";
        let format = TextFormat::compile(format, Preferred::default());
        assert_eq!(format.lacking().count(), 0);
        let line = "2025-06-02T10:00:02.005Z sni=a.example.com,DC,NR,404 100% peer=[::1]:4 ua='x' host=' host=b";
        assert_eq!(fields(&format, line), None, "a comma too many");
        let line = line.replace("DC,", "");
        assert_eq!(fields(&format, &line), Some(values(["a.example.com", "404", "[::1]:4", "b"])));

        let bare = TextFormat::compile("%REQUESTED_SERVER_NAME%%RESPONSE_CODE% %PROTOCOL%", Preferred::default());
        assert_eq!(bare.lacking().collect::<Vec<_>>(), ["REQUESTED_SERVER_NAME", "RESPONSE_CODE_DETAILS"]);
        assert!(!bare.has_fields() && fields(&bare, "a200 HTTP/2").is_some());
        let ends_free = TextFormat::compile("%RESPONSE_CODE% %REQUESTED_SERVER_NAME% %REQ(X)%", Preferred::default());
        assert_eq!(fields(&ends_free, "0 - a b c"), Some(values(["-", "0", "", ""])));
        assert_eq!(fields(&ends_free, "x - a b c"), None);
    }
}
