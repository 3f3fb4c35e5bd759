//! One fault at one place, as data: the objects it concerns, where in them, and what is wrong.
//!
//! Later rooms ask a finding for its parts. They never take its sentences apart: a pod `gw-1` is not in a sentence about
//! `gw-10`. The words of an object and of a location are made here and nowhere else.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts;
use crate::evidence::access_log::Tally;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, Handshake};
use crate::evidence::overrides::{OverridesFile, Position as FilePosition};
use crate::evidence::{Evidence, LogOrigin};

/// One fault at one object, or at several that show the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// At least one; the first is the one to look at first.
    pub objects: Vec<Object>,
    /// Where in the objects.
    pub location: Location,
    /// Names of all pods that the finding concerns, each once; empty where it concerns none, or none is known.
    pub pods: Vec<String>,
    /// One sentence without a full stop.
    pub message: String,
    pub observed: String,
    pub expected: String,
}

impl Finding {
    /// A finding at one object. Concerns the pod where the object is one.
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

    /// A finding in a log. Concerns the pod whose container wrote it.
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
            LogOrigin::File(_) => Vec::new(),
        };
        let object = Object::new(Kind::Log, origin.to_string());
        Self { pods, ..Self::new(object, location, message, observed, expected) }
    }

    /// The same finding, with these objects in place of its own; unchanged where there are none.
    #[must_use]
    pub fn at(self, objects: Vec<Object>) -> Self {
        if objects.is_empty() { self } else { Self { objects, ..self } }
    }

    /// The same finding, which concerns these pods; each is kept once, in the order given.
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

    /// The objects in words: `ApigeeRoute/non-sni`, `overrides.yaml`; of several at most three names.
    #[must_use]
    pub fn object(&self) -> String {
        Object::words(&self.objects)
    }

    /// The location in words: `overrides.yaml:14:5`, `spec.selector`. Of a whole object, its own words.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.location {
            Location::Whole => self.object(),
            location => location.to_string(),
        }
    }

    /// The finding is at this one object.
    #[must_use]
    pub fn is_at(&self, kind: Kind, name: &str) -> bool {
        matches!(self.objects.as_slice(), [object] if object.kind == kind && object.name == name)
    }

    /// The location is a line of the object itself, so that the place alone says where to look.
    #[must_use]
    pub fn is_in_own_file(&self) -> bool {
        matches!(&self.location, Location::File { name, .. } if self.is_at(Kind::File, name))
    }

    /// The objects of the cluster get the namespace of the run, which they are all in.
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
    /// Of an object of the cluster; absent where the kind has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name as the cluster, the user or the client gives it: of a log `pod/container` or the file, of an endpoint
    /// `Pod gw-1 port 8443` or `api.example.com:443`.
    pub name: String,
}

impl Object {
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, namespace: None, name: name.into() }
    }

    /// The namespace that the run looked at.
    #[must_use]
    pub fn namespace(evidence: &Evidence) -> Self {
        Self::new(Kind::Namespace, evidence.question.namespace())
    }

    /// An overrides file, by the name that a person would give it.
    #[must_use]
    pub fn overrides(file: &OverridesFile) -> Self {
        Self::new(Kind::File, facts::file_name(file))
    }

    /// An endpoint that handshakes were made with.
    #[must_use]
    pub fn endpoint(endpoint: &Endpoint) -> Self {
        Self::new(Kind::Endpoint, endpoint.name())
    }

    /// One object in words; of several at most three names.
    #[must_use]
    pub fn words(objects: &[Self]) -> String {
        match objects {
            [object] => object.to_string(),
            several => facts::some_of(&several.iter().map(|object| object.name.as_str()).collect::<Vec<_>>()),
        }
    }

    /// The text has the objects in the words of [`Object::words`], or one of them as `ApigeeRoute non-sni`. Nothing is
    /// concluded from it: whoever asks prints the objects once instead of twice.
    #[must_use]
    pub fn are_named_in(objects: &[Self], text: &str) -> bool {
        let is_spaced =
            |object: &Self| object.kind.is_namespaced() && text.contains(&format!("{} {}", object.kind, object.name));
        !objects.is_empty() && text.contains(&Self::words(objects)) || matches!(objects, [object] if is_spaced(object))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            Kind::ApiGroup => write!(f, "API group {name}"),
            Kind::Endpoint | Kind::File | Kind::Host | Kind::Log => f.write_str(name),
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

/// Kinds of objects: those of Kubernetes and Apigee by their own names, and what is no object of a cluster.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Kind {
    ApiGroup,
    ApigeeIssue,
    ApigeeRoute,
    ApigeeRouteConfig,
    ConfigMap,
    /// What handshakes are made with: an address and port, and how it was found.
    Endpoint,
    File,
    /// A host: by its name as requests state it, or with its port and all its addresses.
    Host,
    /// An access log.
    Log,
    Namespace,
    Pod,
    Secret,
    /// A name that clients sent in the ClientHello.
    ServerName,
    Service,
}

impl Kind {
    /// Objects of this kind are in a namespace of the cluster, and are written `Kind/name`.
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
        // The variants are the names.
        fmt::Debug::fmt(self, f)
    }
}

/// Where in an object.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Location {
    /// Handshakes with an endpoint, by what each ClientHello said.
    ClientHellos(Vec<ClientHello>),
    /// A container of a pod.
    Container(String),
    /// What discovery of the API server lists.
    Discovery,
    /// The end of a log.
    End,
    /// An entry of a Secret.
    Entry(String),
    /// A field of an object, or a key of a file: `spec.selector`, `virtualhosts`.
    Field(String),
    /// The same field of every environment group.
    FieldOfGroups(String),
    /// A line and column of a file, both counted from 1.
    File { name: String, line: u32, column: u32 },
    /// All lines of a log.
    Lines,
    /// The listeners of Envoy, in these pods; in the pods that the finding is at where there are none.
    Listeners { pods: Vec<String> },
    /// The objects of this kind in a namespace, by their plural.
    Listing(String),
    /// These logs, by name.
    Logs(Vec<String>),
    /// A moment of a log.
    Moment(Timestamp),
    /// The reason that an object gives for itself; absent where it gives none.
    Reason(Option<String>),
    /// All records of a log.
    Records,
    /// The object itself.
    Whole,
    /// Records of a log from the first to the last; absent where the records have no time.
    Window { first: Option<Timestamp>, last: Option<Timestamp> },
}

impl Location {
    /// A field of an object.
    #[must_use]
    pub fn field(path: impl Into<String>) -> Self {
        Self::Field(path.into())
    }

    /// A place in an overrides file.
    #[must_use]
    pub fn overrides(file: &OverridesFile, place: FilePosition) -> Self {
        Self::File { name: facts::file_name(file).to_owned(), line: place.line, column: place.column }
    }

    /// The records that a tally counts.
    #[must_use]
    pub fn window(tally: &Tally) -> Self {
        Self::Window { first: tally.first, last: tally.last }
    }

    /// The location is a moment or a stretch of time, which differs from run to run.
    #[must_use]
    pub fn is_time(&self) -> bool {
        matches!(self, Self::Moment(_) | Self::Window { .. })
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
            Self::Reason(reason) => f.write_str(reason.as_deref().unwrap_or("no reason")),
            Self::Records => f.write_str("records"),
            Self::Whole => f.write_str("the whole object"),
            Self::Window { first, last } => {
                f.write_str(&facts::moments(&Tally { first: *first, last: *last, ..Tally::default() }))
            }
        }
    }
}

/// What tells a handshake of this run from the others at its endpoint.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientHello {
    /// The user asked for it, or a route promises it; else it was made to compare.
    pub asked: bool,
    /// The SNI that it sent; absent without SNI.
    pub server_name: Option<String>,
    /// The SNI is a name that nobody has.
    pub unknown: bool,
}

impl From<&Handshake> for ClientHello {
    fn from(handshake: &Handshake) -> Self {
        let server_name = match handshake.kind {
            ClientHelloKind::WithoutSni => None,
            ClientHelloKind::Named | ClientHelloKind::Unknown => handshake.server_name.clone(),
        };
        Self {
            asked: handshake.requested,
            unknown: server_name.is_some() && handshake.kind == ClientHelloKind::Unknown,
            server_name,
        }
    }
}

impl ClientHello {
    /// The SNI in words: `server name api.example.com`, `without a server name`.
    #[must_use]
    pub fn sni(&self) -> String {
        match &self.server_name {
            None => "without a server name".into(),
            Some(name) if self.unknown => format!("unknown server name {name}"),
            Some(name) => format!("server name {name}"),
        }
    }
}

impl fmt::Display for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.asked { "as asked" } else { "to compare" };
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
    fn objects_are_written_as_their_kind_is_called() {
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
    fn a_finding_concerns_its_pods_and_no_pod_whose_name_begins_alike() {
        assert_eq!(at(Object::new(Kind::Pod, "gw-10")).pods, ["gw-10"]);
        let origin = LogOrigin::Container { pod: "gw-1".into(), container: "istio-proxy".into() };
        assert_eq!(Finding::in_log(&origin, Location::Records, "m", "o", "e").pods, ["gw-1"]);
        assert_eq!(at(Object::new(Kind::Log, "x")).concerning(["gw-10", "gw-2", "gw-10"]).pods, ["gw-10", "gw-2"]);
    }

    #[test]
    fn only_a_line_of_the_object_itself_is_in_its_own_file() {
        let line = |name: &str| Location::File { name: name.into(), line: 14, column: 5 };
        let file = Object::new(Kind::File, "overrides.yaml");
        let own = Finding::new(file.clone(), line("overrides.yaml"), "m", "o", "e");
        assert!(own.is_in_own_file() && own.place() == "overrides.yaml:14:5");
        assert!(!Finding::new(file, line("other.yaml"), "m", "o", "e").is_in_own_file());
        let config = Object::new(Kind::ApigeeRouteConfig, "overrides.yaml");
        assert!(!Finding::new(config, line("overrides.yaml"), "m", "o", "e").is_in_own_file());
    }
}
