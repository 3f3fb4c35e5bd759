//! The faults of one file: a bounded number, each once, in the order of the file.

use super::{MAX_FAULTS, MAX_MALFORMED};
use crate::evidence::overrides::{FaultKind, OverridesFault, Place};

/// Collects faults. Those that say that the file could not be understood have room of their own, so that a thousand
/// small faults cannot hide the one that matters.
#[derive(Default)]
pub(super) struct Faults {
    kept: Vec<OverridesFault>,
    /// How many of `kept` are [`FaultKind::Malformed`].
    malformed: usize,
    left_out: u64,
}

/// The texts of one fault.
pub(super) struct Texts {
    pub(super) path: String,
    pub(super) observed: String,
    pub(super) expected: String,
}

impl Texts {
    pub(super) fn new(path: impl Into<String>, observed: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { path: path.into(), observed: observed.into(), expected: expected.into() }
    }
}

impl Faults {
    /// Adds a fault unless the same stands already; the texts are made only where there is room.
    pub(super) fn add(&mut self, kind: FaultKind, place: Place, texts: impl FnOnce() -> Texts) {
        let malformed = kind == FaultKind::Malformed;
        let full =
            if malformed { self.malformed >= MAX_MALFORMED } else { self.kept.len() - self.malformed >= MAX_FAULTS };
        if full {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let Texts { path, observed, expected } = texts();
        // One text may be met twice, by an alias or a merge key; it is one fault.
        if !self.kept.iter().any(|fault| fault.kind == kind && fault.place == place && fault.observed == observed) {
            self.malformed += usize::from(malformed);
            self.kept.push(OverridesFault { kind, place, path, observed, expected });
        }
    }

    /// The faults in the order of the file, and the number of those that were left out.
    pub(super) fn finish(mut self) -> (Vec<OverridesFault>, u64) {
        self.kept.sort_by_key(|fault| fault.place);
        (self.kept, self.left_out)
    }
}
