//! TLS handshakes that were made on purpose: with whom, what was said, and how each ended.
//!
//! A handshake is a fact like a log line. What it means, whose fault it is and what would help is judged elsewhere.

mod words;

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::part::{Extent, Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use super::{Seen, Source, Unavailable};

pub use self::words::alert_name;

/// What every server name that this program makes up ends in (RFC 6761 §6.4: no such name can exist).
pub const OWN_NAMES: &str = ".apigee-tls.invalid";

/// All handshakes of a run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probes {
    /// What was offered and expected in every handshake.
    pub question: ProbeQuestion,
    /// In the order asked for.
    pub endpoints: Vec<Endpoint>,
    /// What was to be probed and was not: a port-forward that is forbidden, more hostnames than the limit.
    pub unprobed: Vec<Unavailable>,
}

/// The part of the command line that every handshake shares.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeQuestion {
    /// The server name that no route can have: `<random>.apigee-tls.invalid` (RFC 6761 §6.4). The prober's own lines are
    /// found in access logs by it.
    pub unknown_name: String,
    /// `--tls-min`, as `TLSv1.2`.
    pub min_version: Option<String>,
    pub max_version: Option<String>,
    /// `--ciphers`, in OpenSSL's words.
    pub ciphers: Option<String>,
    /// The protocols offered by ALPN.
    pub alpn: Vec<String>,
    /// Which authorities the certificates were verified with.
    pub trust: Trust,
    /// The file of the client certificate that was offered.
    pub client_certificate: Option<String>,
    /// The file of its key, where that is another one.
    pub client_key: Option<String>,
    /// `--proxy-protocol`: each connection began with a PROXY header.
    pub proxy_protocol: bool,
    /// The proxy that connections went through, without user and password.
    pub via_proxy: Option<String>,
    /// Time for one handshake, in milliseconds.
    pub timeout_milliseconds: u64,
}

/// The authorities that a served certificate is verified with.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// Those of `--ca-file`.
    File(String),
    /// Those of this machine; which ones the clients have is not known.
    #[default]
    System,
}

/// One address at which handshakes were made for one host.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    pub place: Place,
    /// What the user or a route names: a DNS name in ASCII and lower case, or an IP address; certificates are compared
    /// with it. Absent for a pod or an address that was asked for no host in particular.
    pub host: Option<String>,
    pub port: u16,
    /// The port that was named, where another one was connected to in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_port: Option<u16>,
    /// The address that was connected to; absent where the name could not be looked up, or a pod was reached by
    /// port-forward.
    pub address: Option<IpAddr>,
    pub handshakes: Vec<Handshake>,
    /// `--full`; `NotRequested` without.
    pub scan: Seen<Scan>,
}

/// Where an endpoint stands in the chain from client to pod.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Place {
    /// An ingress pod, through the API server.
    Pod { pod: String },
    /// An address of a Service that leads to ingress pods.
    Service { service: String },
    /// What DNS says of a route's hostname.
    Dns,
    /// The command line names it.
    Given,
}

/// One handshake.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Handshake {
    pub kind: HelloKind,
    /// The server name that was sent.
    pub server_name: Option<String>,
    /// It is the handshake that the user asked about, or that a route promises; the others are there to compare.
    pub asked: bool,
    pub started_at: Timestamp,
    pub milliseconds: u64,
    /// What was agreed on, as far as the handshake got.
    pub session: Option<Session>,
    /// The list that the server sent, leaf first if it keeps to the order.
    pub certificates: Vec<Certificate>,
    /// Absent where no certificate came or none was to be verified.
    pub verification: Option<Verification>,
    pub client_certificate: ClientCertificate,
    /// TLS 1.3 asked for a client certificate, and the server said nothing of the one it got, or of getting none, in the time allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
    /// Absent where it succeeded.
    pub failure: Option<Failure>,
}

/// Which server name a ClientHello had.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HelloKind {
    /// The name that a client of this endpoint sends.
    Named,
    /// None.
    Nameless,
    /// One that no route has.
    Unknown,
}

/// What both sides agreed on.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// `TLSv1.3`
    pub protocol: String,
    /// OpenSSL's name of the cipher suite.
    pub cipher: String,
    pub alpn: Option<String>,
    /// The group of the key exchange, as `X25519MLKEM768`.
    pub group: Option<String>,
    /// The server stapled an OCSP response; absent where it was not asked.
    pub stapled: Option<bool>,
}

/// What the authorities say of the served list. Names are compared apart from it: [`Certificate::covers`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// OpenSSL's `X509_V_ERR_…` as a number; 0 where the list is trusted. Dates are not judged here.
    pub code: i32,
    /// OpenSSL's words for it.
    pub message: String,
    /// Position in the path, the leaf being 0, at which it failed.
    pub depth: u32,
}

/// What the server wanted to know of the client.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientCertificate {
    /// The handshake did not get so far.
    #[default]
    Unknown,
    NotAsked,
    /// Asked for, with the names of the authorities that the server lists. TLS 1.3 encrypts them: `None` is "not seen".
    Asked(Option<Vec<String>>),
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
    /// The name was looked up.
    Lookup,
    /// TCP, or the port-forward that stands for it.
    Connect,
    /// The proxy was asked for a tunnel.
    Proxy,
    /// The ClientHello was sent, or was to be; nothing of TLS came back.
    ClientHello,
    /// The server has begun to answer.
    ServerFlight,
    /// The client has sent its second flight; the server has not accepted it.
    ClientFlight,
    /// The handshake was complete for the client.
    Established,
}

/// Who ended it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Party {
    /// This program.
    Client,
    /// The name service.
    Resolver,
    Proxy,
    /// The other end; a box between that answers in its place cannot be told from it.
    Server,
    /// Nobody answered.
    Nobody,
}

/// What was seen of the end.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum How {
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// Number of the `AlertDescription`.
        number: u8,
    },
    /// End of the stream, without an alert.
    Closed,
    /// The client's own TLS library gave up; its words.
    Local(String),
    /// Bytes that look like TLS and break its rules; which.
    Malformed(String),
    /// The name exists and has no address of the family asked for.
    NoAddress,
    /// No such name.
    NoSuchName,
    /// The answer is no TLS.
    NotTls { speaks: NotTls, sample: String },
    /// Something that has no kind of its own, in the system's or the server's words.
    Other(String),
    /// The proxy's answer to CONNECT.
    ProxyRefused { status: u16, reason: String },
    /// The port is closed.
    Refused,
    /// TCP reset.
    Reset,
    /// Nothing more came within so many milliseconds.
    TimedOut { milliseconds: u64 },
    /// No way to the address, in the system's words.
    Unreachable(String),
}

/// What a peer speaks that does not speak TLS.
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

/// What an endpoint offers, found out with one connection more than it has cipher suites.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scan {
    /// By version, `SSLv3` first, `TLSv1.3` last.
    pub versions: Vec<VersionScan>,
    /// Connections made, those of the handshakes not counted.
    pub connections: u32,
}

/// One version of the protocol.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionScan {
    /// `SSLv3`, `TLSv1.0`, … `TLSv1.3`
    pub version: String,
    /// OpenSSL's names of the suites, in the order in which the server chose them when offered all that were left; a
    /// suite without one as `0xC0FF`.
    pub suites: Vec<String>,
    /// How the version, or the rest of its suites, was refused. A version is offered where `suites` is not empty.
    pub refusal: Option<Failure>,
    /// How far what stands here can be trusted: absent where the scan came to its end.
    pub cut: Option<Unavailable>,
}

impl Endpoint {
    /// As a person would name it: `api.example.com:443`, `Pod gw-1 port 8443`.
    #[must_use]
    pub fn name(&self) -> String {
        let port = self.port;
        match (&self.place, &self.host, self.address) {
            (Place::Pod { pod }, _, _) => format!("Pod {pod} port {port}"),
            (Place::Service { service }, _, Some(address)) => {
                format!("Service {service} at {}", socket(&address.to_string(), port))
            }
            (Place::Service { service }, host, None) => {
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

    /// The port that was named, whichever was connected to.
    #[must_use]
    pub fn named_port(&self) -> u16 {
        self.named_port.unwrap_or(self.port)
    }

    /// The first handshake of this kind.
    #[must_use]
    pub fn handshake(&self, kind: HelloKind) -> Option<&Handshake> {
        self.handshakes.iter().find(|handshake| handshake.kind == kind)
    }
}

impl Handshake {
    /// One that has only begun: nothing was agreed on, and nothing has failed.
    #[must_use]
    pub fn begun(kind: HelloKind, server_name: Option<String>, asked: bool, started_at: Timestamp) -> Self {
        Self {
            kind,
            server_name,
            asked,
            started_at,
            milliseconds: 0,
            session: None,
            certificates: Vec::new(),
            verification: None,
            client_certificate: ClientCertificate::Unknown,
            undecided: false,
            failure: None,
        }
    }

    /// It came to its end, and the server kept it.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }

    /// The server ended it in answer to the ClientHello itself: a reset, the end of the stream or an alert, and no
    /// certificate before it.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        let ended = |failure: &Failure| {
            matches!(failure.how, How::Reset | How::Closed | How::Alert { .. }) && failure.stage == Stage::ClientHello
        };
        self.certificates.is_empty() && self.failure.as_ref().is_some_and(ended)
    }
}

/// `host:port`, with brackets around an IPv6 address.
#[must_use]
pub fn socket(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Counters of the access log and of Envoy are compared by pod; so are probes.
#[must_use]
pub fn by_pod(endpoints: &[Endpoint]) -> BTreeMap<&str, Vec<&Endpoint>> {
    let mut pods: BTreeMap<&str, Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        if let Place::Pod { pod } = &endpoint.place {
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

    fn unasked(why: &str) -> Self {
        not_requested("handshakes", why)
    }

    /// The report words both itself: which command makes the handshakes, which flag raises a limit.
    fn gaps(&self) -> Vec<Gap<'_>> {
        let Self::Seen(probes) = self else {
            return whole(self, Source::Handshakes).into_iter().map(Gap::unreported).collect();
        };
        let gap = |why| Gap::new(Source::Handshakes, Extent::Item, why).unreported();
        probes.unprobed.iter().map(gap).collect()
    }
}

impl Visit for Probes {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { question, endpoints, unprobed } = self;
        question.visit(visitor);
        endpoints.visit(visitor);
        unprobed.visit(visitor);
    }
}

impl Visit for ProbeQuestion {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            unknown_name,
            min_version,
            max_version,
            ciphers,
            alpn,
            trust,
            client_certificate,
            client_key,
            proxy_protocol: _,
            via_proxy,
            timeout_milliseconds: _,
        } = self;
        visitor.string(Kind::Hostname, unknown_name);
        visitor.strings(Kind::Word, [min_version, max_version, ciphers].into_iter().flatten());
        visitor.strings(Kind::Word, alpn);
        match trust {
            Trust::File(name) => visitor.string(Kind::File, name),
            Trust::System => {}
        }
        visitor.strings(Kind::File, [client_certificate, client_key].into_iter().flatten());
        visitor.strings(Kind::Text, via_proxy);
    }
}

impl Visit for Endpoint {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { place, host, port: _, named_port: _, address, handshakes, scan } = self;
        match place {
            Place::Pod { pod: name } | Place::Service { service: name } => visitor.string(Kind::Object, name),
            Place::Dns | Place::Given => {}
        }
        visitor.strings(Kind::Hostname, host);
        address.iter_mut().for_each(|address| visitor.address(address));
        handshakes.visit(visitor);
        scan.visit(visitor);
    }
}

impl Visit for Handshake {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            kind: _,
            server_name,
            asked: _,
            started_at: _,
            milliseconds: _,
            session,
            certificates,
            verification,
            client_certificate,
            undecided: _,
            failure,
        } = self;
        visitor.strings(Kind::Hostname, server_name);
        session.visit(visitor);
        certificates.visit(visitor);
        if let Some(Verification { code: _, message, depth: _ }) = verification {
            visitor.string(Kind::Text, message);
        }
        match client_certificate {
            ClientCertificate::Asked(authorities) => visitor.strings(Kind::Text, authorities.iter_mut().flatten()),
            ClientCertificate::Unknown | ClientCertificate::NotAsked => {}
        }
        failure.visit(visitor);
    }
}

impl Visit for Session {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { protocol, cipher, alpn, group, stapled: _ } = self;
        visitor.strings(Kind::Word, [protocol, cipher]);
        visitor.strings(Kind::Text, alpn);
        visitor.strings(Kind::Word, group);
    }
}

impl Visit for Failure {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { stage: _, by: _, how } = self;
        match how {
            How::Local(text) | How::Malformed(text) | How::Other(text) | How::Unreachable(text) => {
                visitor.string(Kind::Text, text);
            }
            How::NotTls { speaks: _, sample } => visitor.string(Kind::Text, sample),
            How::ProxyRefused { status: _, reason } => visitor.string(Kind::Text, reason),
            How::Alert { level: _, number: _ }
            | How::Closed
            | How::NoAddress
            | How::NoSuchName
            | How::Refused
            | How::Reset
            | How::TimedOut { milliseconds: _ } => {}
        }
    }
}

impl Visit for Scan {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { versions, connections: _ } = self;
        versions.visit(visitor);
    }
}

impl Visit for VersionScan {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { version, suites, refusal, cut } = self;
        visitor.string(Kind::Word, version);
        visitor.strings(Kind::Word, suites);
        refusal.visit(visitor);
        cut.visit(visitor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_named_by_its_place() {
        let endpoint = |place, host: Option<&str>, address: Option<&str>| Endpoint {
            place,
            host: host.map(Into::into),
            port: 443,
            named_port: None,
            address: address.map(|address| address.parse().unwrap()),
            handshakes: Vec::new(),
            scan: Seen::Seen(Scan::default()),
        };
        assert_eq!(endpoint(Place::Given, Some("a.example"), None).name(), "a.example:443");
        assert_eq!(endpoint(Place::Given, Some("::1"), Some("::1")).name(), "[::1]:443");
        assert_eq!(endpoint(Place::Dns, Some("a.example"), Some("10.0.0.1")).name(), "a.example:443 (10.0.0.1)");
        assert_eq!(endpoint(Place::Pod { pod: "gw".into() }, None, None).name(), "Pod gw port 443");
    }
}
