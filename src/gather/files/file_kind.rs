//! What a file is, by its first bytes, so that a file under the wrong flag is refused with the right one.
//!
//! Only regular files are looked into: what is read of a pipe would be missing later.

use std::fs::{self, File};
use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;

use super::manifests;
use super::packed::GZIP_MAGIC;
use crate::wire::access_log::AccessLogScanner;
use crate::wire::capture::is_capture;
use crate::wire::overrides;

/// Number of bytes by which a file is known.
const LOOK: u64 = 64 << 10;

/// Where a tar archive says that it is one, the name of its first entry, and that of a bundle, in its folder.
const ENTRY: std::ops::Range<usize> = 0..100;
const USTAR: std::ops::Range<usize> = 257..262;
const MANIFEST: &[u8] = b"manifest.json";

/// The kinds of files that flags of this program take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    AccessLog,
    Bundle,
    Capture,
    Evidence,
    /// Kubernetes objects as YAML or JSON.
    Objects,
    Overrides,
    Pem,
    /// A document of this program as JSON.
    Report,
    /// A report of this program in a form for other readers: HTML, SARIF or JUnit.
    Written,
}

impl FileKind {
    /// Returns the name with its article.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::AccessLog => "an access log",
            Self::Bundle => "a support bundle",
            Self::Capture => "a packet capture",
            Self::Evidence => "the evidence of an earlier run",
            Self::Objects => "a file of Kubernetes objects",
            Self::Overrides => "an overrides file",
            Self::Pem => "a file of certificates or keys (PEM)",
            Self::Report => "a report of this program",
            Self::Written => "a report of this program (HTML, SARIF or JUnit)",
        }
    }

    /// Returns which flag takes it.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        match self {
            Self::AccessLog => "`diagnose --access-log` takes it",
            Self::Bundle | Self::Evidence => "`diagnose --from` takes it",
            Self::Capture => "`diagnose --pcap` takes it, or `kubectl apigee-tls pcap FILE`",
            Self::Objects | Self::Overrides => "`diagnose -f` takes it",
            Self::Pem => "`--ca-file` of diagnose and probe takes the CAs that clients trust",
            Self::Report => "`diagnose --baseline` takes the report of `diagnose -o json`",
            Self::Written => "it is for other programs; `diagnose --baseline` takes the report of `diagnose -o json`",
        }
    }
}

/// Returns what the file is; `None` if it is not a regular file, or of a kind that is not recognised.
#[must_use]
pub fn of_file(name: &str) -> Option<FileKind> {
    if name == "-" || !fs::metadata(name).ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    File::open(name).ok()?.take(LOOK).read_to_end(&mut head).ok()?;
    of_bytes(&head)
}

/// Returns whether these are the first bytes of a report of several contexts as JSON.
#[must_use]
pub fn is_of_several_contexts(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    text.starts_with(b"{") && own_schema(text).is_some_and(|schema| schema.starts_with("contexts/"))
}

fn of_bytes(head: &[u8]) -> Option<FileKind> {
    if !head.starts_with(GZIP_MAGIC) {
        return of_plain(head);
    }
    let mut plain = Vec::new();
    // The last member is cut where the file is longer than what was read.
    match MultiGzDecoder::new(head).take(LOOK).read_to_end(&mut plain) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => None,
        _ => of_plain(&plain).filter(|kind| *kind != FileKind::Overrides),
    }
}

fn of_plain(head: &[u8]) -> Option<FileKind> {
    if is_capture(head) {
        return Some(FileKind::Capture);
    }
    if head.get(USTAR) == Some(b"ustar") {
        let entry = head.get(ENTRY).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
        return entry.ends_with(MANIFEST).then_some(FileKind::Bundle);
    }
    let text = head.trim_ascii_start();
    if text.starts_with(b"{")
        && let Some(schema) = own_schema(text)
    {
        return Some(if schema.starts_with("evidence/") { FileKind::Evidence } else { FileKind::Report });
    }
    if is_written(text) {
        return Some(FileKind::Written);
    }
    // The last line may be cut.
    let whole = head.iter().rposition(|byte| *byte == b'\n').map_or(head, |end| &head[..end]);
    // Before logs: the format of an access log looks like a record, and both kinds of files may hold it.
    if let Some(documents) = manifests::documents(head).or_else(|| manifests::documents(whole)) {
        return documents.is_ok_and(|documents| !documents.is_empty()).then_some(FileKind::Objects);
    }
    if is_overrides(whole) {
        return Some(FileKind::Overrides);
    }
    let mut scanner = AccessLogScanner::new();
    scanner.feed(head);
    let log = scanner.finish();
    // Settings that state the format of records are no record.
    let states_format = memchr::memmem::find(head, b"accessLogFormat").is_some();
    if !states_format && log.records + log.text_records + log.foreign_records + log.other_forms > 0 {
        return Some(FileKind::AccessLog);
    }
    text.starts_with(b"-----BEGIN ").then_some(FileKind::Pem)
}

fn is_overrides(text: &[u8]) -> bool {
    let known = overrides::read(text);
    !known.virtual_hosts.is_empty() || !known.ingress_gateways.is_empty() || known.access_log.is_some()
}

/// Returns whether it is a report of this program for other readers. Their lines can be taken for those of a
/// log. No access log is HTML or XML, and none has the schema of SARIF.
fn is_written(text: &[u8]) -> bool {
    let begins = |start: &[u8]| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
    match () {
        () if begins(b"<!doctype html") || begins(b"<?xml") => has(b"kubectl-apigee-tls") || has(b"kubectl apigee-tls"),
        () => begins(b"{") && has(b"\"$schema\"") && has(b"sarif"),
    }
}

/// Returns the schema of a document of this program, such as `evidence/v1`.
fn own_schema(text: &[u8]) -> Option<&str> {
    const OWN: &[u8] = b"\"apigee-tls.";
    let key = memchr::memmem::find(text, b"\"schema\"")?;
    let value = text.get(key + b"\"schema\"".len()..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let rest = value.strip_prefix(OWN)?;
    let end = memchr::memchr(b'"', rest)?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The head of the first entry of a bundle.
    fn bundle() -> Vec<u8> {
        let name = b"apigee-tls-east-20261130T021108Z/manifest.json";
        let mut tar = vec![0; 1024];
        tar[..name.len()].copy_from_slice(name);
        tar[USTAR].copy_from_slice(b"ustar");
        tar
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let record =
            b"{\"start_time\":\"2026-11-22T09:02:40Z\",\"sni_host\":null,\"status\":0,\"response_code_details\":\
            \"filter_chain_not_found\"}\n";
        let tar = bundle();
        let capture = [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0];
        let objects = b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n";
        for (bytes, kind) in [
            (record.to_vec(), FileKind::AccessLog),
            (gzip(record), FileKind::AccessLog),
            (gzip(&tar), FileKind::Bundle),
            (capture.to_vec(), FileKind::Capture),
            (b"{\n  \"schema\": \"apigee-tls.evidence/v1\",".to_vec(), FileKind::Evidence),
            (b"{\"schema\":\"apigee-tls.report/v1\",".to_vec(), FileKind::Report),
            (
                b"<!DOCTYPE html>\n<title>kubectl apigee-tls</title>\n\"GET / HTTP/1.1\" 0 - \"-\"\n".to_vec(),
                FileKind::Written,
            ),
            (
                b"<?xml version=\"1.0\"?>\n<testsuites name=\"kubectl-apigee-tls\">\n\"GET / HTTP/1.1\" 0\n".to_vec(),
                FileKind::Written,
            ),
            (
                b"{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n  \"status\": 0,".to_vec(),
                FileKind::Written,
            ),
            (objects.to_vec(), FileKind::Objects),
            (
                b"istiod:\n  accessLogFormat: |\n    {\"sni_host\":\"%UPSTREAM_HOST%\",\"status\":\"%RESPONSE_CODE%\"}\n\
                virtualhosts:\n- name: shop\n"
                    .to_vec(),
                FileKind::Overrides,
            ),
            (b"org: o\nvirtualhosts:\n- name: shop\n".to_vec(), FileKind::Overrides),
            ([b"istiod:\n  accessLogFormat: '", &record[..record.len() - 1], b"%X%'\n"].concat(), FileKind::Overrides),
            (
                [&objects[..], b"data:\n  mesh: |\n    accessLogFormat: '", &record[..record.len() - 1], b"'\n"]
                    .concat(),
                FileKind::Objects,
            ),
            (b"-----BEGIN CERTIFICATE-----\n".to_vec(), FileKind::Pem),
        ] {
            assert_eq!(of_bytes(&bytes), Some(kind), "{}", kind.what());
        }
        for unknown in [&b""[..], b"hello\n", b"{}", b"key: value\n", b"# only a comment\n"] {
            assert_eq!(of_bytes(unknown), None);
        }
    }

    #[test]
    fn a_cut_archive_is_known_and_damage_is_no_error() {
        let noise: Vec<u8> = (0..1_u32 << 20).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
        let mut tar = bundle();
        tar.extend(noise);
        let packed = gzip(&tar);
        assert_eq!(of_bytes(&packed[..packed.len().min(64 << 10)]), Some(FileKind::Bundle));
        assert_eq!(of_bytes(&[GZIP_MAGIC, &[0xff; 40]].concat()), None);
    }
}
