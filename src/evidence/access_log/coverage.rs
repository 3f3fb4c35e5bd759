//! How much of logs was read while they were followed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much was read, and what was missed, since the logs are followed.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Pods whose log is read at the moment.
    pub pods: u64,
    /// Containers whose log cannot be read at the moment.
    pub lost: u64,
    pub lines: u64,
    pub bytes: u64,
    /// Access-log records among the lines.
    pub records: u64,
    /// Streams that were opened again after one broke off.
    pub reconnects: u64,
    /// Times at which lines may be missing.
    pub gaps: u64,
    /// Messages of the kubelet in place of lines.
    pub unreadable: u64,
    /// Lines that are longer than is read.
    pub cut: u64,
}
