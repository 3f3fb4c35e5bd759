//! Reads an access log from a file, from standard input or from a pipe. Gzip is recognised by its content.
//!
//! All processors read a plain file at once, in parts that begin at line starts, with positioned reads into
//! small buffers. It is not mapped: the pages of a mapped gigabyte count as resident memory, and truncating a
//! mapped file kills the process. Everything else is read in order (`sequential`).

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::mpsc;

use super::sequential::{self, PIECES_WAITING, Piece};
use crate::evidence::{AccessLog, LogOrigin, LogStream, Reason, Seen, Unavailable};
use crate::gather::hybrid::retained::RetainedLog;
use crate::run::stop::Stop;
use crate::wire::access_log::{AccessLogScanner, Format, LedgerSource};

/// Bytes per read: large enough to amortise the calls, small enough for the second-level cache.
const BUFFER_BYTES: usize = 64 << 10;

/// Bytes that a pipe may hold: the default limit for a user without privileges (`pipe(7)`).
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// Name of standard input in errors.
const STANDARD_INPUT: &str = "standard input";

/// The content of a file.
#[derive(Debug)]
pub struct LogFile {
    pub log: AccessLog,
    /// Why the file could not be read to its end; `log` then holds what came before.
    pub cut: Option<Unavailable>,
}

/// Which records of a file to read, and how.
#[derive(Clone, Debug, Default)]
pub struct LogReading {
    /// Leaves out records that began before.
    pub since: Option<Timestamp>,
    /// Leaves out records that began then or later.
    pub until: Option<Timestamp>,
    /// The format that the mesh settings configure, in addition to the default ones.
    pub format: Arc<Format>,
    /// The other logs of the run, whose records are not counted again.
    pub ledger: Option<LedgerSource>,
}

impl LogReading {
    fn scanner(&self) -> AccessLogScanner {
        AccessLogScanner::new()
            .reading(Arc::clone(&self.format))
            .since(self.since)
            .until(self.until)
            .comparing(self.ledger.clone())
    }
}

/// Why a file gave nothing at all. The text follows "could not".
#[derive(Debug, Error)]
pub enum LogFileError {
    #[error("read the access log {name}: it is a directory")]
    Directory { name: String },
    #[error("read the access log {name}: it is {what}")]
    Format {
        name: String,
        /// The format and the way out, such as "compressed with zstd; unpack it with `zstd -dc`".
        what: String,
    },
    #[error("read the access log {name}: broken gzip data at byte {at}")]
    Gzip {
        name: String,
        /// Number of compressed bytes read before the error was detected.
        at: u64,
        source: io::Error,
    },
    #[error("read the access log {name}")]
    Unreadable { name: String, source: io::Error },
}

/// Reads the file of this name, or standard input for `-`.
///
/// # Errors
/// Nothing could be read. A file that breaks off later returns what came before, and where it broke off.
pub fn read(name: &str, reading: &LogReading) -> Result<LogFile, LogFileError> {
    let scanner = || reading.scanner();
    if name == "-" {
        return sequential::scan(STANDARD_INPUT, standard_input(), scanner());
    }
    let file = open(name)?;
    #[cfg(unix)]
    if let Ok(metadata) = file.metadata()
        && metadata.is_file()
        && let Some(log) = parallel::read(&file, metadata.len(), scanner)
    {
        return Ok(LogFile { log, cut: None });
    }
    sequential::scan(name, file, scanner())
}

/// Reads it once, in order, for the judgement and for `retained`, which also receives the content of a pipe.
/// If the run ends first, the content read until then counts.
///
/// # Errors
/// As for [`read`].
pub async fn read_and_retain(
    name: &str,
    reading: &LogReading,
    mut retained: Box<dyn RetainedLog>,
    stop: &Stop,
) -> Result<LogStream, LogFileError> {
    let (pieces, mut coming) = mpsc::channel::<Piece>(PIECES_WAITING);
    let file = name.to_owned();
    // A pipe without a writer blocks this thread beyond the end of the run, so the retained log must not be
    // owned by it.
    let reader = tokio::task::spawn_blocking(move || {
        let hand_on = |piece| match pieces.blocking_send(piece) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        if file == "-" {
            sequential::drain(STANDARD_INPUT, standard_input(), hand_on)
        } else {
            sequential::drain(&file, open(&file)?, hand_on)
        }
    });
    let mut scanner = reading.scanner();
    let stopped = loop {
        match stop.bound(coming.recv()).await {
            Ok(Some(piece)) => {
                scanner.feed(&piece);
                retained.feed(&piece);
            }
            Ok(None) => break None,
            Err(reason) => break Some(reason),
        }
    };
    let rest = || format!("the rest of the access log {name}");
    let cut = match stopped {
        Some(reason) => Some(Unavailable::new(rest(), reason)),
        None => match reader.await {
            Ok(Ok(cut)) => cut,
            Ok(Err(error)) => return Err(error),
            Err(_) => Some(Unavailable::new(rest(), Reason::Broken("its reader failed".into()))),
        },
    };
    let origin = LogOrigin::File(name.to_owned());
    let (log, ends_within_line) = scanner.finish_with_end();
    let cut = cut.or_else(|| ends_within_line.then(|| sequential::within_line(name)));
    let log = without_beginning(log);
    if let (0, Some(why)) = (log.bytes, &cut) {
        let why = Unavailable::new(name, why.reason.clone());
        retained.missing(why.clone());
        return Ok(LogStream { origin, log: Seen::Unavailable(why), cut: None, store: None });
    }
    retained.finish(cut.clone());
    Ok(LogStream { origin, log: Seen::Seen(log), cut, store: None })
}

fn open(name: &str) -> Result<File, LogFileError> {
    let unreadable = |source| LogFileError::Unreadable { name: name.to_owned(), source };
    let file = File::open(name).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(LogFileError::Directory { name: name.to_owned() });
    }
    if !metadata.is_file() {
        enlarge_pipe(&file);
    }
    Ok(file)
}

fn standard_input() -> io::Stdin {
    let input = io::stdin();
    enlarge_pipe(&input);
    input
}

/// Enlarges a pipe, so that its writer seldom waits. Has no effect on anything else, nor beyond the limit of
/// this user.
#[cfg(target_os = "linux")]
fn enlarge_pipe(pipe: impl std::os::fd::AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

/// The size of a pipe can be set on Linux only.
#[cfg(not(target_os = "linux"))]
fn enlarge_pipe<T>(_pipe: T) {}

/// The first bytes of a file identify no container, and which of many threads reads its first line would be
/// arbitrary.
pub(super) fn without_beginning(log: AccessLog) -> AccessLog {
    AccessLog { begins_with_record: false, ..log }
}

/// Reads one file with all processors.
#[cfg(unix)]
mod parallel {
    use std::fs::File;
    use std::io;
    use std::num::NonZero;
    use std::os::unix::fs::FileExt;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::thread;

    use memchr::memchr;

    use super::super::packed::{HEAD_BYTES, packed_or_gzip, wide};
    use super::BUFFER_BYTES;
    use crate::evidence::AccessLog;
    use crate::wire::access_log::AccessLogScanner;

    /// Bytes of a part: many more parts than processors, so that a slow one does not delay the others. A
    /// kubelet's log file has 10 MiB.
    const PART_BYTES: u64 = 1 << 20;

    /// Maximum number of threads, whatever the machine has; each costs a buffer and its counts.
    const MAX_THREADS: usize = 8;

    /// Bytes per read after the end of a part, where only the rest of a line is needed.
    const REST_BYTES: usize = 8 << 10;

    /// Reads a file of this size. Returns `None` if it must be read in order: it is small, compressed, or of
    /// records that span lines, or there was an error that only sequential reading can locate.
    pub(in crate::gather) fn read(
        file: &File,
        size: u64,
        scanner: impl Fn() -> AccessLogScanner + Sync,
    ) -> Option<AccessLog> {
        read_parts(file, size, scanner, PART_BYTES)
    }

    pub(in crate::gather) fn read_parts(
        file: &File,
        size: u64,
        scanner: impl Fn() -> AccessLogScanner + Sync,
        part_bytes: u64,
    ) -> Option<AccessLog> {
        let mut head = [0; HEAD_BYTES];
        let is_long = size > part_bytes.max(HEAD_BYTES as u64);
        if !is_long || file.read_exact_at(&mut head, 0).is_err() {
            return None;
        }
        if packed_or_gzip(&head).is_some() || wide(&head).is_some() {
            return None;
        }
        let next = AtomicU64::new(0);
        let given_up = AtomicBool::new(false);
        let work = || {
            let mut scanner = scanner();
            let mut buffer = vec![0; BUFFER_BYTES];
            while !given_up.load(Ordering::Relaxed) {
                let start = next.fetch_add(part_bytes, Ordering::Relaxed);
                if start >= size {
                    break;
                }
                let read = read_part(file, start, start.saturating_add(part_bytes), &mut buffer, &mut scanner);
                if read.is_err() || scanner.depends_on_order() {
                    given_up.store(true, Ordering::Relaxed);
                }
            }
            let (log, ends_within_line) = scanner.finish_with_end();
            if ends_within_line {
                given_up.store(true, Ordering::Relaxed);
            }
            log
        };
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
        let log = thread::scope(|scope| {
            let others: Vec<_> =
                (1..threads).map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
            let mut log = work();
            for other in others {
                log.merge(other.join().ok()?);
            }
            Some(super::without_beginning(log))
        });
        log.filter(|_| !given_up.load(Ordering::Relaxed))
    }

    /// Reads the lines that begin from `start` to before `end`, each to its own end.
    fn read_part(
        file: &File,
        start: u64,
        end: u64,
        buffer: &mut [u8],
        scanner: &mut AccessLogScanner,
    ) -> io::Result<()> {
        // A line begins at `start` if the byte before it ends one, so the search begins there.
        let mut at = start.saturating_sub(1);
        let mut in_earlier_line = start > 0;
        loop {
            let wanted = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).max(REST_BYTES);
            let length = buffer.len().min(wanted);
            let length = match file.read_at(buffer.get_mut(..length).unwrap_or_default(), at) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut bytes = buffer.get(..length).unwrap_or_default();
            at += length as u64;
            if in_earlier_line {
                let Some(line_end) = memchr(b'\n', bytes) else {
                    if at >= end {
                        return Ok(());
                    }
                    continue;
                };
                bytes = bytes.get(line_end + 1..).unwrap_or_default();
                if at - bytes.len() as u64 >= end {
                    return Ok(());
                }
                in_earlier_line = false;
            }
            if at < end {
                scanner.feed(bytes);
            } else {
                // The last line of the part ends at the first line end at or after its last byte.
                let beyond = usize::try_from(at - (end - 1)).unwrap_or(usize::MAX);
                let from = bytes.len().saturating_sub(beyond);
                if let Some(line_end) = bytes.get(from..).and_then(|rest| memchr(b'\n', rest)) {
                    scanner.feed(bytes.get(..=from + line_end).unwrap_or_default());
                    return Ok(());
                }
                scanner.feed(bytes);
            }
            if scanner.depends_on_order() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const RECORD: &str = concat!(
        r#"{"remote_address":"10.0.0.5:1","sni_host":null,"start_time":"2025-06-02T10:00:01.005Z","#,
        r#""status":0,"status_details":"filter_chain_not_found","upstream_response_flags":"NR"}"#,
        "\n"
    );

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    }

    fn read_bytes(bytes: &[u8]) -> Result<LogFile, LogFileError> {
        sequential::scan("x.log", bytes, AccessLogScanner::new())
    }

    #[test]
    fn gzip_is_known_by_its_content_and_may_have_several_members() {
        let members = [gzip(RECORD), gzip(&RECORD.repeat(3))].concat();
        let file = read_bytes(&members).expect("it is whole");
        assert_eq!((file.log.reset_without_sni.count, file.cut), (4, None));
        for short in [&b""[..], b"\x1F", b"\x1F\x8B", b"{}"] {
            assert!(read_bytes(short).expect("a short file is a file").cut.is_none());
        }
    }

    #[test]
    fn formats_that_are_not_read_are_refused_by_their_first_bytes() {
        let wide = |text: &str, big: bool| -> Vec<u8> {
            let bytes = |letter: char| {
                let number = u32::from(letter);
                if big { number.to_be_bytes() } else { number.to_le_bytes() }
            };
            text.chars().flat_map(bytes).collect()
        };
        for (bytes, expected) in [
            (b"\x28\xB5\x2F\xFD\x04\0abcdefgh".to_vec(), "compressed with zstd; unpack it with `zstd -dc`"),
            (b"\xFD7zXZ\0\0\x04abcdefgh".to_vec(), "compressed with xz; unpack it with `xz -dc`"),
            (b"BZh91AY&SYabcdefgh".to_vec(), "compressed with bzip2; unpack it with `bzip2 -dc`"),
            (b"PK\x03\x04\x14\0\0\0abcdefgh".to_vec(), "a zip archive; unpack it with `unzip`"),
            (wide(RECORD, false), "in UTF-32; convert it with `iconv -f UTF-32 -t UTF-8`"),
            (wide(&format!("\u{FEFF}{RECORD}"), true), "in UTF-32; convert it with `iconv -f UTF-32 -t UTF-8`"),
        ] {
            let error = read_bytes(&bytes).expect_err("it is not read").to_string();
            assert_eq!(error, format!("read the access log x.log: it is {expected}"));
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).expect("memory");
            let error = read_bytes(&encoder.finish().expect("memory")).expect_err("it is not read").to_string();
            assert!(error.ends_with(&format!("it is gzip of a file that is {expected}")), "{error}");
        }
        let mut twice = GzEncoder::new(Vec::new(), Compression::fast());
        twice.write_all(&gzip(RECORD)).expect("memory");
        let error = read_bytes(&twice.finish().expect("memory")).expect_err("it is not read").to_string();
        assert!(
            error.ends_with("it is gzip of a file that is compressed with gzip; unpack it with `gzip -dc`"),
            "{error}"
        );
    }

    #[test]
    fn broken_gzip_data_gives_what_came_before() {
        let mut text = String::new();
        for minute in 0..20_000 {
            text.push_str(&RECORD.replace("10.0.0.5:1", &format!("10.0.{}.{}:1", minute % 251, minute * 7919 % 253)));
        }
        let mut bytes = gzip(&text);
        bytes.truncate(bytes.len() / 2);
        let file = read_bytes(&bytes).expect("half of it is readable");
        let why = file.cut.expect("it breaks off").to_string();
        assert!(file.log.records > 5_000, "{}", file.log.records);
        assert!(why.starts_with("the rest of the access log x.log: broken gzip data: "), "{why}");
        assert!(why.ends_with(&format!("at byte {}", bytes.len())), "{why}");

        // Only the header of a gzip file is present.
        let error = read_bytes(&gzip(RECORD)[..10]).expect_err("nothing of it is readable");
        assert_eq!(error.to_string(), "read the access log x.log: broken gzip data at byte 10");

        let followed = [gzip(RECORD), b"garbage".to_vec()].concat();
        let file = read_bytes(&followed).expect("the member is whole");
        assert_eq!((file.log.records, file.cut.is_some()), (1, true));
    }

    #[test]
    fn unreadable_files_are_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = folder.path().display().to_string();
        let missing = format!("{name}/missing.log");
        let error = read(&missing, &LogReading::default()).expect_err("there is none");
        assert_eq!(error.to_string(), format!("read the access log {missing}"));
        let error = read(&name, &LogReading::default()).expect_err("it is a directory");
        assert!(matches!(error, LogFileError::Directory { .. } | LogFileError::Unreadable { .. }), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn parallel_and_sequential_reading_agree() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        let mut text = String::new();
        for i in 0..300 {
            text.push_str(&RECORD.replace("10.0.0.5", &format!("10.0.0.{}", i * i % 17)));
            text.push_str(&"x".repeat(i % 40));
            text.push_str(["\n", "\r\n", "\n\n", ""][i % 4]);
        }
        for text in [text.as_str(), text.trim_end(), &text.replace("x\n", "x")] {
            fs::write(&path, text).expect("a file");
            let in_order = read_bytes(text.as_bytes()).expect("it is whole").log;
            let file = File::open(&path).expect("it was written");
            for part in [1, 2, 7, 150, 151, 152, 1000, 4096] {
                let log = parallel::read_parts(&file, text.len() as u64, AccessLogScanner::new, part);
                assert_eq!(log.as_ref(), Some(&in_order), "parts of {part}");
            }
        }
    }

    #[test]
    fn an_array_that_is_not_closed_was_cut() {
        let wide = |text: &str| -> Vec<u8> {
            std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        };
        for (text, is_cut) in [("[{\"a\":1}]\n", false), ("[\n{\"a\":1},\n", true), ("[{\"a\":1}", true)] {
            for bytes in [text.as_bytes().to_vec(), wide(text)] {
                assert_eq!(read_bytes(&bytes).expect("it is readable").cut.is_some(), is_cut, "{text}");
            }
        }
    }

    #[test]
    fn a_line_whose_rest_is_missing_was_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        let whole = format!("2025-06-02T10:00:01.5Z stdout F {RECORD}");
        let (begin, rest) = RECORD.trim_end().split_at(60);
        let part = format!("2025-06-02T10:00:01.5Z stdout P {begin}");
        let end = format!("\n2025-06-02T10:00:01.5Z stdout F {rest}\n");
        for (last, is_cut) in
            [("", false), (&*part, true), (&*format!("{part}\n"), true), (&*(part.clone() + &end), false)]
        {
            for lines in [1, 10_000] {
                fs::write(&path, whole.repeat(lines) + last).expect("a file");
                let file = read(&path.display().to_string(), &LogReading::default()).expect("it is readable");
                assert_eq!(file.cut.is_some(), is_cut, "{last} after {lines} lines");
                assert!(file.log.records >= lines as u64);
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_document_is_read_sequentially() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.json");
        let text = format!("{}{{\n\"log\": 1\n}}\n{RECORD}", RECORD.repeat(50));
        fs::write(&path, &text).expect("a file");
        let file = File::open(&path).expect("it was written");
        assert_eq!(parallel::read_parts(&file, text.len() as u64, AccessLogScanner::new, 500), None);
        assert_eq!(read(&path.display().to_string(), &LogReading::default()).expect("a file").log.records, 51);
    }
    #[test]
    #[cfg(unix)]
    fn records_of_probe_traffic_are_read_sequentially() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        let own = RECORD.replace("null", "\"x.apigee-tls.invalid\"");
        let text = format!("{}{own}{}", RECORD.repeat(50), RECORD.repeat(50));
        fs::write(&path, &text).expect("a file");
        let file = File::open(&path).expect("it was written");
        for part in [1, 151, 500, 4096] {
            assert_eq!(parallel::read_parts(&file, text.len() as u64, AccessLogScanner::new, part), None);
        }
        let log = read(&path.display().to_string(), &LogReading::default()).expect("a file").log;
        assert_eq!((log.own.count, log.reset_without_sni.count), (2, 99));
    }
}
