//! Compares the answers of different endpoints to the same ClientHello.

use std::collections::BTreeMap;

use super::probed::{self, Ending, Fault, Probe};
use super::{chain, pods};
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Handshake, How, Probes};
use crate::evidence::{Evidence, Seen};

/// The parts of an answer that are compared. A TCP reset and an end of stream count as equal, because a
/// port-forward turns the former into the latter.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Answer {
    ending: Ending,
    /// Alert number, only for [`Ending::Broken`].
    alert: Option<u8>,
    /// Fingerprint of the leaf certificate.
    leaf: Option<String>,
}

/// Returns the answer of the endpoint in this handshake.
pub(crate) fn of(probes: &Probes, probe: Probe<'_>) -> Answer {
    let ending = probed::ending_of(probes, probe);
    let alert = match probe.1.failure.as_ref().map(|failure| &failure.how) {
        Some(How::Alert { number, .. }) if ending == Ending::Broken => Some(*number),
        _ => None,
    };
    Answer { ending, alert, leaf: probe.1.certificates.first().map(|leaf| leaf.fingerprint.clone()) }
}

/// The connection came about, so that there is an answer at all.
pub(crate) fn is_answer(probes: &Probes, said: Probe<'_>) -> bool {
    !matches!(probed::ending_of(probes, said), Ending::Lost | Ending::Unreachable)
}

/// Describes the answer: `serves CN=api.example.com (1a2b3c4d)`.
pub(crate) fn describe(handshake: &Handshake) -> String {
    let leaf = handshake.certificates.first();
    match (&handshake.failure, leaf) {
        (None, Some(leaf)) => format!("serves {}", subject_and_fingerprint(leaf)),
        (None, None) => "a handshake without a certificate".into(),
        (Some(failure), None) => failure.to_string(),
        (Some(failure), Some(leaf)) => format!("serves {}, then {failure}", subject_and_fingerprint(leaf)),
    }
}

fn subject_and_fingerprint(leaf: &Certificate) -> String {
    format!("{} ({})", chain::subject(leaf), probed::short_fingerprint(&leaf.fingerprint))
}

/// Returns whether both handshakes sent the same SNI. All unknown names count as equal.
pub(crate) fn is_same_client_hello(one: &Handshake, other: &Handshake) -> bool {
    one.kind == other.kind && (one.kind == ClientHelloKind::Unknown || one.server_name == other.server_name)
}

/// Groups handshakes that sent the same ClientHello.
pub(crate) fn by_client_hello<'a>(all: impl Iterator<Item = Probe<'a>>) -> Vec<Vec<Probe<'a>>> {
    let mut groups: Vec<Vec<Probe<'a>>> = Vec::new();
    for probe in all {
        match groups.iter_mut().find(|group| is_same_client_hello(group[0].1, probe.1)) {
            Some(group) => group.push(probe),
            None => groups.push(vec![probe]),
        }
    }
    groups
}

/// Groups handshakes with the same answer: the most common answer first, then in the order of the evidence.
pub(crate) fn by_answer<'a>(probes: &Probes, all: &[Probe<'a>]) -> Vec<Vec<Probe<'a>>> {
    by(all, |probe| of(probes, probe))
}

/// Groups handshakes like [`by_answer`], but ignores which certificate was served.
pub(crate) fn by_end<'a>(probes: &Probes, all: &[Probe<'a>]) -> Vec<Vec<Probe<'a>>> {
    by(all, |probe| Answer { leaf: None, ..of(probes, probe) })
}

fn by<'a>(all: &[Probe<'a>], answer: impl Fn(Probe<'a>) -> Answer) -> Vec<Vec<Probe<'a>>> {
    let mut groups: Vec<(Answer, Vec<Probe<'a>>)> = Vec::new();
    for probe in all {
        let answer = answer(*probe);
        match groups.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, group)) => group.push(*probe),
            None => groups.push((answer, vec![*probe])),
        }
    }
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Returns groups of answered handshakes that sent the same ClientHello to at least two pods of one gateway.
pub(crate) fn between_pods<'a>(evidence: &Evidence, probes: &'a Probes) -> Vec<Vec<Probe<'a>>> {
    let mut gateways: BTreeMap<BTreeMap<String, String>, Vec<Probe<'a>>> = BTreeMap::new();
    for probe in probed::all(probes).filter(|probe| is_answer(probes, *probe)) {
        if let EndpointOrigin::Pod { pod } = &probe.0.place {
            gateways.entry(labels(evidence, pod)).or_default().push(probe);
        }
    }
    let same_hellos = gateways.into_values().flat_map(|gateway| by_client_hello(gateway.into_iter()));
    same_hellos.filter(|same| same.iter().any(|(endpoint, _)| endpoint.place != same[0].0.place)).collect()
}

/// Returns a fault for each handshake whose answer is not the most common one.
pub(crate) fn outnumbered<'a>(answers: &[Vec<Probe<'a>>]) -> Vec<Fault<'a>> {
    let Some((most, others)) = answers.split_first() else { return Vec::new() };
    let usual = describe(most[0].1);
    let by = probed::names(most.iter().map(|(endpoint, _)| endpoint.name()));
    let fault = |probe: &Probe<'a>| Fault {
        probe: *probe,
        what: format!("answers differently from {by}: here {}, there {usual}", describe(probe.1)),
        observed: describe(probe.1),
        expected: usual.clone(),
    };
    others.iter().flatten().map(fault).collect()
}

/// Labels that identify the gateway of a pod. If the pods were not seen, all count as one gateway.
fn labels(evidence: &Evidence, pod: &str) -> BTreeMap<String, String> {
    match &evidence.pods {
        Seen::Seen(pods) => pods
            .iter()
            .find(|known| known.name == pod)
            .map_or_else(BTreeMap::new, |known| pods::known_labels(&known.labels)),
        Seen::Unavailable(_) => BTreeMap::new(),
    }
}
