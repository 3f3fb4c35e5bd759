//! AT518: the server sends its certificate without the intermediate that clients need.

use crate::checks::facts::probed::{self, Fault};
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Step};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT518"),
    name: "served-chain-incomplete",
    level: Level::Error,
    step: Step::Probe,
    summary: "The server does not send the intermediate certificate",
    explanation: Explanation {
        looks_for: "A leaf that is not self-signed, whose issuer is not among the certificates sent, and that does not verify \
            for want of the issuer (OpenSSL's codes 2, 20, 21). Where it is not known which authorities clients trust, it \
            is found only if the certificate itself says where its issuer's certificate can be had.",
        matters: "Clients that have not met the intermediate before fail: unable to verify the first certificate, PKIX path \
            building failed. Browsers fetch it and hide the fault; Java, curl and most API clients do not.",
        fix: "Put leaf and intermediates, in this order, into the certificate file of the virtual host (sslCertPath), and run \
            helm upgrade.",
    },
    reference: "RFC 8446 §4.4.2: only the root may be left out; OpenSSL's verification codes with one certificate sent",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut faults = Vec::new();
    let mut unknown = None;
    for probe in served::to_clients(probes) {
        let verified = probe.1.verification.as_ref().is_none_or(|verification| !chain::lacks_issuer(verification));
        let (false, Some(leaf)) = (verified, chain::leaf_without_issuer(&probe.1.certificates)) else { continue };
        // If a private root signed the leaf, nothing is missing; only this machine does not trust that root.
        if leaf.issuer_urls.is_empty() && !probed::trust_is_known(probes, probe.0) {
            unknown = Some(leaf);
            continue;
        }
        faults.push(Fault {
            probe,
            what: format!(
                "the certificate of {} is not sent, which signed {}{}",
                leaf.issuer,
                chain::subject(leaf),
                chain::issuer_url(leaf)
            ),
            observed: match probe.1.certificates.len() {
                1 => "one certificate, the leaf alone".into(),
                number => format!("{number} certificates, none of which signed the leaf"),
            },
            expected: "the leaf and every intermediate".into(),
        });
    }
    if let (true, Some(leaf)) = (faults.is_empty(), unknown) {
        return Err(chain::unknown_root(leaf));
    }
    served::settle(probes, faults, "every leaf that is served comes with its issuer, or is trusted without")
}
