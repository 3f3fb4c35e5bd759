//! AT505: clients without SNI are refused where they should be served.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, EndpointOrigin, Failure, Probes};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT505"),
    name: "client-without-server-name-refused",
    level: Level::Error,
    summary: "A handshake without SNI is refused",
    explanation: Explanation {
        looks_for: "A handshake without SNI that a route declares or that was requested (--no-sni, an IP \
            address, --expect non-sni). The server ended it before any certificate by a reset, by closing, \
            or by the alert unrecognized_name (112) or handshake_failure (40).",
        matters: "Clients without SNI get no certificate, and a reset during the handshake. This run \
            reproduced the reset of the access log with a ClientHello, so plain HTTP is not the cause.",
        fix: "To accept clients without SNI, create a wildcard ApigeeRoute with enableNonSniClient, and list \
            it in additionalGateways of every environment group. Or make the clients send SNI.",
    },
    reference: "Apigee hybrid playbook \"Connection resets during TLS handshake\", step 3; \"Enable non-SNI \
        clients\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::ended(probes, Ending::WithoutSniRefused)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("a handshake without SNI is refused, {failure}{}", with_sni(probes, probe.0, failure)),
            observed: format!("{failure}{}", probed::resets_confirmed(evidence, probe.0)),
            expected: "a certificate for a handshake without SNI".into(),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "no client without SNI that should be served is refused")
}

/// Returns, as the end of a sentence, whether a handshake with SNI succeeds.
fn with_sni(probes: &Probes, endpoint: &Endpoint, failure: &Failure) -> String {
    let named = |ending| {
        probed::all(probes).find(|(other, handshake)| {
            probed::is_same_peer(other, endpoint)
                && handshake.kind == ClientHelloKind::Named
                && (probed::ending_of(probes, (other, handshake)) == ending)
        })
    };
    match (named(Ending::Served), named(Ending::ServerNameRefused)) {
        (Some((_, handshake)), _) => format!("; {} is served", probed::describe_sni(handshake)),
        (None, Some((_, handshake))) => format!("; so is {}", probed::describe_sni(handshake)),
        (None, None) if endpoint.place == EndpointOrigin::Given => {
            let reading = probed::proxy_protocol_reading(probes, failure);
            reading.map_or_else(String::new, |text| format!("; perhaps {text}"))
        }
        (None, None) => String::new(),
    }
}
