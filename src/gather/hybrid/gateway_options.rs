//! Options of the gateway probes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::evidence::handshake::ClientHelloKind;
use crate::evidence::hybrid::{IngressPod, Service, selects};
use crate::gather::probe::handshake::ClientHelloOptions;
use crate::gather::probe::prober::Prober;

/// Port to which Apigee's Service leads, unless a Service says otherwise. Source: "Expose Apigee ingress
/// gateway".
pub(in crate::gather) const GATEWAY_PORT: u16 = 8443;
/// Port to which clients connect.
pub(in crate::gather) const HTTPS: u16 = 443;
/// Number of concurrent connections through the API server, for all pods together. It equals the number of
/// concurrent logs: a stream costs the API server the same, and one whose handshake is refused lasts a second
/// (see `port_forward`).
pub(in crate::gather) const POD_CONNECTIONS: usize = 16;

/// The places to probe.
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

/// What `diagnose` probes, and with which parameters.
#[derive(Clone)]
pub struct GatewayProbe {
    pub prober: Arc<Prober>,
    pub places: Places,
    /// `--probe-host`: probed in addition to the hostnames of the routes.
    pub hosts: Vec<String>,
    /// Whether clients without SNI are expected, so that their handshake counts as requested.
    pub expect_without_sni: bool,
}

/// Returns a ClientHello without SNI.
pub(in crate::gather) fn without_sni(requested: bool) -> ClientHelloOptions {
    ClientHelloOptions { kind: ClientHelloKind::WithoutSni, server_name: None, requested, is_marker: false }
}

/// Returns the port on which the pod's gateway listens: the target of port 443 of a Service that selects the
/// pod.
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
