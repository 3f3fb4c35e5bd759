//! AT414: the gateway has loaded or serves a different certificate than the one in the Secret.

use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::stored::Secret;
use crate::checks::facts::{self, loaded, probed, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::Handshake;
use crate::evidence::hybrid::{IngressPod, Route, selects};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT414"),
    name: "stored-certificate-not-served",
    level: Level::Warning,
    summary: "The gateway does not have the certificate that the Secret holds",
    explanation: Explanation {
        looks_for: "Three places that must have the same certificate. First, the leaf in the Secret of a \
            route. Second, at each running pod that the route selects, the certificates that Envoy has \
            loaded (by serial number), if a filter chain uses this Secret. Third, the certificate that \
            handshakes with the pod got for a hostname of the route, or without SNI for hostname * (by \
            fingerprint). Not checked: Secrets with a fault of their own (AT401 to AT404, AT419, AT420), \
            and names for which several routes of the pod have different Secrets.",
        matters: "A new certificate does not reach the clients. They still get the old one, and fail on the \
            day it expires. Or the Secret was overwritten, and the old certificate returns with the next \
            pod.",
        fix: "Check the state and the log of apigee-ingressgateway-manager, which distributes the Secrets to \
            the pods. If only one pod is behind, delete it so that it is recreated. If the served \
            certificate is the right one, write it to the files of the virtual host, and run helm upgrade.",
    },
    reference: "Istio: the control plane pushes a changed Secret to the gateways that name it (SDS); Envoy \
        admin interface, GET /certs",
    judge,
};

/// A running pod and its handshakes in which a certificate was served, each with the Secret that the
/// certificate must come from.
struct Pod<'a> {
    pod: &'a IngressPod,
    served: Vec<(&'a Handshake, Option<&'a str>)>,
}

/// Comparison of one Secret with the pods that must have its certificate.
#[derive(Default)]
struct PodComparison<'a> {
    /// Pods whose Envoy has not loaded the leaf.
    lacking: Vec<&'a str>,
    /// Each other leaf that was served, with the pods that served it and the SNI of the handshakes.
    served: Vec<(&'a Certificate, Vec<String>, Vec<String>)>,
    compared: usize,
    unseen: Vec<Unavailable>,
}

impl PodComparison<'_> {
    /// Returns the pods that do not have the leaf.
    fn pods(&self) -> impl Iterator<Item = &str> {
        self.lacking.iter().copied().chain(self.served.iter().flat_map(|(_, pods, _)| pods).map(String::as_str))
    }
}

fn judge(evidence: &Evidence) -> Judgement {
    let pods = pods(evidence)?;
    let right = "Envoy has loaded or serves the certificates in the Secrets";
    let nothing = "no running ingress pod has a Secret whose certificate could be served";
    stored::judge(evidence, right, nothing, |secret| {
        let Some(leaf) = secret.usable_leaf(evidence) else { return Ok(None) };
        let mut comparison = PodComparison::default();
        for pod in &pods {
            if secret.routes.iter().any(|route| selects(&route.selector, &pod.pod.labels)) {
                compare_pod(evidence, secret, leaf, pod, &mut comparison);
            }
        }
        if !comparison.lacking.is_empty() || !comparison.served.is_empty() {
            let finding = secret.finding(secret.certificate_entry(), deviation(leaf, &comparison));
            return Ok(Some(vec![finding.concerning(comparison.pods())]));
        }
        let unseen = comparison.unseen.iter().find(|why| !matches!(why.reason, Reason::NotRequested(_)));
        match unseen.or(comparison.unseen.first()) {
            Some(why) => Err(why.clone()),
            None => Ok((comparison.compared > 0).then(Vec::new)),
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
            let served = loaded::handshakes(evidence, pod).map(|handshake| (handshake, secret(handshake))).collect();
            Pod { pod, served }
        })
        .collect())
}

/// Compares the leaf with the certificates that Envoy has loaded and with those that the pod served. One of
/// the two sources is enough.
fn compare_pod<'a>(
    evidence: &Evidence,
    secret: &Secret<'_>,
    leaf: &Certificate,
    pod: &Pod<'a>,
    comparison: &mut PodComparison<'a>,
) {
    let loaded = loaded::in_envoy(evidence, secret.name, &secret.routes, leaf, pod.pod);
    if loaded == Ok(Some(false)) {
        comparison.lacking.push(&pod.pod.name);
    }
    let mut is_served = false;
    for (handshake, _) in pod.served.iter().filter(|(_, expected)| *expected == Some(secret.name)) {
        is_served = true;
        let other = &handshake.certificates[0];
        if other.fingerprint != leaf.fingerprint {
            let known = comparison.served.iter().position(|(known, ..)| known.fingerprint == other.fingerprint);
            let position = known.unwrap_or_else(|| {
                comparison.served.push((other, Vec::new(), Vec::new()));
                comparison.served.len() - 1
            });
            comparison.served[position].1.push(pod.pod.name.clone());
            comparison.served[position].2.push(probed::describe_sni(handshake));
        }
    }
    match loaded {
        // AT526 reports an Envoy without a filter chain for the route.
        Ok(None) if !is_served => {}
        Err(why) if !is_served => comparison.unseen.push(unseen(evidence, why)),
        _ => comparison.compared += 1,
    }
}

/// Returns why neither source was available. A source that failed takes precedence over one that was not
/// requested.
fn unseen(evidence: &Evidence, loaded: Unavailable) -> Unavailable {
    let probes = evidence.probes.seen().and_then(probed::all_probed);
    match (&loaded.reason, probes) {
        (Reason::NotRequested(_), Err(why)) => why,
        _ => loaded,
    }
}

fn deviation(leaf: &Certificate, comparison: &PodComparison<'_>) -> Deviation {
    let named = |leaf: &Certificate| {
        format!("{} ({})", chain::subject_and_serial(leaf), probed::short_fingerprint(&leaf.fingerprint))
    };
    let mut parts = Vec::new();
    if !comparison.lacking.is_empty() {
        parts.push(format!("the Envoy of {} has not loaded it", facts::some_of(&comparison.lacking)));
    }
    for (other, pods, client_hellos) in &comparison.served {
        let (pods, client_hellos) = (probed::names(pods.iter().cloned()), probed::names(client_hellos.iter().cloned()));
        parts.push(format!("{pods} serves {} ({client_hellos})", named(other)));
    }
    let seen = parts.join("; ");
    Deviation {
        what: format!("the gateway does not have its certificate {}: {seen}", named(leaf)),
        observed: seen,
        expected: named(leaf),
    }
}
