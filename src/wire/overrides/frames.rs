//! The collections that are open while the file is walked, and the path they make.

use std::fmt::Write;

use super::MAX_PATH;
use super::keys::Keys;
use super::tree::{Key, NodeId};
use super::words::{Discretion, WITHHELD};

/// A collection that is open.
pub(super) struct Frame<'a> {
    pub(super) node: Option<NodeId>,
    pub(super) purpose: Purpose,
    pub(super) shape: Shape<'a>,
    pub(super) anchor: usize,
    /// Nodes in it, aliases expanded.
    pub(super) weight: u64,
    /// It stands where a key stands.
    pub(super) is_key: bool,
}

pub(super) enum Shape<'a> {
    List { items: usize },
    Map { keys: Keys<'a>, key: Option<Key<'a>> },
}

#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Judged,
    Anchored,
}

/// The path of the value that comes now, and what may be shown below it.
pub(super) fn path(frames: &[Frame<'_>]) -> (String, Discretion) {
    let mut path = String::new();
    let mut discretion = Discretion::default();
    for frame in frames {
        let room = path.len() < MAX_PATH;
        match &frame.shape {
            Shape::List { items } if room => {
                // Writing to a string does not fail.
                let _ = write!(path, "[{items}]");
            }
            Shape::Map { key: Some(key), .. } => {
                let name = key.text.as_deref().unwrap_or(WITHHELD);
                if room {
                    path.push_str(if path.is_empty() { "" } else { "." });
                    path.push_str(discretion.shown(name));
                }
                // Counted to the end, also where the path is full.
                discretion = discretion.below(name);
            }
            Shape::List { .. } | Shape::Map { key: None, .. } => {}
        }
    }
    if path.len() >= MAX_PATH {
        path.push('…');
    }
    (path, discretion)
}
