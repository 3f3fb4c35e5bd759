//! Collects the faults of one file: a bounded number, without duplicates, in the order of the file.

use super::{MAX_FAULTS, MAX_MALFORMED};
use crate::evidence::overrides::{FaultKind, OverridesFault, Position};

/// Collects faults. Those that end the reading have a separate limit, so that many minor faults cannot
/// displace them.
#[derive(Default)]
pub(super) struct Faults {
    kept: Vec<OverridesFault>,
    /// Number of faults of the kinds [`FaultKind::Malformed`] and [`FaultKind::Unjudged`] among `kept`.
    grave: usize,
    left_out: u64,
}

/// The texts of one fault.
pub(super) struct FaultText {
    pub(super) path: String,
    pub(super) observed: String,
    pub(super) expected: String,
}

impl FaultText {
    pub(super) fn new(path: impl Into<String>, observed: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { path: path.into(), observed: observed.into(), expected: expected.into() }
    }
}

impl Faults {
    /// Adds a fault unless it is a duplicate. Calls `texts` only if the limit is not reached.
    pub(super) fn add(&mut self, kind: FaultKind, place: Position, texts: impl FnOnce() -> FaultText) {
        let is_grave = matches!(kind, FaultKind::Malformed | FaultKind::Unjudged);
        let full = if is_grave { self.grave >= MAX_MALFORMED } else { self.kept.len() - self.grave >= MAX_FAULTS };
        if full {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let FaultText { path, observed, expected } = texts();
        // An alias or a merge key can visit the same text twice; it is one fault.
        if !self.kept.iter().any(|fault| fault.kind == kind && fault.place == place && fault.observed == observed) {
            self.grave += usize::from(is_grave);
            self.kept.push(OverridesFault { kind, place, path, observed, expected });
        }
    }

    /// Returns the faults in the order of the file, and the number of faults beyond the limits.
    pub(super) fn finish(mut self) -> (Vec<OverridesFault>, u64) {
        self.kept.sort_by_key(|fault| fault.place);
        (self.kept, self.left_out)
    }
}
