//! AT514: a served certificate has expired.

use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT514"),
    name: "served-certificate-expired",
    level: Level::Error,
    summary: "A served certificate has expired",
    explanation: Explanation {
        looks_for: "notAfter of the leaf and of the intermediates on its path, compared with the time of \
            this run. Checked in the requested handshakes, and in handshakes without SNI that get another \
            certificate. A root that the server sends is not checked, because clients use their own.",
        matters: "Clients end the handshake. Java sends the alert certificate_expired (45) or, in TLS 1.3, \
            certificate_unknown (46); other clients report: certificate has expired.",
        fix: "Write the new certificate to the Secret of the route: set sslCertPath and sslKeyPath, and run \
            helm upgrade of the virtual host. If the Secret already contains it, see AT414.",
    },
    reference: "RFC 5280 §4.1.2.5 and §6.1.3; Apigee playbook \"Ingress certificate expiry\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    served::judge_dates(evidence, "no certificate that is served has expired", |certificate| {
        chain::expired(certificate, at)
    })
}
