//! What was tried beside a handshake, to tell the causes of its failure apart.

use super::refusal::passed_hello;
use crate::evidence::edge::{Edge, LegHandshake, Purpose};

/// The other handshakes of the same client with the same server.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    /// With the other choice of `server_name`.
    pub(super) other: Option<&'a LegHandshake>,
    /// The same ClientHello in another connection, which the server accepted.
    pub(super) again: Option<&'a LegHandshake>,
    /// With versions and suites that the server accepts.
    pub(super) accepted: Option<&'a LegHandshake>,
    /// Without the PROXY header, which the server accepted.
    pub(super) bare: Option<&'a LegHandshake>,
}

impl<'a> Beside<'a> {
    pub(super) fn of(edge: &'a Edge, made: &LegHandshake) -> Self {
        let all = || edge.handshakes.iter().filter(|other| is_of_same(other, made) && !std::ptr::eq(*other, made));
        let name = |one: &LegHandshake| one.handshake.server_name.is_some();
        let of_purpose = |purpose: Purpose| move |other: &&LegHandshake| other.purpose == purpose;
        let passed = |other: &&LegHandshake| passed_hello(&other.handshake);
        let alike = || all().filter(|other| name(other) == name(made));
        Self {
            other: all().filter(of_purpose(Purpose::OtherSni)).find(|other| name(other) != name(made)),
            again: alike().filter(of_purpose(made.purpose)).find(passed),
            accepted: alike().find(of_purpose(Purpose::AsAccepted)),
            bare: alike().filter(of_purpose(Purpose::WithoutProxyHeader)).find(passed),
        }
    }

    /// The handshakes that show what the server presents to the client in question, if `made` does not.
    pub(super) fn presenting(self, made: &LegHandshake) -> Option<&'a LegHandshake> {
        let has_list = |other: &&LegHandshake| !other.handshake.certificates.is_empty();
        if has_list(&made) {
            return None;
        }
        // To a client that sends another name, or none, a server may present another certificate.
        let named = self.other.filter(|other| other.handshake.server_name.is_some());
        self.accepted.into_iter().chain(named).chain(self.again).find(has_list)
    }
}

fn is_of_same(other: &LegHandshake, made: &LegHandshake) -> bool {
    (&other.object, &other.endpoint, &other.host, other.address, other.profile)
        == (&made.object, &made.endpoint, &made.host, made.address, made.profile)
}
