//! Something that was seen, or the reason why it was not.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::seconds;

/// The data of one source, or why there is none.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen<T> {
    Seen(T),
    Unavailable(Unavailable),
}

impl<T> Seen<T> {
    /// The data, or the reason to hand on with `?`.
    ///
    /// # Errors
    /// The reason why this source was not seen.
    pub fn seen(&self) -> Result<&T, Unavailable> {
        match self {
            Self::Seen(data) => Ok(data),
            Self::Unavailable(why) => Err(why.clone()),
        }
    }

    /// The reason why it was not seen.
    #[must_use]
    pub fn unavailable(&self) -> Option<&Unavailable> {
        match self {
            Self::Seen(_) => None,
            Self::Unavailable(why) => Some(why),
        }
    }
}

impl<T> From<Result<T, Unavailable>> for Seen<T> {
    fn from(result: Result<T, Unavailable>) -> Self {
        result.map_or_else(Self::Unavailable, Self::Seen)
    }
}

/// Why something could not be seen.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unavailable {
    /// What was looked at, as it reads after "could not read": `ApigeeRoutes`, `the log of pod/container`.
    pub what: String,
    pub reason: Reason,
}

impl Unavailable {
    #[must_use]
    pub fn new(what: impl Into<String>, reason: Reason) -> Self {
        Self { what: what.into(), reason }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.reason)
    }
}

/// The kinds of not seeing that lead to different advice.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Reason {
    /// The answer broke off or made no sense; the text says where.
    Broken(String),
    /// The API server refused: this rule is missing.
    Forbidden {
        verb: String,
        resource: String,
        /// API group; empty for the core group.
        group: String,
        /// Empty where the rule is one for the whole cluster.
        namespace: String,
    },
    /// The run was interrupted before this was read.
    Interrupted,
    /// The server knows no such thing.
    Missing(String),
    /// The user did not ask for it; the text names the flag or command that would.
    NotRequested(String),
    /// The time allowed ran out, in milliseconds.
    TimedOut { milliseconds: u64 },
    /// No connection, or the server answered with an error; the text is the server's.
    Unreachable(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(text) | Self::Missing(text) | Self::Unreachable(text) => f.write_str(text),
            Self::Forbidden { verb, resource, group, namespace } => {
                let group = if group.is_empty() { String::new() } else { format!(".{group}") };
                let place = match namespace.as_str() {
                    "" => "for the whole cluster".to_owned(),
                    namespace => format!("in namespace {namespace}"),
                };
                write!(f, "forbidden: the rule \"{verb} {resource}{group}\" {place} is missing")
            }
            Self::Interrupted => f.write_str("the run was interrupted"),
            Self::NotRequested(text) => write!(f, "not asked for ({text})"),
            Self::TimedOut { milliseconds: short @ ..100 } => write!(f, "no answer within {short} ms"),
            Self::TimedOut { milliseconds } => {
                write!(f, "no answer within {}", seconds(Duration::from_millis(*milliseconds), 1))
            }
        }
    }
}
