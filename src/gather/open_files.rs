//! The number of files and connections that this process may have open. Systems set it low by default (256 or
//! 1,024), and a run over many clusters needs several connections to each.

/// Number of open files beyond which a limit is not raised.
const ENOUGH: u64 = 16 << 10;

/// Raises the limit of open files as far as the system allows, and returns it. Programs that this process
/// starts inherit it.
#[cfg(unix)]
#[must_use]
pub fn allow_open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current else { return ENOUGH };
    let wanted = maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if current >= wanted {
        return current;
    }
    // Where it cannot be raised, fewer clusters are queried at the same time.
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => wanted,
        Err(_) => current,
    }
}

/// Returns the number of files that this process may have open.
#[cfg(not(unix))]
#[must_use]
pub fn allow_open_files() -> u64 {
    ENOUGH
}
