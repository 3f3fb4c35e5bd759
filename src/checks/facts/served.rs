//! What the checks of served certificates have in common: which handshakes count, and when trust can be judged.

use super::chain::{self, WHICH_AUTHORITIES, Wrong};
use super::probed::{self, Fault, Said};
use crate::checks::{Finding, Judgement, Outcome};
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::{ClientHelloKind, Probes, Trust};
use crate::evidence::{Evidence, Reason, Unavailable};

/// Handshakes asked for in which a certificate came, however they ended.
pub(crate) fn to_clients(probes: &Probes) -> impl Iterator<Item = Said<'_>> {
    probed::asked(probes).filter(|(_, handshake)| !handshake.certificates.is_empty())
}

/// Judges dates: of the handshakes asked for, and of what a client without a server name gets, where it is another
/// certificate. What an unknown name gets harms no client of ours.
pub(crate) fn judge_dates(evidence: &Evidence, seen: &str, wrong: impl Fn(&Certificate) -> Option<Wrong>) -> Judgement {
    let probes = evidence.probes.seen()?;
    let compared = probed::all(probes).filter(|(endpoint, handshake)| {
        !handshake.requested
            && handshake.kind == ClientHelloKind::WithoutSni
            && gets_another(probes, (endpoint, handshake))
    });
    let mut faults = Vec::new();
    for said in to_clients(probes).chain(compared) {
        for (_, certificate) in chain::dated(&said.1.certificates) {
            let Some(wrong) = wrong(certificate) else { continue };
            let to = if said.1.requested { "" } else { "what clients without a server name get: " };
            faults.push(Fault {
                said,
                what: format!("{to}{}", wrong.what),
                observed: wrong.observed,
                expected: wrong.expected,
            });
        }
    }
    settle(probes, faults, seen)
}

fn gets_another(probes: &Probes, (endpoint, handshake): Said<'_>) -> bool {
    let Some(leaf) = handshake.certificates.first() else { return false };
    !to_clients(probes).any(|(other, asked)| {
        probed::is_same_peer(other, endpoint) && asked.certificates[0].fingerprint == leaf.fingerprint
    })
}

/// Judges by the authorities, where it is known which count. What an untrusted certificate means for clients of the
/// cluster cannot be told from the authorities of this machine.
pub(crate) fn judge_trust<'a>(
    probes: &'a Probes,
    seen: &str,
    fault: impl Fn(Said<'a>) -> Option<Fault<'a>>,
) -> Judgement {
    let (known, untold): (Vec<_>, Vec<_>) =
        to_clients(probes).partition(|(endpoint, _)| probed::trust_is_known(probes, endpoint));
    let faults: Vec<Fault<'_>> = known.into_iter().filter_map(&fault).collect();
    if faults.is_empty() && untold.into_iter().any(|said| fault(said).is_some()) {
        return Err(untold_trust());
    }
    if faults.is_empty() {
        all_verified(probes)?;
    }
    settle(probes, faults, seen)
}

/// Nothing, where every certificate that can be judged was verified. There may be no authorities to verify one with.
pub(crate) fn all_verified(probes: &Probes) -> Result<(), Unavailable> {
    let judged = |(endpoint, _): &Said<'_>| probed::trust_is_known(probes, endpoint);
    match to_clients(probes).filter(judged).find(|(_, handshake)| handshake.verification.is_none()) {
        Some((endpoint, _)) => Err(Unavailable::new(
            format!("whether the certificate that {} serves is trusted", endpoint.name()),
            Reason::Missing("this machine has no authorities to verify it with".into()),
        )),
        None => Ok(()),
    }
}

/// The handshakes in which a certificate came of which nobody can say whether clients trust it.
pub(crate) fn with_untold_trust(probes: &Probes) -> impl Iterator<Item = Said<'_>> {
    to_clients(probes).filter(|(endpoint, _)| !probed::trust_is_known(probes, endpoint))
}

/// Which authorities the clients have was not said.
pub(crate) fn untold_trust() -> Unavailable {
    Unavailable::new(
        "whether clients trust the certificates that are served",
        Reason::NotRequested(WHICH_AUTHORITIES.into()),
    )
}

/// Whose authorities a certificate was verified with.
pub(crate) fn expected_trust(probes: &Probes) -> String {
    match &probes.question.trust {
        Trust::File(file) => format!("an authority of {file}"),
        Trust::System => "an authority of this machine".into(),
    }
}

/// One finding for each certificate; nothing to judge where none was served.
pub(crate) fn settle(probes: &Probes, faults: Vec<Fault<'_>>, seen: &str) -> Judgement {
    let findings: Vec<Finding> = probed::by_sentence(faults);
    if findings.is_empty() && to_clients(probes).next().is_none() {
        return nothing_to_judge(probes);
    }
    probed::settle(probes, findings, seen)
}

/// No certificate came, or none that can be compared.
pub(crate) fn nothing_to_judge(probes: &Probes) -> Judgement {
    probed::whole(probes)?;
    Ok(Outcome::NotApplicable("no certificate was served".into()))
}
