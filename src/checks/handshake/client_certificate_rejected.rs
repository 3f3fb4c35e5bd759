//! AT511: the server does not accept the client certificate that was offered.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientCertificate, Failure, Handshake, How};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT511"),
    name: "client-certificate-rejected",
    level: Level::Error,
    summary: "The server rejects the client certificate that was offered",
    explanation: Explanation {
        looks_for: "With --cert: after a CertificateRequest, the server ended the handshake with an alert \
            about certificates (42 to 49, 51, 80, 116), with handshake_failure (40), or by closing.",
        matters: "The client has a certificate and still fails. Possible causes: it is expired, its CA is \
            not trusted by the server, it is not for client use, or its intermediates were not sent. TLS \
            libraries use different codes, so the alert hints at the cause but does not prove it.",
        fix: "Compare the issuer of the certificate with the CAs that the server lists. Check its dates and \
            extendedKeyUsage clientAuth, and send the intermediates too. At the gateway, check cacert of the \
            route's Secret (AT410 to AT413).",
    },
    reference: "RFC 8446 §6.2; RFC 5246 §7.2.2",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let file = probes.question.client_certificate.as_deref().unwrap_or("none");
    let faults: Vec<Fault<'_>> = probed::ended(probes, Ending::CertificateRejected)
        .map(|(probe, failure)| Fault {
            probe,
            what: format!("the client certificate {file} is rejected, {failure}{}", hint(probe.1, failure)),
            observed: failure.to_string(),
            expected: expected(probe.1),
        })
        .collect();
    if faults.is_empty() && probes.question.client_certificate.is_some() {
        probed::certificates_decided(probes)?;
    }
    probed::judgement(probes, probed::by_host(faults), "no client certificate that was offered is rejected")
}

/// Explains the alert codes on whose meaning most TLS libraries agree.
fn hint(handshake: &Handshake, failure: &Failure) -> &'static str {
    match &failure.how {
        How::Alert { number: 45, .. } => "; the server considers it expired",
        How::Alert { number: 48, .. } => "; the server does not know its CA",
        How::Alert { number: 43, .. } => "; it is not for client use, or the server does not support its type",
        How::Alert { number: 116, .. } | How::Alert { number: 40, .. }
            if matches!(handshake.client_certificate, ClientCertificate::Requested(_)) =>
        {
            "; the server saw none, as happens if its CA is not among those that the server lists"
        }
        _ => "",
    }
}

fn expected(handshake: &Handshake) -> String {
    match &handshake.client_certificate {
        ClientCertificate::Requested(Some(names)) if !names.is_empty() => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("a certificate of {}", crate::checks::facts::some_of(&names))
        }
        _ => "a certificate issued by a CA of the server".into(),
    }
}
