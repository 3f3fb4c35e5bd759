//! The keys of one open mapping, to see a second one of the same name.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::evidence::overrides::Place;

/// Up to this many keys, looking through them is faster than a table.
const FEW: usize = 16;

#[derive(Default)]
pub(super) struct Keys<'a> {
    few: Vec<(Cow<'a, str>, Place)>,
    many: HashMap<Cow<'a, str>, Place>,
}

impl<'a> Keys<'a> {
    /// The number of keys that are remembered.
    pub(super) fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }

    /// The place of the first key, seen or remembered before.
    pub(super) fn first(&self, key: &str) -> Option<Place> {
        let few = self.few.iter().find(|(name, _)| name == key).map(|(_, place)| *place);
        few.or_else(|| self.many.get(key).copied())
    }

    /// Remembers a key that is not there yet.
    pub(super) fn remember(&mut self, key: Cow<'a, str>, place: Place) {
        if self.many.is_empty() && self.few.len() < FEW {
            self.few.push((key, place));
        } else {
            self.many.extend(self.few.drain(..));
            self.many.insert(key, place);
        }
    }
}
