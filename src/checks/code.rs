//! The code of a check, by which reports, `--only` and `explain` refer to it.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::RETIRED;

/// A code of the catalogue, as `AT201`. It is stable and never reused for another check.
///
/// A check defines its code in its own file. All other code uses the constants in `checks::codes`, so that a
/// mistyped code does not compile.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Code(&'static str);

impl Code {
    pub(super) const fn new(code: &'static str) -> Self {
        Self(code)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Accepts the codes of the catalogue and the retired ones. Any other code is an error.
impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut known = super::all().map(|(_, check)| check.code.0).chain(RETIRED.iter().copied());
        known.find(|code| *code == text).map(Self).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Str(&text), &"the code of a check that this version knows")
        })
    }
}

impl JsonSchema for Code {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deserializes_only_codes_of_the_catalogue() {
        for (_, check) in crate::checks::all() {
            let text = serde_json::to_string(&check.code).unwrap();
            assert_eq!(text, format!("\"{}\"", check.code));
            assert_eq!(serde_json::from_str::<Code>(&text).unwrap(), check.code);
        }
        let why = serde_json::from_str::<Code>("\"AT20\"").unwrap_err().to_string();
        assert!(why.contains("AT20") && why.contains("code of a check"), "{why}");
    }
}
