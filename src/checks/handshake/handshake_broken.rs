//! AT513: the handshake fails in a way that has no check of its own.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{Failure, How, ProbeQuestion, Stage, is_legacy_version};

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
            time narrow down the cause. With internal_error (80) the server reports a fault of its own, also for a \
            version that it does not serve. With \
            decode_error (50), illegal_parameter (47), missing_extension (109) or unsupported_extension \
            (110), the server does not accept this ClientHello.",
        fix: "Read the log of the server for that time. Probe again with another version (--tls-max \
            TLSv1.2, or another --client): if that succeeds, the ClientHello is the cause.",
    },
    reference: "RFC 8446 §6; alert codes by stage",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let faults = probed::ended(probes, Ending::Broken)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("the handshake {} fails, {failure}{}", describe_sni(probe), hint(&probes.question, failure)),
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

fn hint(question: &ProbeQuestion, failure: &Failure) -> &'static str {
    let is_old_alone = question.max_version.as_deref().is_some_and(is_legacy_version);
    match (&failure.how, failure.stage) {
        (How::Alert { number: 0, .. }, _) => "; old servers send this if they do not support the version",
        // Source: OpenSSL sends it where its security level leaves no signature algorithm for TLS 1.0 and
        // 1.1.
        (How::Alert { number: 80, .. }, Stage::ClientHello) if is_old_alone => {
            if question.client.is_some() {
                "; the server may not serve these TLS versions: compare with a newer --client"
            } else {
                "; the server may not serve these TLS versions: compare with --tls-max 1.2"
            }
        }
        (How::Alert { number: 80, .. }, _) => "; the server reports an internal error, and its log may say which",
        (How::Alert { number: 47 | 50 | 109 | 110, .. }, Stage::ClientHello) => {
            "; the server does not accept this ClientHello"
        }
        _ => "",
    }
}
