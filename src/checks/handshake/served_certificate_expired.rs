//! AT514: a served certificate has expired.

use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT514"),
    name: "served-certificate-expired",
    level: Level::Error,
    step: Step::Probe,
    summary: "A certificate that is served has expired",
    explanation: Explanation {
        looks_for: "notAfter of the leaf and of the intermediates on its path, in the handshakes asked for and where clients \
            without a server name get another certificate, against the time of this run. A root that is sent along is not \
            judged: clients have their own.",
        matters: "Clients end the handshake: Java by certificate_expired (45) or, in TLS 1.3, certificate_unknown (46); \
            others with certificate has expired.",
        fix: "Put the new certificate into the Secret of the route (sslCertPath and sslKeyPath, helm upgrade of the virtual \
            host). If the Secret holds it already, see AT414.",
    },
    reference: "RFC 5280 §4.1.2.5 and §6.1.3; Apigee playbook \"Ingress certificate expiry\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.collected_at;
    served::judge_dates(evidence, "no certificate that is served has expired", |certificate| {
        chain::expired(certificate, at)
    })
}
