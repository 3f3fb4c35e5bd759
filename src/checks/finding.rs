//! Findings as data: the objects they concern, the location in them, and what is wrong.
//!
//! Later rooms read the fields of a finding and never parse its message: a search for the pod `gw-1` would
//! also match a message about `gw-10`. Only this file turns objects and locations into text.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts;
use crate::evidence::access_log::Tally;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, Handshake};
use crate::evidence::overrides::{OverridesFile, OverridesPlace, Position as FilePosition};
use crate::evidence::{Evidence, LogOrigin};

/// One fault of one object, or of several objects that show the same fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// At least one object; the first is the most important.
    pub objects: Vec<Object>,
    /// Location in the objects.
    pub location: Location,
    /// Names of all pods that the finding concerns, without duplicates. Empty if it concerns none, or none is
    /// known.
    pub pods: Vec<String>,
    /// One sentence without a full stop.
    pub message: String,
    /// The value that was seen.
    pub observed: String,
    /// The value without the fault.
    pub expected: String,
}

impl Finding {
    /// Creates a finding about one object. If the object is a pod, the finding concerns that pod.
    #[must_use]
    pub fn new(
        object: Object,
        location: Location,
        message: impl Into<String>,
        observed: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let pods = if object.kind == Kind::Pod { vec![object.name.clone()] } else { Vec::new() };
        Self {
            objects: vec![object],
            location,
            pods,
            message: message.into(),
            observed: observed.into(),
            expected: expected.into(),
        }
    }

    /// Creates a finding about a log. It concerns the pod whose container wrote the log.
    #[must_use]
    pub fn in_log(
        origin: &LogOrigin,
        location: Location,
        message: impl Into<String>,
        observed: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let pods = match origin {
            LogOrigin::Container { pod, .. } => vec![pod.clone()],
            LogOrigin::File(_) | LogOrigin::Store(_) => Vec::new(),
        };
        let object = Object::new(Kind::Log, origin.to_string());
        Self { pods, ..Self::new(object, location, message, observed, expected) }
    }

    /// Replaces the objects of the finding. Does nothing if `objects` is empty.
    #[must_use]
    pub fn at(self, objects: Vec<Object>) -> Self {
        if objects.is_empty() { self } else { Self { objects, ..self } }
    }

    /// Replaces the pods that the finding concerns. Removes duplicates and keeps the order.
    #[must_use]
    pub fn concerning<'a>(self, pods: impl IntoIterator<Item = &'a str>) -> Self {
        let mut distinct: Vec<String> = Vec::new();
        for pod in pods {
            if !distinct.iter().any(|known| known == pod) {
                distinct.push(pod.to_owned());
            }
        }
        Self { pods: distinct, ..self }
    }

    /// Returns the objects as text: `ApigeeRoute/non-sni`, `overrides.yaml`. Lists at most three names.
    #[must_use]
    pub fn object(&self) -> String {
        Object::describe(&self.objects)
    }

    /// Returns the location as text: `overrides.yaml:14:5`, `spec.selector`. For [`Location::Whole`], the
    /// objects.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.location {
            Location::Whole => self.object(),
            location => location.to_string(),
        }
    }

    /// Returns whether this is the only object of the finding.
    #[must_use]
    pub fn is_at(&self, kind: Kind, name: &str) -> bool {
        matches!(self.objects.as_slice(), [object] if object.kind == kind && object.name == name)
    }

    /// Returns whether the location is a line of the object itself, so that the location alone identifies
    /// both.
    #[must_use]
    pub fn is_in_own_file(&self) -> bool {
        matches!(&self.location, Location::File { name, .. } if self.is_at(Kind::File, name))
    }

    /// Sets the namespace of all namespaced objects to the namespace of the run.
    pub(super) fn in_namespace_of(&mut self, evidence: &Evidence) {
        for object in self.objects.iter_mut().filter(|object| object.kind.is_namespaced()) {
            object.namespace.get_or_insert_with(|| evidence.question.namespace().to_owned());
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object {
    pub kind: Kind,
    /// Namespace of an object in the cluster; absent if its kind is not namespaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name that the cluster, the user or the client uses. For a log: `pod/container` or the file name.
    /// For an endpoint: `Pod gw-1 port 8443` or `api.example.com:443`.
    pub name: String,
}

impl Object {
    /// Creates an object without a namespace. [`super::judge`] adds the namespace.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, namespace: None, name: name.into() }
    }

    /// The namespace that the run examined.
    #[must_use]
    pub fn namespace(evidence: &Evidence) -> Self {
        Self::new(Kind::Namespace, evidence.question.namespace())
    }

    /// An overrides file, by its display name.
    #[must_use]
    pub fn overrides(file: &OverridesFile) -> Self {
        Self::new(Kind::File, facts::file_name(file))
    }

    /// An endpoint of handshakes.
    #[must_use]
    pub fn endpoint(endpoint: &Endpoint) -> Self {
        Self::new(Kind::Endpoint, endpoint.name())
    }

    /// Returns one object as `Kind/name`, or at most three names of several objects.
    #[must_use]
    pub fn describe(objects: &[Self]) -> String {
        match objects {
            [object] => object.to_string(),
            several => facts::some_of(&several.iter().map(|object| object.name.as_str()).collect::<Vec<_>>()),
        }
    }

    /// Returns whether `text` contains the objects as [`Object::describe`] writes them, or a single one as
    /// `ApigeeRoute non-sni`. Only used to avoid printing the objects twice, never to draw a conclusion.
    #[must_use]
    pub fn are_named_in(objects: &[Self], text: &str) -> bool {
        let is_spaced =
            |object: &Self| object.kind.is_namespaced() && text.contains(&format!("{} {}", object.kind, object.name));
        !objects.is_empty() && text.contains(&Self::describe(objects))
            || matches!(objects, [object] if is_spaced(object))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            Kind::ApiGroup => write!(f, "API group {name}"),
            Kind::EdgeObject | Kind::Endpoint | Kind::File | Kind::Host | Kind::Log => f.write_str(name),
            Kind::Namespace => write!(f, "namespace {name}"),
            Kind::ServerName => write!(f, "server name {name}"),
            Kind::ApigeeIssue
            | Kind::ApigeeRoute
            | Kind::ApigeeRouteConfig
            | Kind::ConfigMap
            | Kind::Pod
            | Kind::Secret
            | Kind::Service => write!(f, "{}/{name}", self.kind),
        }
    }
}

/// Kinds of objects: the kinds of Kubernetes and Apigee, and objects outside the cluster.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Kind {
    ApiGroup,
    ApigeeIssue,
    ApigeeRoute,
    ApigeeRouteConfig,
    ConfigMap,
    /// An object of an environment of Apigee Edge, with its path: `virtualhosts/secure`.
    EdgeObject,
    /// A target of handshakes: address, port and how the address was found.
    Endpoint,
    File,
    /// A host: by its name as requests state it, or with its port and all its addresses.
    Host,
    /// An access log.
    Log,
    Namespace,
    Pod,
    Secret,
    /// A server name that clients sent in the ClientHello.
    ServerName,
    Service,
}

impl Kind {
    /// Returns whether objects of this kind are in a namespace of the cluster. They are written as
    /// `Kind/name`.
    fn is_namespaced(self) -> bool {
        match self {
            Self::ApigeeIssue
            | Self::ApigeeRoute
            | Self::ApigeeRouteConfig
            | Self::ConfigMap
            | Self::Pod
            | Self::Secret
            | Self::Service => true,
            Self::ApiGroup
            | Self::EdgeObject
            | Self::Endpoint
            | Self::File
            | Self::Host
            | Self::Log
            | Self::Namespace
            | Self::ServerName => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variants have the names of the kinds.
        fmt::Debug::fmt(self, f)
    }
}

/// Location in an object.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Location {
    /// Handshakes with an endpoint, by what each ClientHello has.
    ClientHellos(Vec<ClientHello>),
    /// A container of a pod.
    Container(String),
    /// The discovery documents of the API server.
    Discovery,
    /// The end of a log.
    End,
    /// An entry of a Secret.
    Entry(String),
    /// A field of an object, or a key of a file: `spec.selector`, `virtualhosts`.
    Field(String),
    /// The same field of all environment groups.
    FieldOfGroups(String),
    /// A line and column of a file, both counted from 1.
    File { name: String, line: u32, column: u32 },
    /// All lines of a log.
    Lines,
    /// The listeners of Envoy, in these pods; in the pods that the finding is at where there are none.
    Listeners { pods: Vec<String> },
    /// All objects of a kind in a namespace, given as the plural of the kind.
    Listing(String),
    /// Names of logs.
    Logs(Vec<String>),
    /// A point in time in a log.
    Moment(Timestamp),
    /// A packet of a capture, numbered from 1 as Wireshark does.
    Packet { number: u64 },
    /// The `reason` field of an object, if it has one.
    Reason(Option<String>),
    /// All records of a log.
    Records,
    /// The object itself.
    Whole,
    /// The records of a log from `first` to `last`; absent if the records have no timestamps.
    Window { first: Option<Timestamp>, last: Option<Timestamp> },
}

impl Location {
    /// Creates a [`Location::Field`].
    #[must_use]
    pub fn field(path: impl Into<String>) -> Self {
        Self::Field(path.into())
    }

    /// Creates a [`Location::File`] in an overrides file.
    #[must_use]
    pub fn overrides(file: &OverridesFile, place: FilePosition) -> Self {
        Self::File { name: facts::file_name(file).to_owned(), line: place.line, column: place.column }
    }

    /// Creates a [`Location::File`], or [`Location::Whole`] if the position is not known.
    #[must_use]
    pub fn place(place: &OverridesPlace) -> Self {
        match place.position {
            Some(FilePosition { line, column }) => Self::File { name: place.title().to_owned(), line, column },
            None => Self::Whole,
        }
    }

    /// Creates a [`Location::Window`] with the time span of a tally.
    #[must_use]
    pub fn window(tally: &Tally) -> Self {
        Self::Window { first: tally.first, last: tally.last }
    }

    /// Returns whether the location is a point or span of time or a packet, which differs between runs.
    #[must_use]
    pub fn is_time(&self) -> bool {
        matches!(self, Self::Moment(_) | Self::Packet { .. } | Self::Window { .. })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientHellos(hellos) => {
                let words: Vec<String> = hellos.iter().map(ToString::to_string).collect();
                f.write_str(&facts::some_of(&words.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            Self::Container(name) => write!(f, "container {name}"),
            Self::Discovery => f.write_str("discovery"),
            Self::End => f.write_str("the end of the log"),
            Self::Entry(text) | Self::Field(text) | Self::Listing(text) => f.write_str(text),
            Self::FieldOfGroups(path) => write!(f, "{path} of the environment groups"),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Lines => f.write_str("lines"),
            Self::Listeners { pods } if pods.is_empty() => f.write_str("listeners"),
            Self::Listeners { pods } => {
                write!(f, "listeners of {}", facts::some_of(&pods.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            Self::Logs(names) => f.write_str(&names.join(", ")),
            Self::Moment(at) => f.write_str(&facts::moment(*at)),
            Self::Packet { number } => write!(f, "packet {number}"),
            Self::Reason(reason) => f.write_str(reason.as_deref().unwrap_or("no reason")),
            Self::Records => f.write_str("records"),
            Self::Whole => f.write_str("the whole object"),
            Self::Window { first, last } => {
                f.write_str(&facts::moments(&Tally { first: *first, last: *last, ..Tally::default() }))
            }
        }
    }
}

/// Identifies a handshake of this run among the others at its endpoint.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientHello {
    /// Whether the user requested the handshake or a route declares it. Otherwise it was made for comparison.
    #[serde(rename = "asked")]
    pub requested: bool,
    /// The server name in the SNI extension; absent without SNI.
    pub server_name: Option<String>,
    /// Whether the server name is one that nobody uses.
    pub unknown: bool,
}

impl From<&Handshake> for ClientHello {
    fn from(handshake: &Handshake) -> Self {
        let server_name = match handshake.kind {
            ClientHelloKind::WithoutSni => None,
            ClientHelloKind::Named | ClientHelloKind::Unknown => handshake.server_name.clone(),
        };
        Self {
            requested: handshake.requested,
            unknown: server_name.is_some() && handshake.kind == ClientHelloKind::Unknown,
            server_name,
        }
    }
}

impl ClientHello {
    /// Returns the SNI as text: `server name api.example.com`, `without SNI`.
    #[must_use]
    pub fn sni(&self) -> String {
        match &self.server_name {
            None => "without SNI".into(),
            Some(name) if self.unknown => format!("unknown server name {name}"),
            Some(name) => format!("server name {name}"),
        }
    }
}

impl fmt::Display for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.requested { "requested" } else { "for comparison" };
        write!(f, "{why}: {}", self.sni())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(object: Object) -> Finding {
        Finding::new(object, Location::Whole, "m", "o", "e")
    }

    #[test]
    fn writes_objects_with_the_prefix_of_their_kind() {
        for (kind, words) in [
            (Kind::ApiGroup, "API group x"),
            (Kind::ApigeeRoute, "ApigeeRoute/x"),
            (Kind::Endpoint, "x"),
            (Kind::File, "x"),
            (Kind::Namespace, "namespace x"),
            (Kind::ServerName, "server name x"),
        ] {
            let finding = at(Object::new(kind, "x"));
            assert_eq!((finding.object(), finding.place()), (words.to_owned(), words.to_owned()));
        }
        let pods = ["gw-1", "gw-2", "gw-3", "gw-4"].map(|pod| Object::new(Kind::Pod, pod)).to_vec();
        assert_eq!(at(Object::new(Kind::Pod, "gw-1")).at(pods).object(), "gw-1, gw-2, gw-3 and 1 more");
    }

    #[test]
    fn concerns_exactly_its_pods_even_if_names_share_a_prefix() {
        assert_eq!(at(Object::new(Kind::Pod, "gw-10")).pods, ["gw-10"]);
        let origin = LogOrigin::Container { pod: "gw-1".into(), container: "istio-proxy".into() };
        assert_eq!(Finding::in_log(&origin, Location::Records, "m", "o", "e").pods, ["gw-1"]);
        assert_eq!(at(Object::new(Kind::Log, "x")).concerning(["gw-10", "gw-2", "gw-10"]).pods, ["gw-10", "gw-2"]);
    }

    #[test]
    fn is_in_own_file_only_for_a_line_of_the_object_itself() {
        let line = |name: &str| Location::File { name: name.into(), line: 14, column: 5 };
        let file = Object::new(Kind::File, "overrides.yaml");
        let own = Finding::new(file.clone(), line("overrides.yaml"), "m", "o", "e");
        assert!(own.is_in_own_file() && own.place() == "overrides.yaml:14:5");
        assert!(!Finding::new(file, line("other.yaml"), "m", "o", "e").is_in_own_file());
        let config = Object::new(Kind::ApigeeRouteConfig, "overrides.yaml");
        assert!(!Finding::new(config, line("overrides.yaml"), "m", "o", "e").is_in_own_file());
    }
}
