//! AT521: the served certificate is self-signed and not trusted.

use crate::checks::facts::probed::Fault;
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT521"),
    name: "served-certificate-self-signed",
    level: Level::Error,
    summary: "The served certificate is self-signed and not trusted",
    explanation: Explanation {
        looks_for: "A leaf that is signed with its own key and is not among the CAs of --ca-file (OpenSSL's \
            code 18). For endpoints named on the command line, the CAs of this machine are used by default.",
        matters: "Every client without this certificate in its truststore ends the handshake.",
        fix: "Serve a certificate of a CA that clients trust. For a test, add this certificate to their \
            truststore.",
    },
    reference: "RFC 5280 §6.1; OpenSSL's verification code 18",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    served::judge_trust(probes, "no served certificate is self-signed and untrusted", |probe| {
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
