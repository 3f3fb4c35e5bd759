//! What handshakes, captures and logs showed.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JavaProfile, Leg};
use crate::evidence::capture::Outcome;
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::{Handshake, Scan};

/// A handshake of this program with a Router or a backend.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegHandshake {
    pub leg: Leg,
    /// `virtualhosts/secure`, `targetservers/orders`, `proxies/weather`
    pub object: String,
    /// Name of the target endpoint of a proxy.
    pub endpoint: Option<String>,
    /// The host alias, or the host of the target.
    pub host: String,
    pub port: u16,
    /// The port that was connected to, if `--connect-to` names another.
    #[serde(default)]
    pub connected_port: Option<u16>,
    /// The address that was connected to; absent if the name could not be resolved.
    pub address: Option<IpAddr>,
    /// A Router that the user named, or an address of `--connect-to`.
    pub given_address: bool,
    pub purpose: Purpose,
    /// The profile that was offered; absent for a current client.
    pub profile: Option<JavaProfile>,
    /// The versions offered, the oldest first.
    pub versions: Vec<String>,
    /// OpenSSL's names of the suites offered.
    pub suites: Vec<String>,
    pub handshake: Handshake,
    /// The status of the response to `HEAD /`, where that was sent.
    pub http_status: Option<u16>,
    /// What the server accepts, if it refused the ClientHello.
    pub scan: Option<Scan>,
}

/// What a handshake was made for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// As the client in question makes it.
    AsClient,
    /// With the other choice of `server_name`, for comparison.
    OtherSni,
    /// With versions and suites that the server accepts, to see its certificates.
    AsAccepted,
    /// Without the PROXY header that the virtual host requires, for comparison.
    WithoutProxyHeader,
    /// As a client without SNI, which the user expects.
    ExpectedWithoutSni,
    /// To learn whether a port without TLS settings speaks TLS.
    WithoutSettings,
}

/// Handshakes of a capture that are alike.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapturedHandshake {
    pub client: IpAddr,
    pub server: SocketAddr,
    pub count: u64,
    /// Number of the first packet, counted from 1.
    pub first_packet: u64,
    /// The Wireshark display filter of the first one.
    pub filter: String,
    /// The ClientHello is whole, so that what it lacks was not sent.
    pub is_whole: bool,
    pub server_name: Option<String>,
    /// The versions offered, the highest first.
    pub versions: Vec<String>,
    /// OpenSSL's names of the suites offered.
    pub suites: Vec<String>,
    /// Version and suite of the ServerHello.
    pub chosen: Option<(String, String)>,
    pub certificates: Vec<Certificate>,
    /// The CAs of the CertificateRequest, if there was one in clear.
    pub certificate_request: Option<Vec<String>>,
    pub client_list: ClientList,
    pub outcome: Outcome,
}

/// The Certificate message of a client.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientList {
    #[default]
    NotSeen,
    Empty,
    Sent(Vec<Certificate>),
}

/// The failed handshakes in logs of Message Processors.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MessageProcessorLog {
    /// As the user gave them.
    pub files: Vec<String>,
    /// Lines of failed handshakes of other organizations and environments, which are left aside.
    pub of_others: u64,
    /// Those organizations and environments, `ORG/ENV`, up to a limit.
    pub others: Vec<String>,
    /// A line is of the environment in question, failed or not.
    pub has_own: bool,
    /// The most frequent first.
    pub failures: Vec<LogFailure>,
    /// Failures beyond the limit, those whose texts mean the same joined: with the text of the first, and
    /// with proxy, revision and backend if these are the same in all lines. The most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<LogFailure>,
    /// Lines whose failure is beyond the limit.
    pub more: u64,
}

impl MessageProcessorLog {
    /// Returns every failure, those beyond the limit last.
    pub fn all_failures(&self) -> impl Iterator<Item = &LogFailure> {
        self.failures.iter().chain(&self.joined)
    }
}

/// Lines of a log that report the same failure.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogFailure {
    /// Name of the proxy.
    pub proxy: String,
    pub revision: String,
    /// Address and port of the backend.
    pub backend: String,
    /// Java's text; empty for a timeout.
    pub message: String,
    pub timed_out: bool,
    pub count: u64,
    /// By the clock of the log, which has no zone.
    pub first: String,
    pub last: String,
    /// Time of the first line, if it can be read, in UTC.
    pub first_at: Option<Timestamp>,
}
