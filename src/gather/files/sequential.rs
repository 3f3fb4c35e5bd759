//! Reads a log in order, from a stream that cannot be read in parts: a pipe, or compressed data.
//!
//! One thread reads and another uses what was read: from a pipe, the one waits for the writer while the
//! other scans. Buffers pass from the reader to the receiver and back, so that their number is bounded by the
//! pieces that wait, and none is copied.

use std::io::{self, Read};
use std::ops::{ControlFlow, Deref};
use std::sync::mpsc::{self, Sender};
use std::{mem, panic, thread};

use flate2::read::MultiGzDecoder;

use super::log_file::{LogFile, LogFileError, without_beginning};
use super::packed::{GZIP_MAGIC, HEAD_BYTES, packed, packed_or_gzip, wide};
use crate::evidence::{Reason, Unavailable};
use crate::wire::access_log::AccessLogScanner;

/// Number of pieces that may wait for their receiver: enough that reading and using them seldom alternate.
pub(super) const PIECES_WAITING: usize = 4;

/// Bytes of a piece: the more a piece holds, the seldomer the two threads wait for each other. All pieces
/// together fit the second-level cache of a server's processor.
const PIECE_BYTES: usize = 256 << 10;

/// Bytes that were read. Dropping it gives the buffer back to the reader.
pub(super) struct Piece {
    buffer: Vec<u8>,
    length: usize,
    home: Sender<Vec<u8>>,
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // The reader may have ended.
        let _ = self.home.send(mem::take(&mut self.buffer));
    }
}

/// Scans a stream from its first to its last byte.
pub(super) fn scan(name: &str, stream: impl Read, mut scanner: AccessLogScanner) -> Result<LogFile, LogFileError> {
    let (pieces, coming) = mpsc::sync_channel::<Piece>(PIECES_WAITING);
    let scan = move || {
        for piece in &coming {
            scanner.feed(&piece);
        }
        scanner.finish_with_end()
    };
    thread::scope(|scope| {
        let scanning = thread::Builder::new()
            .spawn_scoped(scope, scan)
            .map_err(|source| LogFileError::Unreadable { name: name.to_owned(), source })?;
        let hand_on = move |piece| match pieces.send(piece) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let cut = drain(name, stream, hand_on);
        let (log, ends_within_line) = scanning.join().unwrap_or_else(|fault| panic::resume_unwind(fault));
        let cut = cut?.or_else(|| ends_within_line.then(|| within_line(name)));
        Ok(LogFile { log: without_beginning(log), cut })
    })
}

/// Hands on the decompressed bytes of a stream until the receiver closes. Returns what cut the stream off, if
/// anything.
pub(super) fn drain(
    name: &str,
    mut stream: impl Read,
    hand_on: impl FnMut(Piece) -> ControlFlow<()>,
) -> Result<Option<Unavailable>, LogFileError> {
    let unreadable = |source| LogFileError::Unreadable { name: name.to_owned(), source };
    let refused = |what: String| Err(LogFileError::Format { name: name.to_owned(), what });
    let mut head = Vec::with_capacity(HEAD_BYTES);
    stream.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
    if let Some(what) = packed(&head).or(wide(&head)) {
        return refused(what.to_owned());
    }
    let is_gzip = head.starts_with(GZIP_MAGIC);
    let mut stream = Counted { inner: io::Cursor::new(head).chain(stream), bytes: 0 };
    if !is_gzip {
        let (nothing_came, end) = pass(&mut stream, hand_on);
        return match end {
            Err(source) if nothing_came => Err(unreadable(source)),
            end => Ok(end.err().map(|error| cut(name, &error, stream.bytes, ""))),
        };
    }
    let mut decoder = MultiGzDecoder::new(stream);
    let mut head = Vec::with_capacity(HEAD_BYTES);
    // The decoder reports an error once, and then the end.
    let failed = decoder.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).err();
    if let Some(what) = packed_or_gzip(&head).or(wide(&head)) {
        return refused(format!("gzip of a file that is {what}"));
    }
    let (nothing_came, end) = pass(&mut io::Cursor::new(head).chain(&mut decoder), hand_on);
    let end = failed.map_or(end, Err);
    let at = decoder.get_ref().bytes;
    match end {
        Err(source) if nothing_came => Err(LogFileError::Gzip { name: name.to_owned(), at, source }),
        end => Ok(end.err().map(|error| cut(name, &error, at, "broken gzip data: "))),
    }
}

/// Returns whether nothing came, and how the stream ended.
fn pass(stream: &mut impl Read, mut hand_on: impl FnMut(Piece) -> ControlFlow<()>) -> (bool, io::Result<()>) {
    let (home, returned) = mpsc::channel();
    let mut outline = Outline::default();
    let mut nothing_came = true;
    let end = loop {
        let mut buffer = returned.try_recv().unwrap_or_else(|_| vec![0; PIECE_BYTES]);
        match stream.read(&mut buffer) {
            Ok(0) if outline.is_open_array() => break Err(io::Error::other("the array of log entries is not closed")),
            Ok(0) => break Ok(()),
            Ok(length) => {
                let piece = Piece { buffer, length, home: home.clone() };
                nothing_came = false;
                outline.note(&piece);
                if hand_on(piece).is_break() {
                    break Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    (nothing_came, end)
}

/// Returns what is missing of a log that ends within a line.
pub(super) fn within_line(name: &str) -> Unavailable {
    let why = "its last line is a part of one, which the container runtime has split, and the rest is missing";
    Unavailable::new(format!("the rest of the access log {name}"), Reason::Broken(why.into()))
}

fn cut(name: &str, error: &io::Error, at: u64, kind: &str) -> Unavailable {
    let what = format!("the rest of the access log {name}");
    Unavailable::new(what, Reason::Broken(format!("{kind}{error}, at byte {at}")))
}

/// The first and last bytes of a log. An export that begins as an array and does not end as one was
/// truncated, and the missing part may contain the relevant records.
#[derive(Default)]
struct Outline {
    /// The first two bytes that are neither white space nor a byte-order mark.
    first: Vec<u8>,
    /// The last byte that is not white space.
    last: u8,
}

impl Outline {
    fn note(&mut self, piece: &[u8]) {
        if self.first.len() < 2 {
            let visible = piece.iter().filter(|byte| byte.is_ascii_graphic()).copied();
            self.first.extend(visible.take(2 - self.first.len()));
        }
        // The second byte of a UTF-16 character is not a character.
        if let Some(last) = piece.iter().rev().find(|byte| !byte.is_ascii_whitespace() && **byte != 0) {
            self.last = *last;
        }
    }

    fn is_open_array(&self) -> bool {
        self.first == b"[{" && self.last != b']'
    }
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.bytes += length as u64;
        Ok(length)
    }
}
