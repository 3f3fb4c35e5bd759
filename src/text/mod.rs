//! Text for people: characters that a terminal would obey, line breaks, columns, lists, counts, and moments.
//!
//! A leaf: it depends on nothing else of this crate, so every room can use it. It knows no colours and no
//! streams.

mod count;
mod list;
mod table;
mod time;
mod visible;
mod wrap;

pub use self::count::count;
pub use self::list::{at_most, first_of, joined, quoted_list, some_of};
pub use self::table::{pad, table, widest};
pub use self::time::{date, days, duration, moment, moment_in_heading, seconds};
pub use self::visible::{is_hidden, visible, visible_lines, visible_start};
pub use self::wrap::{Beside, one_line, wrap};
