//! The terminal: where the result and everything else go, whether in colour, how wide, and what is shown meanwhile.
//!
//! Standard output is the result, standard error everything else. Only this module uses indicatif.

mod console;
pub mod progress;
pub mod streams;

pub use self::console::Console;
pub use self::progress::Reporter;
pub use self::streams::{ColorChoice, Output, Streams};
