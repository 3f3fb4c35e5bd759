//! Handshakes in captures, by the stage at which they end and by who ends them.

use jiff::Timestamp;

use super::configuration::own_certificate;
use super::list;
use super::model::{EdgeCause, Observation, Origin, Strength};
use super::names;
use super::reported::owner;
use super::southbound::presented;
use super::stores::own_entry;
use crate::evidence::capture::Outcome;
use crate::evidence::edge::{
    Alias, CapturedHandshake, ClientList, Edge, Leg, Target, TlsSettings, Unseen, VirtualHost,
};
use crate::evidence::handshake::{Party, Stage, alert_name};
use crate::evidence::{Reason, Unavailable};
use crate::text::count;

pub(super) fn observe(edge: &Edge, now: Timestamp) -> Vec<Observation> {
    let mut found = Vec::new();
    for captured in &edge.captured {
        let Some(leg) = leg(edge, captured).filter(|leg| edge.question.judges(*leg)) else { continue };
        let place = Place::of(edge, captured, leg);
        found.extend(one(edge, captured, &place, now));
    }
    found
}

/// Returns whether the way in which a captured handshake ended says what fits its failure.
pub(crate) fn is_understood(edge: &Edge, captured: &CapturedHandshake, leg: Leg, now: Timestamp) -> bool {
    !one(edge, captured, &Place::of(edge, captured, leg), now).is_empty()
}

/// Returns the connections whose end the captures do not show: nothing is concluded from what they lack.
pub(crate) fn hidden(edge: &Edge) -> impl Iterator<Item = Unseen> {
    edge.captured.iter().filter(|captured| captured.outcome.is_hidden()).map(|captured| {
        let connections = count(captured.count, "connection");
        let what = format!("the end of {connections} from {} to {}", captured.client, captured.server);
        let why = Unavailable::new(what, Reason::Broken(captured.outcome.to_string()));
        Unseen { why, leg: leg(edge, captured) }
    })
}

/// Returns the leg of a captured handshake: by the addresses that the user gives, by the server name, by the
/// port.
pub(crate) fn leg(edge: &Edge, captured: &CapturedHandshake) -> Option<Leg> {
    let question = &edge.question;
    if question.message_processor_addresses.contains(&captured.client) {
        return Some(Leg::Southbound);
    }
    if question.router_addresses.contains(&captured.server.ip()) {
        return Some(Leg::Northbound);
    }
    let name = captured.server_name.as_deref();
    let is_alias = name.is_some_and(|name| virtual_host_of(edge, name, captured.server.port()).is_some());
    let is_target = edge.targets.iter().any(|target| {
        let host = target.host.as_deref();
        name.is_some() && host == name || host == Some(captured.server.ip().to_string().as_str())
    });
    match (is_alias, is_target) {
        (true, false) => return Some(Leg::Northbound),
        (false, true) => return Some(Leg::Southbound),
        // A name that nothing here has is that of another server, whatever its port.
        (false, false) if name.is_some() => return question.only_leg(),
        _ => {}
    }
    let port = captured.server.port();
    let north = edge.virtual_hosts.values().any(|host| host.tls.is_some() && host.port == Some(port));
    let south = edge.targets.iter().any(|target| target.has_tls() && target.port == port);
    match (north, south) {
        (true, false) => Some(Leg::Northbound),
        (false, true) => Some(Leg::Southbound),
        // --leg says which one the user captured.
        _ => question.only_leg(),
    }
}

/// The virtual host of a name. Of several it is that of the port; a load balancer may have another one.
fn virtual_host_of<'a>(edge: &'a Edge, name: &str, port: u16) -> Option<(&'a String, &'a VirtualHost)> {
    let is_of_name = |host: &VirtualHost| {
        host.tls.as_ref().is_some_and(|tls| tls.enabled) && host.aliases.iter().any(|alias| names::matches(alias, name))
    };
    let hosts = || edge.virtual_hosts.iter().filter(|(_, host)| is_of_name(host));
    hosts().find(|(_, host)| host.port == Some(port)).or_else(|| hosts().next())
}

/// Which objects a captured handshake is about.
struct Place<'a> {
    leg: Leg,
    objects: Vec<String>,
    target: Option<&'a Target>,
    host: Option<(&'a String, &'a VirtualHost)>,
}

impl<'a> Place<'a> {
    fn of(edge: &'a Edge, captured: &CapturedHandshake, leg: Leg) -> Self {
        let server = captured.server.ip().to_string();
        match leg {
            Leg::Northbound => {
                let host = captured.server_name.as_deref();
                let host = host.and_then(|name| virtual_host_of(edge, name, captured.server.port()));
                let objects = host.map(|(name, _)| format!("virtualhosts/{name}")).into_iter();
                let objects =
                    objects.chain([format!("routers/{server}")]).chain(captured.server_name.clone()).collect();
                Self { leg, objects, target: None, host }
            }
            Leg::Southbound => {
                let candidates = || edge.targets.iter().filter(|target| target.enabled);
                let at_port = || candidates().filter(|target| target.port == captured.server.port());
                let is_named = |target: &&Target| {
                    let host = target.host.as_deref();
                    host.is_some() && (host == captured.server_name.as_deref() || host == Some(server.as_str()))
                };
                // A name that no target has is that of another server, unless the host is a flow variable.
                let may_be = |target: &&Target| captured.server_name.is_none() || target.host.is_none();
                let mut others = at_port().filter(|target| target.has_tls()).filter(may_be);
                let target = at_port().find(is_named).or_else(|| others.next().filter(|_| others.next().is_none()));
                let objects = target.map(|target| target.object.clone()).into_iter();
                let host = target.and_then(|target| target.host.clone()).or_else(|| captured.server_name.clone());
                let objects = objects.chain([captured.server.to_string()]).chain(host).collect();
                Self { leg, objects, target, host: None }
            }
        }
    }

    /// Java sends no `server_name` for some hosts, so that turning it on changes nothing.
    fn sni_cause(&self, edge: &Edge, cause: EdgeCause) -> EdgeCause {
        let host = self.target.and_then(|target| target.host.as_deref());
        match (cause, host) {
            (EdgeCause::SniMissing, Some(host)) => EdgeCause::of_unsent_name(edge, host),
            (cause, _) => cause,
        }
    }

    fn subject(&self) -> &str {
        self.objects.first().map_or("", String::as_str)
    }
}

fn one(edge: &Edge, captured: &CapturedHandshake, place: &Place<'_>, now: Timestamp) -> Vec<Observation> {
    let causes = match captured.outcome {
        // A server that only says goodbye does not go on.
        Outcome::Alert { by: Party::Server, stage: Stage::ClientHello, level: 1, number: 0 } => {
            ended(captured, EdgeCause::ClosedInHello, "the server answers the ClientHello with close_notify")
        }
        Outcome::Alert { by: Party::Server, stage: Stage::ClientHello, level, number } => {
            after_hello(edge, captured, place, level, number)
        }
        Outcome::Alert { by: Party::Server, number, .. } => of_client_certificate(edge, captured, place, number, now),
        Outcome::Alert { by: Party::Client, number: 70, .. } => {
            vec![(
                EdgeCause::ProtocolMismatch,
                Strength::Likely,
                "the client does not accept the version that the server chose".to_owned(),
            )]
        }
        Outcome::Alert { by: Party::Client, number, .. } => {
            return of_server_certificate(edge, captured, place, number, now);
        }
        Outcome::Reset { by: Party::Server, stage: Stage::ClientHello } => {
            ended(captured, EdgeCause::ResetInHello, "the server resets after the ClientHello")
        }
        Outcome::Closed { by: Party::Server, stage: Stage::ClientHello } => {
            ended(captured, EdgeCause::ClosedInHello, "the server closes after the ClientHello")
        }
        Outcome::Reset { by: Party::Server, .. } | Outcome::Closed { by: Party::Server, .. }
            if captured.client_list == ClientList::Empty =>
        {
            of_client_certificate(edge, captured, place, 40, now)
        }
        Outcome::Silent { .. } => {
            vec![(EdgeCause::HandshakeTimeout, Strength::Likely, "the ClientHello is never answered".to_owned())]
        }
        Outcome::Undelivered { .. } => {
            let what = "a part of the ClientHello never reaches the server";
            vec![(EdgeCause::HandshakeTimeout, Strength::Likely, what.to_owned())]
        }
        Outcome::Unanswered | Outcome::Refused => {
            vec![(EdgeCause::Unreachable, Strength::Likely, captured.outcome.to_string())]
        }
        Outcome::ServerNotTls { speaks } => {
            vec![(
                EdgeCause::PlainTextPort,
                Strength::Established,
                format!("the server answers the ClientHello without TLS: {}", speaks.description()),
            )]
        }
        _ => Vec::new(),
    };
    let evidence = evidence(captured);
    let accepted: Vec<String> = captured.chosen.iter().map(|(version, _)| version.clone()).collect();
    causes
        .into_iter()
        .map(|(cause, strength, what)| {
            let statement = format!("{}: {what}", place.subject());
            let cause = place.sni_cause(edge, cause);
            let owner = match (cause, place.leg) {
                // The client offers nothing that is current.
                (EdgeCause::ProtocolMismatch, Leg::Northbound)
                    if captured.versions.first().is_some_and(|version| version.as_str() < "TLSv1.2") =>
                {
                    super::model::Owner::ClientOwner
                }
                // What is not valid yet is for its owner to replace, whoever trusts its CA.
                (EdgeCause::ClientCertificateUntrusted, Leg::Southbound) if is_early(captured, now) => {
                    super::model::Owner::EdgeAdministrator
                }
                (EdgeCause::CipherMismatch | EdgeCause::SniUnknown, Leg::Northbound) => {
                    super::model::Owner::ClientOwner
                }
                _ => owner(edge, cause, place.leg),
            };
            Observation::new(cause, place.leg, strength, owner, place.objects.clone(), statement)
                .from(Origin::Capture)
                .because(evidence.clone())
                .offering(captured.versions.clone())
                .accepting(accepted.clone())
                .at_port(captured.server.port())
                .of_failure(format!("packet {}", captured.first_packet))
        })
        .collect()
}

/// Returns whether the client presents a certificate that is not valid yet.
fn is_early(captured: &CapturedHandshake, now: Timestamp) -> bool {
    let ClientList::Sent(list) = &captured.client_list else { return false };
    list.first().is_some_and(|leaf| leaf.not_before > now)
}

type Causes = Vec<(EdgeCause, Strength, String)>;

/// An alert of the server instead of its ServerHello.
fn after_hello(edge: &Edge, captured: &CapturedHandshake, place: &Place<'_>, level: u8, number: u8) -> Causes {
    let one = |cause, strength, what: String| vec![(cause, strength, what)];
    let versions = captured.versions.join(", ");
    match number {
        70 => one(
            EdgeCause::ProtocolMismatch,
            Strength::Likely,
            format!("the server accepts no version that the client offers: {versions} (alert 70)"),
        ),
        0 if level == 2 => {
            let what = format!(
                "the server answers a ClientHello of {versions} with a fatal close_notify, as servers without that version do"
            );
            one(EdgeCause::ProtocolMismatch, Strength::Likely, what)
        }
        112 if captured.server_name.is_none() && captured.is_whole => {
            let what = "the server refuses a ClientHello without SNI (alert 112)".to_owned();
            one(EdgeCause::SniMissing, Strength::Likely, what)
        }
        112 => {
            let name = captured.server_name.as_deref().unwrap_or("the server name");
            one(EdgeCause::SniUnknown, Strength::Likely, format!("the server does not know {name} (alert 112)"))
        }
        71 => {
            let what = "the server requires stronger cipher suites than the client offers (alert 71)".to_owned();
            one(EdgeCause::CipherMismatch, Strength::Likely, what)
        }
        40 => handshake_failure(edge, captured, place),
        _ => Vec::new(),
    }
}

/// Alert 40 to a ClientHello.
fn handshake_failure(edge: &Edge, captured: &CapturedHandshake, place: &Place<'_>) -> Causes {
    let suites = &captured.suites;
    let accepted = (place.leg == Leg::Northbound).then(|| router_suites(edge, place)).flatten();
    if let Some((source, accepted)) = &accepted {
        let is_13 = captured.versions.iter().any(|version| version == "TLSv1.3");
        let common = suites.iter().any(|suite| accepted.contains(suite));
        if captured.is_whole && !is_13 && !common && !suites.is_empty() {
            let what = format!(
                "alert 40: the client offers {} and {source} allows {}, so that there is no cipher suite in common",
                crate::text::at_most(suites, 3),
                crate::text::at_most(accepted, 3)
            );
            return vec![(EdgeCause::CipherMismatch, Strength::Established, what)];
        }
    }
    let cipher = || {
        (
            EdgeCause::CipherMismatch,
            Strength::Possible,
            "alert 40 to the ClientHello: no cipher suite in common fits".to_owned(),
        )
    };
    match captured.server_name.as_deref() {
        None if captured.is_whole => {
            let what = "alert 40 to a ClientHello without SNI: a server that needs it fits".to_owned();
            vec![(EdgeCause::SniMissing, Strength::Possible, what), cipher()]
        }
        Some(name) if place.leg == Leg::Northbound && place.host.is_none() && !edge.virtual_hosts.is_empty() => {
            vec![(EdgeCause::SniUnknown, Strength::Likely, format!("alert 40: no virtual host has the alias {name}"))]
        }
        // The playbook: a valid name, a supported version and alert 40 are a cipher mismatch.
        Some(name) if accepted.is_none() => {
            let what = format!("alert 40 to a ClientHello for {name}: no cipher suite in common, by the playbook");
            vec![(EdgeCause::CipherMismatch, Strength::Likely, what)]
        }
        _ => vec![cipher()],
    }
}

/// The suites up to TLS 1.2 that Routers accept, and which file or property says so.
fn router_suites(edge: &Edge, place: &Place<'_>) -> Option<(String, Vec<String>)> {
    if let Some((name, host)) = place.host
        && let Some(ciphers) = host.ciphers.as_ref().filter(|ciphers| !ciphers.suites.is_empty())
    {
        return Some((format!("ssl_ciphers of virtualhosts/{name}"), ciphers.suites.clone()));
    }
    let effective = edge.routers.iter().filter(|router| router.is_effective).chain(edge.routers.iter());
    let mut known = effective.filter_map(|router| Some((router.file.clone(), router.ciphers.as_ref()?.suites.clone())));
    known.find(|(_, suites)| !suites.is_empty())
}

fn ended(captured: &CapturedHandshake, cause: EdgeCause, what: &str) -> Causes {
    if captured.server_name.is_none() && captured.is_whole {
        return vec![
            (EdgeCause::SniMissing, Strength::Possible, format!("{what}, which has no SNI")),
            (cause, Strength::Possible, what.to_owned()),
        ];
    }
    vec![(cause, Strength::Likely, what.to_owned())]
}

/// The server ends the handshake after the client's second flight.
fn of_client_certificate(
    edge: &Edge,
    captured: &CapturedHandshake,
    place: &Place<'_>,
    number: u8,
    now: Timestamp,
) -> Causes {
    let Some(listed) = &captured.certificate_request else { return Vec::new() };
    let wanted =
        if listed.is_empty() { "of any CA".to_owned() } else { format!("of {}", crate::text::at_most(listed, 3)) };
    match &captured.client_list {
        ClientList::NotSeen => Vec::new(),
        ClientList::Empty => {
            let tls = place.target.and_then(|target| target.tls.as_ref()).filter(|tls| tls.client_auth);
            let entry = tls.and_then(|tls| own_entry(edge, tls)).filter(|_| !listed.is_empty());
            // Java sends a certificate whose chain has any issuer of the list.
            let is_listed = |entry: &&Alias| {
                entry.certificates.iter().any(|own| listed.iter().any(|name| names::same(name, &own.issuer)))
            };
            if let Some(entry) = entry.filter(|entry| !is_listed(entry)) {
                let issuer = entry.certificates.first().map(|leaf| leaf.issuer.clone()).unwrap_or_default();
                let what = format!(
                    "the server accepts client certificates {wanted}, {issuer} issued the configured one, and an empty list was sent"
                );
                vec![(EdgeCause::ClientCertificateAuthorityNotListed, Strength::Likely, what)]
            } else {
                let although = match entry {
                    Some(_) => ", although the configured one leads to one of these",
                    None => "",
                };
                let what = format!(
                    "the server demands a client certificate {wanted}, and an empty list was sent{although} (alert {} {number})",
                    alert_name(number)
                );
                vec![(EdgeCause::ClientCertificateMissing, Strength::Likely, what)]
            }
        }
        ClientList::Sent(list) => {
            // The JSSE of a server sends 46 whatever is wrong; 42 is what others send where no alert fits.
            let faults = if matches!(number, 42 | 46) { own_certificate(list, now) } else { Vec::new() };
            if !faults.is_empty() {
                let refused = |fault: list::ListFault| {
                    (
                        fault.cause,
                        Strength::Likely,
                        format!("the server refuses the client certificate: {}", fault.what),
                    )
                };
                return faults.into_iter().map(refused).collect();
            }
            let cause = match number {
                45 => EdgeCause::ClientCertificateExpired,
                43 => EdgeCause::ClientCertificateNoClientAuth,
                42 | 46 | 48 => EdgeCause::ClientCertificateUntrusted,
                _ => return Vec::new(),
            };
            let subject = list.first().map(|leaf| leaf.subject.clone()).unwrap_or_default();
            vec![(
                cause,
                Strength::Likely,
                format!("the server refuses the client certificate {subject} (alert {} {number})", alert_name(number)),
            )]
        }
    }
}

/// The client ends the handshake after the server's certificates: it does not accept them.
fn of_server_certificate(
    edge: &Edge,
    captured: &CapturedHandshake,
    place: &Place<'_>,
    number: u8,
    now: Timestamp,
) -> Vec<Observation> {
    if !(42..=48).contains(&number) {
        return Vec::new();
    }
    let list = captured.certificates.as_slice();
    let nothing = TlsSettings::default();
    let host = match place.leg {
        Leg::Southbound => place.target.and_then(|target| target.host.clone()).or_else(|| captured.server_name.clone()),
        Leg::Northbound => captured.server_name.clone(),
    };
    let faults: Vec<(list::ListFault, Vec<String>)> = if let (Leg::Southbound, Some(target)) = (place.leg, place.target)
    {
        let tls = target.tls.as_ref().unwrap_or(&nothing);
        let host = host.clone().unwrap_or_default();
        let seen = presented(edge, tls, list, &host, now, None);
        seen.into_iter().map(|(fault, _, store)| (fault, store)).collect()
    } else {
        let mut faults = list::of_dates(list, now);
        faults.extend(host.as_deref().and_then(|host| list::of_name(list, host)));
        faults.extend(list::of_chain(list, None, false));
        faults.into_iter().map(|fault| (fault, Vec::new())).collect()
    };
    let faults: Vec<_> = faults.into_iter().filter(|(fault, _)| !fault.cause.is_always_risk()).collect();
    let evidence = evidence(captured);
    let south = |cause, strength, statement: String, more: Vec<String>| {
        let objects = place.objects.iter().cloned().chain(more).collect();
        Observation::new(
            cause,
            place.leg,
            strength,
            owner(edge, cause, place.leg),
            objects,
            format!("{}: {statement}", place.subject()),
        )
        .from(Origin::Capture)
        .because(evidence.clone())
        .at_port(captured.server.port())
    };
    if !faults.is_empty() {
        return faults
            .into_iter()
            .map(|(fault, store)| {
                let observation = south(fault.cause, Strength::Likely, fault.what, store).expecting(fault.expected);
                Observation { authority: fault.authority, ..observation }
            })
            .collect();
    }
    let said = format!("the client does not accept the server's certificate (alert {} {number})", alert_name(number));
    let causes: &[EdgeCause] = match (number, place.leg) {
        (45, _) => &[EdgeCause::CertificateExpired],
        // What the server sends is right, so that its CA is unknown to the client app.
        (48, Leg::Northbound) => &[EdgeCause::TruststoreMismatch],
        (_, Leg::Northbound) => &[EdgeCause::TruststoreMismatch, EdgeCause::HostnameMismatch],
        (_, Leg::Southbound) => {
            &[EdgeCause::TruststoreMismatch, EdgeCause::ChainIncomplete, EdgeCause::HostnameMismatch]
        }
    };
    let strength = if causes.len() == 1 { Strength::Likely } else { Strength::Possible };
    let failure = format!("packet {}", captured.first_packet);
    causes.iter().map(|cause| south(*cause, strength, said.clone(), Vec::new()).of_failure(failure.clone())).collect()
}

/// What the capture shows, for people.
fn evidence(captured: &CapturedHandshake) -> String {
    let name = captured.server_name.as_deref().map_or_else(
        || if captured.is_whole { "without SNI".to_owned() } else { "SNI not captured".to_owned() },
        |name| format!("SNI {name}"),
    );
    let versions: String = captured.versions.iter().map(|version| format!(", {version}")).collect();
    format!(
        "capture, packet {}: {} to {}, {name}{versions}: {} ({})",
        captured.first_packet,
        captured.client,
        captured.server,
        captured.outcome,
        count(captured.count, "connection")
    )
}
