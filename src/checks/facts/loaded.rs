//! Whether the gateway has the certificate of a Secret: loaded by Envoy, or served in handshakes.

use super::probed;
use crate::evidence::certificate::Certificate;
use crate::evidence::gateway::FilterChain;
use crate::evidence::handshake::{EndpointOrigin, Handshake};
use crate::evidence::hybrid::{IngressPod, Route};
use crate::evidence::{Evidence, Reason, Seen, Unavailable};

/// Returns the handshakes with the pod in which a certificate was served.
pub(crate) fn handshakes<'a>(evidence: &'a Evidence, pod: &IngressPod) -> impl Iterator<Item = &'a Handshake> {
    let probes = match &evidence.probes {
        Seen::Seen(probes) => Some(probes),
        Seen::Unavailable(_) => None,
    };
    probes
        .into_iter()
        .flat_map(probed::all)
        .filter(|(endpoint, _)| matches!(&endpoint.place, EndpointOrigin::Pod { pod: known } if *known == pod.name))
        .map(|(_, handshake)| handshake)
        .filter(|handshake| !handshake.certificates.is_empty())
}

/// Returns whether Envoy has loaded the leaf; `None` if none of its filter chains uses the Secret or has a
/// hostname of the routes that name it.
pub(crate) fn in_envoy(
    evidence: &Evidence,
    secret: &str,
    routes: &[&Route],
    leaf: &Certificate,
    pod: &IngressPod,
) -> Result<Option<bool>, Unavailable> {
    let gateways = evidence.gateways.seen()?;
    let Some(gateway) = gateways.iter().find(|gateway| gateway.pod == pod.name) else {
        let why = Reason::Missing("it was not queried".into());
        return Err(Unavailable::new(format!("the Envoy of pod {}", pod.name), why));
    };
    // If the listeners were not seen, it is enough that the route selects the pod.
    if let Ok(listeners) = gateway.listeners.seen() {
        let chains =
            || listeners.iter().flat_map(|listener| &listener.chains).filter(|chain| !chain.secrets.is_empty());
        let uses = |chain: &FilterChain| chain.secrets.iter().any(|name| name.rsplit('/').next() == Some(secret));
        let hostnames = || routes.iter().flat_map(|route| &route.hostnames);
        let names_one = |chain: &FilterChain| {
            hostnames().any(|hostname| chain.server_names.iter().any(|name| name.eq_ignore_ascii_case(hostname)))
        };
        if !chains().any(|chain| uses(chain) || names_one(chain)) {
            return Ok(None);
        }
    }
    Ok(Some(gateway.certificates.seen()?.iter().any(|loaded| loaded.serial == leaf.serial)))
}
