//! Facts shared by the checks of served certificates: which handshakes count, and when trust can be judged.

use super::chain::{self, CA_FILE_HINT, Deviation};
use super::probed::{self, Fault, Probe};
use crate::checks::{Finding, Judgement, Outcome};
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::{ClientHelloKind, Probes, Trust};
use crate::evidence::{Evidence, Reason, Unavailable};

/// Returns the requested handshakes in which the server sent a certificate, however they ended.
pub(crate) fn to_clients(probes: &Probes) -> impl Iterator<Item = Probe<'_>> {
    probed::requested(probes).filter(|(_, handshake)| !handshake.certificates.is_empty())
}

/// Judges dates in the requested handshakes, and in those without SNI that got a different certificate.
/// Certificates for unknown names are not judged, because no expected client gets them.
pub(crate) fn judge_dates(
    evidence: &Evidence,
    seen: &str,
    wrong: impl Fn(&Certificate) -> Option<Deviation>,
) -> Judgement {
    let probes = evidence.probes.seen()?;
    let compared = probed::all(probes).filter(|(endpoint, handshake)| {
        !handshake.requested
            && handshake.kind == ClientHelloKind::WithoutSni
            && gets_other_certificate(probes, (endpoint, handshake))
    });
    let mut faults = Vec::new();
    for probe in to_clients(probes).chain(compared) {
        for (_, certificate) in chain::dated(&probe.1.certificates) {
            let Some(wrong) = wrong(certificate) else { continue };
            let to = if probe.1.requested { "" } else { "served without SNI: " };
            faults.push(Fault {
                probe,
                what: format!("{to}{}", wrong.what),
                observed: wrong.observed,
                expected: wrong.expected,
            });
        }
    }
    settle(probes, faults, seen)
}

fn gets_other_certificate(probes: &Probes, (endpoint, handshake): Probe<'_>) -> bool {
    let Some(leaf) = handshake.certificates.first() else { return false };
    !to_clients(probes).any(|(other, asked)| {
        probed::is_same_peer(other, endpoint) && asked.certificates[0].fingerprint == leaf.fingerprint
    })
}

/// Judges trust where the trusted CAs of the clients are known. The CAs of this machine do not decide what
/// clients of the cluster trust.
pub(crate) fn judge_trust<'a>(
    probes: &'a Probes,
    seen: &str,
    fault: impl Fn(Probe<'a>) -> Option<Fault<'a>>,
) -> Judgement {
    let (known, unknown): (Vec<_>, Vec<_>) =
        to_clients(probes).partition(|(endpoint, _)| probed::trust_is_known(probes, endpoint));
    let faults: Vec<Fault<'_>> = known.into_iter().filter_map(&fault).collect();
    if faults.is_empty() && unknown.into_iter().any(|probe| fault(probe).is_some()) {
        return Err(unknown_trust());
    }
    if faults.is_empty() {
        all_verified(probes)?;
    }
    settle(probes, faults, seen)
}

/// Nothing, where every certificate that can be judged was verified. There may be no authorities to verify
/// one with.
pub(crate) fn all_verified(probes: &Probes) -> Result<(), Unavailable> {
    let judged = |(endpoint, _): &Probe<'_>| probed::trust_is_known(probes, endpoint);
    match to_clients(probes).filter(judged).find(|(_, handshake)| handshake.verification.is_none()) {
        Some((endpoint, _)) => Err(Unavailable::new(
            format!("whether the certificate that {} serves is trusted", endpoint.name()),
            Reason::Missing("this machine has no authorities to verify it with".into()),
        )),
        None => Ok(()),
    }
}

/// The handshakes in which a certificate came of which nobody can say whether clients trust it.
pub(crate) fn with_unknown_trust(probes: &Probes) -> impl Iterator<Item = Probe<'_>> {
    to_clients(probes).filter(|(endpoint, _)| !probed::trust_is_known(probes, endpoint))
}

/// The trusted CAs of the clients are unknown.
pub(crate) fn unknown_trust() -> Unavailable {
    Unavailable::new("whether clients trust the served certificates", Reason::NotRequested(CA_FILE_HINT.into()))
}

/// Names the CAs that certificates were verified with.
pub(crate) fn expected_trust(probes: &Probes) -> String {
    match &probes.question.trust {
        Trust::File(file) => format!("a CA of {file}"),
        Trust::System => "a CA that this machine trusts".into(),
    }
}

/// Returns one finding per distinct message, or not applicable if no certificate was served.
pub(crate) fn settle(probes: &Probes, faults: Vec<Fault<'_>>, seen: &str) -> Judgement {
    let findings: Vec<Finding> = probed::by_sentence(faults);
    if findings.is_empty() && to_clients(probes).next().is_none() {
        return nothing_to_judge(probes);
    }
    probed::judgement(probes, findings, seen)
}

/// Returns not applicable: no certificate was served, or none that can be compared.
pub(crate) fn nothing_to_judge(probes: &Probes) -> Judgement {
    probed::all_probed(probes)?;
    Ok(Outcome::NotApplicable("no certificate was served".into()))
}
