//! Opens pipes and devices for writing.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long to wait for a reader of a pipe.
const READER_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens `path`. Opening a pipe blocks until it has a reader, which may be never.
///
/// # Errors
/// The path cannot be opened, or no reader opened the pipe within [`READER_TIMEOUT`].
pub(super) fn open(path: &Path) -> io::Result<File> {
    let (opened, coming) = mpsc::channel();
    let path = path.to_owned();
    // Only a reader ends the blocking call, so it gets a thread of its own, which ends with the process.
    thread::Builder::new().spawn(move || {
        // The receiver may have given up.
        let _ = opened.send(OpenOptions::new().write(true).open(path));
    })?;
    coming.recv_timeout(READER_TIMEOUT).unwrap_or_else(|_| {
        let why = format!("nobody opened the pipe for reading within {} s", READER_TIMEOUT.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    })
}
