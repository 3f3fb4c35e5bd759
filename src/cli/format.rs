//! Values of `-o`: the formats that reports have.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::report::Format;

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.name());
        Some(match self.about() {
            Some(about) => value.help(about),
            None => value,
        })
    }
}
