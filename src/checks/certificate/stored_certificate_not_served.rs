//! AT414: the gateway has, or serves, another certificate than the Secret holds.

use crate::checks::facts::chain::{self, Wrong};
use crate::checks::facts::{self, probed, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::certificate::Certificate;
use crate::evidence::cluster::{IngressPod, Route, selects};
use crate::evidence::handshake::{Handshake, Place};
use crate::evidence::{Evidence, Reason, Seen, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT414"),
    name: "stored-certificate-not-served",
    level: Level::Warning,
    step: Step::Probe,
    summary: "The gateway does not have the certificate that the Secret holds",
    explanation: Explanation {
        looks_for: "Three places that must have one certificate: the leaf in the Secret of a route; at each running \
            pod that the route selects, what Envoy has loaded (by serial number), where a filter chain asks for this \
            Secret; and what handshakes with the pod got for a hostname of the route, or without a server name for \
            hostname * (by fingerprint). Not judged are Secrets with a fault of their own (AT401 to AT404), and a name \
            for which several routes of the pod have different Secrets.",
        matters: "A new certificate does not reach clients: they go on to get the old one, and fail on the day on \
            which it expires. Or the Secret was overwritten, and the old one comes back with the next pod.",
        fix: "Look at apigee-ingressgateway-manager, which hands the Secrets to the pods: its state and its log. A pod \
            that alone is behind is deleted, so that a new one takes its place. If what is served is the right one, \
            put it back into the files of the virtual host, and run helm upgrade.",
    },
    reference: "Istio: the control plane pushes a changed Secret to the gateways that name it (SDS); Envoy admin interface, GET /certs",
    judge,
};

/// A running pod, and its handshakes in which a certificate came, each with the Secret whose certificate it had to be.
struct Pod<'a> {
    pod: &'a IngressPod,
    served: Vec<(&'a Handshake, Option<&'a str>)>,
}

/// What was seen at the pods of one Secret.
#[derive(Default)]
struct Places<'a> {
    /// Pods whose Envoy has not loaded the leaf.
    lacking: Vec<&'a str>,
    /// Another leaf that was served, by which pods and to which hellos.
    served: Vec<(&'a Certificate, Vec<String>, Vec<String>)>,
    compared: usize,
    unseen: Vec<Unavailable>,
}

impl Places<'_> {
    /// The pods that do not have the leaf.
    fn pods(&self) -> impl Iterator<Item = &str> {
        self.lacking.iter().copied().chain(self.served.iter().flat_map(|(_, pods, _)| pods).map(String::as_str))
    }
}

fn judge(evidence: &Evidence) -> Judgement {
    let pods = pods(evidence)?;
    let right = "Envoy has loaded, or serves, the certificates that the Secrets hold";
    let nothing = "no running ingress pod has a Secret whose certificate could be served";
    stored::judge(evidence, right, nothing, |secret| {
        let Some(leaf) = secret.fit_leaf() else { return Ok(None) };
        let mut places = Places::default();
        for pod in &pods {
            if secret.routes.iter().any(|route| selects(&route.selector, &pod.pod.labels)) {
                look(evidence, secret.name, leaf, pod, &mut places);
            }
        }
        if !places.lacking.is_empty() || !places.served.is_empty() {
            let finding = secret.finding(secret.certificate_entry(), wrong(leaf, &places));
            return Ok(Some(vec![finding.concerning(places.pods())]));
        }
        let unseen = places.unseen.iter().find(|why| !matches!(why.reason, Reason::NotRequested(_)));
        match unseen.or(places.unseen.first()) {
            Some(why) => Err(why.clone()),
            None => Ok((places.compared > 0).then(Vec::new)),
        }
    })
}

fn pods(evidence: &Evidence) -> Result<Vec<Pod<'_>>, Unavailable> {
    let routes = facts::routes(evidence)?;
    let running = facts::pods(evidence)?.into_iter().filter(|pod| pod.is_running());
    Ok(running
        .map(|pod| {
            let of_pod: Vec<&Route> =
                routes.iter().copied().filter(|route| selects(&route.selector, &pod.labels)).collect();
            let secret = |handshake| stored::secret_to_serve(&of_pod, handshake);
            let served = handshakes(evidence, pod).map(|handshake| (handshake, secret(handshake))).collect();
            Pod { pod, served }
        })
        .collect())
}

fn handshakes<'a>(evidence: &'a Evidence, pod: &IngressPod) -> impl Iterator<Item = &'a Handshake> {
    let probes = match &evidence.probes {
        Seen::Seen(probes) => Some(probes),
        Seen::Unavailable(_) => None,
    };
    probes
        .into_iter()
        .flat_map(probed::all)
        .filter(|(endpoint, _)| matches!(&endpoint.place, Place::Pod { pod: known } if *known == pod.name))
        .map(|(_, handshake)| handshake)
        .filter(|handshake| !handshake.certificates.is_empty())
}

/// Compares what Envoy has loaded, and what the pod served. One of both is enough to tell.
fn look<'a>(evidence: &Evidence, secret: &str, leaf: &Certificate, pod: &Pod<'a>, places: &mut Places<'a>) {
    let loaded = is_loaded(evidence, secret, leaf, pod.pod);
    if loaded == Ok(Some(false)) {
        places.lacking.push(&pod.pod.name);
    }
    let mut is_served = false;
    for (handshake, _) in pod.served.iter().filter(|(_, expected)| *expected == Some(secret)) {
        is_served = true;
        let other = &handshake.certificates[0];
        if other.fingerprint != leaf.fingerprint {
            let known = places.served.iter().position(|(known, ..)| known.fingerprint == other.fingerprint);
            let position = known.unwrap_or_else(|| {
                places.served.push((other, Vec::new(), Vec::new()));
                places.served.len() - 1
            });
            places.served[position].1.push(pod.pod.name.clone());
            places.served[position].2.push(probed::hello(handshake));
        }
    }
    match loaded {
        // An Envoy without a chain for this Secret is AT526's business.
        Ok(None) if !is_served => {}
        Err(why) if !is_served => places.unseen.push(unseen(evidence, why)),
        _ => places.compared += 1,
    }
}

/// Whether Envoy has loaded the leaf; absent where none of its filter chains asks for the Secret.
fn is_loaded(
    evidence: &Evidence,
    secret: &str,
    leaf: &Certificate,
    pod: &IngressPod,
) -> Result<Option<bool>, Unavailable> {
    let gateways = evidence.gateways.seen()?;
    let Some(gateway) = gateways.iter().find(|gateway| gateway.pod == pod.name) else {
        let why = Reason::Missing("it was not asked".into());
        return Err(Unavailable::new(format!("the Envoy of pod {}", pod.name), why));
    };
    // Where the listeners were not seen, that the route selects the pod has to do.
    if let Ok(listeners) = gateway.listeners.seen() {
        let mut asked = listeners.iter().flat_map(|listener| &listener.chains).flat_map(|chain| &chain.secrets);
        if !asked.any(|name| name.rsplit('/').next() == Some(secret)) {
            return Ok(None);
        }
    }
    Ok(Some(gateway.certificates.seen()?.iter().any(|loaded| loaded.serial == leaf.serial)))
}

/// Why neither place told anything: the reason that is not the user's own choice, where one is.
fn unseen(evidence: &Evidence, loaded: Unavailable) -> Unavailable {
    let probes = evidence.probes.seen().and_then(probed::whole);
    match (&loaded.reason, probes) {
        (Reason::NotRequested(_), Err(why)) => why,
        _ => loaded,
    }
}

fn wrong(leaf: &Certificate, places: &Places<'_>) -> Wrong {
    let named = |leaf: &Certificate| format!("{} ({})", chain::called(leaf), probed::short(&leaf.fingerprint));
    let mut parts = Vec::new();
    if !places.lacking.is_empty() {
        parts.push(format!("the Envoy of {} has not loaded it", facts::some_of(&places.lacking)));
    }
    for (other, pods, hellos) in &places.served {
        let (pods, hellos) = (probed::names(pods.iter().cloned()), probed::names(hellos.iter().cloned()));
        parts.push(format!("{pods} serves {} ({hellos})", named(other)));
    }
    let seen = parts.join("; ");
    Wrong {
        what: format!("the gateway does not have its certificate {}: {seen}", named(leaf)),
        observed: seen,
        expected: named(leaf),
    }
}
