//! Exports as comma-separated values: Logs Explorer, `CloudWatch` Logs Insights, Log Analytics, Kibana,
//! Splunk, Grafana.
//!
//! A row becomes the object that its columns name (RFC 4180; a semicolon or a tab may replace the comma). A
//! row may span lines, and costs as much memory as one record may have.

use std::borrow::Cow;

use super::envelope::Object;
use super::format::Format;
use super::json::Value;
use super::record::Field;
use super::record::MAX_RECORD_BYTES;

/// Columns of a header, and length of a name.
const MAX_COLUMNS: usize = 512;
const MAX_NAME_BYTES: usize = 200;

/// Columns that hold a record, or the text of an entry, in lower case.
const PAYLOADS: [&[u8]; 11] = [
    b"@message",
    b"_raw",
    b"_source",
    b"content",
    b"jsonpayload",
    b"line",
    b"log",
    b"logentry",
    b"logmessage",
    b"message",
    b"textpayload",
];

/// An export that is being read.
#[derive(Debug, Default)]
pub(super) struct Csv {
    header: Vec<Vec<u8>>,
    /// What precedes the names of a record's fields, with its dot: `structured.`.
    prefix: Vec<u8>,
    delimiter: u8,
    row: Vec<u8>,
    is_quoted: bool,
    above_limit: bool,
}

/// The result of reading bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// All bytes are consumed; the row continues.
    More,
    /// A row is complete: the object that it describes, if any.
    Row(Option<Vec<u8>>),
    /// A row above the limit was dropped.
    TooLong,
}

impl Csv {
    /// Begins an export if the line is its header.
    pub(super) fn of_header(line: &[u8], format: &Format) -> Option<Self> {
        let is_json = line.iter().any(|byte| b"{}".contains(byte)) || memchr::memmem::find(line, b"\":").is_some();
        if line.len() > MAX_COLUMNS * MAX_NAME_BYTES || is_json {
            return None;
        }
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
        let delimiter =
            *[b',', b';', b'\t'].iter().max_by_key(|&&delimiter| memchr::memchr_iter(delimiter, line).count())?;
        let header: Vec<Vec<u8>> = cells(line, delimiter).map(|cell| cell.trim_ascii().to_vec()).collect();
        let is_name = |name: &Vec<u8>| {
            name.len() <= MAX_NAME_BYTES
                && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"@_.:-/[]() ".contains(byte))
        };
        let prefix = header.iter().find_map(|name| {
            let (prefix, last) = name.split_at(memchr::memrchr(b'.', name)? + 1);
            (format.field(last) == Some(Field::Name)).then(|| prefix.to_vec())
        });
        let prefix = prefix.unwrap_or_default();
        let tells = |name: &Vec<u8>| {
            PAYLOADS.contains(&&*name.to_ascii_lowercase()) || format.field(bare(name, &prefix)) == Some(Field::Name)
        };
        let is_header = header.len() <= MAX_COLUMNS && header.iter().all(is_name) && header.iter().any(tells);
        is_header.then(|| Self { header, prefix, delimiter, ..Self::default() })
    }

    /// Consumes bytes up to the end of the row; returns their number.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Step) {
        let mut from = 0;
        while let Some(at) = memchr::memchr2(b'"', b'\n', bytes.get(from..).unwrap_or_default()).map(|at| from + at) {
            from = at + 1;
            if bytes.get(at) == Some(&b'"') {
                self.is_quoted = !self.is_quoted;
            } else if !self.is_quoted {
                self.keep(bytes.get(..at).unwrap_or_default());
                return (from, self.end());
            } else if self.above_limit {
                // A quote that never closes must not swallow the rest of the export.
                self.is_quoted = false;
                return (from, self.end());
            }
        }
        self.keep(bytes);
        (bytes.len(), Step::More)
    }

    /// Returns the last row, if it has no line end.
    pub(super) fn end(&mut self) -> Step {
        self.is_quoted = false;
        if std::mem::take(&mut self.above_limit) {
            self.row.clear();
            return Step::TooLong;
        }
        let row = std::mem::take(&mut self.row);
        let object = self.object(row.strip_suffix(b"\r").unwrap_or(&row));
        self.row = row;
        self.row.clear();
        Step::Row(object)
    }

    /// A row has begun.
    pub(super) fn in_row(&self) -> bool {
        !self.row.is_empty() || self.above_limit
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.row.len() + bytes.len() > MAX_RECORD_BYTES {
            self.above_limit = true;
            self.row.clear();
        } else if !self.above_limit {
            self.row.extend_from_slice(bytes);
        }
    }

    /// Returns the object of a row; `None` for an empty one, and for for the header of another export after
    /// this one.
    fn object(&self, row: &[u8]) -> Option<Vec<u8>> {
        if row.trim_ascii().is_empty() {
            return None;
        }
        let mut object = Object::default();
        let mut is_header = true;
        for (name, cell) in self.header.iter().zip(cells(row, self.delimiter)) {
            is_header &= *cell == **name;
            let is_payload = PAYLOADS.contains(&&*name.to_ascii_lowercase());
            let key = if is_payload { b"message" } else { bare(name, &self.prefix) };
            if cell.is_empty() {
                object.member(key, Value::Null);
            } else {
                object.text(key, &cell);
            }
        }
        (!is_header).then(|| object.finish())
    }
}

/// Returns the name of a column without the prefix that a log store adds to the fields of a record: that of
/// the server name's column, whatever it is.
fn bare<'a>(name: &'a [u8], prefix: &[u8]) -> &'a [u8] {
    if let Some(last) = name.strip_prefix(prefix).filter(|_| !prefix.is_empty()) {
        return last;
    }
    // Datadog's attributes.
    if let Some(attribute) = name.strip_prefix(b"@").filter(|attribute| Field::of(attribute).is_some()) {
        return attribute;
    }
    // BigQuery and Kibana write other punctuation between the two.
    name.strip_prefix(b"jsonPayload_").unwrap_or(name)
}

/// The cells of a row, without their quotes.
fn cells(row: &[u8], delimiter: u8) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut rest = Some(row);
    std::iter::from_fn(move || {
        let row = rest?;
        let Some(quoted) = row.strip_prefix(b"\"") else {
            let end = memchr::memchr(delimiter, row);
            rest = end.and_then(|end| row.get(end + 1..));
            return Some(Cow::Borrowed(row.get(..end.unwrap_or(row.len())).unwrap_or_default()));
        };
        let mut cell = Vec::new();
        let mut at = 0;
        loop {
            let Some(quote) = memchr::memchr(b'"', quoted.get(at..).unwrap_or_default()) else {
                cell.extend_from_slice(quoted.get(at..).unwrap_or_default());
                rest = None;
                break;
            };
            cell.extend_from_slice(quoted.get(at..at + quote).unwrap_or_default());
            at += quote + 1;
            if quoted.get(at) != Some(&b'"') {
                let after = quoted.get(at..).unwrap_or_default();
                let end = memchr::memchr(delimiter, after);
                rest = end.and_then(|end| after.get(end + 1..));
                break;
            }
            cell.push(b'"');
            at += 1;
        }
        Some(Cow::Owned(cell))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str, piece: usize) -> Vec<String> {
        let (header, rows) = text.split_once('\n').expect("a header");
        let mut csv = Csv::of_header(header.as_bytes(), &Format::default()).expect("it is a header");
        let mut found = Vec::new();
        let mut take = |step| match step {
            Step::Row(Some(object)) => found.push(String::from_utf8(object).expect("ASCII")),
            Step::TooLong => found.push("too long".to_owned()),
            _ => {}
        };
        for mut bytes in rows.as_bytes().chunks(piece) {
            while !bytes.is_empty() {
                let (used, step) = csv.feed(bytes);
                bytes = &bytes[used..];
                take(step);
            }
        }
        if csv.in_row() {
            take(csv.end());
        }
        found
    }

    #[test]
    fn rows_become_objects() {
        for (text, expected) in [
            (
                "insertId,jsonPayload.sni_host,jsonPayload.status\na0,,0\r\n\na1,\"x\",404",
                &[
                    r#"{"insertId":"a0","sni_host":null,"status":"0"}"#,
                    r#"{"insertId":"a1","sni_host":"x","status":"404"}"#,
                ][..],
            ),
            (
                "@timestamp;@message\n1;\"{\"\"a\"\":\n1}\"\n",
                &[r#"{"@timestamp":"1","message":"{\"a\":
1}"}"#],
            ),
            (
                "TimeGenerated [UTC]\tLogMessage\nt\t{\"a\":1}\n",
                &[r#"{"TimeGenerated [UTC]":"t","message":"{\"a\":1}"}"#],
            ),
            (
                "log_processed.sni_host,log_processed.status,labels.status\n-,0,x\n",
                &[r#"{"sni_host":"-","status":"0","labels.status":"x"}"#],
            ),
            (
                "sni_host,jsonPayload_status\na,1,2,3\nsni_host,jsonPayload_status\nb\n",
                &[r#"{"sni_host":"a","status":"1"}"#, r#"{"sni_host":"b"}"#],
            ),
        ] {
            for piece in [1, 3, 1000] {
                assert_eq!(objects(text, piece), expected, "{text}");
            }
        }
    }

    #[test]
    fn a_header_names_a_column_that_tells() {
        for line in [
            "",
            "a,b",
            "2025-06-02T10:00:01Z info log",
            "{\"message\":1}",
            "\"sni_host\":null}",
            "message, <b>",
            "GET /message",
            "resource.labels.host,status",
        ] {
            assert!(Csv::of_header(line.as_bytes(), &Format::default()).is_none(), "{line}");
        }
        for line in ["message", "\u{FEFF}\"_raw\",\"_time\"", "labels,Time,Line", "host, requested_server_name"] {
            assert!(Csv::of_header(line.as_bytes(), &Format::default()).is_some(), "{line}");
        }
    }

    #[test]
    fn an_open_quote_costs_no_more_than_a_record() {
        let open = format!("message\n\"{}\nx\n", "y\n".repeat(MAX_RECORD_BYTES));
        let found = objects(&open, 4096);
        assert_eq!(found.first().map(String::as_str), Some("too long"));
        assert_eq!(found.last().map(String::as_str), Some(r#"{"message":"x"}"#));
    }
}
