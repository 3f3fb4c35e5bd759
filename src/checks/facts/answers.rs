//! Handshakes compared: whether two peers say the same to the same hello.

use std::collections::BTreeMap;

use super::probed::{self, Ending, Fault, Said};
use super::{chain, pods};
use crate::evidence::certificate::Certificate;
use crate::evidence::handshake::{ClientHelloKind, EndpointOrigin, Handshake, How, Probes};
use crate::evidence::{Evidence, Seen};

/// What tells answers apart. A reset and an end of the stream are one, because a port-forward turns the first into the
/// second.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Answer {
    ending: Ending,
    /// Of endings that have no kind of their own.
    alert: Option<u8>,
    /// Fingerprint of the leaf.
    leaf: Option<String>,
}

/// The answer to this hello.
pub(crate) fn of(probes: &Probes, said: Said<'_>) -> Answer {
    let ending = probed::ending_of(probes, said);
    let alert = match said.1.failure.as_ref().map(|failure| &failure.how) {
        Some(How::Alert { number, .. }) if ending == Ending::Broken => Some(*number),
        _ => None,
    };
    Answer { ending, alert, leaf: said.1.certificates.first().map(|leaf| leaf.fingerprint.clone()) }
}

/// The connection came about, so that there is an answer at all.
pub(crate) fn is_answer(probes: &Probes, said: Said<'_>) -> bool {
    !matches!(probed::ending_of(probes, said), Ending::Lost | Ending::Unreachable)
}

/// The answer in words: `serves CN=api.example.com (1a2b3c4d)`.
pub(crate) fn words(handshake: &Handshake) -> String {
    let leaf = handshake.certificates.first();
    match (&handshake.failure, leaf) {
        (None, Some(leaf)) => format!("serves {}", called(leaf)),
        (None, None) => "a handshake without a certificate".into(),
        (Some(failure), None) => failure.to_string(),
        (Some(failure), Some(leaf)) => format!("serves {}, then {failure}", called(leaf)),
    }
}

fn called(leaf: &Certificate) -> String {
    format!("{} ({})", chain::subject(leaf), probed::short(&leaf.fingerprint))
}

/// Both sent the same: any unknown name is as good as another.
pub(crate) fn is_same_hello(one: &Handshake, other: &Handshake) -> bool {
    one.kind == other.kind && (one.kind == ClientHelloKind::Unknown || one.server_name == other.server_name)
}

/// One after the other, each group of the same hello.
pub(crate) fn by_hello<'a>(all: impl Iterator<Item = Said<'a>>) -> Vec<Vec<Said<'a>>> {
    let mut groups: Vec<Vec<Said<'a>>> = Vec::new();
    for said in all {
        match groups.iter_mut().find(|group| is_same_hello(group[0].1, said.1)) {
            Some(group) => group.push(said),
            None => groups.push(vec![said]),
        }
    }
    groups
}

/// The answers, each with those who gave it: the most common first, then in the order of the evidence.
pub(crate) fn by_answer<'a>(probes: &Probes, all: &[Said<'a>]) -> Vec<Vec<Said<'a>>> {
    by(all, |said| of(probes, said))
}

/// The same by how it ended, whatever certificate came before.
pub(crate) fn by_end<'a>(probes: &Probes, all: &[Said<'a>]) -> Vec<Vec<Said<'a>>> {
    by(all, |said| Answer { leaf: None, ..of(probes, said) })
}

fn by<'a>(all: &[Said<'a>], answer: impl Fn(Said<'a>) -> Answer) -> Vec<Vec<Said<'a>>> {
    let mut groups: Vec<(Answer, Vec<Said<'a>>)> = Vec::new();
    for said in all {
        let answer = answer(*said);
        match groups.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, group)) => group.push(*said),
            None => groups.push((answer, vec![*said])),
        }
    }
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The same hello at several pods of one gateway, as far as they gave an answer.
pub(crate) fn between_pods<'a>(evidence: &Evidence, probes: &'a Probes) -> Vec<Vec<Said<'a>>> {
    let mut gateways: BTreeMap<BTreeMap<String, String>, Vec<Said<'a>>> = BTreeMap::new();
    for said in probed::all(probes).filter(|said| is_answer(probes, *said)) {
        if let EndpointOrigin::Pod { pod } = &said.0.place {
            gateways.entry(labels(evidence, pod)).or_default().push(said);
        }
    }
    let same_hellos = gateways.into_values().flat_map(|gateway| by_hello(gateway.into_iter()));
    same_hellos.filter(|same| same.iter().any(|(endpoint, _)| endpoint.place != same[0].0.place)).collect()
}

/// The handshakes whose answer others outnumber.
pub(crate) fn outnumbered<'a>(answers: &[Vec<Said<'a>>]) -> Vec<Fault<'a>> {
    let Some((most, others)) = answers.split_first() else { return Vec::new() };
    let usual = words(most[0].1);
    let by = probed::names(most.iter().map(|(endpoint, _)| endpoint.name()));
    let fault = |said: &Said<'a>| Fault {
        said: *said,
        what: format!("answers differently from {by}: here {}, there {usual}", words(said.1)),
        observed: words(said.1),
        expected: usual.clone(),
    };
    others.iter().flatten().map(fault).collect()
}

/// What tells gateways apart; all pods are of one where they were not seen.
fn labels(evidence: &Evidence, pod: &str) -> BTreeMap<String, String> {
    match &evidence.pods {
        Seen::Seen(pods) => pods
            .iter()
            .find(|known| known.name == pod)
            .map_or_else(BTreeMap::new, |known| pods::known_labels(&known.labels)),
        Seen::Unavailable(_) => BTreeMap::new(),
    }
}
