//! AT517: the served certificate does not cover the name that the client requested.

use crate::checks::facts::probed::{self, Fault};
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, EndpointOrigin, Handshake};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT517"),
    name: "served-certificate-name-mismatch",
    level: Level::Error,
    summary: "The served certificate does not cover the requested name",
    explanation: Explanation {
        looks_for: "subjectAltName of the leaf, compared with the server name that was sent. Without SNI, it \
            is compared with the host or IP address on the command line. The common name is ignored, * \
            means one label, and an IP address needs an entry of that type.",
        matters: "Clients end the handshake: hostname mismatch, No subject alternative DNS name matching. \
            With a wildcard route, a name that no route declares gets the certificate of the wildcard route \
            instead of a reset.",
        fix: "Serve a certificate with that name in subjectAltName, or make the client use a name that the \
            certificate has.",
    },
    reference: "RFC 9525 §6; RFC 6125 before it",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut faults = Vec::new();
    let mut compared = 0;
    let mut unknown = None;
    for probe in served::to_clients(probes) {
        let (Some(host), Some(leaf)) = (requested_name(probe.0, probe.1), probe.1.certificates.first()) else {
            continue;
        };
        compared += 1;
        if leaf.covers(host) {
            continue;
        }
        if leaf.names_cut {
            unknown = Some(chain::unknown_names(leaf));
        } else {
            faults.push(Fault {
                probe,
                what: format!("the certificate {} does not cover {host}", chain::subject_and_serial(leaf)),
                observed: chain::names(leaf),
                expected: format!("{host} in subjectAltName"),
            });
        }
    }
    if compared == 0 {
        return served::nothing_to_judge(probes);
    }
    if let Some(unknown) = unknown.filter(|_| faults.is_empty()) {
        return Err(unknown);
    }
    probed::judgement(probes, probed::by_host(faults), "the served certificates cover the requested names")
}

/// Returns the name that the client compares with the certificate. At a pod or a Service, it is unknown which
/// host a client without SNI means.
fn requested_name<'a>(endpoint: &'a Endpoint, handshake: &'a Handshake) -> Option<&'a str> {
    match handshake.kind {
        ClientHelloKind::Named => handshake.server_name.as_deref(),
        ClientHelloKind::WithoutSni if endpoint.place == EndpointOrigin::Given => endpoint.host.as_deref(),
        ClientHelloKind::WithoutSni | ClientHelloKind::Unknown => None,
    }
}
