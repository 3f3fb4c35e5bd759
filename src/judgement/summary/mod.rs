//! The facts of a run as numbers and names, for programs and for the text report.
//!
//! Everything is computed from the evidence, which is redacted before it is judged, so that the summary holds
//! no name that the evidence does not hold. A source that was not seen is absent and never zero: `null` means
//! "not seen", an empty list means "seen, and there is none".

mod began;
mod captured;
mod clients;
mod gateway;
mod groups;
mod objects;
mod resets;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CheckReport, OutcomeWord};
use crate::checks::{Kind, Level, Object};
use crate::evidence::handshake::ClientHelloKind;
use crate::evidence::{Evidence, Seen};
use crate::text::{count, duration, moment};

pub use self::captured::{CapturedClient, CapturedFailure};
pub use self::clients::{Who, WhoKind};
pub use self::groups::{GroupSummary, GroupsSummary, Place, SettingKey, SettingSummary};
pub use self::objects::{CertificateInEnvoy, ServedLeaf};

/// The facts of one run. Reports of older versions lack it, and read as if nothing had been seen.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunSummary {
    /// Resets in the access logs; absent where no log was read.
    pub resets: Option<Resets>,
    /// When clients began to fail; absent where no log has a reset with a time.
    #[serde(default)]
    pub began: Option<Began>,
    /// Connections of the captures that fail or do not speak TLS; absent where no capture was given.
    #[serde(default)]
    pub captured: Option<Vec<CapturedFailure>>,
    /// The ingress pods, without those of internal chaining; absent where pods were not listed.
    pub pods: Option<Vec<PodSummary>>,
    /// The handshakes that this run made; absent where it made none.
    pub handshakes: Option<Vec<HandshakeSummary>>,
    /// The stored certificates; absent where none was requested or listed.
    pub certificates: Option<Vec<CertificateSummary>>,
    /// The ApigeeRoutes, without those of internal chaining; absent where they were not listed.
    pub routes: Option<Vec<RouteSummary>>,
    /// The environment groups, with each setting in the four places that must agree; absent in reports of
    /// older versions.
    #[serde(default)]
    pub groups: Option<GroupsSummary>,
    /// Envoy's counters; absent where no Envoy reported any.
    pub counters: Option<CounterSummary>,
    /// Number of checks by result.
    pub checks: CheckCounts,
    /// The work of gathering; absent without a cluster, and in evidence of older versions.
    pub requests: Option<RequestSummary>,
}

/// Connections that no filter chain matched, in all access logs that were read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resets {
    pub total: u64,
    pub without_server_name: u64,
    pub with_server_name: u64,
    /// `start_time` of the first and the last of them.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// The server names that were reset most often, at most 100.
    pub server_names: Vec<NameResets>,
    /// Resets with a server name that `server_names` does not list.
    pub other_server_names: Rest,
    /// The latest minutes with resets, at most 1,440, in order. Minutes without a reset are left out.
    pub per_minute: Vec<MinuteResets>,
    /// Minutes with resets before those of `per_minute`, and resets without a readable time.
    pub other_minutes: Rest,
    /// The clients that were reset most often, at most 1,000.
    pub clients: Vec<ClientResets>,
    /// Resets of clients that `clients` does not list, and of those whose address was not recorded.
    pub other_clients: Rest,
    /// By pod, those with resets, the most first.
    pub pods: Vec<PodResets>,
    /// By log file that the user gave, those with resets, the most first.
    pub files: Vec<FileResets>,
    /// By log store, in the order in which they were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<StoreResets>,
    /// Resets of all logs by hour, in order, if a log store was asked. Hours without a reset are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_hour: Vec<HourlyResets>,
    /// Number of logs that were read, and of those that could not be read to their end.
    pub logs_read: u64,
    pub logs_incomplete: u64,
}

/// Shortest history that is drawn by hour: its bars are at least an hour wide, of at most 120.
const BY_HOUR: SignedDuration = SignedDuration::from_hours(120);

impl Resets {
    /// Returns the points of the curve: minutes with resets, or hours if minutes of a long history are left
    /// out.
    #[must_use]
    pub fn curve(&self) -> Vec<MinuteResets> {
        let (first, last) = (self.per_hour.first(), self.per_hour.last());
        let is_long = first.zip(last).is_some_and(|(first, last)| last.hour.duration_since(first.hour) >= BY_HOUR);
        if !is_long || self.other_minutes.resets == 0 {
            return self.per_minute.clone();
        }
        let hours = self.per_hour.iter().map(|hour| MinuteResets {
            minute: hour.hour,
            count: hour.count,
            without_server_name: hour.without_server_name,
        });
        hours.collect()
    }
}

/// What a list leaves out.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rest {
    /// Number of known entries that the list does not have.
    pub entries: u64,
    /// Number of resets that no entry of the list counts.
    pub resets: u64,
}

/// Resets of connections for one server name.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameResets {
    pub name: String,
    pub count: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// Resets in one minute.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MinuteResets {
    /// Begin of the minute.
    pub minute: Timestamp,
    pub count: u64,
    pub without_server_name: u64,
}

/// Resets of one client.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientResets {
    /// The address as the log has it, without the port.
    pub address: String,
    pub count: u64,
    pub without_server_name: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// What the address is known to be.
    pub who: Who,
    /// Requests without SNI of the same address that were served. Served requests with SNI are not counted by
    /// client.
    pub also_served: Option<Served>,
}

/// Requests of one client that were served.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Served {
    pub without_server_name: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// Resets in the log of one pod.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodResets {
    pub pod: String,
    pub count: u64,
    pub without_server_name: u64,
}

/// Resets in one file that the user gave.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileResets {
    pub file: String,
    pub count: u64,
    pub without_server_name: u64,
}

/// Resets in one log store, and how they were counted.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreResets {
    /// The store and what was asked for in it.
    pub store: String,
    /// The product, such as `Cloud Logging`.
    pub engine: String,
    pub count: u64,
    pub without_server_name: u64,
    /// The window that was requested.
    pub since: Timestamp,
    pub until: Timestamp,
    /// The first and the last record of the gateways in it.
    pub first_record: Option<Timestamp>,
    pub last_record: Option<Timestamp>,
    /// Why counts are approximate; empty if all are exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approximate: Vec<String>,
}

/// Resets in one hour.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HourlyResets {
    /// Begin of the hour.
    pub hour: Timestamp,
    pub count: u64,
    pub without_server_name: u64,
}

/// When failures began, and what happened then.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Began {
    /// The first reset, or the first minute of the steady failure if there were stray resets before.
    pub at: Timestamp,
    /// Resets without SNI are dated; otherwise those with a server name, because there are no others.
    pub without_server_name: bool,
    /// Number of resets before `at`.
    pub resets_before: u64,
    /// How long the logs reach back before `at`.
    pub seconds_before: u64,
    /// The logs show no time with fewer resets before `at`: failures may have begun earlier.
    pub or_earlier: bool,
    /// What happened in the cluster nearest to `at`, at most five events, the nearest first.
    pub events: Vec<NearEvent>,
}

/// Something that happened near the begin of failures. It need not be their cause.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NearEvent {
    pub at: Timestamp,
    /// `created`, `started`, `container x restarted`, `Helm revision 14 of shop`
    pub what: String,
    pub object: Object,
}

impl Began {
    /// Returns one sentence without a full stop: when it began, and the latest event before.
    #[must_use]
    pub fn sentence(&self) -> String {
        let at = moment(self.at);
        let length = |seconds: u64| duration(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
        let begin = match (self.or_earlier, self.resets_before) {
            (true, _) => format!("began {at} or earlier than these logs"),
            (false, 0) => format!("began {at}, none in {} before", length(self.seconds_before)),
            (false, before) => {
                format!("began {at}, {} in {} before", count(before, "stray reset"), length(self.seconds_before))
            }
        };
        let before = self.events.iter().filter(|event| event.at <= self.at).max_by_key(|event| event.at);
        before.map_or_else(
            || begin.clone(),
            |event| {
                let passed = duration(self.at.duration_since(event.at));
                let what = match event.object.kind {
                    Kind::Secret if event.what != "created" => event.what.clone(),
                    _ => format!("{} was {}", event.object, event.what).replace(" was container ", " container "),
                };
                format!("{begin}; {passed} earlier: {what}")
            },
        )
    }
}

/// One ingress pod.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSummary {
    pub name: String,
    /// The end of the name that no other ingress pod has: `…kx2vp`. The whole name if there is none.
    pub ending: String,
    /// Label `ingress_name`, the gateway of the pod.
    pub gateway: Option<String>,
    pub phase: String,
    pub ready: bool,
    pub node: Option<String>,
    pub started_at: Option<Timestamp>,
    /// Restarts of all containers together.
    pub restarts: u64,
}

/// One handshake of this run.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandshakeSummary {
    /// Absent where the endpoint is no pod.
    pub pod: Option<String>,
    /// `Pod gw-1 port 8443`, `api.example.com:443 (203.0.113.7)`
    pub endpoint: String,
    pub kind: HelloKind,
    /// The server name that was sent.
    pub server_name: Option<String>,
    /// Made because a route or the user declares it; the others are for comparison.
    pub requested: bool,
    pub result: HandshakeResult,
    /// How it failed, or what was negotiated and which certificate was served.
    pub detail: String,
}

/// The SNI of a handshake.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HelloKind {
    /// A name that clients of the endpoint send.
    Named,
    /// A name that no route has.
    Unknown,
    WithoutSni,
}

impl From<ClientHelloKind> for HelloKind {
    fn from(kind: ClientHelloKind) -> Self {
        match kind {
            ClientHelloKind::Named => Self::Named,
            ClientHelloKind::Unknown => Self::Unknown,
            ClientHelloKind::WithoutSni => Self::WithoutSni,
        }
    }
}

/// How a handshake ended, in one word.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HandshakeResult {
    /// Refused by an alert in answer to the ClientHello.
    Alert,
    /// The server refused every protocol of ALPN.
    AlpnRefused,
    /// Failed in a way that no other word describes.
    Broken,
    /// The server refused every cipher suite.
    CipherRefused,
    ClientCertificateRejected,
    ClientCertificateRequired,
    /// Ended without an alert in answer to the ClientHello.
    Closed,
    /// The way to the server broke: its answer is unknown.
    Lost,
    NotTls,
    /// Ended by a TCP reset in answer to the ClientHello.
    Reset,
    Served,
    /// No answer within the time limit.
    Stalled,
    /// No connection, or no such name.
    Unreachable,
    VersionRefused,
}

/// One stored certificate: the leaf of a Secret or a file.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateSummary {
    /// Name of the Secret; absent for a file.
    pub secret: Option<String>,
    /// Path of the file, as overrides.yaml has it; absent for a Secret.
    pub file: Option<String>,
    /// Where it is named: the routes, or the place in overrides.yaml.
    pub used_by: Vec<String>,
    pub subject: Option<String>,
    pub serial: Option<String>,
    /// Names of subjectAltName.
    pub names: Vec<String>,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    /// Whole days from the run to `not_after`; negative once it has expired.
    pub days_left: Option<i64>,
    /// Why there is no certificate to describe.
    pub missing: Option<String>,
    /// Which Envoys have loaded it; absent where none was seen that must have it.
    #[serde(default)]
    pub in_envoy: Option<CertificateInEnvoy>,
    /// The certificates of the handshakes that must get this one; absent where no such handshake was made.
    #[serde(default)]
    pub served: Option<Vec<ServedLeaf>>,
}

/// One ApigeeRoute.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteSummary {
    pub name: String,
    /// `<org>-<environment group>`, the name of its ApigeeRouteConfig; absent for a wildcard route.
    pub group: Option<String>,
    pub hostnames: Vec<String>,
    pub state: Option<String>,
    pub enable_non_sni_client: Option<bool>,
    pub additional_gateways: Vec<String>,
    /// The Secrets that its ports name.
    pub secrets: Vec<String>,
    pub created_at: Option<Timestamp>,
}

/// What the Envoys counted of clients from their start to the first handshake of this run.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CounterSummary {
    /// Sums over the pods that report the counter, less the handshakes of earlier runs; absent where none
    /// does.
    pub without_filter_chain: Option<u64>,
    pub without_sni: Option<u64>,
    /// Connections that did not begin with a ClientHello.
    pub not_tls: Option<u64>,
    /// The handshakes of earlier runs are known from every log and subtracted. If false, they may be counted.
    pub own_subtracted: bool,
    pub pods: Vec<PodCounters>,
}

/// What one Envoy counted. A counter that it did not report is absent, not zero.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodCounters {
    pub pod: String,
    pub at: Timestamp,
    /// `no_filter_chain_match`, less the handshakes of earlier runs.
    pub without_filter_chain: Option<u64>,
    /// `tls_inspector.sni_not_found`, less the handshakes of earlier runs.
    pub without_sni: Option<u64>,
    /// `tls_inspector.tls_not_found`
    pub not_tls: Option<u64>,
}

/// Number of checks by result. Reports have every check that was selected.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckCounts {
    pub total: u64,
    /// Found, and an error.
    pub errors: u64,
    /// Found, and a warning.
    pub warnings: u64,
    /// Found, and a notice.
    pub notices: u64,
    pub passed: u64,
    pub not_applicable: u64,
    pub unknown: u64,
}

/// The work of gathering.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestSummary {
    /// Requests to the API server, port-forwards and repeated tries included.
    pub count: u64,
    /// From the first request to the last answer.
    pub milliseconds: u64,
}

/// Sums up the evidence and the checks that were judged on it.
pub(super) fn of(evidence: &Evidence, checks: &[CheckReport]) -> RunSummary {
    RunSummary {
        resets: resets::of(evidence),
        began: began::of(evidence),
        captured: captured::of(evidence),
        pods: gateway::pods(evidence),
        handshakes: gateway::handshakes(evidence),
        certificates: objects::certificates(evidence),
        routes: objects::routes(evidence),
        groups: Some(groups::of(evidence)),
        counters: gateway::counters(evidence),
        checks: CheckCounts::of(checks),
        requests: requests(evidence),
    }
}

fn requests(evidence: &Evidence) -> Option<RequestSummary> {
    let Seen::Seen(connection) = &evidence.connection else { return None };
    Some(RequestSummary { count: connection.requests?, milliseconds: connection.milliseconds? })
}

impl CheckCounts {
    pub(super) fn of(checks: &[CheckReport]) -> Self {
        let mut counts = Self::default();
        for check in checks {
            counts.total += 1;
            *match (check.outcome, check.level) {
                (OutcomeWord::Found, Level::Error) => &mut counts.errors,
                (OutcomeWord::Found, Level::Warning) => &mut counts.warnings,
                (OutcomeWord::Found, Level::Notice) => &mut counts.notices,
                (OutcomeWord::Passed, _) => &mut counts.passed,
                (OutcomeWord::NotApplicable, _) => &mut counts.not_applicable,
                (OutcomeWord::Unknown, _) => &mut counts.unknown,
            } += 1;
        }
        counts
    }
}
