//! Values of `-o`: the formats that reports have.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

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

/// The formats that a chain of links has: it has no findings of checks.
const OF_CHAINS: [Format; 5] = [Format::Text, Format::Wide, Format::Json, Format::Yaml, Format::Html];

/// Takes only the formats of chains, so that help and completion offer no other.
pub(super) fn of_chains() -> impl TypedValueParser<Value = Format> {
    let offered = OF_CHAINS.iter().filter_map(Format::to_possible_value);
    PossibleValuesParser::new(offered)
        .map(|name| OF_CHAINS.into_iter().find(|format| format.name() == name).unwrap_or_default())
}
