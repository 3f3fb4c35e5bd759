//! Decides whether the silence of a pod comes from its gateway.
//!
//! Through a port-forward, a silent end of the stream and a stream without bytes look the same, whether the
//! gateway or a hop before it causes them. Other results over the same transport distinguish them: another
//! response of the gateway, Envoy's admin interface, and whether Envoy's counters changed. If none of them
//! confirms the gateway, the handshake counts as lost in transit.

use crate::evidence::gateway::{Counters, Gateway};
use crate::evidence::handshake::{Endpoint, Failure, Handshake, How, Party, Stage};
use crate::evidence::{Reason, Seen};

/// Withdraws what the handshakes with one pod report of its gateway, if the transport may have caused it.
pub(in crate::gather) fn doubt(endpoints: &mut [Endpoint], port: u16, gateway: &Gateway) {
    let mut all = endpoints.iter().flat_map(|endpoint| &endpoint.handshakes);
    if all.any(has_spoken) {
        return;
    }
    let why = match counted(gateway, port) {
        Some(0) => "Envoy counted no connection meanwhile, so that none reached the gateway",
        None if !has_account(gateway) => {
            "nothing else came from this pod either, so that the port-forward may have done it"
        }
        _ => return,
    };
    for handshake in endpoints.iter_mut().flat_map(|endpoint| &mut endpoint.handshakes) {
        if let Some(failure) = handshake.failure.as_mut().filter(|failure| is_silence(failure)) {
            let how = How::Other(format!("{failure}; {why}"));
            *failure = Failure { stage: failure.stage, by: Party::Transport, how };
        }
    }
}

/// Whether the gateway responded, or the kubelet reported what the gateway's socket did.
fn has_spoken(handshake: &Handshake) -> bool {
    let is_reported = |failure: &Failure| !is_silence(failure) && failure.by == Party::Server;
    handshake.succeeded()
        || handshake.session.is_some()
        || !handshake.certificates.is_empty()
        || handshake.failure.as_ref().is_some_and(is_reported)
}

fn is_silence(failure: &Failure) -> bool {
    failure.stage >= Stage::ClientHello && matches!(failure.how, How::Closed | How::TimedOut { .. })
}

/// Whether Envoy's admin interface responded over the same transport, or its port was reported as closed.
fn has_account(gateway: &Gateway) -> bool {
    let answers = |counters: &Seen<Counters>| match counters {
        Seen::Seen(_) => true,
        Seen::Unavailable(why) => matches!(why.reason, Reason::Missing(_)),
    };
    answers(&gateway.before)
        || answers(&gateway.after)
        || gateway.listeners.seen().is_ok()
        || gateway.certificates.seen().is_ok()
}

/// Returns by how much the listener's counters grew meanwhile; absent without counters.
fn counted(gateway: &Gateway, port: u16) -> Option<u64> {
    let (before, after) = (gateway.before.seen().ok()?, gateway.after.seen().ok()?);
    let of_port = format!("_{port}.");
    let is_of_listener =
        |name: &str| name.starts_with("tls_inspector.") || name.starts_with("listener.") && name.contains(&of_port);
    let grown = after
        .values
        .iter()
        .filter(|(name, _)| is_of_listener(name))
        .map(|(name, is)| is.saturating_sub(before.values.get(name).copied().unwrap_or(0)));
    grown.reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use crate::evidence::Unavailable;
    use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Scan};

    const PORT: u16 = 8443;

    fn unseen<T>(reason: Reason) -> Seen<T> {
        Seen::Unavailable(Unavailable::new("x", reason))
    }

    fn counters(values: &[(&str, u64)]) -> Seen<Counters> {
        let values: BTreeMap<String, u64> = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Seen::Seen(Counters { at: Timestamp::UNIX_EPOCH, values })
    }

    fn gateway(before: Seen<Counters>, after: Seen<Counters>) -> Gateway {
        let gone = || Reason::TimedOut { milliseconds: 5000 };
        Gateway { pod: "gw".into(), listeners: unseen(gone()), certificates: unseen(gone()), before, after }
    }

    fn endpoint(failures: &[Failure]) -> Endpoint {
        let made = |failure: &Failure| Handshake {
            failure: Some(failure.clone()),
            ..Handshake::begun(ClientHelloKind::Named, None, true, Timestamp::UNIX_EPOCH)
        };
        Endpoint {
            place: EndpointOrigin::Pod { pod: "gw".into() },
            host: None,
            port: PORT,
            named_port: None,
            address: None,
            handshakes: failures.iter().map(made).collect(),
            scan: Seen::Seen(Scan::default()),
        }
    }

    fn are_lost(failures: &[Failure], gateway: &Gateway) -> Vec<bool> {
        let mut endpoints = [endpoint(failures)];
        doubt(&mut endpoints, PORT, gateway);
        endpoints[0].handshakes.iter().map(Handshake::was_lost).collect()
    }

    #[test]
    fn silence_is_the_gateways_if_something_else_used_the_transport() {
        let failure = |by, how| Failure { stage: Stage::ClientHello, by, how };
        let closed = failure(Party::Server, How::Closed);
        let stalled = failure(Party::Nobody, How::TimedOut { milliseconds: 5000 });
        let reset = failure(Party::Server, How::Reset);
        let gone = || unseen(Reason::Unreachable("gone".into()));
        let nothing = gateway(gone(), gone());
        assert_eq!(are_lost(&[closed.clone(), stalled.clone()], &nothing), [true, true]);
        assert_eq!(
            are_lost(&[closed.clone(), reset.clone()], &nothing),
            [false, false],
            "the kubelet reported a reset"
        );
        let told_closed = gateway(unseen(Reason::Missing("connection refused at port 15000".into())), gone());
        assert_eq!(are_lost(&[closed.clone(), stalled.clone()], &told_closed), [false, false]);

        let name = "listener.0.0.0.0_8443.no_filter_chain_match";
        let grew = gateway(counters(&[(name, 3)]), counters(&[(name, 4)]));
        assert_eq!(are_lost(&[closed.clone(), stalled.clone()], &grew), [false, false]);
        let still = gateway(counters(&[(name, 3)]), counters(&[(name, 3)]));
        assert_eq!(are_lost(&[closed.clone(), stalled], &still), [true, true]);
        let none = gateway(counters(&[]), counters(&[]));
        assert_eq!(are_lost(&[closed], &none), [false], "counters that are left out say nothing");
        assert_eq!(are_lost(&[reset], &still), [false]);
    }
}
