//! AT406: a certificate in a Secret is not valid yet.

use crate::checks::facts::{chain, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT406"),
    name: "stored-certificate-not-yet-valid",
    level: Level::Warning,
    summary: "A certificate in a TLS Secret is not valid yet",
    explanation: Explanation {
        looks_for: "notBefore of the leaf and of the intermediates on its path, in each Secret that a route \
            names, compared with the time of this run.",
        matters: "The gateway serves the certificate in the Secret, and clients end the handshake until that \
            date. If the date is only minutes away, a clock is wrong: that of the machine that issued the \
            certificate, or that of this machine.",
        fix: "Compare the clocks. If they are correct, write the certificate that is valid now to the files \
            of the virtual host, and run helm upgrade.",
    },
    reference: "RFC 5280 §4.1.2.5 and §6.1.3",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    stored::judge(
        evidence,
        "every certificate in the Secrets that routes name is already valid",
        stored::NO_CERTIFICATE,
        |secret| {
            if secret.content.certificates.is_empty() {
                return Ok(None);
            }
            let wrong = chain::dated(&secret.content.certificates)
                .filter_map(|(_, certificate)| chain::not_yet_valid(certificate, at));
            Ok(Some(wrong.map(|wrong| secret.finding(secret.certificate_entry(), wrong)).collect()))
        },
    )
}
