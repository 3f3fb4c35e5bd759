//! AT518: the server sends its certificate without the intermediate that clients need.

use crate::checks::facts::chain::Issuer;
use crate::checks::facts::probed::{self, Fault, Probe};
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT518"),
    name: "served-chain-incomplete",
    level: Level::Error,
    summary: "The server does not send the intermediate certificate",
    explanation: Explanation {
        looks_for: "A leaf that is not self-signed, and whose issuer is not among the certificates sent. It \
            does not verify because the issuer is missing (OpenSSL's codes 2, 20, 21), and the issuer is an \
            intermediate: the certificate contains a download URL for it, the trusted CAs have one of the \
            same organization, or another server of this run sends it. If none of these is so, a private \
            root may have signed the leaf, so that nothing is missing; AT520 reports that.",
        matters: "Clients that do not already have the intermediate fail: unable to verify the first \
            certificate, PKIX path building failed. Browsers download it and hide the fault. Java, curl and \
            most API clients do not.",
        fix: "Write the leaf and then the intermediates to the certificate file of the virtual host \
            (sslCertPath). Then run helm upgrade.",
    },
    reference: "RFC 8446 §4.4.2: only the root may be left out; OpenSSL's verification codes with one \
        certificate sent",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut faults = Vec::new();
    let mut unknown = None;
    for probe in served::to_clients(probes) {
        let lacking = probe.1.verification.as_ref().filter(|verification| verification.lacks_issuer());
        let (Some(lacking), Some(leaf)) = (lacking, chain::leaf_without_issuer(&probe.1.certificates)) else {
            continue;
        };
        // If a private root signed the leaf, nothing is missing; clients may trust that root.
        if chain::issuer(evidence, leaf, &lacking.related) != Issuer::Intermediate {
            if !probed::trust_is_known(probes, probe.0) {
                unknown = Some(leaf);
            }
            continue;
        }
        faults.push(Fault {
            probe,
            what: format!(
                "the certificate of {}, which signed {}, is not sent{}",
                leaf.issuer,
                chain::subject(leaf),
                chain::issuer_url(leaf)
            ),
            observed: match probe.1.certificates.len() {
                1 => "only the leaf".into(),
                number => format!("{number} certificates, none of which signed the leaf"),
            },
            expected: "the leaf and every intermediate".into(),
        });
    }
    if let (true, Some(leaf)) = (faults.is_empty(), unknown) {
        return Err(chain::unknown_root(leaf));
    }
    let is_alone = |(_, handshake): &Probe<'_>| chain::leaf_without_issuer(&handshake.certificates).is_some();
    if faults.is_empty() && served::to_clients(probes).any(|said| is_alone(&said)) {
        served::all_verified(probes)?;
    }
    served::settle(probes, faults, "no leaf is served without an intermediate that it needs")
}
