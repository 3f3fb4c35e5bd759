//! AT506: client and server have no TLS version in common.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::facts::versions::TooOld;
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::handshake::{Endpoint, ProbeQuestion};
use crate::evidence::{Evidence, Seen};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT506"),
    name: "protocol-version-refused",
    level: Level::Error,
    summary: "Client and server have no TLS version in common",
    explanation: Explanation {
        looks_for: "The alert protocol_version (70) in answer to the ClientHello, or an error of this \
            program's own TLS library about the version. With --full, the finding lists the versions of the \
            server.",
        matters: "Clients that offer no other version fail, and leave no record in the access log of the \
            gateway.",
        fix: "If the server allows only older versions, raise or remove maxTLSProtocolVersion of the virtual host, \
            or let the client offer an older version. If it allows only newer versions, raise the TLS version of \
            the client. If old clients must be served, set minTLSProtocolVersion of the virtual host, and \
            cipherSuites that these clients support.",
    },
    reference: "RFC 8446 §6.2 (protocol_version); Apigee hybrid configuration property reference, \
        minTLSProtocolVersion",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let offered = offered(&probes.question);
    let allowed = TooOld::by_question(&probes.question)
        .map_or_else(String::new, |too_old| format!(", the server allows {}", too_old.accepted()));
    let faults = probed::ended(probes, Ending::VersionRefused)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("none of the offered TLS versions ({offered}) is accepted{allowed}: {failure}"),
            observed: failure.to_string(),
            expected: served_versions(probe.0)
                .map_or_else(|| "a common version".into(), |versions| format!("one of {versions}")),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "every handshake that got that far negotiated a TLS version")
}

fn offered(question: &ProbeQuestion) -> String {
    match (&question.min_version, &question.max_version) {
        (Some(min), Some(max)) if min == max => min.clone(),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} and later"),
        (None, Some(max)) => format!("{max} and earlier"),
        (None, None) => "all that this program knows".into(),
    }
}

/// Returns the versions that the scan found, if one was made.
fn served_versions(endpoint: &Endpoint) -> Option<String> {
    let Seen::Seen(scan) = &endpoint.scan else { return None };
    let versions: Vec<&str> = scan
        .versions
        .iter()
        .filter(|version| !version.suites.is_empty())
        .map(|version| version.version.as_str())
        .collect();
    (!versions.is_empty()).then(|| versions.join(", "))
}
