//! What a log store was asked, and how exact its answer is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::part::{Kind, Visit, Visitor};

/// The query behind the counts of a log store.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreQuery {
    pub engine: StoreEngine,
    /// The query that selects the records, as it was sent.
    pub query: String,
    /// The window that was requested, by `start_time`.
    pub since: Timestamp,
    pub until: Timestamp,
    /// The beginning of the window is the default: no flag named one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_default_window: bool,
    pub counting: Counting,
    /// Number of requests that were sent.
    pub requests: u64,
    /// Number of records that were read here, and not only counted by the store.
    pub read: u64,
    /// Why counts are approximate, each as a sentence without a full stop; empty if all are exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approximate: Vec<String>,
    /// Resets by hour, with keys such as `2025-05-19T04:00Z`; the latest [`MAX_HOURS`] with any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hours: BTreeMap<String, HourResets>,
}

/// Maximum number of hours with resets that are kept: a year has 8,760.
pub const MAX_HOURS: usize = 10_000;

/// Resets in one hour.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HourResets {
    pub without_server_name: u64,
    pub with_server_name: u64,
}

/// The engine that holds the records.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreEngine {
    CloudLogging,
    Elasticsearch,
    OpenSearch,
}

/// Who counted, and what.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Counting {
    /// The store counted all records of its window.
    ByStore,
    /// Only records of the failing forms were requested, and counted here. `records` is the number of these.
    FailuresOnly,
}

impl StoreEngine {
    /// Returns the name of the product.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CloudLogging => "Cloud Logging",
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        }
    }
}

impl StoreQuery {
    /// Notes resets of an hour; drops the earliest hours beyond the limit.
    pub fn note_hour(&mut self, hour: String, resets: u64, with_server_name: bool) {
        let entry = self.hours.entry(hour).or_default();
        let known = if with_server_name { &mut entry.with_server_name } else { &mut entry.without_server_name };
        *known = known.saturating_add(resets);
        while self.hours.len() > MAX_HOURS {
            self.hours.pop_first();
        }
    }
}

impl Visit for StoreQuery {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            engine: _,
            query,
            since: _,
            until: _,
            is_default_window: _,
            counting: _,
            requests: _,
            read: _,
            approximate,
            hours,
        } = self;
        visitor.string(Kind::Text, query);
        visitor.strings(Kind::Text, approximate);
        visitor.keys(Kind::Word, hours);
    }
}
