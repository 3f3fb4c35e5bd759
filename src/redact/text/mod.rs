//! Secrets in text, recognised by their position, by the name they are given, or by their shape.
//!
//! ```text
//! stream ─ engine, line by line ─┬ line_state: what preceding lines imply
//!                                ├ patterns ─┬ pairs ─ name, value
//!                                │           └ tokens, urls, phrases, prose, shell, pem
//!                                ├ columns: cells below a header; fields: cells beside a name
//!                                ├ base64
//!                                ├ the same again with escapes undone: unescape
//!                                └ what looks random is left: random
//! ```

mod automaton;
mod columns;
mod engine;
mod entry;
mod fields;
mod held;
mod joiner;
mod line;
mod line_state;
mod members;
mod name;
mod pairs;
mod patterns;
mod pem;
mod phrases;
mod prefix;
mod prefixes;
mod prose;
mod shell;
mod spans;
mod stream;
mod tokens;
mod urls;
mod value;

pub(super) use self::engine::Engine;
pub(super) use self::line::MARK;
pub(super) use self::line_state::indentation;
pub(super) use self::pairs::is_variable_name;
pub(super) use self::patterns::Patterns;
pub use self::stream::{MAX_LINE, StreamRedactor};
pub(super) use self::value::{harmless, is_not_secret};
