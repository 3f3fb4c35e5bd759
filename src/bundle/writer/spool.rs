//! The spool: holds compressed entries until all of them are complete.
//!
//! One anonymous file serves all entries that are written at the same time. Each appends pieces and remembers
//! their positions, so memory holds one piece per open entry, and one file descriptor is enough. Pieces of
//! abandoned entries stay in the file unused.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Size of a piece: large enough for few disk writes, small enough for many open entries.
const PIECE_BYTES: usize = 128 * 1024;

/// The file and its end.
#[derive(Debug)]
pub(super) struct Spool {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    /// End of the valid bytes; what a failed write left behind it is overwritten.
    end: u64,
}

impl Spool {
    pub(super) fn new(file: File) -> Self {
        Self { inner: Mutex::new(Inner { file, end: 0 }) }
    }

    /// Copies pieces to the current position of `target`.
    pub(super) fn copy_to(&self, pieces: &[Piece], mut target: &File) -> io::Result<()> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = &inner.file;
        for piece in pieces {
            file.seek(SeekFrom::Start(piece.start))?;
            // Between files the standard library lets the kernel copy.
            if io::copy(&mut file.take(piece.bytes), &mut target)? != piece.bytes {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn append(&self, bytes: &[u8]) -> io::Result<Piece> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let start = inner.end;
        inner.file.seek(SeekFrom::Start(start))?;
        inner.file.write_all(bytes)?;
        let piece = Piece { start, bytes: bytes.len() as u64 };
        inner.end += piece.bytes;
        Ok(piece)
    }
}

/// A range of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Piece {
    start: u64,
    pub(super) bytes: u64,
}

/// The pieces of one entry in the spool, and the one still in memory.
#[derive(Debug)]
pub(super) struct SpooledEntry {
    spool: Arc<Spool>,
    pieces: Vec<Piece>,
    waiting: Vec<u8>,
}

impl SpooledEntry {
    pub(super) fn new(spool: Arc<Spool>) -> Self {
        Self { spool, pieces: Vec::new(), waiting: Vec::new() }
    }

    /// Writes the piece in memory and returns all pieces.
    pub(super) fn into_pieces(mut self) -> io::Result<Vec<Piece>> {
        self.flush()?;
        Ok(self.pieces)
    }
}

impl Write for SpooledEntry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let piece = self.spool.append(&self.waiting)?;
        self.waiting.clear();
        match self.pieces.last_mut() {
            Some(last) if last.start + last.bytes == piece.start => last.bytes += piece.bytes,
            _ => self.pieces.push(piece),
        }
        Ok(())
    }
}
