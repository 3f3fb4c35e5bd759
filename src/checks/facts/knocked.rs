//! Whether the access logs are alive: each gateway was greeted with a server name that nobody has, and must have written so.

use super::logs;
use crate::evidence::handshake::{Handshake, HelloKind, Place};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Seen};

/// A log that was read to its present end after its gateway had been greeted.
pub(crate) struct Knocked<'a> {
    pub(crate) origin: &'a LogOrigin,
    pub(crate) log: &'a AccessLog,
    pub(crate) handshake: &'a Handshake,
    /// The line is there.
    pub(crate) is_heard: bool,
}

/// The logs in which a line of this run must be. Those that were cut, or limited to their first bytes, say nothing.
pub(crate) fn expected(evidence: &Evidence) -> Vec<Knocked<'_>> {
    let Seen::Seen(probes) = &evidence.probes else { return Vec::new() };
    if evidence.question.log_limits().limit_bytes.is_some() {
        return Vec::new();
    }
    let mut knocked = Vec::new();
    for endpoint in &probes.endpoints {
        let Place::Pod { pod } = &endpoint.place else { continue };
        let Some(handshake) = endpoint.handshake(HelloKind::Unknown) else { continue };
        // Any other end, as an alert about versions, leaves no line: the gateway logs what found no filter chain, and requests.
        if !(handshake.succeeded() || handshake.was_refused()) {
            continue;
        }
        for stream in logs::streams(evidence) {
            let LogOrigin::Container { pod: of, container } = &stream.origin else { continue };
            let is_gateway = container == logs::GATEWAY_CONTAINER || is_alone(evidence, of);
            let (true, true, Seen::Seen(log), None) = (of == pod, is_gateway, &stream.log, &stream.cut) else {
                continue;
            };
            let is_heard = log.own.names.contains_key(&probes.question.unknown_name);
            knocked.push(Knocked { origin: &stream.origin, log, handshake, is_heard });
        }
    }
    knocked
}

fn is_alone(evidence: &Evidence, pod: &str) -> bool {
    let Seen::Seen(pods) = &evidence.pods else { return false };
    pods.iter().any(|known| known.name == pod && known.containers.len() == 1)
}
