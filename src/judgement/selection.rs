//! Which checks take part, and which findings decide the exit code: what the user can choose.

use crate::checks::{self, Check, Family, Level};

/// Checks that take part: all, or those of `--only`, without those of `--skip`. Entries are codes, the
/// beginnings of codes (`AT2`), names or families.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub only: Vec<String>,
    pub skip: Vec<String>,
}

impl Selection {
    /// The check takes part.
    #[must_use]
    pub fn lets_through(&self, family: &Family, check: &Check) -> bool {
        let named = |list: &[String]| list.iter().any(|entry| checks::denotes(entry, family, check));
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// The lowest level at which a finding makes the exit code 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FailOn {
    Error,
    #[default]
    Warning,
    Notice,
    Never,
}

impl FailOn {
    /// A finding of this level makes the exit code 1.
    #[must_use]
    pub fn reaches(self, level: Level) -> bool {
        match self {
            Self::Error => level >= Level::Error,
            Self::Warning => level >= Level::Warning,
            Self::Notice => true,
            Self::Never => false,
        }
    }
}
