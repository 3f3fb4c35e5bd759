//! The collections that are open at one place of the text, and what comes next in each.

use super::Key;

/// From the outermost collection to the innermost.
pub(crate) struct Stack<'a, K> {
    collections: Vec<OpenCollection<'a, K>>,
}

/// A list or a mapping whose end has not come.
pub(crate) struct OpenCollection<'a, K> {
    /// What comes next in it.
    pub(crate) slot: Slot<'a>,
    /// It is itself the key of an entry.
    pub(crate) is_key: bool,
    /// What the visitor keeps of it.
    pub(crate) kept: K,
}

/// What comes next in a collection.
pub(crate) enum Slot<'a> {
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
    /// No collection is open: what comes is a whole document.
    pub(crate) fn is_empty(&self) -> bool {
        self.collections.is_empty()
    }

    /// How many collections are open.
    pub(crate) fn depth(&self) -> usize {
        self.collections.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &OpenCollection<'a, K>> {
        self.collections.iter()
    }

    /// The innermost collection.
    pub(crate) fn last(&self) -> Option<&OpenCollection<'a, K>> {
        self.collections.last()
    }

    /// The innermost collection.
    pub(crate) fn last_mut(&mut self) -> Option<&mut OpenCollection<'a, K>> {
        self.collections.last_mut()
    }

    /// What comes next in the innermost collection.
    pub(crate) fn slot(&self) -> Option<&Slot<'a>> {
        self.last().map(|collection| &collection.slot)
    }

    /// Whether what comes next is a key.
    pub(crate) fn expects_key(&self) -> bool {
        matches!(self.slot(), Some(Slot::Key))
    }

    /// The key whose value comes next.
    pub(crate) fn key(&self) -> Option<&Key<'a>> {
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

    /// The key of the next entry is complete.
    pub(super) fn set_key(&mut self, key: Key<'a>) {
        if let Some(collection) = self.collections.last_mut() {
            collection.slot = Slot::Value(key);
        }
    }

    /// An item or a value is complete.
    pub(super) fn advance(&mut self) {
        let Some(collection) = self.collections.last_mut() else { return };
        match &mut collection.slot {
            Slot::Item(number) => *number += 1,
            slot => *slot = Slot::Key,
        }
    }
}
