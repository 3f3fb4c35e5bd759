//! AT507: the server accepts none of the offered cipher suites and groups.

use crate::checks::facts;
use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::handshake::{Endpoint, Probes};
use crate::evidence::{Evidence, Seen};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT507"),
    name: "cipher-suite-refused",
    level: Level::Error,
    summary: "The server accepts none of the offered cipher suites or groups",
    explanation: Explanation {
        looks_for: "The alert handshake_failure (40) or insufficient_security (71) in answer to the \
            ClientHello, before any certificate. Servers send one code for several causes: no common cipher \
            suite, no common group or signature algorithm, a refused server name, or no certificate of their \
            own yet.",
        matters: "Clients with the same offer fail, and leave no record in the access log of the gateway.",
        fix: "Offer a cipher suite of the server (--full lists them), or add one to cipherSuites of the \
            virtual host; that list replaces the default. To exclude the server name as the cause, compare \
            with another name.",
    },
    reference: "RFC 8446 §4.1.1 and §6.2 (handshake_failure, insufficient_security); Apigee hybrid \
        configuration property reference, cipherSuites",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::ended(probes, Ending::CipherRefused)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!(
                "{failure}: no common cipher suite or group, or the server refuses this ClientHello for another \
                 reason"
            ),
            observed: format!("{failure}, {}", offered(probes)),
            expected: expected(probe.0),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "every handshake that got that far negotiated a cipher suite")
}

fn offered(probes: &Probes) -> String {
    match &probes.question.ciphers {
        Some(ciphers) => format!("with --ciphers {ciphers}"),
        None => "with this program's default cipher suites".into(),
    }
}

fn expected(endpoint: &Endpoint) -> String {
    let Seen::Seen(scan) = &endpoint.scan else { return "a common cipher suite and group".into() };
    let suites: Vec<&str> = scan.versions.iter().flat_map(|version| &version.suites).map(String::as_str).collect();
    if suites.is_empty() {
        return "a common cipher suite and group; the scan found none".into();
    }
    format!("one of {}", facts::some_of(&suites))
}
