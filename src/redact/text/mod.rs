//! Secrets in text: known by where they stand, by the name they are given, or by their shape.
//!
//! ```text
//! stream ─ engine, line by line ─┬ carry: what the lines before say
//!                                ├ patterns ─┬ pairs ─ name, value
//!                                │           └ tokens, urls, pem
//!                                ├ base64
//!                                └ the same with escapes undone: spelling
//! ```

mod engine;
mod joiner;
mod line;
mod line_state;
mod name;
mod pairs;
mod patterns;
mod pem;
mod places;
mod prefix;
mod stream;
mod tokens;
mod urls;
mod value;

pub(super) use self::engine::Engine;
pub(super) use self::line::MARK;
pub(super) use self::line_state::indentation;
pub(super) use self::patterns::Patterns;
pub use self::stream::{MAX_LINE, StreamRedactor};
pub(super) use self::value::{harmless, stays};
