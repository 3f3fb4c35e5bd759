//! Packet captures: what the files hold, and each connection in them, as totals and one by one.
//!
//! ```text
//! packets ─ connections ─ Flow ─ Summary (counts with limits)
//! ```
//!
//! A [`Flow`] is reported when its connection ends, and then dropped. Of a capture of any size, only
//! [`Capture`] is kept.

mod flow;
mod part;
mod summary;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::flow::{
    Alert, Answer, CapturedCertificate, ClientChain, End, Ending, Flow, Hello, HelloState, MAX_ALERTS, Missing,
    Outcome, PacketPlace, Preface, Resumption, ServerName, Tunnel, display_filter,
};
pub use self::summary::{ClientChainKind, Count, FlowTally, Group, NameKind, Signature, Summary};

/// The content of one or several captures, merged by time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Capture {
    /// In the order given.
    pub files: Vec<CaptureFile>,
    /// Why reading ended early; absent if it did not.
    pub interrupted: bool,
    pub traffic: Traffic,
    /// Protocols and link types that were not read, by name, with the number of packets.
    pub unread: BTreeMap<String, u64>,
    /// Losses by limits of memory.
    pub limits: LimitsReached,
    /// What was decrypted; absent without a key log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// TCP connections with other servers than the ingress, which the summary leaves out. `pcap` counts all.
    #[serde(default)]
    pub elsewhere: u64,
    /// TCP connections from loopback addresses, as the port-forwards of this program, and its own probes; the
    /// summary of a diagnosis leaves them out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub own: u64,
    pub summary: Summary,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaptureFile {
    /// The name as the user gave it; `-` is standard input.
    pub name: String,
    /// `pcap`, `nanosecond pcap`, `modified pcap` or `pcapng`; empty if it is not recognised.
    pub format: String,
    /// It was compressed with gzip.
    pub compressed: bool,
    pub packets: u64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Packets that are later in the file than one with a later time, by more than the window in which
    /// packets are sorted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub misplaced: u64,
    /// Why it could not be read to its end.
    pub damage: Option<Damage>,
}

/// Where a file stops being readable. Packets before it count.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Damage {
    /// Bytes from the beginning of the file, unpacked.
    pub offset: u64,
    /// Packets read before it.
    pub packets: u64,
    /// The file ends within a record, as when the program that wrote it was interrupted.
    pub cut: bool,
    pub what: String,
}

/// Packets by what they carry.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    pub packets: u64,
    pub tcp_segments: u64,
    /// Segments of connections that are not in the capture: an RST or ACK without data.
    pub stray_segments: u64,
    /// Packets that were captured only in part.
    pub cut_packets: u64,
    /// Fragments of IP datagrams.
    pub fragments: u64,
    pub udp_datagrams: u64,
    /// QUIC connections, by addresses and ports. Their ClientHello is encrypted and not read.
    pub quic_flows: u64,
    /// DTLS associations, by addresses and ports.
    pub dtls_flows: u64,
}

/// The use of a key log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keys {
    /// Lines of key logs, given or in the captures.
    pub lines: u64,
    /// Connections of which a record was decrypted.
    pub decrypted: u64,
    /// Handshakes whose secrets found no room.
    pub dropped: u64,
    /// Bytes of secrets in the captures that were not read: behind a limit, or of another type.
    #[serde(default)]
    pub unread: u64,
}

/// Losses by limits of memory, which are missing in the other counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsReached {
    /// Connections reported before their end, because too many were open.
    pub flows_evicted: u64,
    /// Segments out of order that were dropped.
    pub segments_dropped: u64,
    /// Certificate lists that were hashed and not described.
    pub chains_not_described: u64,
    /// Packets that `--write` left out.
    pub packets_not_written: u64,
}

impl LimitsReached {
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}
