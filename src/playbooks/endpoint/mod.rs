//! The playbook of one TLS endpoint, as `probe` judges each target: by its handshakes alone, of all its
//! addresses.

use super::{Covers, Judges, Playbook, Step, StepKey, StepLines, StepSeen};
use crate::checks::{CheckResult, Level};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientHelloKind, Endpoint, Handshake};
use crate::verdict::ranking::direct;
use crate::verdict::{Verdict, VerdictKind, is_unknown};

pub(super) static PLAYBOOK: Playbook = Playbook {
    name: "endpoint",
    title: "TLS handshakes with an endpoint fail",
    steps: &[Step {
        key: StepKey::new("probe"),
        title: "Handshake probe",
        covers: &[Covers::Family("handshake")],
        see,
        names_source: false,
    }],
    judges: Judges::Target(conclude),
};

/// Returns the most severe finding, or, if none harms clients, which clients are served.
pub(super) fn conclude(evidence: &Evidence, judged: &[CheckResult]) -> Verdict {
    let found = judged.iter().filter(|result| !result.findings().is_empty());
    let harmful = found.max_by_key(|result| result.check.level).filter(|result| result.check.level >= Level::Warning);
    let kind = match harmful.map(|result| result.check.level) {
        Some(Level::Error) => VerdictKind::Cause,
        Some(_) => VerdictKind::AtRisk,
        None if judged.iter().any(is_unknown) => VerdictKind::Unknown,
        None => VerdictKind::Healthy,
    };
    let headline = match harmful.and_then(|result| result.findings().first()) {
        Some(finding) => finding.message.clone(),
        None => served(evidence),
    };
    Verdict { kind, headline, causes: harmful.map(direct).into_iter().collect(), next_measurement: None }
}

#[expect(clippy::unnecessary_wraps, reason = "steps have one shape")]
fn see(evidence: &Evidence) -> StepSeen {
    Ok(StepLines { seen: served(evidence), ..StepLines::default() })
}

/// Which clients the target serves, by its first address.
fn served(evidence: &Evidence) -> String {
    let endpoints: &[Endpoint] = evidence.probes.seen().map_or(&[], |probes| &probes.endpoints);
    let Some(first) = endpoints.first() else { return String::new() };
    let outcome = |handshake: Option<&Handshake>, who: &str| {
        handshake.map(|handshake| match &handshake.failure {
            None if handshake.undecided => {
                format!(
                    "whether {who} are served was not seen: the server asks for a client certificate and says no more"
                )
            }
            None => format!("{who} are served"),
            Some(failure) => format!("{who} are refused ({})", failure.label()),
        })
    };
    let clients = [
        outcome(first.handshake(ClientHelloKind::Named), "clients that send the server name"),
        outcome(first.handshake(ClientHelloKind::WithoutSni), "clients that send none"),
        outcome(first.handshake(ClientHelloKind::Unknown), "those that send another"),
    ];
    let mut sentence = clients.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if let Some(letter) = sentence.get(..1).map(str::to_uppercase) {
        sentence.replace_range(..1, &letter);
    }
    sentence
}
