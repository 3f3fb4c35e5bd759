//! The first look at each ingress pod: its counters, a knock, and a hello without a server name.
//!
//! The knock is what the pod's log must show. The hello without a name follows it at once, for the reset that it may leave is told
//! from those of clients by the knock before it (`wire::access_log::own`).

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{Semaphore, mpsc};

use super::gateway_options::{GatewayProbe, POD_CONNECTIONS, gateway_port, nameless};
use crate::evidence::cluster::{IngressPod, Service};
use crate::evidence::gateway::Counters;
use crate::evidence::handshake::{Handshake, HelloKind, How, Party, Stage};
use crate::evidence::{Reason, Seen};
use crate::gather::hybrid::envoy;
use crate::gather::kubernetes::api::Api;
use crate::gather::probe::handshake::{Hello, handshake_within};
use crate::gather::probe::transport::Way;

/// For the counters before the knock. They come in a fraction of that; a port-forward to a closed port says so after a
/// second, which the knock need not wait for.
const HEAD_START: Duration = Duration::from_millis(300);

/// The first look at a pod.
#[derive(Clone, Debug)]
pub(in crate::gather) struct Greeted {
    pub(in crate::gather) pod: String,
    pub(in crate::gather) port: u16,
    /// The reason, where the run ended before the pod had answered.
    pub(in crate::gather) knock: Result<Handshake, Reason>,
    pub(in crate::gather) before: Seen<Counters>,
    /// Absent where the knock did not reach the gateway, or the run ended first.
    pub(in crate::gather) nameless: Option<Handshake>,
}

/// A pod at whose gateway was knocked.
pub(in crate::gather) struct Knocked {
    pub pod: String,
    /// A line in the access log must follow: the gateway refused the name, or answered a request that had it.
    pub leaves_a_line: bool,
}

impl Greeted {
    /// Why there is no port-forward to this pod, or no time left for one, so that nothing more can be seen of it.
    pub(in crate::gather) fn closed_way(&self) -> Option<Reason> {
        let failure = match &self.knock {
            Ok(knock) => knock.failure.as_ref()?,
            Err(reason) => return Some(reason.clone()),
        };
        match (&self.before, &failure.how) {
            _ if (failure.stage, failure.by) != (Stage::Connect, Party::Nobody) => None,
            // The same way was tried once more, and its reason has the rule that is missing.
            (Seen::Unavailable(why), _) => Some(why.reason.clone()),
            (Seen::Seen(_), How::TimedOut { milliseconds }) => Some(Reason::TimedOut { milliseconds: *milliseconds }),
            (Seen::Seen(_), _) => Some(Reason::Unreachable(failure.to_string())),
        }
    }
}

/// Knocks at the pods that run, tells of each when it has been done, and then sends each a hello without a name. Internal
/// chaining is not for clients outside and is left alone.
pub(in crate::gather) async fn greet(
    api: &Api,
    namespace: &str,
    probe: &GatewayProbe,
    pods: &[IngressPod],
    services: &[Service],
    knocked: mpsc::UnboundedSender<Knocked>,
) -> Vec<Greeted> {
    if !probe.places.pods {
        return Vec::new();
    }
    let reachable = pods.iter().filter(|pod| pod.is_running() && !pod.is_internal_chaining() && !pod.terminating);
    // Whoever waits longest comes first, so that all knocks are made before most of the rest, and the logs need not wait.
    let permits = &Semaphore::new(POD_CONNECTIONS);
    let greetings: Vec<_> = reachable
        .map(|pod| {
            let knocked = knocked.clone();
            async move {
                let port = gateway_port(pod, services);
                let way = Way::Pod { api: api.clone(), namespace: namespace.to_owned(), pod: pod.name.clone(), port };
                let name = probe.prober.unknown_name().to_owned();
                let hello = Hello { kind: HelloKind::Unknown, server_name: Some(name), asked: false, knock: true };
                // The semaphore is never closed.
                let permit = permits.acquire().await;
                let mut counters = std::pin::pin!(envoy::counters(api, namespace, &pod.name));
                let early = tokio::time::timeout(HEAD_START, &mut counters).await;
                let knocking = async {
                    let knock = handshake_within(api.stop(), &probe.prober, &way, &hello).await;
                    let leaves_a_line = knock.as_ref().is_ok_and(|knock| knock.succeeded() || knock.was_refused());
                    // Nobody listens any more where the run was ended.
                    let _ = knocked.send(Knocked { pod: pod.name.clone(), leaves_a_line });
                    drop(knocked);
                    knock
                };
                let counting = async {
                    match early {
                        Ok(before) => before,
                        Err(_) => counters.await,
                    }
                };
                let (knock, before) = futures::join!(knocking, counting);
                drop(permit);
                let _permit = permits.acquire().await;
                let nameless = if knock.as_ref().is_ok_and(|knock| !is_unreached(knock)) {
                    handshake_within(api.stop(), &probe.prober, &way, &nameless(false)).await.ok()
                } else {
                    None
                };
                Greeted { pod: pod.name.clone(), port, knock, before, nameless }
            }
        })
        .collect();
    drop(knocked);
    join_all(greetings).await
}

/// It ended before the peer said anything of TLS, or could.
pub(in crate::gather) fn is_unreached(handshake: &Handshake) -> bool {
    handshake.failure.as_ref().is_some_and(|failure| failure.stage <= Stage::Connect)
}
