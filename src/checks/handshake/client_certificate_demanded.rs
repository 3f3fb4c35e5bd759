//! AT509: the server ends the handshake because the client sent no certificate.
//!
//! If the route has TLS mode MUTUAL, this is correct, and AT510 reports it.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT509"),
    name: "client-certificate-demanded",
    level: Level::Error,
    summary: "The server requires a client certificate that nothing declares",
    explanation: Explanation {
        looks_for: "No client certificate was offered, and the server ended the handshake with \
            certificate_required (116). Or it ended it after a CertificateRequest with handshake_failure \
            (40) or bad_certificate (42), or by closing. Not reported if the ApigeeRoute of the name has \
            tls.mode MUTUAL.",
        matters: "Every client without a certificate fails. In TLS 1.3 the client believes that the \
            handshake is complete, and fails at its first read. The access log has no record of it.",
        fix: "Offer a client certificate that was issued by a CA of the server; `kubectl apigee-tls probe \
            HOST --cert FILE --key FILE` tries one. If clients need no certificate, set tlsMode SIMPLE in \
            the virtual host, or correct the setting of the load balancer in front.",
    },
    reference: "RFC 8446 §4.4.2.4 and §6.2 (certificate_required); RFC 5246 §7.4.6",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut as_declared = false;
    let mut faults = Vec::new();
    for (probe, failure) in probed::ended(probes, Ending::CertificateDemanded) {
        if probed::is_declared_mutual(evidence, probe.1) {
            as_declared = true;
            continue;
        }
        faults.push(Fault {
            probe,
            what: format!("a client certificate is required: {failure}{}", probed::requested_cas(probe.1)),
            observed: failure.to_string(),
            expected: "a handshake without a client certificate".into(),
        });
    }
    if faults.is_empty() && probes.question.client_certificate.is_none() {
        probed::certificates_decided(probes)?;
    }
    let seen = if as_declared {
        "client certificates are required only where an ApigeeRoute has mode MUTUAL"
    } else {
        "no handshake ended for lack of a client certificate"
    };
    probed::judgement(probes, probed::by_host(faults), seen)
}
