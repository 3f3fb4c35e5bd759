//! AT520: the served certificates do not lead to a trusted CA, or do not verify for another reason.
//!
//! AT518 reports an intermediate that is known to be missing, AT521 a self-signed leaf.

use crate::checks::facts::chain::Issuer;
use crate::checks::facts::probed::Fault;
use crate::checks::facts::{self, chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level, Outcome};
use crate::evidence::Evidence;
use crate::evidence::certificate::{Certificate, path};
use crate::evidence::handshake::{Handshake, Verification};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT520"),
    name: "served-chain-untrusted",
    level: Level::Error,
    summary: "The served certificates lead to no trusted CA, or do not verify",
    explanation: Explanation {
        looks_for: "OpenSSL's verification of the list that the server sent, with the CAs of --ca-file. For \
            endpoints named on the command line, the CAs of this machine are used by default. It fails \
            because the issuer of the last certificate is unknown (2, 20): a CA that is not trusted, or an \
            intermediate that was not sent. Or because the server sent an \
            untrusted root (19). Other reasons are a wrong purpose or a broken signature.",
        matters: "Clients that trust the same CAs end the handshake with unknown_ca (48) or \
            certificate_unknown (46). Clients that have the CA in their own truststore do not.",
        fix: "Find out what the unknown issuer is: download its certificate, or look it up in the list of its \
            CA. If it is an intermediate, add it to the certificate file (sslCertPath) and run helm upgrade. \
            If it is a root, add it to the truststore of the clients, or serve a certificate of a CA that \
            they trust.",
    },
    reference: "RFC 5280 §6.1; OpenSSL's verification codes with two and more certificates sent",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let judged = served::judge_trust(probes, "the served certificates lead to a trusted CA", |probe| {
        let verification =
            probe.1.verification.as_ref().filter(|verification| is_judged_here(evidence, verification, probe.1))?;
        let last = path(&probe.1.certificates).last().and_then(|i| probe.1.certificates.get(*i))?;
        let is_root = || chain::issuer(evidence, last, &verification.related) == Issuer::Root;
        let why = match verification.code {
            2 | 20 | 21 if is_root() => format!(
                "its issuer {} is a root, which is not among the trusted CAs. No certificate is missing: clients must \
                 have this root in their truststore",
                last.issuer
            ),
            2 | 20 | 21 => both_readings(last, verification),
            27 => format!("the issuer {} is not trusted", last.issuer),
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

/// The issuer of the last certificate was not sent: it may be a CA that clients do not trust, or an
/// intermediate below one that they trust. Verification cannot tell the two apart.
fn both_readings(last: &Certificate, verification: &Verification) -> String {
    let related = match verification.related.as_slice() {
        [] => String::new(),
        [one] => format!("; the trusted CAs have {one} of the same organization, which may have signed it"),
        several => {
            let names: Vec<&str> = several.iter().map(String::as_str).collect();
            format!(
                "; the trusted CAs have {} of the same organization, which may have signed it",
                facts::some_of(&names)
            )
        }
    };
    let how = match last.issuer_urls.first() {
        Some(url) => format!("its certificate, which can be downloaded from {url}, names its own issuer"),
        None => "the list of certificates that its CA publishes tells which".to_owned(),
    };
    format!(
        "its issuer {issuer} was not sent and is not trusted. Either {issuer} is a CA, such as a private root, that \
         clients must trust, or an intermediate is missing between {} and a trusted root: {how}{related}",
        chain::subject(last),
        issuer = last.issuer,
    )
}

fn is_judged_here(evidence: &Evidence, verification: &Verification, handshake: &Handshake) -> bool {
    match verification.code {
        0 | 18 => false,
        2 | 20 | 21 => chain::leaf_without_issuer(&handshake.certificates)
            .is_none_or(|leaf| chain::issuer(evidence, leaf, &verification.related) != Issuer::Intermediate),
        _ => true,
    }
}
