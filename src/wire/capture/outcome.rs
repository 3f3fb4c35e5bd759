//! A finished connection → [`Flow`], with its outcome in one value.
//!
//! The side that ends first decides: a server that closes after the client's own FIN has not refused
//! anything. And what the capture lacks is distinguished from what the server did not send.

use super::connection::Connection;
use super::handshake::timestamp;
use super::hidden::Shown;
use crate::evidence::capture::{Alert, ClientChain, Ending, Flow, Outcome, display_filter};
use crate::evidence::handshake::{NotTls, Party, Stage};

/// Age in nanoseconds: a ClientHello that is younger when the capture ends, or a SYN that was not repeated,
/// does not count as "without a response". Clients repeat a SYN after 1 s (RFC 6298 §2).
const PATIENCE: i64 = 3_000_000_000;

/// Level of alerts that may not end the connection.
const WARNING: u8 = 1;

/// Why a connection is reported now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Because {
    /// It ended, or another one has replaced it.
    Over,
    /// The capture ends at this time, in nanoseconds since 1970.
    CaptureEnds(i64),
    /// There was no room for it.
    Evicted,
}

/// Describes a connection of which everything has been read, and takes what it holds.
pub(super) fn flow(connection: &mut Connection, because: Because) -> Flow {
    let outcome = outcome(connection, because);
    let (uncaptured, ends) = (connection.uncaptured(), connection.ends);
    let handshake = &mut connection.handshake;
    let warned = handshake.warning();
    let (chain, client_chain) = (handshake.chain.as_deref(), handshake.client_chain.as_deref());
    let stage = match outcome {
        Outcome::Completed if handshake.is_answered() => Stage::Established,
        _ => handshake.stage,
    };
    Flow {
        number: connection.number,
        first_packet: connection.first.place,
        last_packet: connection.last.place,
        started_at: timestamp(connection.first.time),
        ended_at: timestamp(connection.last.time),
        client: ends.client,
        server: ends.server,
        tunnel: connection.tunnel,
        joined: !connection.has_syn,
        preface: connection.preface,
        speaks: connection.speaks,
        sample: connection.sample.take(),
        hello: handshake.hello.take(),
        retried: handshake.retried,
        answer: handshake.answer.take(),
        alerts: std::mem::take(&mut handshake.alerts),
        certificates: chain.map(|chain| chain.certificates.clone()).unwrap_or_default(),
        certificates_cut: chain.is_some_and(|chain| chain.is_cut),
        certificate_request: handshake.certificate_request.take(),
        client_certificate: match client_chain {
            None => ClientChain::NotSeen,
            // It is not known whether the rest has a certificate.
            Some(chain) if chain.certificates.is_empty() && chain.is_cut => ClientChain::NotSeen,
            Some(chain) if chain.certificates.is_empty() => ClientChain::Empty,
            Some(chain) => ClientChain::Sent(chain.certificates.clone()),
        },
        resumed: handshake.resumed,
        decrypted: handshake.is_decrypted,
        stage,
        warned,
        end: connection.end,
        foreign_reset: connection.hops.foreign_reset,
        outcome,
        missing: connection.missing,
        uncaptured,
        filter: display_filter(ends.client, ends.server),
    }
}

fn outcome(connection: &Connection, because: Because) -> Outcome {
    match connection.handshake.hello {
        // The client's request is unknown, so the response to it is not judged.
        None if connection.is_misplaced => Outcome::Joined,
        None => before_hello(connection, because),
        Some(_) if connection.handshake.is_complete() => Outcome::Completed,
        Some(_) if connection.is_misplaced => misplaced(connection),
        Some(_) => after_hello(connection, because),
    }
}

/// Without the order of its packets, a connection is judged only if it completed.
fn misplaced(connection: &Connection) -> Outcome {
    let handshake = &connection.handshake;
    match handshake.shown(connection.end.map(|end| end.by)) {
        Shown::Completed if handshake.is_answered() && handshake.alerts.is_empty() => Outcome::Completed,
        _ => Outcome::NotCaptured,
    }
}

fn before_hello(connection: &Connection, because: Because) -> Outcome {
    let (client, server) = (&connection.client, &connection.server);
    let handshake = &connection.handshake;
    // A fatal alert shows by itself who refused what. Of a connection that began before the capture, the
    // packets of both sides may have been lost.
    if let Some(alert) = handshake.ending_alert()
        && alert.level != WARNING
    {
        if connection.uncaptured().is_some() {
            return refusal(connection, alert);
        }
        if alert.by == Party::Server && is_unreadable(connection) {
            let Alert { by, level, number, .. } = alert;
            return Outcome::Alert { by, stage: Stage::ClientHello, level, number };
        }
    }
    if handshake.spoke(Party::Server) || handshake.spoke(Party::Client) || connection.client_is_tls() {
        return match () {
            () if connection.lacks_request() => Outcome::ClientNotCaptured,
            // The client opened the connection and sent nothing, as health checks do; the server may alert.
            () if connection.has_syn && client.bytes == 0 => Outcome::Idle,
            () if !connection.has_syn => Outcome::Joined,
            () if is_unreadable(connection) => Outcome::ClientHelloUnreadable,
            () => without_beginning(connection),
        };
    }
    if client.bytes == 0 && server.bytes == 0 {
        let is_left = connection.has_syn && connection.end.is_some_and(|end| end.how == Ending::Fin);
        let is_reset = connection.end.is_some_and(|end| end.by == Party::Server && end.how == Ending::Reset);
        return match () {
            // It was not followed to its end.
            () if because == Because::Evicted => Outcome::NotCaptured,
            () if connection.has_syn && is_reset && !connection.has_syn_ack => Outcome::Refused,
            () if connection.has_syn && server.packets == 0 && client.packets_are_syn_only() => {
                without_syn_ack(connection, because)
            }
            () if connection.lacks_request_by_server() => Outcome::Idle,
            () if connection.lacks_beginning() => without_beginning(connection),
            // A client that sends nothing and leaves is seen without the server's packets.
            () if server.packets == 0 && !is_left => Outcome::NotCaptured,
            () => Outcome::Idle,
        };
    }
    match () {
        () if connection.lacks_beginning() => without_beginning(connection),
        () if client.bytes > 0 => Outcome::ClientNotTls,
        () => Outcome::ServerFirst,
    }
}

/// A SYN without a response: none can be expected of one that was sent just before the capture ends.
fn without_syn_ack(connection: &Connection, because: Because) -> Outcome {
    match because {
        Because::CaptureEnds(time)
            if connection.client.packets == 1 && time.saturating_sub(connection.first.time) < PATIENCE =>
        {
            Outcome::Unfinished { stage: Stage::Connect }
        }
        _ => Outcome::Unanswered,
    }
}

/// Returns whether the client's first bytes are there and are TLS, and no ClientHello can be read in them.
fn is_unreadable(connection: &Connection) -> bool {
    let missing = connection.missing;
    connection.has_syn && connection.client_is_tls() && missing.of_client == 0 && missing.of_server == 0
}

/// Says why the capture has no ClientHello of a client that sent one, as far as it shows.
fn without_beginning(connection: &Connection) -> Outcome {
    match () {
        () if connection.lacks_request() => Outcome::ClientNotCaptured,
        () if connection.client.is_cut => Outcome::ClientCut,
        () => Outcome::ClientBeginningNotCaptured,
    }
}

fn after_hello(connection: &Connection, because: Because) -> Outcome {
    let handshake = &connection.handshake;
    let stage = handshake.stage;
    if let Some(alert) = handshake.ending_alert()
        && (alert.level != WARNING || connection.end.is_some())
    {
        return refusal(connection, alert);
    }
    if stage == Stage::ClientHello {
        return without_answer(connection, because);
    }
    if connection.uncaptured().is_some() {
        return Outcome::NotCaptured;
    }
    let missing = connection.missing;
    let is_whole = handshake.is_answered() || missing.of_client == 0 && missing.of_server == 0;
    match handshake.shown(connection.end.map(|end| end.by)) {
        Shown::Completed if is_whole => Outcome::Completed,
        Shown::Undecided => Outcome::Undecided,
        Shown::Alert(by, length) => {
            Outcome::HiddenAlert { by, stage, length: u16::try_from(length).unwrap_or(u16::MAX) }
        }
        Shown::Nothing | Shown::Completed => ended(connection, stage),
    }
}

/// Returns the outcome of a handshake that an alert ended, at the stage that it had reached by then.
fn refusal(connection: &Connection, alert: Alert) -> Outcome {
    let Alert { by, stage, level, number, .. } = alert;
    let is_cut = connection.missing.of_server > 0;
    let reached = match by {
        // What the server sent before it is cut, so that it is not known what the alert refuses.
        Party::Server if is_cut && stage == Stage::ClientHello => return Outcome::NotCaptured,
        Party::Server if connection.uncaptured().is_some() => {
            let is_behind_flight = connection.handshake.answer.is_some() || refuses_certificate(number);
            if is_behind_flight { Stage::ClientFlight } else { Stage::ClientHello }
        }
        Party::Client if is_cut || connection.lacks_response() => Stage::ServerFlight,
        Party::Client if connection.uncaptured().is_some() && refuses_certificate(number) => Stage::ServerFlight,
        _ => stage,
    };
    Outcome::Alert { by, stage: stage.max(reached), level, number }
}

/// Returns whether an alert is about the certificate of the other side (RFC 8446 §6.2), which has been sent
/// then.
fn refuses_certificate(number: u8) -> bool {
    const CERTIFICATE_REQUIRED: u8 = 116;
    matches!(number, 42..=46 | 48 | CERTIFICATE_REQUIRED)
}

fn without_answer(connection: &Connection, because: Because) -> Outcome {
    let handshake = &connection.handshake;
    let is_cut = connection.missing.of_server > 0;
    if handshake.retried && !is_cut {
        // A HelloRetryRequest is a response, and the handshake continues from there.
        return if connection.end.is_some() {
            ended(connection, Stage::ClientHello)
        } else {
            Outcome::Unfinished { stage: Stage::ClientHello }
        };
    }
    if connection.lacks_answer_by_client() {
        return ended(connection, Stage::ClientHello);
    }
    if connection.lacks_answer() {
        return Outcome::NotCaptured;
    }
    if connection.server_is_not_tls() {
        return match connection.speaks {
            Some(speaks) => Outcome::ServerNotTls { speaks },
            None => Outcome::Malformed,
        };
    }
    if is_cut {
        return Outcome::NotCaptured;
    }
    if handshake.malformed.is_some() {
        return if handshake.spoke(Party::Server) {
            Outcome::Malformed
        } else {
            Outcome::ServerNotTls { speaks: NotTls::Unknown }
        };
    }
    if let Some(end) = connection.end {
        return if connection.lacks_hello() {
            Outcome::Undelivered { by: end.by }
        } else {
            ended(connection, Stage::ClientHello)
        };
    }
    let is_young = match because {
        Because::Over => false,
        Because::Evicted => true,
        Because::CaptureEnds(time) => time.saturating_sub(connection.last.time) < PATIENCE,
    };
    if is_young {
        return Outcome::Unfinished { stage: Stage::ClientHello };
    }
    Outcome::Silent { acknowledged: connection.acknowledged.has_hello() }
}

fn ended(connection: &Connection, stage: Stage) -> Outcome {
    // If a part of the handshake is missing, its end looks like that of a completed handshake.
    let missing = connection.missing;
    if stage > Stage::ClientHello && (missing.of_client > 0 || missing.of_server > 0) {
        return Outcome::NotCaptured;
    }
    match connection.end {
        None => Outcome::Unfinished { stage },
        Some(end) if end.how == Ending::Reset => Outcome::Reset { by: end.by, stage },
        Some(end) => Outcome::Closed { by: end.by, stage },
    }
}
