//! Handshakes of client apps with Routers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::beside::Beside;
use super::configuration::own_certificate;
use super::list::{self, ListFault};
use super::model::{EdgeCause, Observation, Owner, Strength};
use super::names;
use super::refusal;
use super::stores::{Resolved, resolve};
use crate::evidence::certificate::Certificate;
use crate::evidence::edge::{Alias, AliasOrigin, Edge, Leg, LegHandshake, Purpose, TlsSettings};
use crate::evidence::handshake::{ClientCertificate, Party, Stage};

/// The domain of the certificate that the public cloud serves for names that no virtual host has.
const BUILT_IN: &str = "apigee.net";

pub(super) fn observe(edge: &Edge, now: Timestamp) -> Vec<Observation> {
    let made: Vec<&LegHandshake> = edge.handshakes.iter().filter(|made| made.leg == Leg::Northbound).collect();
    let mut found = Vec::new();
    let is_own = |made: &&&LegHandshake| matches!(made.purpose, Purpose::AsClient | Purpose::ExpectedWithoutSni);
    for handshake in made.iter().filter(is_own) {
        one(edge, handshake, now, &mut found);
    }
    found.extend(differing(edge, &made, now));
    found
}

/// Returns whether something says why this handshake failed.
pub(super) fn is_explained(edge: &Edge, made: &LegHandshake, now: Timestamp) -> bool {
    let beside = Beside::of(edge, made);
    let mut found = Vec::new();
    if let Some(tls) = settings(edge, made) {
        client_certificate(edge, made, tls, now, &[], &mut found);
    }
    beside.bare.is_some()
        || lacks_certificate(edge, made)
        || !found.is_empty()
        || !refusal::reasons(edge, made, beside).is_empty()
}

/// Returns whether a Router demands a client certificate as configured, and this run presents none.
pub(crate) fn lacks_certificate(edge: &Edge, made: &LegHandshake) -> bool {
    made.leg == Leg::Northbound
        && edge.client_certificates.is_empty()
        && is_refused_for_certificate(made)
        && settings(edge, made).is_some_and(|tls| tls.client_auth)
}

/// nginx refuses a certificate, or its absence, with HTTP 400 within TLS; other servers with an alert.
/// Without a CertificateRequest, HTTP 400 has another reason.
fn is_refused_for_certificate(made: &LegHandshake) -> bool {
    let is_refused = made.handshake.failure.as_ref().map_or(made.http_status == Some(400), |failure| {
        failure.stage > Stage::ServerFlight && failure.by == Party::Server
    });
    is_refused && matches!(made.handshake.client_certificate, ClientCertificate::Requested(_))
}

/// The settings of the virtual host of a handshake.
pub(super) fn settings<'a>(edge: &'a Edge, made: &LegHandshake) -> Option<&'a TlsSettings> {
    edge.virtual_hosts.get(made.object.trim_start_matches("virtualhosts/"))?.tls.as_ref()
}

fn one(edge: &Edge, made: &LegHandshake, now: Timestamp, found: &mut Vec<Observation>) {
    let router = made.address.map(|address| format!("routers/{address}"));
    let objects: Vec<String> =
        [Some(made.object.clone()), Some(made.host.clone()), router].into_iter().flatten().collect();
    let north = |cause, strength, owner, statement: String| {
        Observation::new(cause, Leg::Northbound, strength, owner, objects.clone(), statement)
    };
    if made.purpose == Purpose::ExpectedWithoutSni {
        found.extend(without_sni(edge, made).map(|(strength, what)| {
            let said = format!("{}: {}", refusal::describe(made), refusal::outcome(&made.handshake));
            let statement = format!("{}: {what}", made.object);
            north(EdgeCause::SniMissing, strength, Owner::ClientOwner, statement)
                .because(said)
                .expecting("server_name from every client")
        }));
        return;
    }
    let beside = Beside::of(edge, made);
    let reasons = if beside.bare.is_none() { refusal::reasons(edge, made, beside) } else { Vec::new() };
    for reason in reasons {
        // A server that accepts what is current is not at fault for clients that offer only older versions.
        let is_current = reason.versions.iter().any(|version| version.as_str() >= "TLSv1.2");
        let is_old = made.versions.iter().all(|version| version.as_str() < "TLSv1.2");
        let owner = match reason.cause {
            EdgeCause::ProtocolMismatch if is_current && is_old => Owner::ClientOwner,
            cause => refusal::owner(edge, cause, Leg::Northbound, false),
        };
        let statement = format!("{}: {}", made.object, reason.what);
        let mut observation = north(reason.cause, reason.strength, owner, statement).of_failure(failure_of(made));
        observation.evidence = reason.evidence;
        observation.versions = reason.versions;
        found.push(observation);
    }
    if let Some(bare) = beside.bare {
        let statement = format!(
            "{}: a connection with a PROXY header is refused, and one without is served: the port does not expect \
             PROXY, although the virtual host has listenOptions proxy_protocol",
            made.object
        );
        let said = |made: &LegHandshake| format!("{}: {}", refusal::describe(made), refusal::outcome(&made.handshake));
        let observation = north(EdgeCause::RouterNotReloaded, Strength::Possible, Owner::of_hosts(edge), statement);
        found.push(observation.because(said(made)).because(said(bare)).expecting("a port that takes a PROXY header"));
    }
    let Some(tls) = settings(edge, made) else { return };
    let shown = beside.bare.or_else(|| beside.presenting(made)).unwrap_or(made);
    served(edge, shown, tls, now, &objects, found);
    client_certificate(edge, shown, tls, now, &objects, found);
}

/// What a Router does with clients without SNI, if it does not serve them.
fn without_sni(edge: &Edge, made: &LegHandshake) -> Option<(Strength, String)> {
    let handshake = &made.handshake;
    match handshake.certificates.first() {
        _ if !handshake.succeeded() && refusal::passed_hello(handshake) => None,
        _ if !handshake.succeeded() => {
            let serves_named = edge.handshakes.iter().any(|other| {
                other.leg == Leg::Northbound
                    && (&other.object, other.address, other.purpose) == (&made.object, made.address, Purpose::AsClient)
                    && refusal::passed_hello(&other.handshake)
            });
            serves_named.then(|| {
                (Strength::Likely, "client apps without SNI are refused, and such clients are expected".to_owned())
            })
        }
        Some(leaf) if !names::covers(leaf, &made.host) => {
            let what =
                format!("client apps without SNI get the certificate of {}, not of {}", names::of(leaf), made.host);
            Some((Strength::Likely, what))
        }
        _ => None,
    }
}

/// Judges the certificates that a Router serves.
fn served(
    edge: &Edge,
    made: &LegHandshake,
    tls: &TlsSettings,
    now: Timestamp,
    objects: &[String],
    found: &mut Vec<Observation>,
) {
    let list = made.handshake.certificates.as_slice();
    let Some(leaf) = list.first() else { return };
    let said = format!("{} got {}", refusal::describe(made), list::who(0, leaf));
    let resolved = tls.key_store.as_deref().map(|store| resolve(edge, store));
    let alias = tls.key_alias.as_deref();
    let entry = resolved.as_ref().zip(alias).and_then(|(resolved, alias)| resolved.alias(alias));
    let store_objects = resolved.as_ref().map(|resolved| resolved.objects(alias)).unwrap_or_default();
    // A file without an alias shows what the keystore holds too.
    let unnamed = resolved.as_ref().map(Resolved::unnamed).unwrap_or_default();
    let unnamed: Vec<&Certificate> = unnamed.iter().flat_map(|entry| &entry.certificates).collect();
    let stored = entry.and_then(stored_leaf);
    let is_held = || stored.into_iter().chain(unnamed.iter().copied()).any(|one| list::is_same(one, leaf));
    if let Some(stored) = stored.or(unnamed.first().copied())
        && !is_held()
    {
        let is_built_in = names::of(leaf).contains(BUILT_IN);
        let all: Vec<String> = objects.iter().cloned().chain(store_objects).collect();
        let (cause, owner, what) = if is_built_in {
            let what = format!("the Router serves its default certificate ({}) for {}", names::of(leaf), made.host);
            (EdgeCause::SniUnknown, Owner::EdgeAdministrator, what)
        } else {
            let what = format!(
                "the Router serves {} and the keystore holds {}: it has not loaded the keystore",
                list::who(0, leaf),
                list::who(0, stored)
            );
            (EdgeCause::RouterNotReloaded, Owner::of_hosts(edge), what)
        };
        let is_sure = !is_built_in && entry.is_some();
        let strength = if is_sure { Strength::Established } else { Strength::Likely };
        let observation =
            Observation::new(cause, Leg::Northbound, strength, owner, all, format!("{}: {what}", made.object));
        let mut observation = observation.because(said).expecting("the certificate of the keystore");
        let faults = faults(edge, made, now);
        observation.is_unfelt = !is_built_in && faults.iter().all(|fault| fault.cause.is_always_risk());
        observation.evidence.extend(faults.into_iter().map(|fault| format!("what it serves: {}", fault.what)));
        found.push(observation);
        return;
    }
    for fault in faults(edge, made, now) {
        let strength = match (fault.is_certain, fault.cause) {
            (true, _) => Strength::Established,
            (false, EdgeCause::TruststoreMismatch | EdgeCause::CertificateSelfSigned) => Strength::Possible,
            (false, _) => Strength::Likely,
        };
        let owner =
            if fault.cause == EdgeCause::TruststoreMismatch { Owner::ClientOwner } else { Owner::EdgeAdministrator };
        let all = objects.iter().cloned().chain(store_objects.clone()).collect();
        let statement = format!("{}: {}", made.object, fault.what);
        let observation = Observation::new(fault.cause, Leg::Northbound, strength, owner, all, statement);
        let observation = observation.because(said.clone()).expecting(fault.expected);
        found.push(Observation { authority: fault.authority, ..observation });
    }
}

/// What is wrong with the list that a Router serves.
pub(super) fn faults(edge: &Edge, made: &LegHandshake, now: Timestamp) -> Vec<ListFault> {
    let list = made.handshake.certificates.as_slice();
    let is_given = !edge.question.client_authorities.is_empty();
    let mut faults = list::of_dates(list, now);
    faults.extend(list::of_strength(list));
    faults.extend(list::of_name(list, &made.host));
    faults.extend(list::of_chain(list, made.handshake.verification.as_ref(), is_given));
    faults
}

fn stored_leaf(entry: &Alias) -> Option<&Certificate> {
    // What only describes a certificate may describe another one with the same fields.
    let leaf = entry.certificates.first()?;
    (entry.origin != AliasOrigin::Described || !leaf.serial.is_empty()).then_some(leaf)
}

/// Judges what a Router says to a client certificate: nginx refuses it with HTTP 400, within TLS.
fn client_certificate(
    edge: &Edge,
    made: &LegHandshake,
    tls: &TlsSettings,
    now: Timestamp,
    objects: &[String],
    found: &mut Vec<Observation>,
) {
    let is_refused = is_refused_for_certificate(made);
    let said = match made.http_status {
        Some(status) => format!("{}: HTTP {status} to HEAD /", refusal::describe(made)),
        None => format!("{}: {}", refusal::describe(made), refusal::outcome(&made.handshake)),
    };
    let north = |cause, strength, owner, what: String, more: Vec<String>| {
        let all = objects.iter().cloned().chain(more).collect();
        let statement = format!("{}: {what}", made.object);
        Observation::new(cause, Leg::Northbound, strength, owner, all, statement).because(said.clone())
    };
    if !tls.client_auth {
        if is_refused {
            let what = "the Router demands a client certificate, and the virtual host does not (clientAuthEnabled): \
                        it has not loaded the virtual host"
                .to_owned();
            let observation =
                north(EdgeCause::RouterNotReloaded, Strength::Likely, Owner::of_hosts(edge), what, Vec::new());
            found.push(observation.expecting("no CertificateRequest"));
        }
        return;
    }
    // Without a truststore, there is nothing by which a Router could verify one.
    let is_complete = tls.trust_store.is_some();
    if made.handshake.client_certificate == ClientCertificate::NotRequested && made.handshake.succeeded() {
        if !is_complete {
            return;
        }
        let what = "the virtual host requires client certificates (clientAuthEnabled), and the Router requests none: \
                    it has not loaded the virtual host, or something in front of it ends TLS"
            .to_owned();
        let observation =
            north(EdgeCause::RouterNotReloaded, Strength::Likely, Owner::of_hosts(edge), what, Vec::new());
        found.push(observation.expecting("a CertificateRequest").unfelt());
        return;
    }
    // That a Router refuses who presents none is as configured.
    let list = edge.client_certificates.as_slice();
    let Some(leaf) = list.first().filter(|_| is_refused) else { return };
    let faults = own_certificate(list, now);
    if !faults.is_empty() {
        for fault in faults {
            let what = format!("the client app's certificate is refused: {}", fault.what);
            let observation = north(fault.cause, Strength::Established, Owner::ClientOwner, what, Vec::new());
            found.push(observation.expecting(fault.expected));
        }
        return;
    }
    let resolved = tls.trust_store.as_deref().map(|store| resolve(edge, store));
    let store_objects = resolved.as_ref().map(|resolved| resolved.objects(None)).unwrap_or_default();
    let trusted = match &resolved {
        Some(super::stores::Resolved::Found { keystore, .. }) => list::follow(edge, list, keystore),
        _ => None,
    };
    found.push(match trusted {
        Some(list::Trust::Broken(fault)) => {
            let what = format!("the client app's certificate {} is refused: {}", leaf.subject, fault.what);
            let observation =
                north(EdgeCause::ClientCertificateUntrusted, Strength::Likely, Owner::ClientOwner, what, store_objects);
            Observation { authority: fault.authority, ..observation }
        }
        Some(list::Trust::Anchored(_)) => {
            let what = format!(
                "{} is refused, although the truststore trusts it: the Router has not loaded the truststore",
                leaf.subject
            );
            north(EdgeCause::RouterNotReloaded, Strength::Likely, Owner::of_hosts(edge), what, store_objects)
        }
        None => {
            let what =
                format!("the client app's certificate {} is refused; its dates and its use are right", leaf.subject);
            north(EdgeCause::ClientCertificateUntrusted, Strength::Likely, Owner::ClientOwner, what, store_objects)
        }
    });
}

/// Routers that serve different certificates for one name.
fn differing(edge: &Edge, made: &[&LegHandshake], now: Timestamp) -> Vec<Observation> {
    let mut by_name: BTreeMap<(&str, &str), BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for handshake in made.iter().filter(|made| made.purpose == Purpose::AsClient) {
        let (Some(address), Some(leaf)) = (handshake.address, handshake.handshake.certificates.first()) else {
            continue;
        };
        by_name
            .entry((&handshake.object, &handshake.host))
            .or_default()
            .entry(address.to_string())
            .or_default()
            .insert(&leaf.fingerprint);
    }
    let is_good = |made: &LegHandshake| faults(edge, made, now).iter().all(|fault| fault.cause.is_always_risk());
    let several = by_name.into_iter().filter(|(_, routers)| {
        let all: BTreeSet<&BTreeSet<&str>> = routers.values().collect();
        all.len() > 1
    });
    several
        .map(|((object, host), routers)| {
            let addresses: Vec<String> = routers.keys().map(|address| format!("routers/{address}")).collect();
            let statement = format!("{object}: {} serve different certificates for {host}", addresses.join(" and "));
            let objects = [object.to_owned(), host.to_owned()].into_iter().chain(addresses).collect();
            let observation = Observation::new(
                EdgeCause::RoutersDiffer,
                Leg::Northbound,
                Strength::Established,
                Owner::of_hosts(edge),
                objects,
                statement,
            );
            let mut own = made.iter().filter(|made| made.object == object && made.host == host);
            let is_unfelt = own.all(|made| is_good(made));
            Observation { is_unfelt, ..observation.expecting("the same certificate from every Router") }
        })
        .collect()
}

pub(super) fn failure_of(made: &LegHandshake) -> String {
    format!("{} {} {:?} {:?} {:?}", made.object, made.host, made.address, made.profile, made.handshake.server_name)
}
