//! Text for people: control characters, line breaks, columns, lists, counts, timestamps and durations; and
//! the JSON of every document.
//!
//! A leaf: it depends on no other module of this crate, so that every module can use it. It does not handle
//! colours or streams.

mod count;
mod json;
mod list;
mod placeholder;
mod table;
mod time;
mod visible;
mod wrap;

pub use self::count::count;
pub use self::json::{escaped_json, json, write_json};
pub use self::list::{at_most, ending, first_of, joined, quoted_list, some_of};
pub use self::placeholder::{has_placeholder, is_placeholder_in_delimiters};
pub use self::table::{columns, pad, table, widest};
pub use self::time::{date, days, duration, moment, moment_in_heading, seconds, time_limit};
pub use self::visible::{is_hidden, visible, visible_lines, visible_start};
pub use self::wrap::{LabelledText, first_words, one_line, wrap};
