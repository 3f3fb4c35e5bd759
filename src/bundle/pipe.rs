//! A pipe or a device that something is written to.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a pipe waits for who reads it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens it. The system makes a pipe wait until somebody reads it, which may be never.
///
/// # Errors
/// It cannot be opened, or nobody reads it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let (opened, coming) = mpsc::channel();
    let path = path.to_owned();
    // Nothing ends such a wait but a reader, so that it has a thread of its own, which ends with the process.
    thread::Builder::new().spawn(move || {
        // Nobody may wait for it any more.
        let _ = opened.send(OpenOptions::new().write(true).open(path));
    })?;
    coming.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let why = format!("nobody reads that pipe, {} s after the content was ready", PATIENCE.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    })
}
