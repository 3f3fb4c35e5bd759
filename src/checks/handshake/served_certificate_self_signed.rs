//! AT521: the served certificate is self-signed and not trusted.

use crate::checks::facts::probed::Fault;
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT521"),
    name: "served-certificate-self-signed",
    level: Level::Error,
    step: Step::Probe,
    summary: "The certificate that is served is self-signed and not trusted",
    explanation: Explanation {
        looks_for: "A leaf that its own key signed and that is not among the authorities of --ca-file or, for what the \
            command line names, of this machine (OpenSSL's code 18).",
        matters: "Every client that was not given this very certificate ends the handshake.",
        fix: "Serve a certificate of an authority that clients trust; for a test, give them this one as authority.",
    },
    reference: "RFC 5280 §6.1; OpenSSL's verification code 18",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    served::judge_trust(probes, "no certificate that is served is self-signed and untrusted", |probe| {
        let verification = probe.1.verification.as_ref().filter(|verification| verification.code == 18)?;
        let leaf = probe.1.certificates.first()?;
        Some(Fault {
            probe,
            what: format!("the certificate {} is self-signed, and not trusted", chain::subject_and_serial(leaf)),
            observed: format!("{} (OpenSSL's code {})", verification.message, verification.code),
            expected: served::expected_trust(probes),
        })
    })
}
