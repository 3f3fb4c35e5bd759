//! Unfinished files of this process: listed while they have a temporary name, so that a process that must
//! exit at once can remove them all.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, mem};

/// Paths of unfinished files. Locked while such a file gets or loses its name.
static NAMED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes all unfinished files, for a process that is about to exit. From here on none is created or
/// published.
pub fn abandon() {
    let mut named = named();
    for path in named.drain(..) {
        let _ = fs::remove_file(path);
    }
    // Keep the lock: whoever wants to create or publish such a file waits for the exit.
    mem::forget(named);
}

/// Locks the paths that [`abandon`] removes. No invariant spans several operations, so poisoning is harmless.
pub(super) fn named() -> MutexGuard<'static, Vec<PathBuf>> {
    NAMED.lock().unwrap_or_else(PoisonError::into_inner)
}
