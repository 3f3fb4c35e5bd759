//! Why a server refuses a ClientHello of this program: a scan and a handshake with the other choice of SNI
//! tell version, cipher suite and name apart.

use super::beside::Beside;
use super::model::{EdgeCause, Owner, Strength};
use crate::evidence::edge::{Edge, Leg, LegHandshake, Purpose};
use crate::evidence::handshake::{Failure, Handshake, How, Party, Scan, Stage, VersionScan};
use crate::text::at_most;

/// Alert `unrecognized_name`.
const UNRECOGNIZED_NAME: u8 = 112;

/// A reason for a refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) cause: EdgeCause,
    pub(crate) strength: Strength,
    /// A sentence to follow the name of the object and a colon.
    pub(crate) what: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) versions: Vec<String>,
}

impl Refusal {
    fn new(cause: EdgeCause, strength: Strength, what: impl Into<String>) -> Self {
        Self { cause, strength, what: what.into(), evidence: Vec::new(), versions: Vec::new() }
    }
}

/// Returns the reasons for the failure of a handshake up to the server's first flight; several exclude each
/// other. None means that nothing that was tried explains it.
pub(super) fn reasons(edge: &Edge, made: &LegHandshake, beside: Beside<'_>) -> Vec<Refusal> {
    let Some(failure) = &made.handshake.failure else { return Vec::new() };
    let said = format!("{}: {failure}", describe(made));
    let mut found = reasons_of(edge, made, failure, beside);
    for refusal in &mut found {
        refusal.evidence.insert(0, said.clone());
        for other in beside.other.into_iter().chain(beside.again) {
            refusal.evidence.push(format!("{}: {}", describe(other), outcome(&other.handshake)));
        }
    }
    found
}

fn reasons_of(edge: &Edge, made: &LegHandshake, failure: &Failure, beside: Beside<'_>) -> Vec<Refusal> {
    let host = &made.host;
    let one = |cause, strength, what: String| vec![Refusal::new(cause, strength, what)];
    match (failure.stage, &failure.how) {
        (Stage::Lookup, _) => {
            let what = if made.given_address {
                format!("the address given for {host} cannot be resolved from here")
            } else {
                format!("{host} cannot be resolved from here")
            };
            return one(EdgeCause::NameNotResolved, Strength::Likely, what);
        }
        (Stage::Connect | Stage::Proxy, _) => {
            let what = format!("{} cannot be reached from here: {failure}", place(made));
            return one(EdgeCause::Unreachable, Strength::Likely, what);
        }
        (_, How::NotTls { speaks, .. }) => {
            let what = format!("{} answers a ClientHello without TLS: {}", place(made), speaks.description());
            return one(EdgeCause::PlainTextPort, Strength::Established, what);
        }
        _ => {}
    }
    // The warning about the name, at which Java gives up, says why this server closes.
    let is_warned = made.leg == Leg::Southbound && made.handshake.warning == Some(UNRECOGNIZED_NAME);
    let is_explained = is_warned && made.handshake.server_name.is_some() && ending(failure).is_some();
    if failure.stage > Stage::ServerFlight || is_explained {
        return Vec::new();
    }
    if beside.again.is_some() {
        return ending(failure)
            .map(|(cause, ends)| {
                let what = format!("{ends} in one connection, and the same ClientHello is accepted in another");
                Refusal::new(cause, Strength::Possible, what)
            })
            .into_iter()
            .collect();
    }
    if let Some(found) = made.scan.as_ref().and_then(|scan| scanned(made, failure, scan)) {
        return found;
    }
    if failure.by == Party::Client {
        return Vec::new();
    }
    // Whoever goes on with the other choice of SNI refuses this choice.
    if beside.other.is_some_and(|other| passed_hello(&other.handshake)) {
        return vec![of_name(edge, made)];
    }
    if matches!(failure.how, How::Alert { number: UNRECOGNIZED_NAME, .. }) {
        return unrecognized(edge, made, beside.other);
    }
    silent(edge, failure, made, beside.other)
}

/// Compares what a scan with the same choice of SNI shows with what was offered. Nothing, if the server
/// accepted nothing; an empty list, if it accepts what was offered in other ClientHellos.
fn scanned(made: &LegHandshake, failure: &Failure, scan: &Scan) -> Option<Vec<Refusal>> {
    let accepted: Vec<_> = scan.versions.iter().filter(|version| !version.suites.is_empty()).collect();
    if accepted.is_empty() {
        return None;
    }
    let names: Vec<String> = accepted.iter().map(|version| version.version.clone()).collect();
    // A version whose connection ends without an alert, or whose suites were not all tried, may be accepted.
    let is_offered = |version: &&VersionScan| made.versions.contains(&version.version);
    let is_open = |version: &VersionScan| {
        let is_ending = version.refusal.as_ref().is_some_and(|failure| failure.how.is_ending());
        version.cut.is_some() || version.suites.is_empty() && is_ending
    };
    let is_sure = !scan.versions.iter().filter(is_offered).any(is_open);
    let strength = if is_sure { Strength::Established } else { Strength::Likely };
    let common: Vec<_> = accepted.iter().filter(|version| is_offered(version)).collect();
    if common.is_empty() {
        let what = format!("the server accepts {} and is offered {}", names.join(", "), made.versions.join(", "));
        let refusal = Refusal::new(EdgeCause::ProtocolMismatch, strength, what);
        return Some(vec![Refusal { versions: names, ..refusal }]);
    }
    let is_common = |suite: &String| made.suites.contains(suite);
    if common.iter().all(|version| !version.suites.iter().any(is_common)) {
        let theirs: Vec<&String> = common.iter().flat_map(|version| &version.suites).collect();
        let theirs = at_most(&theirs, 3);
        let what = format!("the server accepts {theirs}, and none of these is offered");
        let refusal = Refusal::new(EdgeCause::CipherMismatch, strength, what);
        return Some(vec![Refusal { versions: names, ..refusal }]);
    }
    let found = ending(failure).map(|(cause, ends)| {
        Refusal::new(
            cause,
            Strength::Possible,
            format!("{ends}, and other ClientHellos with the same SNI are accepted"),
        )
    });
    Some(found.into_iter().collect())
}

/// The cause of a connection that ends without an alert, and a sentence.
fn ending(failure: &Failure) -> Option<(EdgeCause, &'static str)> {
    match failure.how {
        How::Reset => Some((EdgeCause::ResetInHello, "the ClientHello is reset")),
        How::Closed => Some((EdgeCause::ClosedInHello, "the connection is closed after the ClientHello")),
        How::TimedOut { .. } => Some((EdgeCause::HandshakeTimeout, "the ClientHello is not answered")),
        _ => None,
    }
}

/// Returns whether every ClientHello of the scan, and the one with the other choice of SNI, ended without an
/// alert too.
fn is_uniform(failure: &Failure, made: &LegHandshake, other: Option<&LegHandshake>) -> bool {
    let scanned = made.scan.iter().flat_map(|scan| &scan.versions).filter_map(|version| version.refusal.as_ref());
    scanned.chain(other.and_then(|other| other.handshake.failure.as_ref())).all(|one| one.how.ends_like(&failure.how))
}

/// Alert 112, which says that a name is missing or not known.
fn unrecognized(edge: &Edge, made: &LegHandshake, other: Option<&LegHandshake>) -> Vec<Refusal> {
    let host = &made.host;
    if let Some(name) = &made.handshake.server_name {
        let what = format!("the server does not know the name {name} (alert 112)");
        return vec![Refusal::new(EdgeCause::SniUnknown, Strength::Likely, what)];
    }
    let cause = unsent(edge, made);
    if cause == EdgeCause::SniNotSentForName {
        let what =
            format!("the backend refuses a ClientHello without SNI (alert 112), and Java never sends {host} as one");
        return vec![Refusal::new(cause, Strength::Likely, what)];
    }
    let what = "alert 112 to a ClientHello without SNI: a server that needs it fits".to_owned();
    let is_refused = |other: &LegHandshake| {
        other.handshake.failure.as_ref().is_some_and(|failure| {
            matches!(failure.how, How::Alert { number: UNRECOGNIZED_NAME, .. }) && failure.by == Party::Server
        })
    };
    let mut found = vec![Refusal::new(cause, Strength::Possible, what)];
    match other {
        None => found[0].strength = Strength::Likely,
        Some(other) if is_refused(other) => {
            let what = format!("alert 112 to the name {host} too: a server that does not know it fits");
            found.push(Refusal::new(EdgeCause::SniUnknown, Strength::Possible, what));
        }
        Some(_) => {}
    }
    found
}

/// The cause where a server needs `server_name` and a client sent none.
fn unsent(edge: &Edge, made: &LegHandshake) -> EdgeCause {
    match made.leg {
        Leg::Northbound => EdgeCause::SniMissing,
        Leg::Southbound => EdgeCause::of_unsent_name(edge, &made.host),
    }
}

/// Nothing that was tried is accepted.
fn silent(edge: &Edge, failure: &Failure, made: &LegHandshake, other: Option<&LegHandshake>) -> Vec<Refusal> {
    let one = |cause, strength, what: &str| vec![Refusal::new(cause, strength, what)];
    let is_named = made.handshake.server_name.is_some();
    // No name was tried, and a server may need one.
    if !is_named
        && other.is_none()
        && let Some((cause, ends)) = ending(failure).filter(|(cause, _)| *cause != EdgeCause::HandshakeTimeout)
    {
        let needs = format!("{ends}, which has no SNI: a server that needs it fits");
        return vec![
            Refusal::new(cause, Strength::Possible, ends),
            Refusal::new(unsent(edge, made), Strength::Possible, needs),
        ];
    }
    // Others got another answer, so that what this one offers, or chance, may be the reason.
    if let Some((cause, ends)) = ending(failure).filter(|_| !is_uniform(failure, made, other)) {
        return one(cause, Strength::Possible, &format!("{ends}, and other ClientHellos get another answer"));
    }
    match &failure.how {
        How::Reset => one(EdgeCause::ResetInHello, Strength::Likely, "every ClientHello is reset, whatever it offers"),
        How::Closed | How::Alert { level: 1, number: 0 } => one(
            EdgeCause::ClosedInHello,
            Strength::Likely,
            "the connection is closed after every ClientHello, whatever it offers",
        ),
        How::TimedOut { .. } if other.is_none() => {
            one(EdgeCause::HandshakeTimeout, Strength::Likely, "the ClientHello is never answered")
        }
        How::TimedOut { .. } => one(
            EdgeCause::HandshakeTimeout,
            Strength::Likely,
            "the ClientHello is never answered, with or without server_name",
        ),
        How::Alert { number: 70 | 0, .. } => {
            one(EdgeCause::ProtocolMismatch, Strength::Likely, "the server refuses every version that was offered")
        }
        How::Alert { number: 71, .. } => {
            let what = "the server requires stronger cipher suites than those that are offered (alert 71)";
            one(EdgeCause::CipherMismatch, Strength::Likely, what)
        }
        How::Alert { number: 40, .. } => {
            let other = if is_named { EdgeCause::SniUnknown } else { unsent(edge, made) };
            let answer = "alert 40 to every ClientHello";
            let suite = format!("{answer}: no cipher suite in common fits");
            let name = format!("{answer}: a refused server name fits");
            vec![
                Refusal::new(EdgeCause::CipherMismatch, Strength::Possible, suite),
                Refusal::new(other, Strength::Possible, name),
            ]
        }
        _ => Vec::new(),
    }
}

/// The other choice of SNI is accepted.
fn of_name(edge: &Edge, made: &LegHandshake) -> Refusal {
    let Some(name) = &made.handshake.server_name else {
        let cause = unsent(edge, made);
        let what = if cause == EdgeCause::SniNotSentForName {
            format!("the backend needs server_name, and Java never sends {} as one", made.host)
        } else {
            format!("the server refuses a ClientHello without SNI, and accepts the name {}", made.host)
        };
        return Refusal::new(cause, Strength::Established, what);
    };
    let what = format!("the server refuses the name {name}, and accepts a ClientHello without SNI");
    Refusal::new(EdgeCause::SniUnknown, Strength::Established, what)
}

/// Returns whether the server chose version and suite.
pub(crate) fn passed_hello(handshake: &Handshake) -> bool {
    handshake.succeeded()
        || handshake.session.is_some()
            && handshake
                .failure
                .as_ref()
                .is_some_and(|failure| failure.stage > Stage::ServerFlight || failure.by == Party::Client)
}

/// Who has to act on what a server refuses.
pub(crate) fn owner(edge: &Edge, cause: EdgeCause, leg: Leg, is_pinned: bool) -> Owner {
    let operator = Owner::of_hosts(edge);
    match (cause, leg) {
        (EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch, Leg::Southbound) if !is_pinned => Owner::BackendOwner,
        (EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch, Leg::Northbound) => {
            if edge.is_cloud() {
                Owner::ClientOwner
            } else {
                Owner::EdgeOperator
            }
        }
        (EdgeCause::SniMissing, Leg::Southbound) | (EdgeCause::PlainTextPort, Leg::Northbound) => operator,
        (EdgeCause::SniMissing, Leg::Northbound) => Owner::ClientOwner,
        (EdgeCause::SniUnknown, Leg::Southbound) => Owner::BackendOwner,
        (
            EdgeCause::ResetInHello
            | EdgeCause::ClosedInHello
            | EdgeCause::HandshakeTimeout
            | EdgeCause::Unreachable
            | EdgeCause::NameNotResolved,
            _,
        ) => Owner::Network,
        _ => Owner::EdgeAdministrator,
    }
}

/// `backend.example port 443`, with where the connection went if a flag gives another port.
pub(crate) fn place(made: &LegHandshake) -> String {
    let named = format!("{} port {}", made.host, made.port);
    match made.connected_port {
        Some(_) => format!("{named} (connected to {})", socket(made)),
        None => named,
    }
}

/// The address and port that were connected to.
fn socket(made: &LegHandshake) -> String {
    let port = made.connected_port.unwrap_or(made.port);
    let address = made.address.map(|address| address.to_string()).unwrap_or_default();
    crate::evidence::handshake::socket(&address, port)
}

/// `handshake as Java 17 without SNI at 10.0.0.1:443`
pub(crate) fn describe(made: &LegHandshake) -> String {
    let who = match (made.purpose, made.leg, made.profile) {
        (Purpose::AsAccepted, _, _) => "with what the server accepts".to_owned(),
        (Purpose::WithoutProxyHeader, _, _) => "without PROXY header".to_owned(),
        (_, _, Some(java)) => format!("as {java}"),
        (_, Leg::Northbound, None) => "as a current client".to_owned(),
        (_, Leg::Southbound, None) => "with every current version".to_owned(),
    };
    let sni = match &made.handshake.server_name {
        Some(name) => format!("with SNI {name}"),
        None => "without SNI".to_owned(),
    };
    let place = made.address.map(|_| format!(" at {}", socket(made)));
    format!("handshake {who} {sni}{}", place.unwrap_or_default())
}

/// How a handshake ended, in a few words.
pub(crate) fn outcome(handshake: &Handshake) -> String {
    match (&handshake.failure, &handshake.session) {
        (Some(failure), _) => failure.to_string(),
        (None, Some(session)) => format!("ok, {} {}", session.protocol, session.cipher),
        (None, None) => "ok".into(),
    }
}
