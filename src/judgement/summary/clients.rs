//! What the address of a client is known to be, from the objects of the cluster and from published ranges.
//!
//! The name of a node, pod or Service is that of the evidence. If addresses were replaced by pseudonyms,
//! those of the cluster are still recognised, because equal addresses have equal pseudonyms; whether another
//! one was private is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::facts::{self, HealthCheck, HealthChecks};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Seen};

/// What an address is known to be.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Who {
    pub kind: WhoKind,
    /// Name of the node, the pod or the Service.
    pub name: Option<String>,
    /// Number of resets in each minute, if they keep the steady beat of a health check; `null` below one.
    pub per_minute: Option<u64>,
    /// Number of seconds between two of its connections without SNI, if they keep that beat.
    #[serde(default)]
    pub beat_seconds: Option<u64>,
    /// The Service whose `externalTrafficPolicy` is `Cluster`: nodes may put their own address in place of
    /// the client's.
    pub hidden_by: Option<String>,
}

/// Kinds of addresses.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WhoKind {
    /// Azure's load balancers probe from this address.
    AzureHealthProbe,
    /// Google's load balancers and health checks connect from this range.
    GoogleLoadBalancer,
    /// The pod itself, or a port-forward.
    Loopback,
    /// The node of an ingress pod.
    Node,
    /// An ingress pod.
    Pod,
    /// The same /24 (IPv6: /64) as an ingress pod: the node's own address there, or another pod.
    PodNetwork,
    /// Any other address of a private range (RFC 1918, RFC 6598, RFC 4193).
    Private,
    /// Any other address.
    Public,
    /// A Service of the ingress pods.
    Service,
    /// Not an address, or a pseudonym for one.
    Unknown,
}

/// The addresses of the cluster that the evidence has.
pub(super) struct Cluster<'a> {
    known: BTreeMap<IpAddr, (WhoKind, String)>,
    /// Nodes of ingress pods by the network of the pods' addresses.
    networks: BTreeMap<IpAddr, BTreeSet<String>>,
    /// A Service that may hide client addresses.
    hiding: Option<String>,
    /// The health checks among the clients that are reset.
    checks: HealthChecks<'a>,
}

impl<'a> Cluster<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let mut known = BTreeMap::new();
        let mut networks: BTreeMap<IpAddr, BTreeSet<String>> = BTreeMap::new();
        if let Seen::Seen(services) = &evidence.services {
            for service in services {
                for address in service.ip_addresses() {
                    known.insert(address.to_canonical(), (WhoKind::Service, service.name.clone()));
                }
            }
        }
        if let Seen::Seen(pods) = &evidence.pods {
            for pod in pods {
                for address in &pod.addresses {
                    known.insert(address.to_canonical(), (WhoKind::Pod, pod.name.clone()));
                    let nodes = networks.entry(network(address.to_canonical())).or_default();
                    nodes.extend(pod.node.clone());
                }
            }
            // Last: a pod on the network of its node has the address of the node.
            for pod in pods {
                for address in &pod.node_addresses {
                    let name = pod.node.clone().unwrap_or_default();
                    known.insert(address.to_canonical(), (WhoKind::Node, name));
                }
            }
        }
        let services = facts::services(evidence).unwrap_or_default();
        let hiding = services.iter().find(|service| service.hides_clients()).map(|service| service.name.clone());
        Self { known, networks, hiding, checks: HealthChecks::of_resets(evidence) }
    }

    /// Returns what is known of a client address of these logs.
    pub(super) fn who(&self, client: &str, logs: &[(&LogOrigin, &AccessLog)]) -> Who {
        let (kind, name) = self.kind(client);
        let may_hide = matches!(kind, WhoKind::Node | WhoKind::PodNetwork);
        let beat_seconds = logs.iter().find_map(|(origin, log)| {
            log.reset_without_sni.clients.contains_key(client).then_some(())?;
            match self.checks.kind(origin, client)? {
                HealthCheck::Beat { seconds } => Some(seconds),
                HealthCheck::Azure => None,
            }
        });
        let per_minute = beat_seconds.and_then(|seconds| 60_u64.checked_div(seconds)).filter(|number| *number > 0);
        Who { kind, name, per_minute, beat_seconds, hidden_by: self.hiding.clone().filter(|_| may_hide) }
    }

    fn kind(&self, client: &str) -> (WhoKind, Option<String>) {
        let Ok(address) = client.parse::<IpAddr>().map(|address| address.to_canonical()) else {
            return (WhoKind::Unknown, None);
        };
        if let Some((kind, name)) = self.known.get(&address) {
            return (*kind, Some(name.clone()).filter(|name| !name.is_empty()));
        }
        let kind = match address {
            _ if address.is_loopback() => WhoKind::Loopback,
            _ if facts::is_google_front_end(client) => WhoKind::GoogleLoadBalancer,
            _ if facts::is_azure_probe(client) => WhoKind::AzureHealthProbe,
            _ if is_pseudonym(address) => WhoKind::Unknown,
            _ if is_private(address) => WhoKind::Private,
            _ => WhoKind::Public,
        };
        match self.networks.get(&network(address)) {
            Some(nodes) if matches!(kind, WhoKind::Private | WhoKind::Public) => {
                (WhoKind::PodNetwork, nodes.first().filter(|_| nodes.len() == 1).cloned())
            }
            _ => (kind, None),
        }
    }
}

/// The first address of the /24 (IPv6: /64) of an address.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            [a, b, c, 0].into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
    }
}

/// RFC 1918, RFC 6598 (shared address space, which clusters use for pods), RFC 4193, and link-local.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private() || address.is_link_local() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// The ranges of the pseudonyms that a bundle may have in place of addresses: RFC 2544 and RFC 3849. Neither
/// is used by clients.
fn is_pseudonym(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            first == 198 && second & 0xfe == 18
        }
        IpAddr::V6(address) => matches!(address.segments(), [0x2001, 0x0db8, ..]),
    }
}

impl fmt::Display for Who {
    /// Writes a fragment: `node node-1, which may hide the real client (…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seconds) = self.beat_seconds {
            write!(f, "the beat of a health check, every {seconds} s; ")?;
        }
        let name = self.name.as_deref();
        match (self.kind, name) {
            (WhoKind::AzureHealthProbe, _) => f.write_str("health probe of an Azure load balancer"),
            (WhoKind::GoogleLoadBalancer, _) => f.write_str("Google load balancer or health check"),
            (WhoKind::Loopback, _) => f.write_str("the pod itself, or a port-forward"),
            (WhoKind::Node, Some(name)) => write!(f, "node {name}"),
            (WhoKind::Node, None) => f.write_str("a node"),
            (WhoKind::Pod, name) => write!(f, "pod {}", name.unwrap_or_default()),
            (WhoKind::PodNetwork, Some(name)) => write!(f, "in the network of the pods on node {name}"),
            (WhoKind::PodNetwork, None) => f.write_str("in the network of the ingress pods"),
            (WhoKind::Private, _) => f.write_str("private address"),
            (WhoKind::Public, _) => f.write_str("public address"),
            (WhoKind::Service, name) => write!(f, "Service {}", name.unwrap_or_default()),
            (WhoKind::Unknown, _) => f.write_str("unknown"),
        }?;
        if let Some(service) = &self.hidden_by {
            write!(f, ", which may hide the real client (Service {service}: externalTrafficPolicy Cluster)")?;
        }
        Ok(())
    }
}
