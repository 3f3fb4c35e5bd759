//! Facts shared by the handshake checks: which handshakes count, how each ended, and how faults of several
//! endpoints are merged into one finding.
//!
//! Every failed handshake has exactly one [`Ending`], so that no two checks report the same failure.

use std::collections::BTreeMap;

use super::{phrases, routes};
use crate::checks::{ClientHello, Finding, Judgement, Location, Object, Outcome};
use crate::evidence::gateway::Counters;
use crate::evidence::handshake::{
    ClientCertificate, ClientHelloKind, Endpoint, EndpointOrigin, Failure, Handshake, How, Party, Probes, Stage, Trust,
};
use crate::evidence::hybrid::Route;
use crate::evidence::{Evidence, Reason, Seen, Unavailable};

/// A handshake and its endpoint.
pub(crate) type Probe<'a> = (&'a Endpoint, &'a Handshake);

/// How a handshake ended, as specific as the cause is known. It depends on the stage of an alert as well as
/// its code: TLS stacks send different codes for one fault, and one code for several faults.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Ending {
    Served,
    /// The way broke; what the peer would have done was not seen.
    Lost,
    Unreachable,
    NotTls,
    Stalled,
    CertificateDemanded,
    CertificateRejected,
    VersionRefused,
    AlpnRefused,
    WithoutSniRefused,
    ServerNameRefused,
    CipherRefused,
    Broken,
}

/// One fault at one endpoint. [`by_host`] and [`by_sentence`] merge equal faults into findings.
pub(crate) struct Fault<'a> {
    pub(crate) probe: Probe<'a>,
    /// The part of the message after the endpoint.
    pub(crate) what: String,
    pub(crate) observed: String,
    pub(crate) expected: String,
}

/// Returns the handshakes that the user requested or that a route declares.
pub(crate) fn requested(probes: &Probes) -> impl Iterator<Item = Probe<'_>> {
    all(probes).filter(|(_, handshake)| handshake.requested)
}

/// Returns all handshakes.
pub(crate) fn all(probes: &Probes) -> impl Iterator<Item = Probe<'_>> {
    probes.endpoints.iter().flat_map(|endpoint| endpoint.handshakes.iter().map(move |handshake| (endpoint, handshake)))
}

/// Returns the requested handshakes with this ending, each with its failure.
pub(crate) fn ended(probes: &Probes, ending: Ending) -> impl Iterator<Item = (Probe<'_>, &Failure)> {
    requested(probes)
        .filter(move |probe| ending_of(probes, *probe) == ending)
        .filter_map(|probe| Some((probe, probe.1.failure.as_ref()?)))
}

/// Keeps the first failed handshake of each endpoint, for failures that do not depend on the ClientHello.
pub(crate) fn once_per_endpoint<'a>(
    faults: impl Iterator<Item = (Probe<'a>, &'a Failure)>,
) -> impl Iterator<Item = (Probe<'a>, &'a Failure)> {
    let mut seen = Vec::new();
    faults.filter(move |((endpoint, _), _)| {
        let new = !seen.contains(&std::ptr::from_ref::<Endpoint>(endpoint));
        seen.push(std::ptr::from_ref::<Endpoint>(endpoint));
        new
    })
}

/// Classifies how the handshake ended.
pub(crate) fn ending_of(probes: &Probes, (endpoint, handshake): Probe<'_>) -> Ending {
    let Some(failure) = &handshake.failure else { return Ending::Served };
    if handshake.was_lost() {
        return Ending::Lost;
    }
    if failure.stage <= Stage::Proxy {
        return Ending::Unreachable;
    }
    let offered = probes.question.client_certificate.is_some();
    let was_asked = matches!(handshake.client_certificate, ClientCertificate::Requested(_));
    match &failure.how {
        How::NotTls { .. } => Ending::NotTls,
        How::TimedOut { .. } => Ending::Stalled,
        How::Alert { number: 116, .. } if offered => Ending::CertificateRejected,
        How::Alert { number: 116, .. } => Ending::CertificateDemanded,
        // Alert for a missing client certificate: OpenSSL sends 40 (TLS 1.2) or 116, Java 42; 41 is that of
        // SSL 3.0.
        How::Alert { number, .. } if was_asked && !offered && matches!(number, 40..=42) => Ending::CertificateDemanded,
        How::Alert { number, .. } if was_asked && offered && matches!(number, 40 | 42..=49 | 51 | 80) => {
            Ending::CertificateRejected
        }
        // In TLS 1.3 a TCP reset can discard the alert before the client reads it.
        How::Closed | How::Reset if was_asked && failure.by == Party::Server => {
            if offered {
                Ending::CertificateRejected
            } else {
                Ending::CertificateDemanded
            }
        }
        How::Alert { number: 70, .. } => Ending::VersionRefused,
        How::Local(text) if is_about_versions(text) => Ending::VersionRefused,
        How::Alert { number: 120, .. } => Ending::AlpnRefused,
        _ if !handshake.was_refused() => Ending::Broken,
        How::Reset | How::Closed | How::Alert { number: 112, .. } => match handshake.kind {
            ClientHelloKind::WithoutSni => Ending::WithoutSniRefused,
            ClientHelloKind::Named | ClientHelloKind::Unknown => Ending::ServerNameRefused,
        },
        How::Alert { number: 40, .. } if handshake.kind == ClientHelloKind::WithoutSni => {
            // One code for several causes: missing SNI can be the cause only if a handshake with SNI
            // succeeds.
            match other_handshake(probes, endpoint, ClientHelloKind::Named) {
                Some(named) if !named.succeeded() => Ending::CipherRefused,
                _ => Ending::WithoutSniRefused,
            }
        }
        How::Alert { number: 40 | 71, .. } => Ending::CipherRefused,
        _ => Ending::Broken,
    }
}

/// Returns whether this is an OpenSSL error about protocol versions.
fn is_about_versions(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["unsupported protocol", "no protocols available", "version too low", "wrong ssl version"]
        .iter()
        .any(|words| text.contains(words))
}

/// Returns a handshake of another kind with the same peer: with this endpoint, or with one that has the same
/// place and address.
pub(crate) fn other_handshake<'a>(
    probes: &'a Probes,
    endpoint: &'a Endpoint,
    kind: ClientHelloKind,
) -> Option<&'a Handshake> {
    endpoint.handshake(kind).or_else(|| {
        probes.endpoints.iter().filter(|other| is_same_peer(other, endpoint)).find_map(|other| other.handshake(kind))
    })
}

/// Returns whether both endpoints are the same peer; at most their hosts differ.
pub(crate) fn is_same_peer(one: &Endpoint, other: &Endpoint) -> bool {
    (&one.place, one.address, one.port) == (&other.place, other.address, other.port)
        && (one.address.is_some() || matches!(one.place, EndpointOrigin::Pod { .. }) || one.host == other.host)
}

/// Merges faults with the same host and message into one finding each.
pub(crate) fn by_host(faults: Vec<Fault<'_>>) -> Vec<Finding> {
    grouped(faults, |endpoint| endpoint.host.clone())
}

/// Merges faults with the same message into one finding each, so that a certificate of fifty hosts is
/// reported once.
pub(crate) fn by_sentence(faults: Vec<Fault<'_>>) -> Vec<Finding> {
    grouped(faults, |_| None)
}

fn grouped(faults: Vec<Fault<'_>>, group_key: impl Fn(&Endpoint) -> Option<String>) -> Vec<Finding> {
    let mut groups: Vec<Vec<Fault<'_>>> = Vec::new();
    let mut known: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    for fault in faults {
        let group = *known.entry((group_key(fault.probe.0), fault.what.clone())).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(fault),
            None => groups.push(vec![fault]),
        }
    }
    groups.iter().map(|group| merge(group)).collect()
}

fn merge(group: &[Fault<'_>]) -> Finding {
    let first = &group[0];
    let endpoints = distinct(group.iter().map(|fault| Object::endpoint(fault.probe.0)));
    let location = Location::ClientHellos(distinct(group.iter().map(|fault| ClientHello::from(fault.probe.1))));
    let message = format!("{}: {}", names(endpoints.iter().map(|endpoint| endpoint.name.clone())), first.what);
    let pods = group.iter().filter_map(|fault| pod_of(fault.probe.0));
    Finding::new(Object::endpoint(first.probe.0), location, message, first.observed.as_str(), first.expected.as_str())
        .at(endpoints)
        .concerning(pods)
}

/// Returns the name of the ingress pod, if the endpoint is one.
fn pod_of(endpoint: &Endpoint) -> Option<&str> {
    match &endpoint.place {
        EndpointOrigin::Pod { pod } => Some(pod),
        EndpointOrigin::Dns | EndpointOrigin::Given | EndpointOrigin::Service { .. } => None,
    }
}

/// Lists at most three distinct names, in the order given.
pub(crate) fn names(all: impl Iterator<Item = String>) -> String {
    phrases::some_of(&distinct(all).iter().map(String::as_str).collect::<Vec<_>>())
}

/// Removes duplicates and keeps the order.
fn distinct<T: Eq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct: Vec<T> = Vec::new();
    for item in all {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}

/// Returns the CAs that the server lists in its CertificateRequest, as the end of a sentence. TLS 1.3
/// encrypts them; a scan (--full) asks with TLS 1.2.
pub(crate) fn requested_cas(handshake: &Handshake) -> String {
    match &handshake.client_certificate {
        ClientCertificate::Requested(Some(names)) if !names.is_empty() => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("; the server lists the CAs {}", phrases::some_of(&names))
        }
        _ => String::new(),
    }
}

/// Returns the PROXY protocol as a reading of a server that ends every connection at once, as part of a
/// sentence. Source: nginx (`listen … proxy_protocol`) and `HAProxy` (`accept-proxy`) close a connection
/// whose first bytes are no header; a server without it takes the header for broken TLS.
pub(crate) fn proxy_protocol_reading(probes: &Probes, failure: &Failure) -> Option<&'static str> {
    matches!(failure.how, How::Closed | How::Reset).then_some(if probes.question.proxy_protocol {
        "the server expects no PROXY protocol header, which was sent"
    } else {
        "the server expects a PROXY protocol header first (--proxy-protocol of probe sends one)"
    })
}

/// Describes the SNI of the handshake: `server name api.example.com`, `without SNI`.
pub(crate) fn describe_sni(handshake: &Handshake) -> String {
    ClientHello::from(handshake).sni()
}

/// Returns found if there are findings. Otherwise returns passed with the text `seen`, but only if every
/// planned handshake was made.
///
/// # Errors
///
/// Returns the first endpoint that could not be probed, if there are no findings.
pub(crate) fn judgement(probes: &Probes, findings: Vec<Finding>, seen: impl Into<String>) -> Judgement {
    if findings.is_empty() {
        all_probed(probes)?;
        if requested(probes).next().is_none() {
            return Ok(Outcome::NotApplicable("no handshake was made".into()));
        }
    }
    Ok(Outcome::of(findings, seen))
}

/// Like [`judgement`], but returns not applicable with the reason `nothing` instead of passed.
pub(crate) fn judgement_if_seen(
    probes: &Probes,
    findings: Vec<Finding>,
    seen: &str,
    nothing: Option<&str>,
) -> Judgement {
    match (judgement(probes, findings, seen)?, nothing) {
        (Outcome::Passed(_), Some(nothing)) => Ok(Outcome::NotApplicable(nothing.to_owned())),
        (outcome, _) => Ok(outcome),
    }
}

/// Nothing, where every handshake was made that was to be; a limit that the user can raise counts as not
/// asked for.
pub(crate) fn all_probed(probes: &Probes) -> Result<(), Unavailable> {
    let unprobed = probes.unprobed.iter().find(|why| !matches!(why.reason, Reason::NotRequested(_))).cloned();
    match unprobed.or_else(|| lost(probes).into_iter().next()) {
        Some(why) => Err(why),
        None => Ok(()),
    }
}

/// What the way lost, by endpoint and words, in the order of the evidence.
pub(crate) fn lost(probes: &Probes) -> Vec<Unavailable> {
    let mut found: Vec<Unavailable> = Vec::new();
    for (endpoint, handshake) in all(probes).filter(|(_, handshake)| handshake.was_lost()) {
        let words = handshake.failure.as_ref().map_or_else(String::new, ToString::to_string);
        let why = Unavailable::new(format!("handshakes with {}", endpoint.name()), Reason::Unreachable(words));
        if !found.contains(&why) {
            found.push(why);
        }
    }
    found
}

/// Checks that every server that requests a client certificate has shown whether it accepts one, or none.
pub(crate) fn certificates_decided(probes: &Probes) -> Result<(), Unavailable> {
    match requested(probes).find(|(_, handshake)| handshake.undecided) {
        Some((endpoint, _)) => Err(Unavailable::new(
            format!("whether {} accepts the client certificate that it requests, or none", endpoint.name()),
            Reason::TimedOut { milliseconds: probes.question.timeout_milliseconds },
        )),
        None => Ok(()),
    }
}

/// Returns whether the trusted CAs of the clients are known: the user gave them with `--ca-file`, or named
/// the endpoint on the command line, so that this machine is itself a client.
pub(crate) fn trust_is_known(probes: &Probes, endpoint: &Endpoint) -> bool {
    matches!(probes.question.trust, Trust::File(_)) || endpoint.place == EndpointOrigin::Given
}

/// Returns whether the route of this handshake requires client certificates, so that refusing a client
/// without one is correct.
pub(crate) fn is_declared_mutual(evidence: &Evidence, handshake: &Handshake) -> bool {
    let routes = routes::routes(evidence).unwrap_or_default();
    routes.into_iter().filter(|route| is_mutual(route)).any(|route| match &handshake.server_name {
        Some(name) if handshake.kind == ClientHelloKind::Named => routes::declares(route, name),
        _ => route.is_tls_wildcard(),
    })
}

/// Returns whether a port of the route has TLS mode MUTUAL.
pub(crate) fn is_mutual(route: &Route) -> bool {
    route.ports.iter().any(|port| port.tls.as_ref().is_some_and(|tls| tls.mode.as_deref() == Some("MUTUAL")))
}

/// Returns the growth of Envoy's `no_filter_chain_match` counter as the end of a sentence, or an empty string
/// if it did not grow or is unknown.
pub(crate) fn resets_confirmed(evidence: &Evidence, endpoint: &Endpoint) -> String {
    let growth = || {
        let EndpointOrigin::Pod { pod } = &endpoint.place else { return None };
        let gateway = evidence.gateways.seen().ok()?.iter().find(|gateway| gateway.pod == *pod)?;
        let (Seen::Seen(before), Seen::Seen(after)) = (&gateway.before, &gateway.after) else { return None };
        let grown = before
            .values
            .iter()
            .filter(|(name, _)| name.ends_with(Counters::NO_FILTER_CHAIN))
            .map(|(name, was)| after.values.get(name).map_or(0, |is| is.saturating_sub(*was)));
        Some(grown.fold(0, u64::saturating_add)).filter(|grown| *grown > 0)
    };
    growth().map_or_else(String::new, |grown| {
        format!(", and Envoy's no_filter_chain_match grew by {grown} during the probes")
    })
}

/// Returns the first eight digits of a fingerprint, enough for readers to distinguish certificates.
pub(crate) fn short_fingerprint(fingerprint: &str) -> &str {
    fingerprint.get(..8).unwrap_or(fingerprint)
}
