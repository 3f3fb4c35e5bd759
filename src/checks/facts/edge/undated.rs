//! Certificates that are used and have a date that cannot be read: whether they are valid is not known.

use super::list;
use super::model::EdgeCause;
use super::stores::resolve;
use crate::evidence::certificate::Certificate;
use crate::evidence::edge::{ClientList, Edge, Leg, TlsSettings};
use crate::evidence::{Reason, Unavailable};

/// Returns whether the dates of certificates decide on this cause.
pub(super) fn decides(cause: EdgeCause) -> bool {
    matches!(
        cause,
        EdgeCause::CertificateExpired
            | EdgeCause::CertificateNotYetValid
            | EdgeCause::CertificateExpiring
            | EdgeCause::ClientCertificateExpired
    )
}

/// Returns what cannot be read, once for each place. The entries of a truststore are not among them: Java
/// does not check the dates of an anchor.
pub(crate) fn undated(edge: &Edge) -> Vec<Unavailable> {
    let mut found: Vec<Unavailable> = Vec::new();
    let mut add = |place: &str, list: &[Certificate]| {
        for what in list::undated(list) {
            let why = Unavailable::new(place, Reason::Broken(what));
            if !found.contains(&why) {
                found.push(why);
            }
        }
    };
    let hosts = edge.virtual_hosts.values().filter_map(|host| host.tls.as_ref());
    let hosts = hosts.filter(|tls| tls.enabled && edge.question.judges(Leg::Northbound));
    let targets = edge.targets.iter().filter(|target| target.enabled && target.has_tls());
    let targets = targets.filter_map(|target| target.tls.as_ref());
    let targets = targets.filter(|tls| tls.client_auth && edge.question.judges(Leg::Southbound));
    for tls in hosts.chain(targets) {
        own(edge, tls, &mut add);
    }
    for made in &edge.handshakes {
        add(&format!("{} ({})", made.object, made.host), &made.handshake.certificates);
    }
    for captured in &edge.captured {
        add(&format!("the capture, packet {}", captured.first_packet), &captured.certificates);
        if let ClientList::Sent(list) = &captured.client_list {
            add(&format!("the capture, packet {}", captured.first_packet), list);
        }
    }
    add("--client-cert", &edge.client_certificates);
    add("--mp-cert", &edge.own_certificates);
    found
}

/// The entry that settings present.
fn own(edge: &Edge, tls: &TlsSettings, add: &mut impl FnMut(&str, &[Certificate])) {
    let (Some(store), Some(alias)) = (&tls.key_store, &tls.key_alias) else { return };
    let resolved = resolve(edge, store);
    let Some(entry) = resolved.alias(alias) else { return };
    add(&resolved.objects(Some(alias)).first().cloned().unwrap_or_default(), &entry.certificates);
}
