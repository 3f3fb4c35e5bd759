//! The end of a run and its progress, as every room that waits needs them.
//!
//! [`Stop`] ends all waits on a signal or at the deadline; [`Progress`] is told what a run is doing and prints nothing itself.

pub mod progress;
pub mod stop;

pub use self::progress::{Progress, Silent};
pub use self::stop::Stop;
