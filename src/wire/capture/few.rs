//! A list of a few values that needs no memory of its own: a capture has many connections.

/// At most `N` values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Few<T, const N: usize> {
    values: [T; N],
    count: usize,
}

impl<T: Copy + Default, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { values: [T::default(); N], count: 0 }
    }
}

impl<T, const N: usize> Few<T, N> {
    /// The values, in the order in which they came.
    pub(super) fn all(&self) -> &[T] {
        self.values.get(..self.count).unwrap_or_default()
    }

    /// Adds a value if there is room for it.
    pub(super) fn push(&mut self, value: T) {
        if let Some(place) = self.values.get_mut(self.count) {
            *place = value;
            self.count += 1;
        }
    }
}
