//! The routes, and the certificates that they or the overrides file name.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CertificateSummary, RouteSummary};
use crate::checks::facts::{self, loaded, stored};
use crate::evidence::certificate::Certificate;
use crate::evidence::hybrid::{IngressPod, Route, selects};
use crate::evidence::stored::{StoredCertificate, StoredIn};
use crate::evidence::{Evidence, Seen};

/// The running pods of the routes that name a Secret, by what their Envoy has loaded.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateInEnvoy {
    /// Names of the pods that have the certificate.
    pub loaded: Vec<String>,
    /// Names of the pods that do not have it.
    pub lacking: Vec<String>,
}

/// A certificate that pods served.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServedLeaf {
    pub subject: String,
    pub serial: String,
    /// It is the stored one, by its fingerprint.
    pub is_stored: bool,
    pub pods: Vec<String>,
}

pub(super) fn routes(evidence: &Evidence) -> Option<Vec<RouteSummary>> {
    let routes = facts::routes(evidence).ok()?;
    Some(
        routes
            .into_iter()
            .map(|route| RouteSummary {
                name: route.name.clone(),
                group: (!route.is_wildcard()).then(|| route.group().to_owned()),
                hostnames: route.hostnames.clone(),
                state: route.status.state.clone(),
                enable_non_sni_client: route.enable_non_sni_client,
                additional_gateways: route.additional_gateways.clone(),
                secrets: secrets(route).into_iter().map(str::to_owned).collect(),
                created_at: route.created_at,
            })
            .collect(),
    )
}

/// Returns the Secrets that the ports of the route name, each once.
fn secrets(route: &Route) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in route.ports.iter().filter_map(|port| port.tls.as_ref()?.credential_name.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

pub(super) fn certificates(evidence: &Evidence) -> Option<Vec<CertificateSummary>> {
    let Seen::Seen(stored) = &evidence.stored_certificates else { return None };
    let routes = facts::routes(evidence).unwrap_or_default();
    let pods = running_pods(evidence, &routes);
    Some(stored.iter().map(|stored| certificate(evidence, stored, &routes, &pods)).collect())
}

/// A running pod, with its handshakes in which a certificate was served and the Secret that each must be of.
struct RunningPod<'a> {
    pod: &'a IngressPod,
    handshakes: Vec<(&'a Certificate, Option<&'a str>)>,
}

fn running_pods<'a>(evidence: &'a Evidence, routes: &[&'a Route]) -> Vec<RunningPod<'a>> {
    let pods = facts::pods(evidence).unwrap_or_default();
    let running = pods.into_iter().filter(|pod| pod.is_running()).map(|pod| {
        let of_pod: Vec<&Route> =
            routes.iter().copied().filter(|route| selects(&route.selector, &pod.labels)).collect();
        let handshakes = loaded::handshakes(evidence, pod).filter_map(|handshake| {
            Some((handshake.certificates.first()?, stored::secret_to_serve(&of_pod, handshake)))
        });
        RunningPod { pod, handshakes: handshakes.collect() }
    });
    running.collect()
}

fn certificate(
    evidence: &Evidence,
    stored: &StoredCertificate,
    routes: &[&Route],
    pods: &[RunningPod<'_>],
) -> CertificateSummary {
    let (secret, file, used_by) = match &stored.origin {
        StoredIn::Secret { name } => {
            let users = routes.iter().filter(|route| secrets(route).contains(&name.as_str()));
            (Some(name.clone()), None, users.map(|route| route.name.clone()).collect())
        }
        StoredIn::File { path, named_at } => (None, Some(path.clone()), vec![String::from(named_at.clone())]),
    };
    let mut summary = CertificateSummary {
        secret,
        file,
        used_by,
        subject: None,
        serial: None,
        names: Vec::new(),
        not_before: None,
        not_after: None,
        days_left: None,
        missing: None,
        in_envoy: None,
        served: None,
    };
    let content = match &stored.content {
        Seen::Seen(content) => content,
        Seen::Unavailable(why) => return CertificateSummary { missing: Some(why.reason.to_string()), ..summary },
    };
    let Some(leaf) = content.certificates.first() else {
        let why = content.certificate_fault.clone().unwrap_or_else(|| "it has no certificate".into());
        return CertificateSummary { missing: Some(why), ..summary };
    };
    summary.subject = Some(leaf.subject.clone());
    summary.serial = Some(leaf.serial.clone());
    summary.names = leaf.dns_names.iter().cloned().chain(leaf.ip_addresses.iter().map(ToString::to_string)).collect();
    if !leaf.has_no_dates() {
        summary.not_before = Some(leaf.not_before);
        summary.not_after = Some(leaf.not_after);
        summary.days_left = Some(days(leaf.not_after.duration_since(evidence.now())));
    }
    if let Some(name) = &summary.secret {
        let users: Vec<&Route> =
            routes.iter().copied().filter(|route| secrets(route).contains(&name.as_str())).collect();
        (summary.in_envoy, summary.served) = deployed(evidence, name, &users, pods, leaf);
    }
    summary
}

/// Returns what the running pods of the routes have of a certificate.
fn deployed(
    evidence: &Evidence,
    secret: &str,
    users: &[&Route],
    pods: &[RunningPod<'_>],
    leaf: &Certificate,
) -> (Option<CertificateInEnvoy>, Option<Vec<ServedLeaf>>) {
    let mut in_envoy = CertificateInEnvoy::default();
    let mut served: Vec<(&str, ServedLeaf)> = Vec::new();
    for RunningPod { pod, handshakes } in pods {
        if !users.iter().any(|route| selects(&route.selector, &pod.labels)) {
            continue;
        }
        match loaded::in_envoy(evidence, secret, users, leaf, pod) {
            Ok(Some(true)) => in_envoy.loaded.push(pod.name.clone()),
            Ok(Some(false)) => in_envoy.lacking.push(pod.name.clone()),
            Ok(None) | Err(_) => {}
        }
        for (other, _) in handshakes.iter().filter(|(_, expected)| *expected == Some(secret)) {
            match served.iter_mut().find(|(fingerprint, _)| *fingerprint == other.fingerprint) {
                Some((_, known)) if known.pods.contains(&pod.name) => {}
                Some((_, known)) => known.pods.push(pod.name.clone()),
                None => served.push((&other.fingerprint, ServedLeaf::new(other, leaf, &pod.name))),
            }
        }
    }
    let served: Vec<ServedLeaf> = served.into_iter().map(|(_, leaf)| leaf).collect();
    let is_seen = !in_envoy.loaded.is_empty() || !in_envoy.lacking.is_empty();
    (is_seen.then_some(in_envoy), (!served.is_empty()).then_some(served))
}

impl ServedLeaf {
    fn new(served: &Certificate, stored: &Certificate, pod: &str) -> Self {
        Self {
            subject: served.subject.clone(),
            serial: served.serial.clone(),
            is_stored: served.fingerprint == stored.fingerprint,
            pods: vec![pod.to_owned()],
        }
    }
}

/// Whole days, rounded down: an hour after the end it is -1.
fn days(length: SignedDuration) -> i64 {
    length.as_secs().div_euclid(24 * 60 * 60)
}
