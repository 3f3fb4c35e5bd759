//! stand-in until the real one is merged
use crate::evidence::overrides::{OverridesFile, Place};
pub(crate) struct Change {
    pub(crate) diff: Option<String>,
    pub(crate) by_hand: Vec<Place>,
}
pub(crate) fn diff(_: &OverridesFile, _: &str) -> Change {
    Change { diff: None, by_hand: vec![] }
}
