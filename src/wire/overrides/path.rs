//! The path of keys and items to a place of the file.

use std::fmt::Write;

use super::MAX_PATH;
use super::disclosure::{Discretion, WITHHELD};
use crate::wire::yaml::{Slot, Stack};

/// The path of the value that comes now, and what may be shown below it.
pub(super) fn path<K>(open: &Stack<'_, K>) -> (String, Discretion) {
    let mut path = String::new();
    let mut discretion = Discretion::default();
    for collection in open.iter() {
        let room = path.len() < MAX_PATH;
        match &collection.slot {
            Slot::Item(number) if room => {
                // Writing to a string does not fail.
                let _ = write!(path, "[{number}]");
            }
            Slot::Value(key) => {
                let name = key.text.as_deref().unwrap_or(WITHHELD);
                if room {
                    path.push_str(if path.is_empty() { "" } else { "." });
                    path.push_str(discretion.shown_key(name));
                }
                // Counted to the end, also where the path is full.
                discretion = discretion.below(name);
            }
            Slot::Item(_) | Slot::Key => {}
        }
    }
    if path.len() >= MAX_PATH {
        path.push('…');
    }
    (path, discretion)
}
