//! Data that was read, or the reason why it is unavailable.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::time_limit;

/// The data of one source, or the reason why it is unavailable.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen<T> {
    Seen(T),
    Unavailable(Unavailable),
}

impl<T> Seen<T> {
    /// Returns the data, or the reason to propagate with `?`.
    ///
    /// # Errors
    /// Returns the reason why this source is unavailable.
    pub fn seen(&self) -> Result<&T, Unavailable> {
        match self {
            Self::Seen(data) => Ok(data),
            Self::Unavailable(why) => Err(why.clone()),
        }
    }

    /// Returns the reason why the data is unavailable, if it is.
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

/// Why data could not be read.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unavailable {
    /// What was requested, as it reads after "could not read": `ApigeeRoutes`, `the log of pod/container`.
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

/// The reasons that lead to different advice.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Reason {
    /// The response was incomplete or invalid; the text says where.
    Broken(String),
    /// The API server refused the request: this RBAC rule is missing.
    Forbidden {
        verb: String,
        resource: String,
        /// API group; empty for the core group.
        group: String,
        /// Empty if the rule is cluster-wide.
        namespace: String,
    },
    /// The run was interrupted before this source was read.
    Interrupted,
    /// The server has no such resource or object.
    Missing(String),
    /// The user did not request it; the text names the flag or command that does.
    NotRequested(String),
    /// No response within the time limit.
    TimedOut { milliseconds: u64 },
    /// No connection, or the server responded with an error; the text is the server's.
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
            Self::NotRequested(text) => write!(f, "not requested ({text})"),
            Self::TimedOut { milliseconds } => {
                write!(f, "no answer within {}", time_limit(Duration::from_millis(*milliseconds)))
            }
        }
    }
}
