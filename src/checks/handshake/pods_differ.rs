//! AT524: pods of one gateway do not answer alike.

use std::collections::BTreeMap;

use crate::checks::probed::{self, Fault, Said};
use crate::checks::{Check, Explanation, Judgement, Level, Step, answers, facts};
use crate::evidence::handshake::Place;
use crate::evidence::{Evidence, Seen};

pub(super) const CHECK: Check = Check {
    code: "AT524",
    name: "pods-differ",
    level: Level::Error,
    step: Step::Probe,
    summary: "Ingress pods answer the same hello differently",
    explanation: Explanation {
        looks_for: "The same hello at pods with the same labels app, ingress_name and org: handshakes that ended differently, \
            or served different certificates. The pods that the others outnumber are named.",
        matters: "Clients fail now and then, by the pod that the load balancer chooses. One pod has an old certificate or an \
            old configuration.",
        fix: "Delete the odd pod, so that a new one takes its place; if that one is odd too, look at \
            apigee-ingressgateway-manager, which hands configuration and certificates to the pods.",
    },
    reference: "Istio: every pod of a gateway gets the same listeners and secrets from its control plane",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let probes = evidence.probes.seen()?;
    let mut gateways: BTreeMap<BTreeMap<String, String>, Vec<Said<'_>>> = BTreeMap::new();
    for said in probed::all(probes).filter(|said| answers::is_answer(probes, *said)) {
        if let Place::Pod { pod } = &said.0.place {
            gateways.entry(labels(evidence, pod)).or_default().push(said);
        }
    }
    let mut faults = Vec::new();
    for same_hello in gateways.into_values().flat_map(|gateway| answers::by_hello(gateway.into_iter())) {
        let answers = answers::by_answer(probes, &same_hello);
        let Some((most, others)) = answers.split_first() else { continue };
        let usual = answers::words(most[0].1);
        let by = probed::names(most.iter().map(|(endpoint, _)| endpoint.name()));
        faults.extend(others.iter().flatten().map(|said| Fault {
            said: *said,
            what: format!("answers differently from {by}: here {}, there {usual}", answers::words(said.1)),
            observed: answers::words(said.1),
            expected: usual.clone(),
        }));
    }
    probed::settle(probes, probed::by_sentence(faults), "the pods of a gateway answer alike")
}

/// What tells gateways apart; all pods are of one where they were not seen.
fn labels(evidence: &Evidence, pod: &str) -> BTreeMap<String, String> {
    match &evidence.pods {
        Seen::Seen(pods) => pods
            .iter()
            .find(|known| known.name == pod)
            .map_or_else(BTreeMap::new, |known| facts::known_labels(&known.labels)),
        Seen::Unavailable(_) => BTreeMap::new(),
    }
}
