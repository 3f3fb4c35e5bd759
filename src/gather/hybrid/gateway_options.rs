//! What is probed of the gateways of a cluster, and as whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::evidence::cluster::{IngressPod, Service, selects};
use crate::evidence::handshake::HelloKind;
use crate::gather::probe::handshake::Hello;
use crate::gather::probe::prober::Prober;

/// Where Apigee's Service leads, unless a Service says otherwise. Source: "Expose Apigee ingress gateway".
pub(in crate::gather) const GATEWAY_PORT: u16 = 8443;
/// Where clients connect to.
pub(in crate::gather) const HTTPS: u16 = 443;
/// Connections through the API server at the same time, to all pods together. As many as logs are read at once: a stream
/// costs the API server the same, and one whose handshake is refused lasts a second (see `port_forward`).
pub(in crate::gather) const POD_CONNECTIONS: usize = 16;

/// Which places are probed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Places {
    pub pods: bool,
    pub services: bool,
    pub dns: bool,
}

impl Places {
    pub const NONE: Self = Self { pods: false, services: false, dns: false };

    #[must_use]
    pub fn any(self) -> bool {
        self.pods || self.services || self.dns
    }
}

/// What `diagnose` probes, and as whom.
#[derive(Clone)]
pub struct GatewayProbe {
    pub prober: Arc<Prober>,
    pub places: Places,
    /// `--probe-host`: probed beside the hostnames of the routes.
    pub hosts: Vec<String>,
    /// Clients without a server name are expected, so their handshake is one that is asked for.
    pub expect_nameless: bool,
}

/// A hello without a server name.
pub(in crate::gather) fn nameless(asked: bool) -> Hello {
    Hello { kind: HelloKind::Nameless, server_name: None, asked, knock: false }
}

/// The port on which the pod's gateway listens: where a Service that selects it leads 443.
pub(in crate::gather) fn gateway_port(pod: &IngressPod, services: &[Service]) -> u16 {
    let mut leads: BTreeMap<u16, usize> = BTreeMap::new();
    for service in services.iter().filter(|service| selects(&service.selector, &pod.labels)) {
        let targets =
            service.ports.iter().filter(|port| port.number == HTTPS).filter_map(|port| port.target.parse().ok());
        for target in targets {
            *leads.entry(target).or_default() += 1;
        }
    }
    leads.into_iter().max_by_key(|(_, count)| *count).map_or(GATEWAY_PORT, |(port, _)| port)
}
