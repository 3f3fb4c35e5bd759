//! Files of this process that have a name and are not what they are to become.
//!
//! Whoever makes one lists it; a process that is to end at once removes them all.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, mem};

/// Held while a file gets or loses its name.
static NAMED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes them all, for a process that is to end now: from here on none is made and none becomes what it was to be.
pub fn abandon() {
    let mut named = named();
    for path in named.drain(..) {
        let _ = fs::remove_file(path);
    }
    // Whoever wants to make or publish one waits for the end.
    mem::forget(named);
}

/// The names that [`abandon`] removes. Nothing is left half done under this lock.
pub(super) fn named() -> MutexGuard<'static, Vec<PathBuf>> {
    NAMED.lock().unwrap_or_else(PoisonError::into_inner)
}
