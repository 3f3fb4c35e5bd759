//! Hands the pieces of a stream to another thread: a pipe is emptied, and gzip decompressed, while the piece
//! before is worked on. A few buffers go back and forth.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Number of pieces that may wait: enough that reading and working seldom alternate.
const WAITING: usize = 4;

/// Bytes that a pipe may hold: the most that Linux grants without privileges, by default.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// The way to the other thread.
pub(super) struct Pieces {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
}

impl Pieces {
    /// Runs `read` here, and `work` on another thread with each piece that it hands on, in order. Returns the
    /// worker and the result of `read`.
    pub(super) fn worked<W: Send, R>(
        mut worker: W,
        work: impl Fn(&mut W, &[u8]) + Send,
        read: impl FnOnce(Self) -> R,
    ) -> (W, R) {
        let (full, coming) = sync_channel::<Vec<u8>>(WAITING);
        let (back, empty) = sync_channel(WAITING);
        thread::scope(|scope| {
            let working = scope.spawn(move || {
                for piece in coming {
                    work(&mut worker, &piece);
                    // The reader has enough buffers, or has ended.
                    let _ = back.try_send(piece);
                }
                worker
            });
            // The worker ends with the value that `read` owns.
            let read = read(Self { full, empty });
            match working.join() {
                Ok(worker) => (worker, read),
                Err(panicked) => resume_unwind(panicked),
            }
        })
    }

    /// Hands a piece on. Returns `Break` if the worker is gone.
    pub(super) fn hand_on(&self, piece: &[u8]) -> ControlFlow<()> {
        let mut buffer = self.empty.try_recv().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(piece);
        match self.full.send(buffer) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Lets a pipe hold more, so that writer and reader wait for each other less often. Nothing changes for
/// anything else.
#[cfg(target_os = "linux")]
pub(super) fn widen(stream: impl std::os::fd::AsFd) {
    // A system that does not grant it has the pipe that it has.
    let _ = rustix::pipe::fcntl_setpipe_size(stream, PIPE_BYTES);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn widen<S>(_: S) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_arrive_whole_and_in_order() {
        let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let (seen, sent) = Pieces::worked(
            Vec::new(),
            |seen: &mut Vec<u8>, piece| seen.extend_from_slice(piece),
            |pieces| all.chunks(777).filter(|piece| pieces.hand_on(piece).is_continue()).count(),
        );
        assert_eq!((seen, sent), (all.clone(), all.len().div_ceil(777)));
    }
}
