//! AT520: the served certificates do not lead to a trusted CA, or do not verify for another reason.
//!
//! AT518 reports a missing intermediate, AT521 a self-signed leaf.

use crate::checks::facts::probed::Fault;
use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Outcome};
use crate::evidence::Evidence;
use crate::evidence::certificate::path;
use crate::evidence::handshake::{Handshake, Verification};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT520"),
    name: "served-chain-untrusted",
    level: Level::Error,
    summary: "The served certificates lead to no trusted CA, or do not verify",
    explanation: Explanation {
        looks_for: "OpenSSL's verification of the list that the server sent, with the CAs of --ca-file. For \
            endpoints named on the command line, the CAs of this machine are used by default. It fails \
            because the issuer of the last certificate is unknown (2, 20), or because the server sent an \
            untrusted root (19). Other reasons are a wrong purpose or a broken signature.",
        matters: "Clients that trust the same CAs end the handshake with unknown_ca (48) or \
            certificate_unknown (46). Clients that have the CA in their own truststore do not.",
        fix: "Add the root of the CA to the truststore of the clients, or serve a certificate of a CA that \
            they trust.",
    },
    reference: "RFC 5280 §6.1; OpenSSL's verification codes with two and more certificates sent",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let judged = served::judge_trust(probes, "the served certificates lead to a trusted CA", |probe| {
        let verification =
            probe.1.verification.as_ref().filter(|verification| is_judged_here(verification, probe.1))?;
        let last = path(&probe.1.certificates).last().and_then(|i| probe.1.certificates.get(*i))?;
        let why = match verification.code {
            2 | 20 | 21 | 27 => format!("the issuer {} is not trusted", last.issuer),
            19 => format!("the root {} that the server sent is not trusted", chain::subject(last)),
            _ => format!("verification fails at position {}: {}", verification.depth + 1, verification.message),
        };
        let leaf = probe.1.certificates.first().map_or("", chain::subject);
        Some(Fault {
            probe,
            what: format!("{leaf} is not trusted: {why}"),
            observed: format!("{} (OpenSSL's code {})", verification.message, verification.code),
            expected: served::expected_trust(probes),
        })
    })?;
    match judged {
        // The CAs of this machine do not decide what clients trust, even if they verify the certificate.
        Outcome::Passed(_) if served::with_unknown_trust(probes).next().is_some() => Err(served::unknown_trust()),
        judged => Ok(judged),
    }
}

fn is_judged_here(verification: &Verification, handshake: &Handshake) -> bool {
    match verification.code {
        0 | 18 => false,
        2 | 20 | 21 => chain::leaf_without_issuer(&handshake.certificates).is_none(),
        _ => true,
    }
}
