//! The path of keys and items to a position in the file.

use std::fmt::Write;

use super::MAX_PATH;
use super::disclosure::{NameDisclosure, WITHHELD};
use crate::wire::yaml::{Slot, Stack};

/// Returns the path of the next value, and which key names may be shown below it.
pub(super) fn path<K>(open: &Stack<'_, K>) -> (String, NameDisclosure) {
    let mut path = String::new();
    let mut disclosure = NameDisclosure::default();
    for collection in open.iter() {
        let room = path.len() < MAX_PATH;
        match &collection.slot {
            Slot::Item(number) if room => {
                // Writing to a string cannot fail.
                let _ = write!(path, "[{number}]");
            }
            Slot::Value(key) => {
                let name = key.text.as_deref().unwrap_or(WITHHELD);
                if room {
                    path.push_str(if path.is_empty() { "" } else { "." });
                    path.push_str(disclosure.displayable_key(name));
                }
                // Updated even if the path is full, because it decides what may be shown below.
                disclosure = disclosure.below(name);
            }
            Slot::Item(_) | Slot::Key => {}
        }
    }
    if path.len() >= MAX_PATH {
        path.push('…');
    }
    (path, disclosure)
}
