//! Handshakes in captures, as evidence of Edge: those that are alike are counted together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::unseen;
use crate::evidence::Reason;
use crate::evidence::capture::{Capture, CapturedCertificate, ClientChain, Flow, HelloState, Outcome, ServerName};
use crate::evidence::certificate::{Certificate, MAX_CERTIFICATES};
use crate::evidence::edge::{CapturedHandshake, ClientList, Unseen};
use crate::evidence::handshake::{Party, Stage};
use crate::gather::files::captures::{self, CaptureError};
use crate::run::{Progress, Stop};
use crate::text::count;
use crate::wire::capture::KeptPacket;
use crate::wire::tls::KeyLog;

/// Maximum number of different handshakes that are kept.
const MAX_KINDS: usize = 256;
/// How long a client waits for the first byte until it counts as not answered. One that leaves earlier proves
/// nothing.
const PATIENCE: SignedDuration = SignedDuration::from_secs(3);

/// What captures hold.
pub struct Captured {
    pub handshakes: Vec<CapturedHandshake>,
    pub unseen: Vec<Unseen>,
    /// Packets that were wanted and found no room in memory.
    pub packets_left_out: u64,
}

/// Receives each connection with the packets of its handshake.
type PacketSink<'a> = dyn FnMut(&Flow, &[KeptPacket]) + 'a;

/// Reads captures, and decrypts handshakes with `keys`. `packets` receives every connection, if it is given.
///
/// # Errors
/// A file cannot be opened, or is no capture.
pub fn captures(
    names: &[String],
    keys: Option<KeyLog>,
    mut packets: Option<&mut PacketSink<'_>>,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Captured, CaptureError> {
    let mut kinds: BTreeMap<String, CapturedHandshake> = BTreeMap::new();
    let mut more = 0_u64;
    let (mut flows, mut shown) = (0_u64, 0_u64);
    let keeps = packets.is_some();
    let capture = captures::read(names, keys, keeps, stop, progress, &mut |flow, kept| {
        if let Some(sink) = &mut packets {
            sink(&flow, &kept);
        }
        flows += 1;
        shown += u64::from(flow.outcome.is_shown());
        let Some(handshake) = handshake(&flow) else { return };
        let Ok(key) =
            serde_json::to_string(&CapturedHandshake { first_packet: 0, filter: String::new(), ..handshake.clone() })
        else {
            return;
        };
        let is_full = kinds.len() >= MAX_KINDS;
        match kinds.get_mut(&key) {
            Some(known) => known.count += 1,
            None if is_full => more += 1,
            None => {
                kinds.insert(key, handshake);
            }
        }
    })?;
    let mut missing = gaps(&capture);
    if shown == 0 {
        missing.push(unseen("TLS handshakes in the captures", Reason::Broken(nothing_shown(&capture, flows))));
    }
    if more > 0 {
        missing.push(unseen(
            &format!("{more} connections"),
            Reason::Broken(format!("of more than {MAX_KINDS} kinds in one capture")),
        ));
    }
    if capture.interrupted {
        missing.push(unseen("the end of the captures", Reason::Interrupted));
    }
    let mut handshakes: Vec<CapturedHandshake> = kinds.into_values().collect();
    handshakes.sort_by_key(|handshake| handshake.first_packet);
    Ok(Captured { handshakes, unseen: missing, packets_left_out: capture.limits.packets_not_written })
}

/// Returns what of the files could not be read, each with the reason.
fn gaps(capture: &Capture) -> Vec<Unseen> {
    let mut missing = Vec::new();
    let mut add = |what: String, why: String| missing.push(unseen(&what, Reason::Broken(why)));
    for file in &capture.files {
        if let Some(damage) = &file.damage {
            let state = if damage.cut { "cut" } else { "damaged" };
            let (offset, packets) = (damage.offset, count(damage.packets, "packet"));
            let why = format!("{state} at byte {offset}: {}; {packets} read before", damage.what);
            add(format!("the rest of {}", file.name), why);
        }
        if file.misplaced > 0 {
            let packets = count(file.misplaced, "packet");
            let why = format!("{packets} behind later ones; connections that this concerns are not judged");
            add(format!("the order of {}", file.name), why);
        }
    }
    for (what, packets) in &capture.unread {
        add(what.clone(), format!("not read, {}", count(*packets, "packet")));
    }
    for (number, what, why) in [
        (capture.limits.flows_evicted, "connection", "too many were open at the same time to follow them to their end"),
        (capture.limits.segments_dropped, "segment", "they came out of order when too many others waited"),
    ] {
        if number > 0 {
            add(count(number, what), why.to_owned());
        }
    }
    missing
}

fn nothing_shown(capture: &Capture, flows: u64) -> String {
    match (flows, capture.traffic.quic_flows) {
        (0, 0) => "the captures hold no TCP connection".to_owned(),
        (0, quic) => {
            format!("the captures hold no TCP connection; {} of QUIC are not read", count(quic, "connection"))
        }
        (1, _) => "the only TCP connection shows no TLS handshake from its beginning to its end".to_owned(),
        (flows, _) => {
            format!("none of the {flows} TCP connections shows a TLS handshake from its beginning to its end")
        }
    }
}

/// Describes a connection that shows something of TLS, or of which the capture lacks what would show it.
fn handshake(flow: &Flow) -> Option<CapturedHandshake> {
    let is_of_interest = flow.outcome.is_shown()
        || matches!(
            flow.outcome,
            Outcome::ClientNotCaptured | Outcome::ClientBeginningNotCaptured | Outcome::ClientCut
        );
    let hello = flow.hello.as_ref();
    if hello.is_none() && !is_of_interest {
        return None;
    }
    let texts = |list: &[Cow<'static, str>]| list.iter().map(|text| text.clone().into_owned()).collect();
    Some(CapturedHandshake {
        client: flow.client.ip().to_canonical(),
        server: std::net::SocketAddr::new(flow.server.ip().to_canonical(), flow.server.port()),
        count: 1,
        first_packet: flow.first_packet.number,
        filter: flow.filter.clone(),
        is_whole: hello
            .is_some_and(|hello| hello.state == HelloState::Whole && hello.server_name != ServerName::Encrypted),
        server_name: hello.and_then(|hello| match &hello.server_name {
            ServerName::Sent(name) | ServerName::Address(name) => Some(name.to_ascii_lowercase()),
            ServerName::Encrypted | ServerName::None | ServerName::Unknown => None,
        }),
        versions: hello.map(|hello| texts(&hello.versions)).unwrap_or_default(),
        suites: hello.map(|hello| texts(&hello.suites)).unwrap_or_default(),
        chosen: flow
            .answer
            .as_ref()
            .map(|answer| (answer.version.clone().into_owned(), answer.suite.clone().into_owned())),
        certificates: described(&flow.certificates),
        certificate_request: flow.certificate_request.clone(),
        client_list: match &flow.client_certificate {
            ClientChain::NotSeen => ClientList::NotSeen,
            ClientChain::Empty => ClientList::Empty,
            ClientChain::Sent(list) => ClientList::Sent(described(list)),
        },
        outcome: outcome(flow),
    })
}

/// Returns how a connection ended. A client that waits in vain ends it by itself: a Message Processor does so
/// after 55 seconds.
fn outcome(flow: &Flow) -> Outcome {
    let waited = flow.ended_at.duration_since(flow.started_at);
    match flow.outcome {
        Outcome::Reset { by: Party::Client, stage: Stage::ClientHello }
        | Outcome::Closed { by: Party::Client, stage: Stage::ClientHello }
            if waited >= PATIENCE =>
        {
            Outcome::Silent { acknowledged: true }
        }
        other => other,
    }
}

fn described(list: &[CapturedCertificate]) -> Vec<Certificate> {
    list.iter().take(MAX_CERTIFICATES).filter_map(|one| one.certificate.clone()).collect()
}
