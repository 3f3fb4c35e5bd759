//! Reads a stream in a thread of its own, so that the run ends while a pipe is silent, and decompression does
//! not hold up what is done with the bytes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use crate::run::Stop;

/// Number of pieces that may wait for their receiver.
const PIECES_WAITING: usize = 4;
/// Interval at which a silent stream is checked against the end of the run.
const LOOK: Duration = Duration::from_millis(50);

/// The run has to end, and the stream with it.
#[derive(Debug, thiserror::Error)]
#[error("the run ended")]
struct Stopped;

/// A stream whose bytes are read in advance.
pub(super) struct ReadAhead {
    pieces: Receiver<io::Result<Piece>>,
    /// Buffers return here, so that their number is bounded by the pieces that wait.
    home: Sender<Vec<u8>>,
    current: Piece,
    stop: Stop,
}

/// Bytes that have been read; those up to `taken` have been used.
#[derive(Default)]
struct Piece {
    buffer: Vec<u8>,
    taken: usize,
    length: usize,
}

impl ReadAhead {
    /// Reads from what `open` returns, at most `piece` bytes at once. A pipe without a writer may block there
    /// too.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(super) fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        piece: usize,
        stop: &Stop,
    ) -> io::Result<Self> {
        let (sender, pieces) = mpsc::sync_channel(PIECES_WAITING);
        let (home, returned) = mpsc::channel();
        // The thread is not joined: a read that blocks ends with the process.
        thread::Builder::new().spawn(move || match open() {
            Ok(source) => pass(source, piece, &returned, &sender),
            Err(error) => drop(sender.send(Err(error))),
        })?;
        Ok(Self { pieces, home, current: Piece::default(), stop: stop.clone() })
    }
}

/// Returns whether a stream ended because the run has to end.
pub(in crate::gather) fn is_stopped(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Stopped>()).is_some()
}

/// Opens a file that the user names, or standard input for `-`. What may block is read in advance.
///
/// # Errors
/// The file cannot be opened.
pub(in crate::gather) fn open(name: &str, piece: usize, stop: &Stop) -> io::Result<Box<dyn Read + Send>> {
    if name == "-" {
        return Ok(Box::new(ReadAhead::new(|| Ok(io::stdin()), piece, stop)?));
    }
    if fs::metadata(name)?.is_file() {
        return Ok(Box::new(File::open(name)?));
    }
    let name = name.to_owned();
    Ok(Box::new(ReadAhead::new(move || File::open(name), piece, stop)?))
}

fn pass(mut source: impl Read, piece: usize, returned: &Receiver<Vec<u8>>, pieces: &SyncSender<io::Result<Piece>>) {
    loop {
        let mut buffer = returned.try_recv().unwrap_or_else(|_| vec![0; piece]);
        let read = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok(Piece { buffer, taken: 0, length }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_over = read.is_err();
        if pieces.send(read).is_err() || is_over {
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.taken == self.current.length {
            if self.stop.reason().is_some() {
                return Err(io::Error::other(Stopped));
            }
            let next = match self.pieces.recv_timeout(LOOK) {
                Ok(next) => next?,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            };
            let used = std::mem::replace(&mut self.current, next);
            // There is none before the first piece. The thread may have ended.
            let _ = used.buffer.is_empty() || self.home.send(used.buffer).is_ok();
        }
        let Piece { buffer: bytes, taken, length } = &mut self.current;
        let left = bytes.get(*taken..*length).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        *taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::sync::watch;

    use super::*;

    #[test]
    fn bytes_arrive_in_order_and_errors_behind_them() {
        struct Broken(u8);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 > 200 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                buffer[..3].fill(self.0);
                Ok(3)
            }
        }
        let mut source = ReadAhead::new(|| Ok(Broken(0)), 16, &Stop::never()).unwrap();
        let mut bytes = Vec::new();
        let error = source.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(bytes, (1..=200).flat_map(|number| [number; 3]).collect::<Vec<u8>>());
        assert!(
            ReadAhead::new(|| Ok(io::empty()), 16, &Stop::never()).unwrap().read(&mut [0; 4]).is_ok_and(|n| n == 0)
        );
    }

    #[test]
    fn a_silent_pipe_ends_with_the_run() {
        let (interrupt, interrupted) = watch::channel(false);
        let stop = Stop::new(None, interrupted);
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"begun").unwrap();
        let mut source = ReadAhead::new(|| Ok(reader), 16, &stop).unwrap();
        let mut bytes = [0; 5];
        source.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"begun");
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            interrupt.send(true).unwrap();
        });
        let error = source.read(&mut bytes).unwrap_err();
        assert!(is_stopped(&error), "{error:?}");
        drop(writer);
    }
}
