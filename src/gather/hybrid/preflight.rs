//! Runs the preflight at each ingress pod: its counters, a marker probe, and a ClientHello without SNI.
//!
//! The pod's log must show the marker probe. The ClientHello without SNI follows at once: the reset that it
//! may cause is distinguished from those of clients by the marker before it (`wire::access_log::own`).

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{Semaphore, mpsc};

use super::gateway_options::{GatewayProbe, POD_CONNECTIONS, gateway_port, without_sni};
use crate::evidence::gateway::Counters;
use crate::evidence::handshake::{ClientHelloKind, Handshake, How, Party, Stage};
use crate::evidence::hybrid::{IngressPod, Service};
use crate::evidence::{Reason, Seen};
use crate::gather::hybrid::envoy;
use crate::gather::kubernetes::api::Api;
use crate::gather::probe::handshake::{ClientHelloOptions, handshake_within};
use crate::gather::probe::transport::Transport;

/// How long the marker probe waits for the counters, which usually take a fraction of it. A port-forward to a
/// closed port takes a second to report that; the marker probe does not wait so long.
const HEAD_START: Duration = Duration::from_millis(300);

/// The result of the preflight at one pod.
#[derive(Clone, Debug)]
pub(in crate::gather) struct Preflight {
    pub(in crate::gather) pod: String,
    pub(in crate::gather) port: u16,
    /// The error is the reason why the run ended before the pod answered.
    pub(in crate::gather) marker: Result<Handshake, Reason>,
    pub(in crate::gather) before: Seen<Counters>,
    /// Absent if the marker probe did not reach the gateway, or the run ended first.
    pub(in crate::gather) without_sni: Option<Handshake>,
}

/// A pod whose gateway received a marker probe.
pub(in crate::gather) struct MarkerSent {
    pub pod: String,
    /// A record in the access log must follow: the gateway refused the name, or answered a request with it.
    pub leaves_a_line: bool,
}

impl Preflight {
    /// Returns why a port-forward to this pod is impossible, or why no time is left for one, so that nothing
    /// more can be observed.
    pub(in crate::gather) fn unreachable_reason(&self) -> Option<Reason> {
        let failure = match &self.marker {
            Ok(marker) => marker.failure.as_ref()?,
            Err(reason) => return Some(reason.clone()),
        };
        match (&self.before, &failure.how) {
            _ if failure.by != Party::Transport => None,
            // The same transport was tried once more, and its reason names the missing rule.
            (Seen::Unavailable(why), _) if failure.stage == Stage::Connect => Some(why.reason.clone()),
            (_, How::TimedOut { milliseconds }) => Some(Reason::TimedOut { milliseconds: *milliseconds }),
            _ => Some(Reason::Unreachable(failure.to_string())),
        }
    }
}

/// Sends marker probes to the running pods, reports each one when it is done, and then sends each pod a
/// ClientHello without SNI. Skips internal chaining, which serves no external clients; only its routes, which
/// are not known yet, identify a renamed chaining gateway.
pub(in crate::gather) async fn run(
    api: &Api,
    namespace: &str,
    probe: &GatewayProbe,
    pods: &[IngressPod],
    services: &[Service],
    markers: mpsc::UnboundedSender<MarkerSent>,
) -> Vec<Preflight> {
    if !probe.places.pods {
        return Vec::new();
    }
    let reachable = pods.iter().filter(|pod| pod.is_running() && !pod.is_internal_chaining(&[]) && !pod.terminating);
    // The slowest part starts first, so that all marker probes are sent early and the logs need not wait.
    let permits = &Semaphore::new(POD_CONNECTIONS);
    let preflights: Vec<_> = reachable
        .map(|pod| {
            let markers = markers.clone();
            async move {
                let port = gateway_port(pod, services);
                let transport =
                    Transport::Pod { api: api.clone(), namespace: namespace.to_owned(), pod: pod.name.clone(), port };
                let name = probe.prober.unknown_name().to_owned();
                let hello = ClientHelloOptions {
                    kind: ClientHelloKind::Unknown,
                    server_name: Some(name),
                    requested: false,
                    is_marker: true,
                };
                // Nobody closes the semaphore.
                let permit = permits.acquire().await;
                let mut counters = std::pin::pin!(envoy::counters(api, namespace, &pod.name));
                let early = tokio::time::timeout(HEAD_START, &mut counters).await;
                let probing = async {
                    let marker = handshake_within(api.stop(), &probe.prober, &transport, &hello).await;
                    let leaves_a_line = marker.as_ref().is_ok_and(|marker| marker.succeeded() || marker.was_refused());
                    // The receiver is gone if the run was ended.
                    let _ = markers.send(MarkerSent { pod: pod.name.clone(), leaves_a_line });
                    drop(markers);
                    marker
                };
                let counting = async {
                    match early {
                        Ok(before) => before,
                        Err(_) => counters.await,
                    }
                };
                let (marker, before) = futures::join!(probing, counting);
                drop(permit);
                let _permit = permits.acquire().await;
                let without_sni = if marker.as_ref().is_ok_and(|marker| !is_unreached(marker) && !marker.was_lost()) {
                    handshake_within(api.stop(), &probe.prober, &transport, &without_sni(false)).await.ok()
                } else {
                    None
                };
                Preflight { pod: pod.name.clone(), port, marker, before, without_sni }
            }
        })
        .collect();
    drop(markers);
    join_all(preflights).await
}

/// Whether the handshake ended before the peer sent, or could send, any TLS.
pub(in crate::gather) fn is_unreached(handshake: &Handshake) -> bool {
    handshake.failure.as_ref().is_some_and(|failure| failure.stage <= Stage::Connect)
}
