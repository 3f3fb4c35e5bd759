//! Packet captures that the user adds: validated before anything is gathered, then copied into the bundle
//! with the secrets in their packets masked. Of one that is too large, the bundle has the beginning, and the
//! failing handshakes of all captures in a file of their own.

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use super::redacting_writer::{RedactingWriter, base};
use crate::bundle::layout;
use crate::bundle::manifest::{Kept, Truncation};
use crate::commands::Error;
use crate::commands::captures::Handshakes;
use crate::plan::folder;
use crate::redact::{Pseudonyms, Redactions};
use crate::run::Stop;
use crate::wire::capture::{MAGIC_BYTES, RecordReader, Step, is_capture};

/// Maximum number of bytes of one capture in a bundle. The handshakes of a minute fit many times.
const MAX_BYTES: u64 = 512 << 20;

const WHY: &str = "recorded packets, with secrets masked";
const WHY_HANDSHAKES: &str = "the packets of failing handshakes of all captures, with secrets masked";

/// An open file that starts with the magic bytes of a capture.
pub(super) struct Capture {
    name: String,
    file: File,
}

impl Capture {
    /// Returns whether the bundle has only the beginning of it.
    pub(super) fn is_too_large(&self) -> bool {
        self.file.metadata().is_ok_and(|known| known.len() > MAX_BYTES)
    }
}

/// Opens all captures.
///
/// # Errors
/// One of them cannot be read, or is not an uncompressed pcap or pcapng file.
pub(super) fn open(names: &[String]) -> Result<Vec<Capture>, Error> {
    names.iter().map(|name| open_one(name)).collect()
}

fn open_one(name: &str) -> Result<Capture, Error> {
    let unusable =
        |why: &str, hint: &str| Error::Argument { what: format!("--pcap {name}: {why}"), hint: hint.to_owned() };
    if name == "-" {
        return Err(unusable("standard input is not supported", "give the capture as a file"));
    }
    let unreadable = |source| Error::Input { name: name.to_owned(), source };
    let mut file = opened(name).map_err(unreadable)?;
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(MAGIC_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return Err(unusable("it is compressed", "decompress it with gunzip first"));
    }
    if !is_capture(&head) {
        return Err(unusable("it is neither pcap nor pcapng", "give a file written by `tcpdump -w FILE` or Wireshark"));
    }
    Ok(Capture { name: name.to_owned(), file })
}

/// Opens a regular file. A pipe cannot be rewound after its first bytes, and may have no end.
fn opened(name: &str) -> io::Result<File> {
    if fs::metadata(name)?.is_file() {
        return File::open(name);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
}

/// Adds the captures to the bundle, in the order given.
pub(super) fn add(captures: Vec<Capture>, pseudonyms: Pseudonyms, stop: &Stop, sink: &RedactingWriter) {
    for (number, Capture { name, file }) in (1..).zip(captures) {
        let name = sink.redact_text(base(&name));
        let origin = format!("--pcap {name}");
        let path = format!("{}/{number}-{}", folder::CAPTURES, layout::segment(&name));
        if pseudonyms != Pseudonyms::None {
            let why = "withheld: --redact cannot replace hostnames and addresses in packets";
            sink.lost(&path, &origin, why);
            continue;
        }
        let whole_bytes = file.metadata().ok().map(|known| known.len());
        let entry = Entry { path: &path, origin: &origin, why: WHY };
        if let Err(error) = copy(file, whole_bytes, &entry, MAX_BYTES, stop, sink) {
            sink.lost(&path, &origin, &error.to_string());
        }
    }
}

/// Adds the packets of the failing handshakes of all captures to the bundle.
pub(in crate::commands) fn add_handshakes(handshakes: Handshakes, stop: &Stop, sink: &RedactingWriter) {
    let path = format!("{}/failing-handshakes.pcapng", folder::CAPTURES);
    let entry = Entry { path: &path, origin: "--pcap", why: WHY_HANDSHAKES };
    let Handshakes { file, left_out } = handshakes;
    if let Err(error) = copy(Cursor::new(file), None, &entry, MAX_BYTES, stop, sink) {
        sink.lost(&path, entry.origin, &error.to_string());
    }
    if left_out > 0 {
        sink.lost(&path, entry.origin, &format!("{left_out} packets of failing handshakes found no room"));
    }
}

/// What the manifest says of a capture.
struct Entry<'a> {
    path: &'a str,
    origin: &'a str,
    why: &'static str,
}

/// Copies a capture record by record. If it cannot be copied whole, the copy ends after a complete packet.
fn copy(
    source: impl Read + Send,
    whole_bytes: Option<u64>,
    entry: &Entry<'_>,
    most: u64,
    stop: &Stop,
    sink: &RedactingWriter,
) -> io::Result<()> {
    let mut reader = RecordReader::new(source);
    reader.read_secrets();
    let mut entry = sink.writer.entry(entry.path, entry.origin, entry.why);
    let mut redactions = Redactions::default();
    let mut record = Vec::new();
    let cut = loop {
        if let Some(reason) = stop.reason() {
            break Some(reason.to_string());
        }
        match reader.next_record() {
            Ok(Step::Record { kind, content }) => {
                record.clear();
                record.extend_from_slice(reader.record());
                if entry.bytes() + record.len() as u64 > most {
                    break Some(format!("limit of {most} bytes per capture"));
                }
                sink.redactor.record(kind, content, &mut record, &mut redactions);
                entry.write_all(&record)?;
            }
            // Long blocks of secrets are left out, as short ones are masked.
            Ok(Step::Secrets { .. }) => {}
            Ok(Step::End) => break None,
            Ok(Step::Skipped { bytes }) => break Some(format!("a block of {bytes} bytes is too long to be kept")),
            Ok(Step::Broken(why)) => break Some(why.text().to_owned()),
            Err(error) => break Some(error.to_string()),
        }
    };
    let truncated = cut.map(|why| Truncation { kept: Kept::Beginning, why, whole_bytes });
    entry.finish(redactions.counts(), truncated).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::bundle::objects::RoutesAndEvents;
    use crate::bundle::{BundleName, BundleReader, BundleWriter, Destination, Head};
    use crate::cli::KeptLogs;
    use crate::redact::Redactor;
    use crate::test_captures::small::{pcap, pcapng};

    const ENTRY: Entry<'_> = Entry { path: "09-captures/1-x.pcap", origin: "--pcap x.pcap", why: WHY };

    const SECRET: &[u8] = b"GET /?apikey=hunter2hunter2 HTTP/1.1\r\n";

    fn sink(folder: &Path) -> RedactingWriter {
        let name = BundleName::new(None, "apigee", "2026-11-24T20:19:22Z".parse().unwrap());
        RedactingWriter {
            writer: Arc::new(BundleWriter::create(&Destination::Folder(folder.to_owned()), &name).unwrap()),
            redactor: Arc::new(Redactor::secrets_only()),
            logs: KeptLogs::None,
            log_limit: 1,
            objects: Arc::new(Mutex::new(RoutesAndEvents::default())),
        }
    }

    /// Copies at most `most` bytes of a capture into a bundle, and returns its entry in the manifest.
    fn copied(bytes: &[u8], most: u64) -> crate::bundle::manifest::FileEntry {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.pcap");
        fs::write(&file, bytes).unwrap();
        let sink = sink(folder.path());
        let capture = open(&[file.to_str().unwrap().to_owned()]).unwrap().remove(0);
        copy(capture.file, Some(bytes.len() as u64), &ENTRY, most, &Stop::never(), &sink).unwrap();
        let writer = Arc::try_unwrap(sink.writer).unwrap();
        let path = writer.finish(Head::default()).unwrap().path.unwrap();
        BundleReader::open(path.to_str().unwrap()).unwrap().manifest().files[0].clone()
    }

    #[test]
    fn cuts_a_capture_after_a_complete_packet() {
        let whole = pcap(&[SECRET, SECRET]);
        let entry = copied(&whole, 1 << 20);
        assert_eq!((entry.bytes, entry.truncated), (whole.len() as u64, None));
        assert_eq!(entry.redactions["query-parameter"], 2);

        let one = (whole.len() - 24) / 2;
        for most in [whole.len() - 1, 24 + one] {
            let entry = copied(&whole, most as u64);
            assert_eq!(entry.bytes, 24 + one as u64);
            let truncated = entry.truncated.unwrap();
            assert_eq!((truncated.kept, truncated.whole_bytes), (Kept::Beginning, Some(whole.len() as u64)));
            assert_eq!(truncated.why, format!("limit of {most} bytes per capture"));
        }
        let entry = copied(&whole[..whole.len() - 3], 1 << 20);
        assert_eq!(entry.bytes, 24 + one as u64);
        assert_eq!(entry.truncated.unwrap().why, "the last packet is cut");
    }

    #[test]
    fn keeps_what_was_copied_when_the_run_is_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.pcap");
        fs::write(&file, pcap(&[SECRET])).unwrap();
        let sink = sink(folder.path());
        let stop = Stop::new(None, tokio::sync::watch::channel(true).1);
        copy(fs::File::open(file).unwrap(), None, &ENTRY, MAX_BYTES, &stop, &sink).unwrap();
        let written = Arc::try_unwrap(sink.writer).unwrap().finish(Head::default()).unwrap();
        let entry = &written.manifest.files[0];
        assert_eq!(entry.truncated.as_ref().unwrap().why, "the run was interrupted");
    }

    #[test]
    fn adds_the_failing_handshakes_as_a_capture_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let sink = sink(folder.path());
        let handshakes = Handshakes { file: pcapng(false, SECRET, b""), left_out: 3 };
        add_handshakes(handshakes, &Stop::never(), &sink);
        let written = Arc::try_unwrap(sink.writer).unwrap().finish(Head::default()).unwrap();
        let entry = &written.manifest.files[0];
        assert_eq!(
            (entry.path.as_str(), entry.redactions["query-parameter"]),
            ("09-captures/failing-handshakes.pcapng", 1)
        );
        assert!(written.manifest.skipped[0].why.starts_with("3 packets"));
    }

    #[test]
    fn leaves_out_session_keys() {
        let whole = pcapng(false, SECRET, b"CLIENT_RANDOM 0 1");
        let entry = copied(&whole, 1 << 20);
        assert_eq!(entry.bytes, whole.len() as u64 - 32);
        assert_eq!((entry.redactions["decryption-secrets"], entry.redactions["query-parameter"]), (1, 1));
    }
}
