//! Whether the access logs are live: the marker probe sends each gateway a server name that nobody uses, and
//! its log must contain that name.

use super::logs;
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Handshake};
use crate::evidence::{AccessLog, Evidence, LogOrigin, Seen};

/// A log that was read to its end after the marker probe, and in which its record is expected.
pub(crate) struct ExpectedMarker<'a> {
    pub(crate) origin: &'a LogOrigin,
    pub(crate) log: &'a AccessLog,
    pub(crate) handshake: &'a Handshake,
    /// Whether the log contains the record.
    pub(crate) is_logged: bool,
}

/// Returns the logs that must contain a record of the marker probe. Logs that were cut or limited to their
/// first bytes are left out, because they prove nothing.
pub(crate) fn expected(evidence: &Evidence) -> Vec<ExpectedMarker<'_>> {
    let Seen::Seen(probes) = &evidence.probes else { return Vec::new() };
    if evidence.question.log_limits().limit_bytes.is_some() {
        return Vec::new();
    }
    let mut markers = Vec::new();
    for endpoint in &probes.endpoints {
        let EndpointOrigin::Pod { pod } = &endpoint.place else { continue };
        let Some(handshake) = endpoint.handshake(ClientHelloKind::Unknown) else { continue };
        // The gateway logs requests and connections that match no filter chain. Any other end, such as an
        // alert about versions, leaves no record.
        if !(handshake.succeeded() || handshake.was_refused()) {
            continue;
        }
        for stream in logs::streams(evidence) {
            let LogOrigin::Container { pod: of, container } = &stream.origin else { continue };
            let is_gateway = container == logs::GATEWAY_CONTAINER || is_alone(evidence, of);
            let (true, true, Seen::Seen(log), None) = (of == pod, is_gateway, &stream.log, &stream.cut) else {
                continue;
            };
            let is_logged = log.own.names.contains_key(&probes.question.unknown_name);
            markers.push(ExpectedMarker { origin: &stream.origin, log, handshake, is_logged });
        }
    }
    markers
}

fn is_alone(evidence: &Evidence, pod: &str) -> bool {
    let Seen::Seen(pods) = &evidence.pods else { return false };
    pods.iter().any(|known| known.name == pod && known.containers.len() == 1)
}
