//! Handshakes of Message Processors with backends.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;

use super::beside::Beside;
use super::configuration::own_certificate;
use super::list::{self, Trust};
use super::model::{EdgeCause, Observation, Owner, Strength};
use super::names;
use super::northbound::failure_of;
use super::refusal::{self, Refusal};
use super::stores::{Resolved, resolve};
use crate::evidence::certificate::Certificate;
use crate::evidence::edge::{Dialect, Edge, Leg, LegHandshake, Purpose, Target, TlsSettings};
use crate::evidence::handshake::{ClientCertificate, How, Party, Stage};
use crate::text::at_most;

/// Number of CAs that a statement names.
const NAMED: usize = 3;

pub(super) fn observe(edge: &Edge, now: Timestamp) -> Vec<Observation> {
    let made: Vec<&LegHandshake> = edge.handshakes.iter().filter(|made| made.leg == Leg::Southbound).collect();
    let mut found = Vec::new();
    for target in edge.targets.iter().filter(|target| target.enabled) {
        let own: Vec<&LegHandshake> = made.iter().copied().filter(|made| is_at(made, target)).collect();
        found.extend(own.iter().filter_map(|made| without_settings(target, made)));
        let variants: Vec<Variant<'_>> = own
            .iter()
            .filter(|made| made.purpose == Purpose::AsClient)
            .map(|made| Variant { made, observations: one(edge, target, made, now) })
            .collect();
        found.extend(together(&variants));
    }
    found
}

/// A handshake with one profile and one choice of SNI.
struct Variant<'a> {
    made: &'a LegHandshake,
    observations: Vec<Observation>,
}

/// What all variants show; what only some show is possible, because it is not known which one the Message
/// Processor is.
fn together(variants: &[Variant<'_>]) -> Vec<Observation> {
    let mut by_cause: BTreeMap<EdgeCause, Vec<(&LegHandshake, &Observation)>> = BTreeMap::new();
    for variant in variants {
        for observation in &variant.observations {
            by_cause.entry(observation.cause).or_default().push((variant.made, observation));
        }
    }
    let key = |made: &LegHandshake| (made.profile, made.handshake.server_name.clone());
    let mut all: Vec<_> = variants.iter().map(|variant| key(variant.made)).collect();
    all.sort();
    all.dedup();
    by_cause
        .into_values()
        .filter_map(|seen| {
            let (_, best) = seen.iter().min_by_key(|(_, observation)| observation.strength)?;
            let mut of: Vec<_> = seen.iter().map(|(made, _)| key(made)).collect();
            of.sort();
            of.dedup();
            let mut observation = (*best).clone();
            for (_, other) in &seen {
                for evidence in &other.evidence {
                    if !observation.evidence.contains(evidence) {
                        observation.evidence.push(evidence.clone());
                    }
                }
            }
            if of.len() < all.len() {
                observation.strength = Strength::Possible;
                for variant in variants.iter().filter(|variant| !of.contains(&key(variant.made))) {
                    let outcome = refusal::outcome(&variant.made.handshake);
                    let evidence = format!("{}: {outcome}", refusal::describe(variant.made));
                    if !observation.evidence.contains(&evidence) {
                        observation.evidence.push(evidence);
                    }
                }
            }
            Some(observation)
        })
        .collect()
}

/// A target without TLS settings whose port speaks TLS.
fn without_settings(target: &Target, made: &LegHandshake) -> Option<Observation> {
    let is_alert = made
        .handshake
        .failure
        .as_ref()
        .is_some_and(|failure| failure.by == Party::Server && matches!(failure.how, How::Alert { .. }));
    if made.purpose != Purpose::WithoutSettings || !(is_alert || refusal::passed_hello(&made.handshake)) {
        return None;
    }
    let statement = format!(
        "{} is called without TLS (no sSLInfo.enabled), and {} speaks TLS",
        target.title(),
        refusal::place(made)
    );
    let objects = vec![target.object.clone(), made.host.clone()];
    let observation = Observation::new(
        EdgeCause::TlsNotEnabled,
        Leg::Southbound,
        Strength::Likely,
        Owner::EdgeAdministrator,
        objects,
        statement,
    );
    let said = format!("{}: {}", refusal::describe(made), refusal::outcome(&made.handshake));
    Some(observation.because(said).expecting("sSLInfo with enabled true in the target server; SSLInfo of a TargetEndpoint with a LoadBalancer does not reach it"))
}

/// Returns whether something says why this handshake failed.
pub(super) fn is_explained(edge: &Edge, made: &LegHandshake, now: Timestamp) -> bool {
    let Some(target) = edge.targets.iter().find(|target| is_at(made, target)) else { return false };
    let beside = Beside::of(edge, made);
    !refusal::reasons(edge, made, beside).is_empty()
        || warned(edge, target, made).is_some()
        || !client_certificate(edge, target, settings(target), made, now).is_empty()
}

/// Returns whether a backend demands a client certificate that is configured and that this program does not
/// have.
pub(crate) fn lacks_certificate(edge: &Edge, made: &LegHandshake) -> bool {
    let target = edge.targets.iter().find(|target| is_at(made, target)).map(settings);
    let is_configured = target.is_some_and(|tls| tls.client_auth && tls.key_store.is_some() && tls.key_alias.is_some());
    is_configured
        && edge.own_certificates.is_empty()
        && matches!(made.handshake.client_certificate, ClientCertificate::Requested(_))
        && made.handshake.failure.as_ref().is_some_and(|failure| failure.stage >= Stage::ClientFlight)
}

pub(super) fn is_at(made: &LegHandshake, target: &Target) -> bool {
    target.object == made.object && target.endpoint == made.endpoint
}

/// The settings of a target; one without any has the defaults.
pub(super) fn settings(target: &Target) -> &TlsSettings {
    static NOTHING: LazyLock<TlsSettings> = LazyLock::new(TlsSettings::default);
    target.tls.as_ref().unwrap_or(&NOTHING)
}

fn one(edge: &Edge, target: &Target, made: &LegHandshake, now: Timestamp) -> Vec<Observation> {
    let tls = settings(target);
    let objects = objects(target, made);
    let beside = Beside::of(edge, made);
    let mut found = Vec::new();
    for reason in refusal::reasons(edge, made, beside) {
        let (owner, disabling) = owner_of_refusal(edge, tls, made, &reason);
        let disabling = disabling.map(|file| format!("; {file} disables what it accepts")).unwrap_or_default();
        let statement = format!("{}: {}{disabling}", target.title(), reason.what);
        let mut observation =
            Observation::new(reason.cause, Leg::Southbound, reason.strength, owner, objects.clone(), statement);
        observation = observation.of_failure(failure_of(made));
        observation.evidence = reason.evidence;
        observation.versions = reason.versions;
        found.push(observation);
    }
    // What is wrong beside the refusal is in what the server presents to a ClientHello that it accepts.
    if let Some(shown) = beside.presenting(made) {
        found.extend(served(edge, target, tls, shown, now));
        found.extend(client_certificate(edge, target, tls, shown, now));
    }
    let listed = made.handshake.certificates.as_slice();
    let with_sni = beside.other.filter(|other| {
        let covered = |made: &LegHandshake| {
            made.handshake.certificates.first().is_some_and(|leaf| names::covers(leaf, &made.host))
        };
        !covered(made) && covered(other)
    });
    if let Some(other) = with_sni.filter(|_| !listed.is_empty()) {
        let cause = EdgeCause::of_unsent_name(edge, &made.host);
        let what = format!(
            "without SNI the backend presents the certificate of {}, with it that of {}",
            listed.first().map(names::of).unwrap_or_default(),
            made.host
        );
        let owner = refusal::owner(edge, cause, Leg::Southbound, false);
        let statement = format!("{}: {what}", target.title());
        let observation = Observation::new(cause, Leg::Southbound, Strength::Established, owner, objects, statement);
        let said = |made: &LegHandshake| format!("{}: {}", refusal::describe(made), refusal::outcome(&made.handshake));
        found.push(observation.because(said(made)).because(said(other)));
        return found;
    }
    found.extend(warned(edge, target, made));
    found.extend(served(edge, target, tls, made, now));
    found.extend(client_certificate(edge, target, tls, made, now));
    found
}

/// Who has to act on a refused version or suite, and the file of Message Processors that disables what the
/// server accepts.
fn owner_of_refusal<'a>(
    edge: &'a Edge,
    tls: &TlsSettings,
    made: &LegHandshake,
    reason: &Refusal,
) -> (Owner, Option<&'a str>) {
    let is_pinned = match reason.cause {
        EdgeCause::ProtocolMismatch => !tls.protocols.is_empty(),
        EdgeCause::CipherMismatch => !tls.ciphers.is_empty(),
        _ => false,
    };
    let has_current =
        !reason.versions.is_empty() && reason.versions.iter().all(|version| version.as_str() >= "TLSv1.2");
    let operator = Owner::of_hosts(edge);
    if reason.cause == EdgeCause::ProtocolMismatch && has_current && !is_pinned {
        let disabling = made.profile.and_then(|java| edge.disabling_file(java, &reason.versions));
        if disabling.is_some() {
            return (operator, disabling);
        }
    }
    // The Java would offer a suite that the server accepts, and the file takes it away.
    let is_lost = |java: crate::evidence::edge::JavaProfile| {
        let accepted = made.scan.iter().flat_map(|scan| &scan.versions).flat_map(|version| &version.suites);
        accepted.into_iter().any(|suite| java.suites().contains(&suite.as_str()) && !made.suites.contains(suite))
    };
    if reason.cause == EdgeCause::CipherMismatch
        && !is_pinned
        && made.profile.is_some_and(is_lost)
        && let Some((file, _)) = edge.disabled_algorithms()
    {
        return (operator, Some(file));
    }
    // A Java that lacks what is current is the operator's.
    let is_old = made.profile.is_some_and(|java| java < crate::evidence::edge::JavaProfile::Java8Modern);
    let needs_newer = is_old && has_current && !is_pinned && !edge.is_cloud();
    let owner = match reason.cause {
        EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch if needs_newer => Owner::EdgeOperator,
        cause => refusal::owner(edge, cause, Leg::Southbound, is_pinned),
    };
    (owner, None)
}

/// A warning about the name, at which Java gives up where others go on.
fn warned(edge: &Edge, target: &Target, made: &LegHandshake) -> Option<Observation> {
    let name = made.handshake.server_name.as_deref().filter(|_| made.handshake.warning == Some(112))?;
    let owner = refusal::owner(edge, EdgeCause::SniUnknown, Leg::Southbound, false);
    let statement = format!(
        "{}: the backend warns that it does not know the name {name} (alert 112), and Java gives up",
        target.title()
    );
    let objects = objects(target, made);
    let observation =
        Observation::new(EdgeCause::SniUnknown, Leg::Southbound, Strength::Likely, owner, objects, statement);
    let seen = format!("{}: {}", refusal::describe(made), refusal::outcome(&made.handshake));
    Some(observation.because(seen).expecting("a backend that serves this name"))
}

fn objects(target: &Target, made: &LegHandshake) -> Vec<String> {
    let endpoint = target.endpoint.iter().map(|endpoint| format!("{} TargetEndpoint {endpoint}", target.object));
    std::iter::once(target.object.clone()).chain(endpoint).chain([made.host.clone()]).collect()
}

/// How surely a Message Processor checks what a backend presents.
pub(super) fn checks_chain(edge: &Edge, tls: &TlsSettings) -> Option<Strength> {
    if tls.ignore_validation_errors {
        return None;
    }
    match (edge.question.api, &tls.trust_store, tls.enforce) {
        (_, Some(_), _) | (Dialect::Google, None, Some(true)) => Some(Strength::Established),
        (Dialect::Google, None, _) => None,
        // Not documented.
        (Dialect::Edge, None, _) => Some(Strength::Possible),
    }
}

/// Judges the certificates that a backend presents.
fn served(edge: &Edge, target: &Target, tls: &TlsSettings, made: &LegHandshake, now: Timestamp) -> Vec<Observation> {
    let list = made.handshake.certificates.as_slice();
    let Some(leaf) = list.first() else { return Vec::new() };
    let said = format!("{} got {}", refusal::describe(made), list::who(0, leaf));
    let faults =
        presented(edge, tls, list, &made.host, now, made.handshake.verification.as_ref().map(|result| result.code));
    faults
        .into_iter()
        .map(|(fault, strength, store)| {
            let objects = objects(target, made).into_iter().chain(store).collect();
            let statement = format!("{}: {}", target.title(), fault.what);
            let owner = owner_of_fault(fault.cause);
            let observation = Observation::new(fault.cause, Leg::Southbound, strength, owner, objects, statement);
            Observation { authority: fault.authority, ..observation.because(said.clone()).expecting(fault.expected) }
        })
        .collect()
}

pub(super) fn owner_of_fault(cause: EdgeCause) -> Owner {
    match cause {
        EdgeCause::TruststoreMismatch | EdgeCause::TruststoreMissing => Owner::EdgeAdministrator,
        _ => Owner::BackendOwner,
    }
}

/// Returns the faults of a list for a Message Processor, each with its strength and the objects of the
/// truststore if it is about that.
pub(super) fn presented(
    edge: &Edge,
    tls: &TlsSettings,
    list: &[Certificate],
    host: &str,
    now: Timestamp,
    system: Option<i32>,
) -> Vec<(list::ListFault, Strength, Vec<String>)> {
    let mut found = Vec::new();
    if tls.ignore_validation_errors {
        return found;
    }
    let chain = checks_chain(edge, tls);
    let at_most = |strength: Strength, most: Strength| strength.max(most);
    // The name is checked where the chain is, and by X and hybrid always.
    let name = match (chain, edge.question.api) {
        (_, Dialect::Google) | (Some(Strength::Established), _) => Some(Strength::Likely),
        (other, Dialect::Edge) => other,
    };
    // A common name that the settings expect takes the place of the host.
    let is_expected = tls.common_name.as_deref().is_some_and(|expected| {
        list.first()
            .is_some_and(|leaf| names::covers(leaf, expected) || names::matches(expected, &names::short(&leaf.subject)))
    });
    if let Some(strength) = name
        && !is_expected
    {
        found.extend(list::of_name(list, host).map(|fault| (fault, strength, Vec::new())));
    }
    let Some(most) = chain else { return found };
    let resolved = tls.trust_store.as_deref().map(|store| resolve(edge, store));
    let store = resolved.as_ref().map(|resolved| resolved.objects(None)).unwrap_or_default();
    let mut dated: Vec<usize> = certificate_path(list);
    match &resolved {
        Some(Resolved::Found { keystore, .. }) => match list::follow(edge, list, keystore) {
            Some(Trust::Anchored(checked)) => dated = checked,
            Some(Trust::Broken(fault)) => {
                let sure = if fault.is_certain { Strength::Established } else { Strength::Likely };
                let store = if fault.cause == EdgeCause::TruststoreMismatch { store } else { Vec::new() };
                found.push((fault, at_most(sure, most), store));
            }
            None => {}
        },
        None if edge.question.api == Dialect::Google && system.is_some_and(|code| code != 0) => {
            let fault = list::of_chain(list, None, false).or_else(|| list::self_signed(list));
            found.push(match fault {
                Some(fault) => (fault, Strength::Likely, Vec::new()),
                None => without_truststore("which CAs the runtime then trusts is not known"),
            });
        }
        None if edge.question.api == Dialect::Edge && system.is_some_and(|code| code != 0) => {
            found.push(without_truststore("whether a Message Processor then checks it is not documented"));
        }
        _ => {}
    }
    // A truststore that was not seen may hold the leaf itself.
    let is_seen = resolved.is_none() || matches!(resolved, Some(Resolved::Found { .. }));
    let sure = if is_seen { Strength::Established } else { Strength::Likely };
    for fault in list::of_dates(list, now) {
        // A certificate that the truststore holds itself is trusted whatever its dates.
        let about =
            certificate_path(list).into_iter().find(|index| fault.what.starts_with(&list::who(*index, &list[*index])));
        if about.is_none_or(|index| dated.contains(&index)) {
            found.push((fault, at_most(sure, most), Vec::new()));
        }
    }
    if dated.contains(&0) {
        found.extend(
            list::of_strength(list).into_iter().map(|fault| (fault, at_most(Strength::Likely, most), Vec::new())),
        );
    }
    found
}

/// A chain that this machine does not trust, where no truststore says what is trusted.
fn without_truststore(unknown: &str) -> (list::ListFault, Strength, Vec<String>) {
    let fault = list::ListFault {
        cause: EdgeCause::TruststoreMissing,
        what: format!("there is no truststore, and no CA of this machine signed the chain; {unknown}"),
        expected: "a truststore with the CA of the backend".into(),
        is_certain: false,
        authority: None,
    };
    (fault, Strength::Possible, Vec::new())
}

fn certificate_path(list: &[Certificate]) -> Vec<usize> {
    crate::evidence::certificate::path(list)
}

/// Judges whether a backend that demands a client certificate gets one.
fn client_certificate(
    edge: &Edge,
    target: &Target,
    tls: &TlsSettings,
    made: &LegHandshake,
    now: Timestamp,
) -> Vec<Observation> {
    let ClientCertificate::Requested(authorities) = &made.handshake.client_certificate else { return Vec::new() };
    let refused = made
        .handshake
        .failure
        .as_ref()
        .filter(|failure| failure.by == Party::Server && failure.stage >= Stage::ClientFlight);
    let said = format!("{}: {}", refusal::describe(made), refusal::outcome(&made.handshake));
    let base = objects(target, made);
    let south = |cause, strength, owner, what: String, more: Vec<String>| {
        let all = base.iter().cloned().chain(more).collect();
        let statement = format!("{}: {what}", target.title());
        Observation::new(cause, Leg::Southbound, strength, owner, all, statement).because(said.clone())
    };
    let listed = authorities.as_ref().filter(|list| !list.is_empty());
    let wanted = match (authorities, listed) {
        (_, Some(list)) => format!("of {}", at_most(list, NAMED)),
        (Some(_), None) => "of any CA".to_owned(),
        // TLS 1.3 encrypts the list.
        (None, None) => "of CAs that were not seen".to_owned(),
    };
    let resolved = tls.key_store.as_deref().filter(|_| tls.client_auth).map(|store| resolve(edge, store));
    let alias = tls.key_alias.as_deref();
    if resolved.is_none() || alias.is_none() {
        let is_presented = !edge.own_certificates.is_empty();
        if refused.is_none() || is_presented {
            return Vec::new();
        }
        let what = format!("the backend demands a client certificate {wanted}, and the target has none configured");
        let observation = south(
            EdgeCause::ClientCertificateMissing,
            Strength::Established,
            Owner::EdgeAdministrator,
            what,
            Vec::new(),
        );
        return vec![observation.expecting("clientAuthEnabled with keyStore and keyAlias")];
    }
    let (Some(resolved), Some(alias)) = (resolved, alias) else { return Vec::new() };
    let objects = resolved.objects(Some(alias));
    let entry = resolved.alias(alias);
    let own = match entry {
        Some(entry) if !entry.certificates.is_empty() => entry.certificates.as_slice(),
        _ => edge.own_certificates.as_slice(),
    };
    if own.is_empty() || refused.is_none() && edge.own_certificates.is_empty() {
        return Vec::new();
    }
    if let Some(list) = listed
        && !own.iter().any(|certificate| list.iter().any(|name| names::same(name, &certificate.issuer)))
    {
        let what = format!(
            "the backend accepts client certificates {wanted}, and {} issued {}: Java sends none",
            own.first().map(|leaf| leaf.issuer.clone()).unwrap_or_default(),
            own.first().map(|leaf| leaf.subject.clone()).unwrap_or_default()
        );
        let observation = south(
            EdgeCause::ClientCertificateAuthorityNotListed,
            Strength::Likely,
            Owner::EdgeAdministrator,
            what,
            objects,
        );
        return vec![observation.expecting("a certificate of one of these CAs, or the backend's list with its issuer")];
    }
    let Some(failure) = refused else { return Vec::new() };
    let faults = own_certificate(own, now);
    if !faults.is_empty() {
        let of_fault = |fault: list::ListFault| {
            let what = format!("the backend refuses the client certificate: {}", fault.what);
            south(fault.cause, Strength::Likely, Owner::EdgeAdministrator, what, objects.clone())
                .expecting(fault.expected)
        };
        return faults.into_iter().map(of_fault).collect();
    }
    // Only a certificate that was presented can have been refused.
    if edge.own_certificates.is_empty() {
        return Vec::new();
    }
    let cause = match failure.how {
        How::Alert { number: 45, .. } => EdgeCause::ClientCertificateExpired,
        How::Alert { number: 43, .. } => EdgeCause::ClientCertificateNoClientAuth,
        _ => EdgeCause::ClientCertificateUntrusted,
    };
    let what = format!("the backend refuses the client certificate that was presented: {failure}");
    vec![south(cause, Strength::Likely, Owner::BackendOwner, what, objects)]
}
