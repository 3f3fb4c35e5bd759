//! TLS handshakes that this program made: the endpoints, what was negotiated, and how each handshake ended.
//!
//! A handshake is a fact like a log line. Checks judge what it means, who is at fault and what helps.

mod display;
mod legacy;
mod visit;

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::part::{Extent, Gap, Part, not_requested, whole};
use super::{Seen, Source, Unavailable};

pub use self::display::alert_name;
pub use self::legacy::{is_legacy_suite, is_legacy_version};

/// Suffix of every server name that this program generates. RFC 6761 §6.4 guarantees that no such name
/// exists.
pub const PROBE_NAME_SUFFIX: &str = ".apigee-tls.invalid";

/// All handshakes of a run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probes {
    /// What every handshake offered and expected.
    pub question: ProbeQuestion,
    /// In the order requested.
    pub endpoints: Vec<Endpoint>,
    /// What should have been probed and was not: a forbidden port-forward, hostnames beyond the limit.
    pub unprobed: Vec<Unavailable>,
}

/// The options that apply to every handshake.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeQuestion {
    /// A server name that no route can have: `<random>.apigee-tls.invalid` (RFC 6761 §6.4). It identifies
    /// probe traffic of this run in access logs.
    pub unknown_name: String,
    /// `--tls-min`, such as `TLSv1.2`.
    pub min_version: Option<String>,
    pub max_version: Option<String>,
    /// `--ciphers`, in OpenSSL's syntax.
    pub ciphers: Option<String>,
    /// `--client`, such as `java8-classic`: the client that the handshakes are made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The protocols offered in ALPN.
    pub alpn: Vec<String>,
    /// The CAs that certificates were verified with.
    pub trust: Trust,
    /// The file of the offered client certificate.
    pub client_certificate: Option<String>,
    /// The file of its key, if it is a different file.
    pub client_key: Option<String>,
    /// `--proxy-protocol`: each connection began with a PROXY protocol header.
    pub proxy_protocol: bool,
    /// The proxy that connections passed through, without user and password.
    pub via_proxy: Option<String>,
    /// Time limit for one handshake, in milliseconds.
    pub timeout_milliseconds: u64,
}

/// The CAs that a served certificate is verified with.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// The CAs of `--ca-file`.
    File(String),
    /// The CAs of this machine. Which CAs the clients trust is not known.
    #[default]
    System,
}

/// One address that received handshakes for one host.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    pub place: EndpointOrigin,
    /// The host that the user or a route names: a DNS name in ASCII and lower case, or an IP address.
    /// Certificates are compared with it. Absent for a pod or an address that was probed without a host.
    pub host: Option<String>,
    pub port: u16,
    /// The requested port, if the connection went to another port in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_port: Option<u16>,
    /// The address of the connection; absent if the name could not be resolved or a pod was reached through a
    /// port-forward.
    pub address: Option<IpAddr>,
    pub handshakes: Vec<Handshake>,
    /// The scan of `--full`; without that option `NotRequested`.
    pub scan: Seen<Scan>,
}

/// How the address of an endpoint was found, from the pod up to the client.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EndpointOrigin {
    /// An ingress pod, reached through the API server.
    Pod { pod: String },
    /// An address of a Service that selects ingress pods.
    Service { service: String },
    /// A route's hostname, resolved by DNS.
    Dns,
    /// Given on the command line.
    Given,
}

/// One handshake.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Handshake {
    pub kind: ClientHelloKind,
    /// The server name that was sent.
    pub server_name: Option<String>,
    /// The handshake that the user requested or that a route promises. The others are for comparison.
    #[serde(rename = "asked")]
    pub requested: bool,
    pub started_at: Timestamp,
    pub milliseconds: u64,
    /// What was negotiated, as far as the handshake got.
    pub session: Option<Session>,
    /// The list that the server sent; leaf first if the server sends the correct order.
    pub certificates: Vec<Certificate>,
    /// Absent if the server sent no certificate or none was to be verified.
    pub verification: Option<Verification>,
    pub client_certificate: ClientCertificate,
    /// In TLS 1.3 the server requested a client certificate and did not respond to the one it received, or to
    /// an empty list, within the time limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
    /// Number of the warning alert that the server sent before its ServerHello or certificate, such as 112
    /// for a server name that it does not know. The handshake went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<u8>,
    /// Absent if the handshake succeeded.
    pub failure: Option<Failure>,
}

/// The server name in a ClientHello.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientHelloKind {
    /// The name that clients of this endpoint send.
    Named,
    /// Without SNI.
    #[serde(rename = "nameless")]
    WithoutSni,
    /// A name that no route has.
    Unknown,
}

/// The parameters that both sides negotiated.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// Negotiated version, such as `TLSv1.3`.
    pub protocol: String,
    /// OpenSSL's name of the cipher suite.
    pub cipher: String,
    pub alpn: Option<String>,
    /// The group of the key exchange, such as `X25519MLKEM768`.
    pub group: Option<String>,
    /// Whether the server stapled an OCSP response; absent if it was not requested.
    pub stapled: Option<bool>,
}

/// Result of verifying the served list against the trusted CAs. Names are compared by
/// [`Certificate::covers`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// OpenSSL's `X509_V_ERR_…` as a number; 0 if the list is trusted. Dates are not verified here.
    pub code: i32,
    /// OpenSSL's text for the code.
    pub message: String,
    /// Depth in the path at which verification failed; the leaf has depth 0.
    pub depth: u32,
    /// If an issuer is neither in the list nor trusted: the trusted CAs of its organization, by subject. The
    /// issuer may be an intermediate below one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
}

/// Whether the server requested a client certificate.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientCertificate {
    /// The handshake ended before this was known.
    #[default]
    Unknown,
    #[serde(rename = "notAsked")]
    NotRequested,
    /// Requested, with the names of the CAs that the server lists. TLS 1.3 encrypts them: `None` means "not
    /// seen".
    #[serde(rename = "asked")]
    Requested(Option<Vec<String>>),
}

/// How a handshake failed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    pub stage: Stage,
    pub by: Party,
    pub how: How,
}

/// How far the handshake got.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// DNS lookup of the name.
    Lookup,
    /// TCP connection, or the port-forward in its place.
    Connect,
    /// The proxy was sent a CONNECT request.
    Proxy,
    /// The ClientHello was sent, or was about to be; the server sent nothing of TLS.
    ClientHello,
    /// The server has begun its first flight.
    ServerFlight,
    /// The client has sent its second flight; the server has not accepted it.
    ClientFlight,
    /// The handshake was complete for the client.
    Established,
}

/// Who ended the handshake.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Party {
    /// This program.
    Client,
    /// The DNS resolver.
    Resolver,
    Proxy,
    /// The server, or a middlebox that responds in its place: the two cannot be distinguished.
    Server,
    /// What carries the bytes: the API server's port-forward, or a network that gave up. It tells nothing of
    /// the other end.
    Transport,
    /// Nobody answered.
    Nobody,
}

/// How the handshake ended.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum How {
    Alert {
        /// 1 is warning, 2 is fatal.
        level: u8,
        /// Number of the `AlertDescription`.
        number: u8,
    },
    /// End of the stream without an alert.
    Closed,
    /// This program's TLS library aborted the handshake; the text is the library's.
    Local(String),
    /// Bytes that look like TLS and violate it; the text names the violation.
    Malformed(String),
    /// The name exists and has no address of the requested family.
    NoAddress,
    /// No such name.
    NoSuchName,
    /// The response is not TLS.
    NotTls { speaks: NotTls, sample: String },
    /// Any other failure; the text is the system's or the server's.
    Other(String),
    /// The proxy's response to CONNECT.
    ProxyRefused { status: u16, reason: String },
    /// The port is closed.
    Refused,
    /// TCP reset.
    Reset,
    /// No more bytes within this time limit.
    TimedOut { milliseconds: u64 },
    /// No route to the address; the text is the system's.
    Unreachable(String),
}

impl How {
    /// The connection ends without an alert: by a reset, an end of the stream, or silence.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self, Self::Reset | Self::Closed | Self::TimedOut { .. })
    }

    /// Both connections end without an alert, both by silence or neither.
    #[must_use]
    pub fn ends_like(&self, other: &Self) -> bool {
        let is_silent = |how: &Self| matches!(how, Self::TimedOut { .. });
        self.is_ending() && other.is_ending() && is_silent(self) == is_silent(other)
    }
}

/// The protocol of a peer that does not speak TLS.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NotTls {
    Ftp,
    Http,
    /// An HTTP/2 SETTINGS frame.
    Http2,
    Imap,
    MySql,
    Pop3,
    Smtp,
    Ssh,
    Unknown,
}

/// The versions and cipher suites that an endpoint accepts. Each version takes one connection for every
/// accepted suite and one more.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scan {
    /// By version, `SSLv3` first, `TLSv1.3` last.
    pub versions: Vec<VersionScan>,
    /// Number of connections, without those of the handshakes.
    pub connections: u32,
    /// Duration of the scan; 0 in evidence of older versions.
    #[serde(default)]
    pub milliseconds: u64,
}

/// One version of TLS.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionScan {
    /// `SSLv3`, `TLSv1.0`, … `TLSv1.3`
    pub version: String,
    /// OpenSSL's names of the suites, in the order in which the server chose them when offered all remaining
    /// ones. A suite without a name is written as `0xC0FF`.
    pub suites: Vec<String>,
    /// How the server refused the version, or its remaining suites. The server accepts the version if
    /// `suites` is not empty.
    pub refusal: Option<Failure>,
    /// Why the scan of this version is incomplete; absent if it completed.
    pub cut: Option<Unavailable>,
}

impl Endpoint {
    /// Returns the display name: `api.example.com:443`, `Pod gw-1 port 8443`.
    #[must_use]
    pub fn name(&self) -> String {
        let port = self.port;
        match (&self.place, &self.host, self.address) {
            (EndpointOrigin::Pod { pod }, _, _) => format!("Pod {pod} port {port}"),
            (EndpointOrigin::Service { service }, _, Some(address)) => {
                format!("Service {service} at {}", socket(&address.to_string(), port))
            }
            (EndpointOrigin::Service { service }, host, None) => {
                format!("Service {service} at {}", socket(host.as_deref().unwrap_or_default(), port))
            }
            (_, Some(host), Some(address)) if self.named_port.is_some() => {
                format!("{} ({})", socket(host, self.named_port()), socket(&address.to_string(), port))
            }
            (_, Some(host), Some(address)) if host.parse::<IpAddr>().is_err() => {
                format!("{} ({address})", socket(host, port))
            }
            (_, Some(host), _) => socket(host, self.named_port()),
            (_, None, Some(address)) => socket(&address.to_string(), port),
            (_, None, None) => format!("port {port}"),
        }
    }

    /// Returns the requested port, whichever port the connection went to.
    #[must_use]
    pub fn named_port(&self) -> u16 {
        self.named_port.unwrap_or(self.port)
    }

    /// Returns the first handshake of this kind.
    #[must_use]
    pub fn handshake(&self, kind: ClientHelloKind) -> Option<&Handshake> {
        self.handshakes.iter().find(|handshake| handshake.kind == kind)
    }
}

impl Handshake {
    /// Creates a handshake that has only begun: nothing is negotiated and nothing has failed.
    #[must_use]
    pub fn begun(kind: ClientHelloKind, server_name: Option<String>, requested: bool, started_at: Timestamp) -> Self {
        Self {
            kind,
            server_name,
            requested,
            started_at,
            milliseconds: 0,
            session: None,
            certificates: Vec::new(),
            verification: None,
            client_certificate: ClientCertificate::Unknown,
            undecided: false,
            warning: None,
            failure: None,
        }
    }

    /// Returns whether the handshake completed and the server accepted it.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }

    /// The way to the other end broke, so that nobody knows what the other end would have done.
    #[must_use]
    pub fn was_lost(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.by == Party::Transport)
    }

    /// The server ended it in answer to the ClientHello itself: a reset, the end of the stream or an alert,
    /// and no certificate before it.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        let ended = |failure: &Failure| {
            matches!(failure.how, How::Reset | How::Closed | How::Alert { .. }) && failure.stage == Stage::ClientHello
        };
        self.certificates.is_empty() && !self.was_lost() && self.failure.as_ref().is_some_and(ended)
    }
}

impl Verification {
    /// Returns whether verification failed because an issuer is neither in the list nor a trusted CA. Source:
    /// OpenSSL's verification codes.
    #[must_use]
    pub fn lacks_issuer(&self) -> bool {
        matches!(self.code, 2 | 20 | 21)
    }
}

/// Returns `host:port`, with brackets around an IPv6 address.
#[must_use]
pub fn socket(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Groups the endpoints of pods by pod, because counters of access logs and Envoys are compared by pod.
#[must_use]
pub fn by_pod(endpoints: &[Endpoint]) -> BTreeMap<&str, Vec<&Endpoint>> {
    let mut pods: BTreeMap<&str, Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        if let EndpointOrigin::Pod { pod } = &endpoint.place {
            pods.entry(pod).or_default().push(endpoint);
        }
    }
    pods
}

impl Part for Seen<Probes> {
    fn name(&self) -> &'static str {
        "probes"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Handshakes]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("handshakes", why)
    }

    /// The report has texts of its own for both: the command that makes the handshakes, the flag that raises
    /// a limit.
    fn gaps(&self) -> Vec<Gap<'_>> {
        let Self::Seen(probes) = self else {
            return whole(self, Source::Handshakes).into_iter().map(Gap::unreported).collect();
        };
        let gap = |why| Gap::new(Source::Handshakes, Extent::Item, why).unreported();
        probes.unprobed.iter().map(gap).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_endpoint_depends_on_its_origin() {
        let endpoint = |place, host: Option<&str>, address: Option<&str>| Endpoint {
            place,
            host: host.map(Into::into),
            port: 443,
            named_port: None,
            address: address.map(|address| address.parse().unwrap()),
            handshakes: Vec::new(),
            scan: Seen::Seen(Scan::default()),
        };
        assert_eq!(endpoint(EndpointOrigin::Given, Some("a.example"), None).name(), "a.example:443");
        assert_eq!(endpoint(EndpointOrigin::Given, Some("::1"), Some("::1")).name(), "[::1]:443");
        assert_eq!(
            endpoint(EndpointOrigin::Dns, Some("a.example"), Some("10.0.0.1")).name(),
            "a.example:443 (10.0.0.1)"
        );
        assert_eq!(endpoint(EndpointOrigin::Pod { pod: "gw".into() }, None, None).name(), "Pod gw port 443");
    }
}
