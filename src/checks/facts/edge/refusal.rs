//! Why a server refuses a ClientHello of this program: a scan and a handshake with the other choice of SNI
//! tell version, cipher suite and name apart.

use super::model::{EdgeCause, Owner, Strength};
use crate::evidence::edge::{Edge, Leg, LegHandshake};
use crate::evidence::handshake::{Failure, Handshake, How, Party, Stage};
use crate::text::at_most;

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
/// other. `other` has the other choice of SNI.
pub(crate) fn reasons(edge: &Edge, made: &LegHandshake, other: Option<&LegHandshake>) -> Vec<Refusal> {
    let Some(failure) = &made.handshake.failure else { return Vec::new() };
    let said = format!("{}: {failure}", describe(made));
    let mut found = reasons_of(edge, made, failure, other);
    for refusal in &mut found {
        refusal.evidence.insert(0, said.clone());
        if let Some(other) = other {
            refusal.evidence.push(format!("{}: {}", describe(other), outcome(&other.handshake)));
        }
    }
    found
}

fn reasons_of(edge: &Edge, made: &LegHandshake, failure: &Failure, other: Option<&LegHandshake>) -> Vec<Refusal> {
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
    if failure.stage > Stage::ServerFlight || failure.by == Party::Client {
        return Vec::new();
    }
    // Whoever goes on with the other choice of SNI refuses this choice.
    if other.is_some_and(|other| passed_hello(&other.handshake)) {
        return vec![of_name(edge, made)];
    }
    if let (How::Alert { number: 112, .. }, Some(name)) = (&failure.how, &made.handshake.server_name) {
        return one(
            EdgeCause::SniUnknown,
            Strength::Likely,
            format!("the server does not know the name {name} (alert 112)"),
        );
    }
    if let Some(scan) = &made.scan {
        let accepted: Vec<_> = scan.versions.iter().filter(|version| !version.suites.is_empty()).collect();
        let names: Vec<String> = accepted.iter().map(|version| version.version.clone()).collect();
        if !accepted.is_empty() {
            let common: Vec<_> = accepted.iter().filter(|version| made.versions.contains(&version.version)).collect();
            if common.is_empty() {
                let what =
                    format!("the server accepts {} and is offered {}", names.join(", "), made.versions.join(", "));
                let refusal = Refusal::new(EdgeCause::ProtocolMismatch, Strength::Established, what);
                return vec![Refusal { versions: names, ..refusal }];
            }
            let is_common = |suite: &String| made.suites.contains(suite);
            if common.iter().all(|version| !version.suites.iter().any(is_common)) {
                let theirs: Vec<&String> = common.iter().flat_map(|version| &version.suites).collect();
                let theirs = at_most(&theirs, 3);
                let what = format!("the server accepts {theirs}, and none of these is offered");
                let refusal = Refusal::new(EdgeCause::CipherMismatch, Strength::Established, what);
                return vec![Refusal { versions: names, ..refusal }];
            }
            return Vec::new();
        }
    }
    silent(failure, made)
}

/// Nothing that was tried is accepted.
fn silent(failure: &Failure, made: &LegHandshake) -> Vec<Refusal> {
    let one = |cause, strength, what: &str| vec![Refusal::new(cause, strength, what)];
    let name = made.handshake.server_name.is_some();
    match &failure.how {
        How::Reset => one(EdgeCause::ResetInHello, Strength::Likely, "every ClientHello is reset, whatever it offers"),
        How::Closed => one(
            EdgeCause::ClosedInHello,
            Strength::Likely,
            "the connection is closed after every ClientHello, whatever it offers",
        ),
        How::TimedOut { .. } => one(
            EdgeCause::HandshakeTimeout,
            Strength::Likely,
            "the ClientHello is never answered, with or without server_name",
        ),
        How::Alert { number: 70 | 0, .. } => {
            one(EdgeCause::ProtocolMismatch, Strength::Likely, "the server refuses every version that was offered")
        }
        How::Alert { number: 40 | 71, .. } => {
            let other = if name { EdgeCause::SniUnknown } else { EdgeCause::SniMissing };
            vec![
                Refusal::new(
                    EdgeCause::CipherMismatch,
                    Strength::Possible,
                    "alert 40 to every ClientHello: no cipher suite in common fits",
                ),
                Refusal::new(other, Strength::Possible, "alert 40 to every ClientHello: a refused server name fits"),
            ]
        }
        _ => Vec::new(),
    }
}

/// The other choice of SNI is accepted.
fn of_name(edge: &Edge, made: &LegHandshake) -> Refusal {
    match &made.handshake.server_name {
        Some(name) => {
            let what = format!("the server refuses the name {name}, and accepts a ClientHello without SNI");
            Refusal::new(EdgeCause::SniUnknown, Strength::Established, what)
        }
        None if made.leg == Leg::Southbound && !edge.sends_name(&made.host) && edge.sends_sni() != [false] => {
            let what = format!("the backend needs server_name, and Java never sends {} as one", made.host);
            Refusal::new(EdgeCause::SniNotSentForName, Strength::Established, what)
        }
        None => {
            let what = format!("the server refuses a ClientHello without SNI, and accepts the name {}", made.host);
            Refusal::new(EdgeCause::SniMissing, Strength::Established, what)
        }
    }
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
    let operator = if edge.question.is_cloud() { Owner::ApigeeSupport } else { Owner::EdgeOperator };
    match (cause, leg) {
        (EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch, Leg::Southbound) if !is_pinned => Owner::BackendOwner,
        (EdgeCause::ProtocolMismatch | EdgeCause::CipherMismatch, Leg::Northbound) => {
            if edge.question.is_cloud() {
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
    let who = match (made.leg, made.profile) {
        (_, Some(java)) => format!("as {java}"),
        (Leg::Northbound, None) => "as a current client".to_owned(),
        (Leg::Southbound, None) => "with every current version".to_owned(),
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
