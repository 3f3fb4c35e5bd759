//! The terminal: streams, colours, width and progress.
//!
//! Standard output carries the result, standard error everything else. Only this room uses indicatif.

mod console;
mod live_table;
pub mod progress;
pub mod streams;

pub use self::console::Console;
pub use self::live_table::LiveTable;
pub use self::progress::Reporter;
pub use self::streams::{ColorChoice, Output, Streams, clean_messages};
