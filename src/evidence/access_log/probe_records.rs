//! Records of this program's own handshakes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_KEY_BYTES, MAX_PROBE_NAMES};

/// Records of probe traffic: those with a server name that ends in
/// [`PROBE_NAME_SUFFIX`](crate::evidence::handshake::PROBE_NAME_SUFFIX), and the resets without SNI that
/// belong to them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeRecords {
    pub count: u64,
    /// `start_time` of the latest record.
    pub last: Option<Timestamp>,
    /// The latest server names, each with the `start_time` of its latest record; at most [`MAX_PROBE_NAMES`].
    pub names: BTreeMap<String, Option<Timestamp>>,
    /// `start_time` of the latest records without SNI; at most [`MAX_PROBE_NAMES`]. Envoy's counters include
    /// these handshakes and do not tell whose they are.
    #[serde(default, rename = "nameless", skip_serializing_if = "BTreeSet::is_empty")]
    pub without_sni: BTreeSet<Timestamp>,
}

impl ProbeRecords {
    /// Counts one record.
    pub fn count(&mut self, at: Option<Timestamp>, server_name: Option<&str>) {
        self.count += 1;
        self.last = self.last.max(at);
        if let Some(name) = server_name.filter(|name| name.len() <= MAX_KEY_BYTES) {
            self.note(name.to_owned(), at);
        }
    }

    /// Counts one record without SNI.
    pub fn count_without_sni(&mut self, at: Option<Timestamp>) {
        self.count(at, None);
        self.note_without_sni(at);
    }

    /// Adds the records of another part of the same log.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.last = self.last.max(other.last);
        self.note_without_sni(other.without_sni);
        for (name, at) in other.names {
            self.note(name, at);
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn note_without_sni(&mut self, times: impl IntoIterator<Item = Timestamp>) {
        self.without_sni.extend(times);
        while self.without_sni.len() > MAX_PROBE_NAMES {
            self.without_sni.pop_first();
        }
    }

    /// Drops the earliest name beyond the limit, so that the result does not depend on the order of reading;
    /// a [`Tally`] drops the largest key for the same reason.
    fn note(&mut self, name: String, at: Option<Timestamp>) {
        let last = self.names.entry(name).or_default();
        *last = (*last).max(at);
        if self.names.len() > MAX_PROBE_NAMES {
            let earliest = self.names.iter().min_by_key(|(name, at)| (**at, *name)).map(|(name, _)| name.clone());
            earliest.and_then(|name| self.names.remove(&name));
        }
    }
}
