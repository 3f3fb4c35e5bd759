//! AT405: a certificate in a Secret has expired.

use crate::checks::facts::{chain, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT405"),
    name: "stored-certificate-expired",
    level: Level::Warning,
    summary: "A certificate in a TLS Secret has expired",
    explanation: Explanation {
        looks_for: "notAfter of the leaf and of the intermediates on its path, in each Secret that a route \
            names, compared with the time of this run. A root in the Secret is not checked, because clients \
            use their own.",
        matters: "The gateway serves the certificate in the Secret. Clients end the handshake with the alert \
            certificate_expired (45) or certificate_unknown (46). Apigee raises the ApigeeIssue \
            AIS_INGRESS_CERT_EXPIREY for this fault.",
        fix: "Write the new certificate with its intermediates, and its key, to the files of the virtual \
            host (sslCertPath, sslKeyPath). Then run helm upgrade. AT414 shows whether the gateway has \
            loaded the new certificate.",
    },
    reference: "RFC 5280 §4.1.2.5 and §6.1.3; Apigee playbook \"Ingress certificate expiry\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    stored::judge(
        evidence,
        "no certificate in the Secrets that routes name has expired",
        stored::NO_CERTIFICATE,
        |secret| {
            if secret.content.certificates.is_empty() {
                return Ok(None);
            }
            let wrong = chain::dated(&secret.content.certificates)
                .filter_map(|(_, certificate)| chain::expired(certificate, at));
            Ok(Some(wrong.map(|wrong| secret.finding(secret.certificate_entry(), wrong)).collect()))
        },
    )
}
