//! AT510: the server requests a client certificate, and refuses no client that it should serve.

use crate::checks::facts::probed::{self, Ending, Fault};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientCertificate, Handshake};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT510"),
    name: "client-certificate-asked",
    level: Level::Notice,
    summary: "The server requests a client certificate",
    explanation: Explanation {
        looks_for: "A CertificateRequest in a handshake that succeeded without a client certificate. Also \
            one in a handshake that ended for lack of a certificate, if the ApigeeRoute has tls.mode MUTUAL.",
        matters: "Clients need, or may send, a certificate of a CA that the server trusts. A client fails if \
            it has none, or one of another CA.",
        fix: "If this is intended, do nothing. Give the clients certificates of the CAs in cacert of the \
            route's Secret.",
    },
    reference: "RFC 8446 §4.3.2 (CertificateRequest); Apigee hybrid \"Configuring TLS and mTLS on the \
        ingress\", tlsMode MUTUAL",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut faults = Vec::new();
    for probe in probed::requested(probes) {
        let demanded = match probed::ending_of(probes, probe) {
            Ending::Served if probes.question.client_certificate.is_none() => false,
            Ending::CertificateDemanded if probed::is_declared_mutual(evidence, probe.1) => true,
            _ => continue,
        };
        let observed = match &probe.1.client_certificate {
            ClientCertificate::Requested(_) => "a CertificateRequest",
            _ if demanded => "an alert that requires it",
            _ => continue,
        };
        faults.push(Fault {
            probe,
            what: format!("{}{}", what(demanded, probe.1), probed::requested_cas(probe.1)),
            observed: observed.into(),
            expected: "the same, if clients have certificates".into(),
        });
    }
    probed::judgement(probes, probed::by_host(faults), "no client certificate is requested")
}

fn what(demanded: bool, handshake: &Handshake) -> &'static str {
    if demanded {
        "a client certificate is required, as the ApigeeRoute declares (MUTUAL)"
    } else if handshake.undecided {
        "a client certificate is requested; whether it is required is unknown, because the server did not answer in time"
    } else {
        "a client certificate is requested, and the handshake succeeds without one"
    }
}
