//! The chain from a client to overrides.yaml for one server name, or without SNI: each link with its state
//! and its facts.
//!
//! ```text
//! client ─ DNS ─ load balancer ─ Service ─ pod ─ filter chain ─ Secret ─ ApigeeRoute ─ group ─ overrides
//! ```
//!
//! Settings flow from right to left: from the overrides file to the filter chain that a client meets. Of
//! several broken links the last one is therefore the one to fix; those before it follow from it. A wildcard
//! route is no part of an environment group: where it is broken itself, it comes first. Pods follow from none
//! of the settings: where none runs, no client gets as far as the rest.

mod settings;
mod traffic;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::facts::{self, probed};
use crate::checks::{Kind, Object};
use crate::evidence::hybrid::Route;
use crate::evidence::{Evidence, Reason, Unavailable};

/// Maximum number of server names that a report follows.
const MAX_NAMES: usize = 12;

/// The chain for one kind of client.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chain {
    /// The server name that the client sends; absent for a client without SNI.
    pub server_name: Option<String>,
    /// From the client to the overrides file.
    pub links: Vec<Link>,
    /// The link to fix, never the client. Absent where none is broken.
    pub broken: Option<LinkKey>,
}

/// One link.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
    pub link: LinkKey,
    pub state: LinkState,
    /// What breaks it, or why it is unknown or does not apply: one fragment. Absent where it is ok.
    pub why: Option<String>,
    /// What was seen, the most important first.
    pub facts: Vec<String>,
    pub objects: Vec<Object>,
}

/// The links, in their order.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LinkKey {
    Client,
    Dns,
    LoadBalancer,
    Service,
    Pod,
    FilterChain,
    Secret,
    Route,
    Group,
    Overrides,
}

impl LinkKey {
    /// Returns the name for readers.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Dns => "DNS",
            Self::LoadBalancer => "load balancer",
            Self::Service => "Service",
            Self::Pod => "pod",
            Self::FilterChain => "filter chain",
            Self::Secret => "Secret",
            Self::Route => "ApigeeRoute",
            Self::Group => "environment group",
            Self::Overrides => "overrides.yaml",
        }
    }
}

/// What is known of a link.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LinkState {
    Ok,
    Broken,
    /// It could not be seen.
    Unknown,
    /// There is nothing to see, or it was not requested.
    NotApplicable,
}

/// Follows the chain for a server name, in lower case; for a client without SNI if absent.
#[must_use]
pub fn of(evidence: &Evidence, server_name: Option<&str>) -> Chain {
    let path = Path { evidence, server_name };
    let links = vec![
        traffic::client(path),
        traffic::dns(path),
        traffic::load_balancer(path),
        traffic::service(path),
        traffic::pod(path),
        traffic::filter_chain(path),
        settings::secret(path),
        settings::route(path),
        settings::group(path),
        settings::overrides(path),
    ];
    let is_broken = |link: &&Link| link.state == LinkState::Broken && link.link != LinkKey::Client;
    let of_wildcard = |link: &&Link| link.link == LinkKey::Route && server_name.is_none();
    let is_pod = |link: &&Link| link.link == LinkKey::Pod;
    let first = links.iter().filter(is_broken).find(is_pod);
    let first = first.or_else(|| links.iter().filter(is_broken).find(of_wildcard));
    let broken = first.or_else(|| links.iter().rev().find(is_broken)).map(|link| link.link);
    Chain { server_name: server_name.map(str::to_owned), links, broken }
}

/// Follows the chain of the clients that a report is about: those without SNI, unless the logs have resets
/// with a server name and no others.
#[must_use]
pub fn of_report(evidence: &Evidence) -> Chain {
    let without_sni = facts::logs(evidence).any(|(_, log)| log.reset_without_sni.count > 0);
    if without_sni || evidence.question.expects_non_sni() {
        return of(evidence, None);
    }
    let names = facts::reset_names(evidence);
    let most = names.iter().max_by_key(|(name, resets)| (resets.count, std::cmp::Reverse(**name)));
    of(evidence, most.map(|(name, _)| *name))
}

/// Follows the chains of the server names that matter most: those that were reset most often, then those of
/// this run's handshakes, then the hostnames of routes.
#[must_use]
pub fn by_name(evidence: &Evidence) -> Vec<Chain> {
    let mut reset: Vec<(&str, u64)> =
        facts::reset_names(evidence).into_iter().map(|(name, resets)| (name, resets.count)).collect();
    reset.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let probes = evidence.probes.seen().ok();
    let requested = probes.into_iter().flat_map(probed::requested).filter_map(|(_, made)| made.server_name.as_deref());
    let routes = facts::routes(evidence).unwrap_or_default();
    let hostnames = routes.iter().flat_map(|route| &route.hostnames).map(String::as_str);
    let mut names: Vec<String> = Vec::new();
    for name in reset.into_iter().map(|(name, _)| name).chain(requested).chain(hostnames) {
        let name = name.to_ascii_lowercase();
        if names.len() < MAX_NAMES && !name.contains('*') && !names.contains(&name) {
            names.push(name);
        }
    }
    names.iter().map(|name| of(evidence, Some(name))).collect()
}

/// The evidence, and the client whose chain is followed.
#[derive(Clone, Copy)]
struct Path<'a> {
    evidence: &'a Evidence,
    server_name: Option<&'a str>,
}

impl<'a> Path<'a> {
    fn now(self) -> Timestamp {
        self.evidence.now()
    }

    /// Returns `without SNI` or `with server name api.example.com`.
    fn sni(self) -> String {
        self.server_name.map_or_else(|| "without SNI".into(), |name| format!("with server name {name}"))
    }

    /// Returns the route that serves the client; `None` if no route does.
    ///
    /// For a server name, the route with this hostname, otherwise with the longest wildcard above it,
    /// otherwise the wildcard route, as Envoy chooses filter chains. Without SNI, the wildcard route;
    /// otherwise one whose enableNonSniClient adds `*` to its hosts (ApigeeRoute v1alpha1).
    fn route(self) -> Result<Option<&'a Route>, Unavailable> {
        let routes = facts::routes(self.evidence)?;
        let declared = self.server_name.and_then(|name| {
            let length = |route: &Route| {
                let covering = route.hostnames.iter().filter(|hostname| {
                    *hostname != "*" && Route { hostnames: vec![(*hostname).clone()], ..Route::default() }.covers(name)
                });
                // The name itself is longer than every wildcard above it.
                covering.map(|hostname| (!hostname.starts_with('*'), hostname.len())).max()
            };
            routes.iter().copied().filter_map(|route| Some((length(route)?, route))).max_by_key(|(length, _)| *length)
        });
        if let Some((_, route)) = declared {
            return Ok(Some(route));
        }
        let wildcards = || routes.iter().copied().filter(|route| route.is_wildcard());
        let is_on = |route: &&Route| route.enable_non_sni_client == Some(true);
        let open = routes.iter().copied().find(is_on).filter(|_| self.server_name.is_none());
        // A wildcard route that does not work is shown to the clients that it is for.
        let faulty = wildcards().next().filter(|_| self.server_name.is_none());
        Ok(wildcards().find(is_on).or(faulty).or(open))
    }
}

impl Link {
    fn new(link: LinkKey, state: LinkState, why: Option<String>, facts: Vec<String>) -> Self {
        Self { link, state, why, facts, objects: Vec::new() }
    }

    fn ok(link: LinkKey, facts: Vec<String>) -> Self {
        Self::new(link, LinkState::Ok, None, facts)
    }

    fn broken(link: LinkKey, why: impl Into<String>) -> Self {
        Self::new(link, LinkState::Broken, Some(why.into()), Vec::new())
    }

    fn unknown(link: LinkKey, why: impl Into<String>) -> Self {
        Self::new(link, LinkState::Unknown, Some(why.into()), Vec::new())
    }

    fn not_applicable(link: LinkKey, why: impl Into<String>) -> Self {
        Self::new(link, LinkState::NotApplicable, Some(why.into()), Vec::new())
    }

    /// A source that was not seen. What the user did not request is not unknown.
    fn unseen(link: LinkKey, why: &Unavailable) -> Self {
        match why.reason {
            Reason::NotRequested(_) => Self::not_applicable(link, why.to_string()),
            _ => Self::unknown(link, why.to_string()),
        }
    }

    fn with_facts(self, facts: Vec<String>) -> Self {
        Self { facts, ..self }
    }

    fn at(mut self, path: Path<'_>, kind: Kind, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let namespace = Some(path.evidence.question.namespace().to_owned());
        self.objects
            .extend(names.into_iter().map(|name| Object { namespace: namespace.clone(), ..Object::new(kind, name) }));
        self
    }
}
