//! The open collections at one position of the text, and what comes next in each.

use super::Key;

/// The open collections, from the outermost to the innermost.
pub struct Stack<'a, K> {
    collections: Vec<OpenCollection<'a, K>>,
}

/// A list or a mapping before its end.
pub struct OpenCollection<'a, K> {
    /// What comes next in the collection.
    pub slot: Slot<'a>,
    /// The collection itself is the key of an entry.
    pub is_key: bool,
    /// The visitor's state for this collection.
    pub state: K,
}

/// What comes next in a collection.
pub enum Slot<'a> {
    /// The item with this number, counted from 0.
    Item(usize),
    Key,
    /// The value of this key.
    Value(Key<'a>),
}

impl<K> Default for Stack<'_, K> {
    fn default() -> Self {
        Self { collections: Vec::new() }
    }
}

impl<'a, K> Stack<'a, K> {
    /// Returns whether no collection is open: the next value is a whole document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.collections.is_empty()
    }

    /// Returns the number of open collections.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.collections.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &OpenCollection<'a, K>> {
        self.collections.iter()
    }

    /// Returns the innermost collection.
    #[must_use]
    pub fn last(&self) -> Option<&OpenCollection<'a, K>> {
        self.collections.last()
    }

    /// Returns the innermost collection.
    pub fn last_mut(&mut self) -> Option<&mut OpenCollection<'a, K>> {
        self.collections.last_mut()
    }

    /// Returns what comes next in the innermost collection.
    #[must_use]
    pub fn slot(&self) -> Option<&Slot<'a>> {
        self.last().map(|collection| &collection.slot)
    }

    /// Returns whether a key comes next.
    #[must_use]
    pub fn expects_key(&self) -> bool {
        matches!(self.slot(), Some(Slot::Key))
    }

    /// Returns the key whose value comes next.
    #[must_use]
    pub fn key(&self) -> Option<&Key<'a>> {
        match self.slot()? {
            Slot::Value(key) => Some(key),
            Slot::Item(_) | Slot::Key => None,
        }
    }

    pub(super) fn clear(&mut self) {
        self.collections.clear();
    }

    pub(super) fn push(&mut self, collection: OpenCollection<'a, K>) {
        self.collections.push(collection);
    }

    pub(super) fn pop(&mut self) -> Option<OpenCollection<'a, K>> {
        self.collections.pop()
    }

    /// Sets the key of the next entry.
    pub(super) fn set_key(&mut self, key: Key<'a>) {
        if let Some(collection) = self.collections.last_mut() {
            collection.slot = Slot::Value(key);
        }
    }

    /// Moves on after an item or a value.
    pub(super) fn advance(&mut self) {
        let Some(collection) = self.collections.last_mut() else { return };
        match &mut collection.slot {
            Slot::Item(number) => *number += 1,
            slot => *slot = Slot::Key,
        }
    }
}
