//! What logs of Message Processors and symptoms report, read together with the configuration.

use jiff::Timestamp;

use super::identity::{self, Fitting};
use super::messages::{self, Meaning};
use super::model::{EdgeCause, Observation, Origin, Owner, Strength, UNSENT};
use super::names;
use super::refusal;
use crate::evidence::edge::{CapturedHandshake, Edge, Leg, LegHandshake, LogFailure, MessageProcessorLog, Target};
use crate::evidence::handshake::ClientCertificate;

/// Maximum number of characters of a symptom that are shown.
const MAX_SHOWN: usize = 160;
/// What Java says of a version or cipher suite that it does not know: `Unsupported protocolX`, `Unsupported
/// CipherSuite: X`.
const UNKNOWN_NAME: &str = "Unsupported ";

pub(super) fn observe(edge: &Edge, now: Timestamp) -> Vec<Observation> {
    let mut found = Vec::new();
    if edge.question.judges(Leg::Southbound) {
        for failure in edge.log.iter().flat_map(|log| &log.failures) {
            found.extend(of_log(edge, failure, false, now));
        }
        for failure in edge.log.iter().flat_map(|log| &log.joined) {
            found.extend(of_log(edge, failure, true, now));
        }
    }
    for (number, text) in (1..).zip(&edge.symptoms) {
        let meaning = symptom(edge, text);
        let Some(meaning) = meaning.filter(|meaning| edge.question.judges(meaning.leg)) else {
            continue;
        };
        if contradiction(edge, &meaning).is_some() {
            continue;
        }
        let report = Report {
            identity: format!("symptom {number}"),
            origin: Origin::Symptom,
            backend: None,
            text,
            evidence: format!("given: {}", short(text)),
        };
        found.extend(of_meaning(edge, &meaning, &report, now));
    }
    found
}

/// Returns what a symptom means. Java that calls a host alias is a client app, not a Message Processor.
pub(crate) fn symptom(edge: &Edge, text: &str) -> Option<Meaning> {
    let is_alias = |name: &str| {
        edge.virtual_hosts.values().any(|host| host.aliases.iter().any(|alias| names::matches(alias, name)))
    };
    let is_target = |name: &str| {
        edge.targets.iter().any(|target| target.host.as_deref().is_some_and(|host| names::same_host(host, name)))
    };
    let is_of_client = names::called(text).is_some_and(|name| is_alias(name) && !is_target(name));
    let only = edge.question.only_leg();
    messages::symptom(text, only.or(is_of_client.then_some(Leg::Northbound)))
}

/// Returns why a symptom cannot come from the virtual hosts as they are configured: a Router refuses client
/// certificates only where it requests one.
pub(crate) fn contradiction(edge: &Edge, meaning: &Meaning) -> Option<String> {
    if meaning.leg != Leg::Northbound || !is_about_client_certificates(meaning) {
        return None;
    }
    let hosts = || edge.virtual_hosts.iter().filter_map(|(name, host)| Some((name, host.tls.as_ref()?)));
    let hosts = || hosts().filter(|(_, tls)| tls.enabled);
    // A Router may request one beside the configuration that was seen.
    let is_made = |made: &LegHandshake| {
        made.leg == Leg::Northbound && matches!(made.handshake.client_certificate, ClientCertificate::Requested(_))
    };
    let is_captured = |captured: &CapturedHandshake| {
        captured.certificate_request.is_some() && super::captured::leg(edge, captured) == Some(Leg::Northbound)
    };
    let is_requested = hosts().any(|(_, tls)| tls.client_auth)
        || edge.handshakes.iter().any(is_made)
        || edge.captured.iter().any(is_captured);
    let names: Vec<String> = hosts().map(|(name, _)| format!("virtualhosts/{name}")).collect();
    (!is_requested && !names.is_empty()).then(|| {
        format!("no client certificate is requested by {} (clientAuthEnabled)", crate::text::at_most(&names, 3))
    })
}

fn is_about_client_certificates(meaning: &Meaning) -> bool {
    !meaning.causes.is_empty() && meaning.causes.iter().all(|(cause, _)| is_of_client_certificate(*cause))
}

pub(super) fn is_of_client_certificate(cause: EdgeCause) -> bool {
    matches!(
        cause,
        EdgeCause::ClientCertificateMissing
            | EdgeCause::ClientCertificateExpired
            | EdgeCause::ClientCertificateNoClientAuth
            | EdgeCause::ClientCertificateUntrusted
    )
}

/// The beginning of a symptom on one line, cut after a word.
pub(crate) fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::text::first_words(&line, MAX_SHOWN)
}

/// The failures of a log whose text does not say why.
pub(crate) fn unexplained(log: &MessageProcessorLog) -> impl Iterator<Item = &LogFailure> {
    log.all_failures().filter(|failure| !failure.timed_out && messages::java(&failure.message).is_none())
}

fn of_log(edge: &Edge, failure: &LogFailure, is_joined: bool, now: Timestamp) -> Vec<Observation> {
    let text = if failure.timed_out { "handshake timeout" } else { failure.message.as_str() };
    let Some(meaning) = messages::java(text) else { return Vec::new() };
    let span = match failure.first.as_str() {
        "" => String::new(),
        first if failure.count == 1 => format!(", {first}"),
        first => format!(", {first} to {}", failure.last),
    };
    let number =
        crate::text::count(failure.count, if is_joined { "further failed handshake" } else { "failed handshake" });
    let proxy = match failure.proxy.as_str() {
        "" if is_joined => "several proxies".to_owned(),
        "" => "a proxy that the line does not name".to_owned(),
        proxy if failure.revision.is_empty() => format!("proxy {proxy}"),
        proxy => format!("proxy {proxy} revision {}", failure.revision),
    };
    let backend = match failure.backend.as_str() {
        "" if is_joined => "several backends",
        "" => "a backend that the line does not name",
        backend => backend,
    };
    let alike = if is_joined { "texts that mean the same as " } else { "" };
    let report = Report {
        identity: format!("log {} {}", failure.backend, text),
        origin: Origin::Log,
        backend: Some(failure.backend.as_str()).filter(|backend| !backend.is_empty()),
        text,
        evidence: format!("Message Processor log: {number} of {proxy} to {backend}{span}: {alike}{text}"),
    };
    of_meaning(edge, &meaning, &report, now)
}

/// What somebody reports of a failure.
struct Report<'a> {
    /// Distinguishes the failure from others.
    identity: String,
    origin: Origin,
    /// Address and port of the backend, where the report has them.
    backend: Option<&'a str>,
    text: &'a str,
    /// The report, for people.
    evidence: String,
}

fn of_meaning(edge: &Edge, meaning: &Meaning, report: &Report<'_>, now: Timestamp) -> Vec<Observation> {
    let called = names::called(report.text);
    let (objects, target) = match meaning.leg {
        Leg::Southbound => {
            let target = self::target(edge, report);
            // Where no target is known, the address and the name are what was seen.
            let name = called.filter(|name| target.is_none() && !report.backend.is_some_and(|own| own.contains(name)));
            let seen = report.backend.into_iter().chain(name).map(str::to_owned);
            (target.map(|target| target.object.clone()).into_iter().chain(seen).collect(), target)
        }
        Leg::Northbound => (northbound(edge, meaning, called), None),
    };
    let subject = objects.first().cloned();
    let mut causes = meaning.causes.clone();
    narrow(edge, target, &mut causes);
    let fitting: Vec<Fitting> = match target {
        Some(target) => {
            causes.into_iter().flat_map(|cause| identity::fitting(edge, target, cause, report.text, now)).collect()
        }
        None => causes.into_iter().map(|(cause, strength)| Fitting::new(cause, strength)).collect(),
    };
    let chosen: Vec<String> = messages::chosen_version(report.text).into_iter().collect();
    let is_alone = fitting.len() == 1;
    fitting
        .into_iter()
        .map(|Fitting { cause, strength, note, objects: more, expected }| {
            let owner = match cause {
                EdgeCause::ProtocolMismatch if report.text.contains(UNSENT) => owner_of_unsent(edge, target),
                EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch if report.text.contains(UNKNOWN_NAME) => {
                    Owner::EdgeAdministrator
                }
                _ => owner(edge, cause, meaning.leg),
            };
            let place = subject.as_deref().map(|subject| format!("{subject}: ")).unwrap_or_default();
            let statement = match note {
                Some(note) => format!("{place}{}; {note}", meaning.what),
                None if is_alone => format!("{place}{}", meaning.what),
                None => format!("{place}{}; {} fits", meaning.what, cause.name()),
            };
            let objects = objects.iter().cloned().chain(more).collect();
            Observation::new(cause, meaning.leg, strength, owner, objects, statement)
                .from(report.origin)
                .because(report.evidence.clone())
                .of_failure(report.identity.clone())
                .accepting(chosen.clone())
                .expecting(expected)
        })
        .collect()
}

/// The virtual host that a client app reports about: that of the name it called, else the only one.
fn northbound(edge: &Edge, meaning: &Meaning, called: Option<&str>) -> Vec<String> {
    let needs_request = is_about_client_certificates(meaning)
        && edge.virtual_hosts.values().filter_map(|host| host.tls.as_ref()).any(|tls| tls.client_auth);
    let mut hosts = edge.virtual_hosts.iter().filter(|(_, host)| {
        host.tls.as_ref().is_some_and(|tls| tls.enabled && (tls.client_auth || !needs_request))
            && called.is_none_or(|name| host.aliases.iter().any(|alias| names::matches(alias, name)))
    });
    let only = hosts.next().filter(|_| hosts.next().is_none());
    only.map(|(name, _)| format!("virtualhosts/{name}")).or(called.map(str::to_owned)).into_iter().collect()
}

/// Who has to act where Java finds no version to offer: who pins one, or who disables all.
fn owner_of_unsent(edge: &Edge, target: Option<&Target>) -> Owner {
    let is_pinned = target.is_none_or(|target| target.tls.as_ref().is_some_and(|tls| !tls.protocols.is_empty()));
    if is_pinned { Owner::EdgeAdministrator } else { Owner::of_hosts(edge) }
}

/// Leaves out what the configuration excludes.
fn narrow(edge: &Edge, target: Option<&Target>, causes: &mut Vec<(EdgeCause, Strength)>) {
    let sends_sni = edge.sends_sni();
    let is_sent = sends_sni == [true]
        && target.is_none_or(|target| target.host.as_deref().is_none_or(|host| edge.sends_name(host)));
    if is_sent && causes.len() > 1 {
        causes.retain(|(cause, _)| *cause != EdgeCause::SniMissing);
    }
    let Some(target) = target else { return };
    if let Some(host) = target.host.as_deref() {
        for (cause, _) in causes.iter_mut().filter(|(cause, _)| *cause == EdgeCause::SniMissing) {
            *cause = EdgeCause::of_unsent_name(edge, host);
        }
    }
    let has_certificate = target.tls.as_ref().is_some_and(|tls| tls.client_auth && tls.key_store.is_some());
    if !has_certificate {
        return;
    }
    // A certificate is configured: it was not sent, because its issuer is not listed, or it was refused.
    if let [(EdgeCause::ClientCertificateMissing, _)] = causes.as_slice() {
        *causes = vec![
            (EdgeCause::ClientCertificateAuthorityNotListed, Strength::Possible),
            (EdgeCause::ClientCertificateUntrusted, Strength::Possible),
        ];
    }
    for (cause, _) in causes.iter_mut() {
        if *cause == EdgeCause::ClientCertificateMissing {
            *cause = EdgeCause::ClientCertificateAuthorityNotListed;
        }
    }
}

/// The target that a report is about: by the name that was called, by a name in the text, by the address that
/// a handshake reached, else the only one. A name that no target has is that of another server.
fn target<'a>(edge: &'a Edge, report: &Report<'_>) -> Option<&'a Target> {
    let candidates = || edge.targets.iter().filter(|target| target.enabled && target.has_tls());
    let (address, port) = report.backend.and_then(|backend| backend.rsplit_once(':')).unzip();
    let port = port.and_then(|port| port.parse::<u16>().ok());
    let is_at_port = |target: &&Target| port.is_none_or(|port| target.port == port);
    // One host may have a backend at each of several ports.
    let of_host = |is_own: &dyn Fn(&str) -> bool| {
        let own = |target: &&Target| target.host.as_deref().is_some_and(is_own);
        candidates().filter(own).find(is_at_port).or_else(|| candidates().find(own))
    };
    let only = |is_own: &dyn Fn(&Target) -> bool| {
        let mut fitting = candidates().filter(is_at_port).filter(|target| is_own(target));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    if let Some(called) = names::called(report.text) {
        let known = of_host(&|host| names::same_host(host, called));
        // A host in a flow variable may be this one.
        return known.or_else(|| only(&|target| target.host.is_none()));
    }
    let is_address = |host: &str| address.is_some_and(|address| names::same_host(host, address));
    if let Some(target) = of_host(&|host| !is_address(host) && names::mentions(&report.evidence, host)) {
        return Some(target);
    }
    let at_address = |target: &&Target| target.host.as_deref().is_some_and(is_address);
    if let Some(target) = candidates().filter(at_address).find(is_at_port) {
        return Some(target);
    }
    let reached = edge.handshakes.iter().find(|made| {
        let is_own = |own: std::net::IpAddr| is_address(&own.to_string());
        made.leg == Leg::Southbound && port.is_none_or(|port| made.port == port) && made.address.is_some_and(is_own)
    });
    if let Some(reached) = reached {
        return candidates().find(|target| target.object == reached.object && target.endpoint == reached.endpoint);
    }
    only(&|_| true)
}

pub(super) fn owner(edge: &Edge, cause: EdgeCause, leg: Leg) -> Owner {
    let is_of_backend = matches!(
        cause,
        EdgeCause::ChainIncomplete
            | EdgeCause::ChainWrongIssuer
            | EdgeCause::CertificateExpired
            | EdgeCause::CertificateNotYetValid
            | EdgeCause::CertificateSelfSigned
            | EdgeCause::CertificateWeak
            | EdgeCause::CertificateNotForServers
            | EdgeCause::ClientCertificateUntrusted
            | EdgeCause::HostnameMismatch
            | EdgeCause::PlainTextPort
    );
    match leg {
        Leg::Northbound if is_of_client_certificate(cause) || cause == EdgeCause::TruststoreMismatch => {
            Owner::ClientOwner
        }
        Leg::Southbound if is_of_backend => Owner::BackendOwner,
        _ => refusal::owner(edge, cause, leg, false),
    }
}
