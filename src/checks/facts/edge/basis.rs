//! What a check has to judge by: the evidence that would show its cause.
//!
//! A check passes only where such evidence was seen. A log of failures says nothing about the dates of
//! certificates, and a configuration nothing about who answers at a port.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::model::EdgeCause;
use super::northbound::{self, lacks_certificate};
use super::refusal::{describe, outcome, passed_hello};
use super::reported::{is_of_client_certificate, unexplained};
use super::southbound::{self, checks_chain};
use super::stores::{Resolved, own_entry, resolve};
use super::unexplained_handshakes;
use crate::checks::{Judgement, Outcome};
use crate::evidence::capture::Outcome as Captured;
use crate::evidence::edge::{
    CapturedHandshake, ClientList, Dialect, Edge, Leg, LegHandshake, Purpose, StoreName, Target, TlsSettings,
    VirtualHost,
};
use crate::evidence::handshake::{ClientCertificate, Party, Stage};
use crate::evidence::{Reason, Unavailable};
use crate::text::count;

const LOG: &str = "the Message Processor log";
const HANDSHAKES: &str =
    "no handshake that a server answers with a ServerHello and no Message Processor log of this environment was seen";
const CERTIFICATES: &str = "no certificate of a server was seen";
const CLIENT_CERTIFICATES: &str = "no certificate of a client was seen";

/// Judges a cause that was not observed: passed where it would have been seen.
pub(super) fn of(edge: &Edge, cause: EdgeCause, now: Timestamp) -> Judgement {
    let (mut basis, nothing) = Sight::of(edge).basis(cause);
    let log = edge.log.as_ref().filter(|log| log.has_own && edge.question.judges(Leg::Southbound));
    if let Some(log) = log.filter(|_| is_logged(cause)) {
        let open: u64 = unexplained(log).map(|failure| failure.count).sum();
        if open == 0 {
            basis.push(LOG.to_owned());
        } else if basis.is_empty() {
            let why = format!("the texts of {} do not say why", count(open, "failed handshake"));
            return Err(Unavailable::new(LOG, Reason::Broken(why)));
        }
    }
    // A handshake that fails for a reason that is not known may fail for this one, unless it got past it.
    let is_before = matches!(cause, EdgeCause::NameNotResolved | EdgeCause::Unreachable);
    if is_of_hello(cause)
        && let Some(made) = unexplained_handshakes(edge, now).find(|made| cause.leg().is_none_or(|leg| leg == made.leg))
        && (basis.is_empty() || !is_before)
    {
        let why = format!("{}, and its cause is not known", outcome(&made.handshake));
        return Err(Unavailable::new(describe(made), Reason::Broken(why)));
    }
    if is_of_client_certificate(cause)
        && basis.is_empty()
        && let Some(made) = edge.handshakes.iter().find(|made| lacks_certificate(edge, made))
    {
        let what = format!("{} with a client certificate", made.object);
        return Err(Unavailable::new(what, Reason::NotRequested("--client-cert".into())));
    }
    if basis.is_empty() {
        return Ok(Outcome::NotApplicable(nothing.into()));
    }
    Ok(Outcome::Passed(format!("not seen at {}", basis.join(", "))))
}

/// Returns whether a Message Processor logs a connection that fails so: up to the answer to its ClientHello.
fn is_logged(cause: EdgeCause) -> bool {
    matches!(
        cause,
        EdgeCause::NameNotResolved
            | EdgeCause::Unreachable
            | EdgeCause::PlainTextPort
            | EdgeCause::ProtocolMismatch
            | EdgeCause::CipherMismatch
            | EdgeCause::SniMissing
            | EdgeCause::SniUnknown
            | EdgeCause::HandshakeTimeout
            | EdgeCause::ResetInHello
            | EdgeCause::ClosedInHello
    )
}

/// Returns whether it shows in how a server answers a ClientHello.
fn is_of_hello(cause: EdgeCause) -> bool {
    is_logged(cause) || cause == EdgeCause::SniNotSentForName
}

/// What is judged of an environment.
struct Sight<'a> {
    edge: &'a Edge,
    hosts: Vec<(&'a VirtualHost, &'a TlsSettings)>,
    targets: Vec<(&'a Target, &'a TlsSettings)>,
    captured: Vec<&'a CapturedHandshake>,
}

impl<'a> Sight<'a> {
    fn of(edge: &'a Edge) -> Self {
        let (north, south) = (edge.question.judges(Leg::Northbound), edge.question.judges(Leg::Southbound));
        let hosts = edge.virtual_hosts.values().filter(|_| north);
        let hosts = hosts.filter_map(|host| Some((host, host.tls.as_ref().filter(|tls| tls.enabled)?)));
        let targets = edge.targets.iter().filter(|target| south && target.enabled && target.has_tls());
        // What is not known to have ended excludes nothing.
        let is_judged = |captured: &&CapturedHandshake| {
            captured.outcome.is_shown()
                && super::captured::leg(edge, captured).is_some_and(|leg| edge.question.judges(leg))
        };
        Self {
            edge,
            hosts: hosts.collect(),
            targets: targets.map(|target| (target, southbound::settings(target))).collect(),
            captured: edge.captured.iter().filter(is_judged).collect(),
        }
    }

    /// Returns what would show a cause, for people, and what is missing if that is nothing.
    fn basis(&self, cause: EdgeCause) -> (Vec<String>, &'static str) {
        let mut seen = Counts::default();
        let nothing = match cause {
            EdgeCause::NameNotResolved => {
                seen.made = self.made(|made| passed_hello(&made.handshake));
                HANDSHAKES
            }
            EdgeCause::Unreachable => {
                seen.made = self.made(|made| passed_hello(&made.handshake));
                seen.captured = self.captured(|_| true);
                HANDSHAKES
            }
            EdgeCause::PlainTextPort
            | EdgeCause::SniMissing
            | EdgeCause::SniUnknown
            | EdgeCause::HandshakeTimeout
            | EdgeCause::ResetInHello
            | EdgeCause::ClosedInHello => {
                self.hellos(&mut seen);
                HANDSHAKES
            }
            EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch => {
                self.hellos(&mut seen);
                self.offers(cause == EdgeCause::ProtocolMismatch, &mut seen);
                "no handshake, no log of this environment and no setting of versions or suites was seen"
            }
            EdgeCause::SniNotSentForName => {
                seen.made = self.made(|made| made.leg == Leg::Southbound && passed_hello(&made.handshake));
                let is_sent = |target: &Target| target.host.as_deref().is_some_and(|host| self.edge.sends_name(host));
                seen.targets = self.targets(|target, _| is_sent(target));
                "no target with TLS was seen whose host Java sends, and no handshake with one"
            }
            EdgeCause::TlsNotEnabled => {
                let is_of_plain = |made: &LegHandshake| made.purpose == Purpose::WithoutSettings;
                seen.made = self.made(|made| is_of_plain(made) && stage(made) >= Stage::ClientHello);
                seen.targets = self.targets.len();
                "no target with TLS was seen, and no handshake with one without"
            }
            EdgeCause::ReferenceDangling
            | EdgeCause::KeystoreMissing
            | EdgeCause::AliasMissing
            | EdgeCause::AliasWithoutKey => self.names(cause, &mut seen),
            EdgeCause::RouterNotReloaded | EdgeCause::RoutersDiffer => self.routers(cause, &mut seen),
            EdgeCause::TruststoreMissing => {
                seen.hosts = self.hosts(|_, tls| tls.client_auth);
                seen.targets = self.targets(|_, tls| tls.client_auth && self.edge.question.api == Dialect::Edge);
                let is_without = |made: &LegHandshake| self.settings(made).is_some_and(|tls| tls.trust_store.is_none());
                seen.made =
                    self.made(|made| made.leg == Leg::Southbound && self.is_presented(made) && is_without(made));
                "nothing with two-way TLS (clientAuthEnabled) was seen, and no certificate of a backend without truststore"
            }
            EdgeCause::ClientCertificateMissing
            | EdgeCause::ClientCertificateExpired
            | EdgeCause::ClientCertificateNoClientAuth
            | EdgeCause::ClientCertificateUntrusted
            | EdgeCause::ClientCertificateAuthorityNotListed => self.of_clients(cause, &mut seen),
            _ => {
                self.certificates(cause, &mut seen);
                CERTIFICATES
            }
        };
        (seen.words(), nothing)
    }

    fn made(&self, is_wanted: impl Fn(&LegHandshake) -> bool) -> usize {
        self.edge.handshakes.iter().filter(|made| is_wanted(made)).count()
    }

    fn captured(&self, is_wanted: impl Fn(&CapturedHandshake) -> bool) -> u64 {
        self.captured.iter().filter(|captured| is_wanted(captured)).map(|captured| captured.count).sum()
    }

    fn hosts(&self, is_wanted: impl Fn(&VirtualHost, &TlsSettings) -> bool) -> usize {
        self.hosts.iter().filter(|(host, tls)| is_wanted(host, tls)).count()
    }

    fn targets(&self, is_wanted: impl Fn(&Target, &TlsSettings) -> bool) -> usize {
        self.targets.iter().filter(|(target, tls)| is_wanted(target, tls)).count()
    }

    /// Handshakes whose ClientHello the server accepted.
    fn hellos(&self, seen: &mut Counts) {
        seen.made = self.made(|made| passed_hello(&made.handshake));
        seen.captured = self.captured(|captured| captured.is_whole || !captured.versions.is_empty());
    }

    /// Settings that say which versions or suites are allowed or offered.
    fn offers(&self, is_protocol: bool, seen: &mut Counts) {
        let routers = &self.edge.routers;
        if is_protocol {
            let is_set = routers.iter().any(|router| router.protocols.is_some());
            seen.hosts = self.hosts(|host, _| is_set || !host.protocols.is_empty());
            seen.targets = self.targets(|_, tls| !tls.protocols.is_empty());
        } else {
            let is_set = routers.iter().any(|router| router.ciphers.is_some());
            seen.hosts = self.hosts(|host, _| is_set || host.ciphers.is_some());
        }
    }

    /// Names of references, keystores and aliases in settings, where it was seen what they lead to.
    fn names(&self, cause: EdgeCause, seen: &mut Counts) -> &'static str {
        let leads = |tls: &TlsSettings, has_key: bool| {
            let own = tls.key_store.as_deref().filter(|_| has_key);
            let mut stores = own.into_iter().chain(tls.trust_store.as_deref());
            let is_seen = |store: &str| !matches!(resolve(self.edge, store), Resolved::Unseen);
            let entry = || {
                let Resolved::Found { keystore, .. } = resolve(self.edge, own?) else { return None };
                Some((keystore, keystore.aliases.get(tls.key_alias.as_deref()?)))
            };
            match cause {
                EdgeCause::ReferenceDangling => {
                    stores.any(|store| matches!(StoreName::of(store), StoreName::Reference(_)) && is_seen(store))
                }
                EdgeCause::KeystoreMissing => stores.any(is_seen),
                EdgeCause::AliasMissing => {
                    entry().is_some_and(|(keystore, alias)| alias.is_some() || !keystore.is_partial)
                }
                _ => entry().is_some_and(|(_, alias)| alias.is_some_and(|alias| alias.has_key.is_some())),
            }
        };
        let is_named = |tls: &TlsSettings| cause == EdgeCause::KeystoreMissing && tls.key_store.is_none();
        seen.hosts = self.hosts(|_, tls| is_named(tls) || leads(tls, true));
        seen.targets = self.targets(|_, tls| leads(tls, tls.client_auth));
        match cause {
            EdgeCause::ReferenceDangling => "no virtual host or target was seen that names a reference",
            EdgeCause::KeystoreMissing => "no virtual host or target was seen that needs a keystore",
            EdgeCause::AliasMissing => "no virtual host or target was seen that names an alias of a known keystore",
            _ => "no entry of a keystore was seen that says whether it has a key",
        }
    }

    /// What Routers serve, beside what the keystore holds and beside each other.
    fn routers(&self, cause: EdgeCause, seen: &mut Counts) -> &'static str {
        let served = self.edge.handshakes.iter().filter(|made| made.leg == Leg::Northbound && has_list(made));
        if cause == EdgeCause::RoutersDiffer {
            let mut routers: BTreeMap<(&str, &str), BTreeSet<_>> = BTreeMap::new();
            for made in served.filter(|made| made.purpose == Purpose::AsClient) {
                routers.entry((&made.object, &made.host)).or_default().insert(made.address);
            }
            seen.made = routers.values().filter(|addresses| addresses.len() > 1).map(BTreeSet::len).sum();
            return "no handshakes with several Routers were made for one host alias";
        }
        let is_held = |made: &&LegHandshake| {
            let tls = northbound::settings(self.edge, made);
            tls.is_some_and(|tls| self.is_stored(tls) || self.is_in_a_file(tls))
        };
        seen.made = served.filter(is_held).count();
        "no certificate was seen both in a keystore and at a Router"
    }

    /// Lists of certificates that servers present or that keystores of Routers hold.
    fn certificates(&self, cause: EdgeCause, seen: &mut Counts) {
        let is_of_trust = matches!(cause, EdgeCause::TruststoreMismatch | EdgeCause::CertificateSelfSigned);
        let is_of_chain =
            matches!(cause, EdgeCause::ChainIncomplete | EdgeCause::ChainWrongIssuer | EdgeCause::ChainWrongOrder);
        let needs_ca = is_of_trust && self.edge.question.client_authorities.is_empty();
        seen.hosts = self.hosts(|host, tls| {
            let has_name = cause != EdgeCause::HostnameMismatch || !host.aliases.is_empty();
            self.is_stored(tls) && has_name && !needs_ca
        });
        seen.made = self.made(|made| match made.leg {
            Leg::Northbound => has_list(made) && made.purpose != Purpose::ExpectedWithoutSni,
            // Java sorts the list of a backend.
            Leg::Southbound if cause == EdgeCause::ChainWrongOrder => false,
            Leg::Southbound => {
                let tls = self.settings(made);
                let is_followed = tls.is_some_and(|tls| match &tls.trust_store {
                    Some(store) => matches!(resolve(self.edge, store), Resolved::Found { .. }),
                    None => self.edge.question.api == Dialect::Google,
                });
                let is_name = cause == EdgeCause::HostnameMismatch && self.edge.question.api == Dialect::Google;
                let is_named = is_name && has_list(made) && tls.is_some_and(|tls| !tls.ignore_validation_errors);
                is_named || self.is_presented(made) && (is_followed || !(is_of_trust || is_of_chain))
            }
        });
        if !cause.is_always_risk() {
            seen.captured = self.captured(|captured| {
                let is_refused = matches!(captured.outcome, Captured::Alert { by: Party::Client, number: 42..=48, .. });
                is_refused && !captured.certificates.is_empty()
            });
        }
    }

    /// What clients present, and what servers request of them.
    fn of_clients(&self, cause: EdgeCause, seen: &mut Counts) -> &'static str {
        let is_given = |leg: Leg| match leg {
            Leg::Northbound => !self.edge.client_certificates.is_empty(),
            Leg::Southbound => !self.edge.own_certificates.is_empty(),
        };
        let requested = |made: &LegHandshake| match &made.handshake.client_certificate {
            ClientCertificate::Requested(listed) => Some(listed.as_ref().is_some_and(|listed| !listed.is_empty())),
            ClientCertificate::NotRequested | ClientCertificate::Unknown => None,
        };
        let is_sent =
            |captured: &CapturedHandshake| matches!(&captured.client_list, ClientList::Sent(list) if !list.is_empty());
        match cause {
            EdgeCause::ClientCertificateMissing => {
                // Who was refused without a certificate shows nothing of those that present one.
                let is_served = |made: &LegHandshake| made.handshake.succeeded() && !lacks_certificate(self.edge, made);
                seen.made = self.made(|made| match &made.handshake.client_certificate {
                    ClientCertificate::Unknown => false,
                    ClientCertificate::NotRequested => !self.is_two_way(made),
                    ClientCertificate::Requested(_) => is_served(made),
                });
                seen.captured = self.captured(|captured| captured.certificate_request.is_some());
                seen.targets = self.targets(|_, tls| tls.client_auth);
                "no server was seen that requests a client certificate or could have, and no target with clientAuthEnabled"
            }
            EdgeCause::ClientCertificateAuthorityNotListed => {
                seen.made = self.made(|made| made.leg == Leg::Southbound && requested(made) == Some(true));
                let is_listed = |listed: &Vec<String>| !listed.is_empty();
                seen.captured = self.captured(|captured| captured.certificate_request.as_ref().is_some_and(is_listed));
                "no server was seen that lists the CAs of client certificates"
            }
            _ => {
                seen.made = self.made(|made| requested(made).is_some() && is_given(made.leg));
                seen.captured = self.captured(is_sent);
                if cause != EdgeCause::ClientCertificateUntrusted {
                    seen.targets = self.targets(|_, tls| tls.client_auth && self.is_stored(tls));
                }
                CLIENT_CERTIFICATES
            }
        }
    }

    /// A handshake with a Router whose virtual host requires client certificates.
    fn is_two_way(&self, made: &LegHandshake) -> bool {
        made.leg == Leg::Northbound && northbound::settings(self.edge, made).is_some_and(|tls| tls.client_auth)
    }

    /// The entry that settings present was seen with its certificates.
    fn is_stored(&self, tls: &TlsSettings) -> bool {
        own_entry(self.edge, tls).is_some()
    }

    fn is_in_a_file(&self, tls: &TlsSettings) -> bool {
        tls.key_store.as_deref().is_some_and(|store| !resolve(self.edge, store).unnamed().is_empty())
    }

    fn settings(&self, made: &LegHandshake) -> Option<&'a TlsSettings> {
        self.targets.iter().find(|(target, _)| southbound::is_at(made, target)).map(|(_, tls)| *tls)
    }

    /// The backend presented certificates, and a Message Processor may check them.
    fn is_presented(&self, made: &LegHandshake) -> bool {
        has_list(made) && self.settings(made).is_some_and(|tls| checks_chain(self.edge, tls).is_some())
    }
}

fn has_list(made: &LegHandshake) -> bool {
    !made.handshake.certificates.is_empty()
}

/// How far a handshake came.
fn stage(made: &LegHandshake) -> Stage {
    match &made.handshake.failure {
        Some(failure) if !passed_hello(&made.handshake) => failure.stage,
        _ => Stage::Established,
    }
}

/// What was looked at.
#[derive(Default)]
struct Counts {
    hosts: usize,
    targets: usize,
    made: usize,
    captured: u64,
}

impl Counts {
    fn words(&self) -> Vec<String> {
        let all = [
            (self.hosts as u64, "virtual host"),
            (self.targets as u64, "target"),
            (self.made as u64, "handshake"),
            (self.captured, "captured handshake"),
        ];
        all.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| count(number, what)).collect()
    }
}
