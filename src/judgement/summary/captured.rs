//! The connections of the captures that a check reports, by kind.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::Code;
use crate::checks::facts::captured::{self, Captured};
use crate::evidence::Evidence;
use crate::text::{count, some_of};

/// Connections of a capture that fail alike, or that do not speak TLS.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapturedFailure {
    /// The check that judges them.
    pub code: Code,
    /// `server resets after a ClientHello without SNI`
    pub what: String,
    pub connections: u64,
    /// Name of the capture, and the number in it of the first packet of the first connection.
    pub file: String,
    pub packet: u64,
    /// The Wireshark display filter that shows the first connection.
    pub filter: String,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The clients with most connections, at most 32.
    pub clients: Vec<CapturedClient>,
    /// Connections of clients that `clients` does not list.
    pub other_clients: u64,
}

/// Connections of one client.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapturedClient {
    pub address: IpAddr,
    pub count: u64,
}

/// Returns the kinds of failures, the most frequent of each capture first; `None` where no capture was given.
pub(super) fn of(evidence: &Evidence) -> Option<Vec<CapturedFailure>> {
    let kinds = captured::kinds(evidence);
    (!evidence.captures.is_empty()).then(|| kinds.iter().filter_map(failure).collect())
}

fn failure(captured: &Captured<'_>) -> Option<CapturedFailure> {
    let code = captured.kind.code?;
    let tally = &captured.tally;
    let mut clients: Vec<CapturedClient> =
        tally.clients.iter().map(|(address, span)| CapturedClient { address: *address, count: span.count }).collect();
    clients.sort_by(|one, other| other.count.cmp(&one.count).then(one.address.cmp(&other.address)));
    Some(CapturedFailure {
        code,
        what: captured.kind.sentence.clone(),
        connections: tally.flows,
        file: captured.file().to_owned(),
        packet: tally.first.number,
        filter: tally.filter.clone(),
        first: tally.first_at,
        last: tally.last_at,
        clients,
        other_clients: tally.other_clients,
    })
}

impl CapturedFailure {
    /// Returns one sentence without a full stop: who, how it ended, and the first packet.
    #[must_use]
    pub fn sentence(&self) -> String {
        let clients: Vec<String> = match self.clients.as_slice() {
            [only] if self.other_clients == 0 => vec![only.address.to_string()],
            several => several.iter().map(|client| format!("{} ({})", client.address, client.count)).collect(),
        };
        let others = if self.other_clients == 0 { "" } else { " and others" };
        let who = format!("{} from {}{others}", count(self.connections, "connection"), some_of(&clients));
        format!("{who}: {} (packet {} of {})", self.what, self.packet, self.file)
    }
}
