//! What the checks of handshakes ask in the same words: which handshakes count, how each ended, and how one finding
//! speaks for all endpoints that show the same.
//!
//! Every failed handshake has exactly one [`Ending`], so that no two checks tell the same failure.

use std::collections::BTreeMap;

use super::{routes, words};
use crate::checks::{ClientHello, Finding, Judgement, Location, Object, Outcome};
use crate::evidence::cluster::Route;
use crate::evidence::handshake::{
    ClientCertificate, Endpoint, Failure, Handshake, HelloKind, How, Party, Place, Probes, Stage, Trust,
};
use crate::evidence::{Evidence, Reason, Seen, Unavailable};

/// A handshake and where it was made.
pub(crate) type Said<'a> = (&'a Endpoint, &'a Handshake);

/// How a handshake ended, as far as it tells causes apart. Source: alert by stage, not by code alone, because stacks give
/// different codes for one fault and one code for several.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Ending {
    Served,
    Unreachable,
    NotTls,
    Stalled,
    CertificateDemanded,
    CertificateRejected,
    VersionRefused,
    AlpnRefused,
    NamelessRefused,
    NameRefused,
    CipherRefused,
    Broken,
}

/// One fault at one endpoint, before those that say the same are put together.
pub(crate) struct Fault<'a> {
    pub(crate) said: Said<'a>,
    /// The sentence after "endpoint: ".
    pub(crate) what: String,
    pub(crate) observed: String,
    pub(crate) expected: String,
}

/// The handshakes that the user asked about or that a route promises.
pub(crate) fn asked(probes: &Probes) -> impl Iterator<Item = Said<'_>> {
    all(probes).filter(|(_, handshake)| handshake.asked)
}

/// Every handshake.
pub(crate) fn all(probes: &Probes) -> impl Iterator<Item = Said<'_>> {
    probes.endpoints.iter().flat_map(|endpoint| endpoint.handshakes.iter().map(move |handshake| (endpoint, handshake)))
}

/// The handshakes asked for that ended so, with their failure.
pub(crate) fn ended(probes: &Probes, ending: Ending) -> impl Iterator<Item = (Said<'_>, &Failure)> {
    asked(probes)
        .filter(move |said| ending_of(probes, *said) == ending)
        .filter_map(|said| Some((said, said.1.failure.as_ref()?)))
}

/// The same endpoints once each, with the first of their handshakes: what ends them has nothing to do with the hello.
pub(crate) fn once_each<'a>(
    faults: impl Iterator<Item = (Said<'a>, &'a Failure)>,
) -> impl Iterator<Item = (Said<'a>, &'a Failure)> {
    let mut told = Vec::new();
    faults.filter(move |((endpoint, _), _)| {
        let new = !told.contains(&std::ptr::from_ref::<Endpoint>(endpoint));
        told.push(std::ptr::from_ref::<Endpoint>(endpoint));
        new
    })
}

/// How this handshake ended.
pub(crate) fn ending_of(probes: &Probes, (endpoint, handshake): Said<'_>) -> Ending {
    let Some(failure) = &handshake.failure else { return Ending::Served };
    if failure.stage <= Stage::Proxy {
        return Ending::Unreachable;
    }
    let offered = probes.question.client_certificate.is_some();
    let was_asked = matches!(handshake.client_certificate, ClientCertificate::Asked(_));
    match &failure.how {
        How::NotTls { .. } => Ending::NotTls,
        How::TimedOut { .. } => Ending::Stalled,
        How::Alert { number: 116, .. } if offered => Ending::CertificateRejected,
        How::Alert { number: 116, .. } => Ending::CertificateDemanded,
        // OpenSSL's alert for "none" is 40 (TLS 1.2) or 116, Java's 42; 41 is SSL 3.0's.
        How::Alert { number, .. } if was_asked && !offered && matches!(number, 40..=42) => Ending::CertificateDemanded,
        How::Alert { number, .. } if was_asked && offered && matches!(number, 40 | 42..=49 | 51 | 80) => {
            Ending::CertificateRejected
        }
        // The alert of TLS 1.3 is lost where the reset of the connection overtakes it.
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
            HelloKind::Nameless => Ending::NamelessRefused,
            HelloKind::Named | HelloKind::Unknown => Ending::NameRefused,
        },
        How::Alert { number: 40, .. } if handshake.kind == HelloKind::Nameless => {
            // One code for several causes: only where the name is served it can be the missing name.
            match beside(probes, endpoint, HelloKind::Named) {
                Some(named) if !named.succeeded() => Ending::CipherRefused,
                _ => Ending::NamelessRefused,
            }
        }
        How::Alert { number: 40 | 71, .. } => Ending::CipherRefused,
        _ => Ending::Broken,
    }
}

/// OpenSSL's words for versions that it could not agree on.
fn is_about_versions(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["unsupported protocol", "no protocols available", "version too low", "wrong ssl version"]
        .iter()
        .any(|words| text.contains(words))
}

/// Another kind of hello to the same peer: of the same endpoint, or of one that stands at the same place and address.
pub(crate) fn beside<'a>(probes: &'a Probes, endpoint: &'a Endpoint, kind: HelloKind) -> Option<&'a Handshake> {
    endpoint.handshake(kind).or_else(|| {
        probes.endpoints.iter().filter(|other| is_same_peer(other, endpoint)).find_map(|other| other.handshake(kind))
    })
}

/// Both endpoints lead to one and the same peer; only the host differs, if anything.
pub(crate) fn is_same_peer(one: &Endpoint, other: &Endpoint) -> bool {
    (&one.place, one.address, one.port) == (&other.place, other.address, other.port)
        && (one.address.is_some() || matches!(one.place, Place::Pod { .. }) || one.host == other.host)
}

/// One finding for each host and sentence.
pub(crate) fn by_host(faults: Vec<Fault<'_>>) -> Vec<Finding> {
    grouped(faults, |endpoint| endpoint.host.clone())
}

/// One finding for each sentence, whatever the host: a certificate that serves fifty names is told once.
pub(crate) fn by_sentence(faults: Vec<Fault<'_>>) -> Vec<Finding> {
    grouped(faults, |_| None)
}

fn grouped(faults: Vec<Fault<'_>>, apart: impl Fn(&Endpoint) -> Option<String>) -> Vec<Finding> {
    let mut groups: Vec<Vec<Fault<'_>>> = Vec::new();
    let mut known: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    for fault in faults {
        let group = *known.entry((apart(fault.said.0), fault.what.clone())).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(fault),
            None => groups.push(vec![fault]),
        }
    }
    groups.iter().map(|group| together(group)).collect()
}

fn together(group: &[Fault<'_>]) -> Finding {
    let first = &group[0];
    let endpoints = distinct(group.iter().map(|fault| Object::endpoint(fault.said.0)));
    let location = Location::ClientHellos(distinct(group.iter().map(|fault| ClientHello::from(fault.said.1))));
    let message = format!("{}: {}", names(endpoints.iter().map(|endpoint| endpoint.name.clone())), first.what);
    let pods = group.iter().filter_map(|fault| pod_of(fault.said.0));
    Finding::new(Object::endpoint(first.said.0), location, message, first.observed.as_str(), first.expected.as_str())
        .at(endpoints)
        .concerning(pods)
}

/// The ingress pod that the endpoint is, where it is one.
fn pod_of(endpoint: &Endpoint) -> Option<&str> {
    match &endpoint.place {
        Place::Pod { pod } => Some(pod),
        Place::Dns | Place::Given | Place::Service { .. } => None,
    }
}

/// At most three of the names, each once, in the order of the evidence.
pub(crate) fn names(all: impl Iterator<Item = String>) -> String {
    words::some_of(&distinct(all).iter().map(String::as_str).collect::<Vec<_>>())
}

/// Each item once, in the order of the evidence.
fn distinct<T: Eq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct: Vec<T> = Vec::new();
    for item in all {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}

/// `server name api.example.com`, `without a server name`.
pub(crate) fn hello(handshake: &Handshake) -> String {
    ClientHello::from(handshake).sni()
}

/// Found where there are findings. Passed only where everything was probed that was to be.
pub(crate) fn settle(probes: &Probes, findings: Vec<Finding>, seen: impl Into<String>) -> Judgement {
    if findings.is_empty() {
        whole(probes)?;
        if asked(probes).next().is_none() {
            return Ok(Outcome::NotApplicable("no handshake was made".into()));
        }
    }
    Ok(Outcome::of(findings, seen))
}

/// The same, where it is known that nothing of the kind was seen: what nobody saw has not passed.
pub(crate) fn settle_seen(probes: &Probes, findings: Vec<Finding>, seen: &str, nothing: Option<&str>) -> Judgement {
    match (settle(probes, findings, seen)?, nothing) {
        (Outcome::Passed(_), Some(nothing)) => Ok(Outcome::NotApplicable(nothing.to_owned())),
        (outcome, _) => Ok(outcome),
    }
}

/// Nothing, where every handshake was made that was to be; a limit that the user can raise counts as not asked for.
pub(crate) fn whole(probes: &Probes) -> Result<(), Unavailable> {
    match probes.unprobed.iter().find(|why| !matches!(why.reason, Reason::NotRequested(_))) {
        Some(why) => Err(why.clone()),
        None => Ok(()),
    }
}

/// Whether a client certificate, or having none, is taken, where every server that asks for one has told.
pub(crate) fn certificates_decided(probes: &Probes) -> Result<(), Unavailable> {
    match asked(probes).find(|(_, handshake)| handshake.undecided) {
        Some((endpoint, _)) => Err(Unavailable::new(
            format!("whether {} takes the client certificate that it asks for, or none", endpoint.name()),
            Reason::TimedOut { milliseconds: probes.question.timeout_milliseconds },
        )),
        None => Ok(()),
    }
}

/// The authorities that count are known: the user named them, or asked from where clients stand.
pub(crate) fn trust_is_known(probes: &Probes, endpoint: &Endpoint) -> bool {
    matches!(probes.question.trust, Trust::File(_)) || endpoint.place == Place::Given
}

/// The route of this handshake asks for client certificates, so that one who has none is refused rightly.
pub(crate) fn is_declared_mutual(evidence: &Evidence, handshake: &Handshake) -> bool {
    let routes = routes::routes(evidence).unwrap_or_default();
    routes.into_iter().filter(|route| is_mutual(route)).any(|route| match &handshake.server_name {
        Some(name) if handshake.kind == HelloKind::Named => routes::declares(route, name),
        _ => route.is_wildcard(),
    })
}

/// The route lets only clients in that have a certificate.
pub(crate) fn is_mutual(route: &Route) -> bool {
    route.ports.iter().any(|port| port.tls.as_ref().is_some_and(|tls| tls.mode.as_deref() == Some("MUTUAL")))
}

/// `, and Envoy's no_filter_chain_match grew by 3 meanwhile`, where the pod's Envoy counted; else nothing.
pub(crate) fn resets_confirmed(evidence: &Evidence, endpoint: &Endpoint) -> String {
    let growth = || {
        let Place::Pod { pod } = &endpoint.place else { return None };
        let gateway = evidence.gateways.seen().ok()?.iter().find(|gateway| gateway.pod == *pod)?;
        let (Seen::Seen(before), Seen::Seen(after)) = (&gateway.before, &gateway.after) else { return None };
        let grown = before
            .values
            .iter()
            .filter(|(name, _)| name.ends_with(".no_filter_chain_match"))
            .map(|(name, was)| after.values.get(name).map_or(0, |is| is.saturating_sub(*was)));
        Some(grown.fold(0, u64::saturating_add)).filter(|grown| *grown > 0)
    };
    growth().map_or_else(String::new, |grown| {
        format!(", and Envoy's no_filter_chain_match grew by {grown} during the probes")
    })
}

/// The first eight digits of a fingerprint, which tell certificates apart for a reader.
pub(crate) fn short(fingerprint: &str) -> &str {
    fingerprint.get(..8).unwrap_or(fingerprint)
}
