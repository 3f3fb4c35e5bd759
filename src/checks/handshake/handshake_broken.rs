//! AT513: the handshake fails in a way that has no check of its own.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{Failure, How, Stage};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT513"),
    name: "handshake-broken",
    level: Level::Error,
    summary: "The handshake fails in a way that does not identify the cause",
    explanation: Explanation {
        looks_for: "A requested handshake that failed after the ClientHello, and that no other check \
            reports: another alert, a reset or an end of the stream, bytes that violate TLS, or an error of \
            this program's own TLS library.",
        matters: "Clients that send the same ClientHello fail in the same way. The alert, its sender and its \
            time narrow down the cause. internal_error (80) is an internal error of the server. With \
            decode_error (50), illegal_parameter (47), missing_extension (109) or unsupported_extension \
            (110), the server does not accept this ClientHello.",
        fix: "Read the log of the server for that time. Probe again with another version (--tls-max \
            TLSv1.2): if that succeeds, the ClientHello is the cause.",
    },
    reference: "RFC 8446 §6; alert codes by stage",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::ended(probes, Ending::Broken)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("the handshake {} fails, {failure}{}", describe_sni(probe), hint(failure)),
            observed: failure.to_string(),
            expected: "a complete handshake".into(),
        })
        .collect();
    probed::judgement(probes, probed::by_host(faults), "no handshake failed in another way")
}

fn describe_sni(probe: probed::Probe<'_>) -> String {
    match probe.1.server_name {
        Some(_) => format!("with {}", probed::describe_sni(probe.1)),
        None => "without SNI".into(),
    }
}

fn hint(failure: &Failure) -> &'static str {
    match (&failure.how, failure.stage) {
        (How::Alert { number: 0, .. }, _) => "; old servers send this if they do not support the version",
        (How::Alert { number: 80, .. }, _) => "; the server has an internal error",
        (How::Alert { number: 47 | 50 | 109 | 110, .. }, Stage::ClientHello) => {
            "; the server does not accept this ClientHello"
        }
        _ => "",
    }
}
