//! The Services that select ingress pods.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Route, chaining_ingress_names};
use crate::evidence::part::{Gap, Kind, Part, Visit, Visitor, not_requested, whole};
use crate::evidence::{Seen, Source};

/// A Service in the namespace whose selector matches an ingress pod.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// `LoadBalancer`, `ClusterIP`, …
    pub kind: String,
    pub selector: BTreeMap<String, String>,
    pub ports: Vec<ServicePort>,
    /// Addresses of the load balancer, or external IPs.
    pub addresses: Vec<String>,
    /// `spec.clusterIPs`, without `None`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_addresses: Vec<IpAddr>,
    /// `spec.externalTrafficPolicy`: `Cluster` or `Local`; absent for a Service without external traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_traffic_policy: Option<String>,
}

/// One port of a Service.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePort {
    pub number: u16,
    /// Number or name of the container port.
    pub target: String,
}

impl Service {
    /// Returns whether the Service belongs to internal chaining, which no client outside the cluster uses: by
    /// its name, or because a chaining gateway among `routes` has another name and selects it.
    #[must_use]
    pub fn is_internal_chaining(&self, routes: &[Route]) -> bool {
        self.name.starts_with(super::INTERNAL_CHAINING)
            || self
                .selector
                .get("ingress_name")
                .is_some_and(|own| chaining_ingress_names(routes).any(|name| name == own))
    }

    /// Returns all addresses, inside the cluster and in front of it, without those that are hostnames.
    pub fn ip_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let in_front = self.addresses.iter().filter_map(|address| address.parse().ok());
        self.cluster_addresses.iter().copied().chain(in_front)
    }

    /// Returns whether nodes may put their own address in place of the client's. Source: Kubernetes,
    /// "Preserving the client source IP": `Cluster` obscures it, `Local` keeps it.
    #[must_use]
    pub fn hides_clients(&self) -> bool {
        self.external_traffic_policy.as_deref() == Some("Cluster")
    }
}

impl Part for Seen<Vec<Service>> {
    fn name(&self) -> &'static str {
        "services"
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::Services]
    }

    fn not_gathered(why: &str) -> Self {
        not_requested("Services", why)
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        whole(self, Source::Services)
    }
}

impl Visit for Service {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, labels, kind, selector, ports, addresses, cluster_addresses, external_traffic_policy } = self;
        visitor.string(Kind::Object, name);
        visitor.labels(labels);
        visitor.string(Kind::Word, kind);
        visitor.labels(selector);
        ports.visit(visitor);
        visitor.strings(Kind::Hostname, addresses);
        for address in cluster_addresses {
            visitor.address(address);
        }
        visitor.strings(Kind::Word, external_traffic_policy);
    }
}

impl Visit for ServicePort {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { number: _, target } = self;
        visitor.string(Kind::Object, target);
    }
}
