//! AT407: a certificate in a Secret expires within 14 days.

use crate::checks::facts::{chain, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT407"),
    name: "stored-certificate-expiring",
    level: Level::Warning,
    summary: "A certificate in a TLS Secret expires within 14 days",
    explanation: Explanation {
        looks_for: "notAfter of the leaf and of the intermediates on its path, in each Secret that a route \
            names: in the future, and at most 14 days away. Apigee's own ApigeeIssue uses the same limit.",
        matters: "On that date every client of these routes begins to fail.",
        fix: "Write the new certificate with its intermediates, and its key, to the files of the virtual \
            host (sslCertPath, sslKeyPath). Then run helm upgrade. AT414 shows whether the gateway has \
            loaded the new certificate.",
    },
    reference: "Apigee playbook \"Ingress certificate expiry\": an ApigeeIssue is raised 14 days before",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    stored::judge(
        evidence,
        "no certificate in the Secrets that routes name expires within 14 days",
        stored::NO_CERTIFICATE,
        |secret| {
            if secret.content.certificates.is_empty() {
                return Ok(None);
            }
            let wrong = chain::dated(&secret.content.certificates)
                .filter_map(|(_, certificate)| chain::expiring(certificate, at));
            Ok(Some(wrong.map(|wrong| secret.finding(secret.certificate_entry(), wrong)).collect()))
        },
    )
}
