//! The keys of one open mapping, to find duplicates.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::evidence::overrides::Position;

/// Up to this number of keys, a linear search is faster than a hash table.
const FEW: usize = 16;

#[derive(Default)]
pub(super) struct Keys<'a> {
    few: Vec<(Cow<'a, str>, Position)>,
    many: HashMap<Cow<'a, str>, Position>,
}

impl<'a> Keys<'a> {
    /// Returns the number of remembered keys.
    pub(super) fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }

    /// Returns the position of the first key with this name.
    pub(super) fn first(&self, key: &str) -> Option<Position> {
        let few = self.few.iter().find(|(name, _)| name == key).map(|(_, place)| *place);
        few.or_else(|| self.many.get(key).copied())
    }

    /// Remembers a key that is not a duplicate.
    pub(super) fn remember(&mut self, key: Cow<'a, str>, place: Position) {
        if self.many.is_empty() && self.few.len() < FEW {
            self.few.push((key, place));
        } else {
            self.many.extend(self.few.drain(..));
            self.many.insert(key, place);
        }
    }
}
