//! Ends a run and reports its progress, for all modules that wait.
//!
//! [`Stop`] ends all waits on a signal or at the deadline. [`Progress`] receives what a run is doing and
//! prints nothing itself.

pub mod progress;
pub mod stop;

pub use self::progress::{Progress, Silent};
pub use self::stop::Stop;
