//! AT409: a Secret contains the leaf without the intermediate that clients need.

use crate::checks::facts::chain::{self, Deviation, Issuer};
use crate::checks::facts::{probed, stored};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;
use crate::evidence::certificate::Certificate;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT409"),
    name: "stored-chain-incomplete",
    level: Level::Warning,
    summary: "A TLS Secret lacks the intermediate certificate",
    explanation: Explanation {
        looks_for: "A leaf that is not self-signed, whose issuer is not in the list, and that this machine \
            does not trust without the issuer. If a handshake got the same list and the CAs that clients \
            trust are known (--ca-file), these CAs decide instead. The fault is reported only if the issuer \
            is an intermediate: the certificate contains a download URL for it, or another list of this run \
            has it. If neither is so, a private root may have signed the leaf (AT520).",
        matters: "The gateway sends the certificates in the Secret. Clients that do not already have the \
            intermediate fail: unable to verify the first certificate, PKIX path building failed. Browsers \
            download it and hide the fault. Java, curl and most API clients do not.",
        fix: "Write the leaf and then the intermediates to the certificate file of the virtual host \
            (sslCertPath). Then run helm upgrade.",
    },
    reference: "RFC 8446 §4.4.2: only the root may be left out",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let right = "every leaf in the Secrets comes with its issuer, or is trusted without it";
    stored::judge(evidence, right, stored::NO_CERTIFICATE, |secret| {
        let list = &secret.content.certificates;
        if list.is_empty() {
            return Ok(None);
        }
        let Some(leaf) = chain::leaf_without_issuer(list) else { return Ok(Some(Vec::new())) };
        let verifies = verifies_for_clients(evidence, list);
        let verifies_here = secret.content.trusted_here == Some(true);
        if verifies.unwrap_or(verifies_here) {
            return Ok(Some(Vec::new()));
        }
        // If a private root signed the leaf, nothing is missing; clients may trust that root.
        match (chain::issuer(evidence, leaf, &[]), verifies) {
            (Issuer::Intermediate, _) => {}
            (Issuer::Root | Issuer::Unknown, None) => return Err(chain::unknown_root(leaf)),
            (Issuer::Root | Issuer::Unknown, Some(_)) => return Ok(Some(Vec::new())),
        }
        let wrong = Deviation {
            what: format!(
                "the certificate of {}, which signed {}, is missing{}",
                leaf.issuer,
                chain::subject(leaf),
                chain::issuer_url(leaf)
            ),
            observed: match list.len() {
                1 => "only the leaf".into(),
                number => format!("{number} certificates, none of which signed the leaf"),
            },
            expected: "the leaf and every intermediate".into(),
        };
        Ok(Some(vec![secret.finding(secret.certificate_entry(), wrong)]))
    })
}

/// Returns whether a handshake that got exactly this list found its issuer among the CAs that clients trust.
fn verifies_for_clients(evidence: &Evidence, list: &[Certificate]) -> Option<bool> {
    let probes = evidence.probes.seen().ok()?;
    let fingerprints = |list: &[Certificate]| list.iter().map(|one| one.fingerprint.clone()).collect::<Vec<String>>();
    let stored = fingerprints(list);
    probed::all(probes)
        .filter(|(endpoint, _)| probed::trust_is_known(probes, endpoint))
        .filter(|(_, handshake)| fingerprints(&handshake.certificates) == stored)
        .find_map(|(_, handshake)| handshake.verification.as_ref())
        .map(|verification| !verification.lacks_issuer())
}
