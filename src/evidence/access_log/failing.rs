//! Failing clients by address and server name together, for `watch`: a [`Tally`](super::Tally) counts the two
//! apart.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_KEY_BYTES, Span};

/// Maximum number of clients in one [`FailingClients`]. Records of others are counted in `beyond`.
const MAX_FAILING: usize = 2_048;

/// How connections or requests of a client fail, as the access log shows it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientFailure {
    /// Requests for another host than the server name of the connection are refused.
    OtherHost,
    /// Connections with SNI are reset: no filter chain has the server name.
    ResetWithSni,
    /// Connections without SNI are reset.
    ResetWithoutSni,
}

impl ClientFailure {
    /// Returns the name that JSON and metrics have.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OtherHost => "otherHost",
            Self::ResetWithSni => "resetWithSni",
            Self::ResetWithoutSni => "resetWithoutSni",
        }
    }
}

impl fmt::Display for ClientFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherHost => "requests for another host refused",
            Self::ResetWithSni => "reset: no filter chain has this server name",
            Self::ResetWithoutSni => "reset: the connection has no SNI",
        })
    }
}

/// A client that fails in one way.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct FailingClient {
    /// Address without port; absent if the record does not have it.
    pub client: Option<String>,
    /// In lower case; absent for a connection without SNI.
    pub server_name: Option<String>,
    pub failure: ClientFailure,
}

/// Counts of failing clients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailingClients {
    /// At most 2,048.
    pub clients: BTreeMap<FailingClient, Span>,
    /// Number of records of clients without room.
    pub beyond: u64,
}

impl FailingClients {
    /// Counts one record.
    pub fn count(
        &mut self,
        failure: ClientFailure,
        client: Option<&str>,
        server_name: Option<&str>,
        at: Option<jiff::Timestamp>,
    ) {
        let is_long = |text: Option<&str>| text.is_some_and(|text| text.len() > MAX_KEY_BYTES);
        if is_long(client) || is_long(server_name) {
            self.beyond += 1;
            return;
        }
        let key =
            FailingClient { client: client.map(str::to_owned), server_name: server_name.map(str::to_owned), failure };
        if let Some(span) = self.clients.get_mut(&key) {
            span.count(at);
        } else if self.clients.len() < MAX_FAILING {
            self.clients.insert(key, Span { count: 1, first: at, last: at });
        } else {
            self.beyond += 1;
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.beyond == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_by_address_and_name_up_to_a_limit() {
        let mut failing = FailingClients::default();
        let at = Some(jiff::Timestamp::UNIX_EPOCH);
        for _ in 0..3 {
            failing.count(ClientFailure::ResetWithoutSni, Some("10.0.0.1"), None, at);
            failing.count(ClientFailure::ResetWithSni, Some("10.0.0.1"), Some("a.example.com"), at);
        }
        assert_eq!(failing.clients.values().map(|span| span.count).collect::<Vec<_>>(), [3, 3]);
        for number in 0..MAX_FAILING {
            failing.count(ClientFailure::ResetWithSni, Some("10.0.0.1"), Some(&format!("{number}.example.com")), None);
        }
        failing.count(ClientFailure::ResetWithSni, Some("10.0.0.1"), Some(&"a".repeat(MAX_KEY_BYTES + 1)), None);
        assert_eq!((failing.clients.len(), failing.beyond), (MAX_FAILING, 3));
    }
}
